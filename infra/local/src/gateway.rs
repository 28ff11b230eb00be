//! The HTTP API of this machine: it authorizes, matches a route of the template, makes the event that API Gateway
//! would (payload format 2.0), and invokes the function. Beside that it has the local routes of the design.

use super::clock::Clock;
use super::functions::{Functions, InvokeError};
use super::hosts::{self, OwnHosts};
use super::issuer::{Issuer, Person};
use super::sns::Sns;
use super::template::Route;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use site_credits::telemetry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest body that the HTTP API takes: API Gateway's quota.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// What the gateway is made of.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The routes of the template.
    pub routes: Arc<Vec<Route>>,
    /// The functions behind them.
    pub functions: Functions,
    /// Whose tokens are good.
    pub issuer: Arc<Issuer>,
    /// What time events carry.
    pub clock: Clock,
    /// The phone and the topic, whose messages are shown.
    pub sns: Sns,
    /// The hosts under which the server answers.
    pub own_hosts: OwnHosts,
}

impl Gateway {
    /// The server's router.
    pub fn router(self) -> Router {
        let own_hosts = self.own_hosts;
        let local = Router::new()
            .route("/2015-03-31/functions/{function}/invocations", post(invoke))
            .route("/_local/token", post(token))
            .route("/_local/clock", get(read_clock).put(freeze).delete(free))
            .route("/_local/messages", get(read_messages))
            .route_layer(from_fn_with_state(own_hosts, hosts::origin));
        Router::new()
            .merge(local)
            .route(
                "/.well-known/openid-configuration",
                get(async |State(g): State<Self>| Json(g.issuer.discovery())),
            )
            .route(
                "/.well-known/jwks.json",
                get(async |State(g): State<Self>| Json(g.issuer.keys())),
            )
            .fallback(any(api))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(from_fn_with_state(own_hosts, hosts::host))
            .with_state(self)
    }
}

/// A route of the HTTP API.
async fn api(State(gateway): State<Gateway>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let matched = gateway
        .routes
        .iter()
        .find_map(|route| Some((route, route.matches(method, path)?)));
    let Some((route, parameters)) = matched else {
        return no_route(&gateway.routes, path);
    };
    let claims = if route.open {
        Some(None)
    } else {
        let token = bearer(&parts.headers);
        let claims = token.and_then(|token| gateway.issuer.claims(token).ok());
        claims.map(Some)
    };
    let Some(claims) = claims else {
        let answer = message(StatusCode::UNAUTHORIZED, "Unauthorized");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response();
    };
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let call = Call {
        route,
        parameters,
        path,
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        claims,
        body: &body,
        now: gateway.clock.now(),
    };
    match gateway
        .functions
        .invoke(&route.function, call.event())
        .await
    {
        Ok(answer) => http_response(&answer),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a function failed"
            );
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

/// The answer where no route is of this method and path. API Gateway says 404 of both; here a wrong method is told.
fn no_route(routes: &[Route], path: &str) -> Response {
    let allowed = routes
        .iter()
        .filter(|route| route.matches(&route.method, path).is_some());
    let allowed: Vec<&str> = allowed.map(|route| route.method.as_str()).collect();
    if allowed.is_empty() {
        return message(StatusCode::NOT_FOUND, "Not Found");
    }
    let answer = message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    ([(header::ALLOW, allowed.join(", "))], answer).into_response()
}

/// What an event is made of.
#[derive(Debug)]
pub struct Call<'a> {
    /// The route that matched.
    pub route: &'a Route,
    /// The parameters of its path.
    pub parameters: BTreeMap<String, String>,
    /// The path.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The claims of the token; none where the route is open.
    pub claims: Option<BTreeMap<String, String>>,
    /// The body.
    pub body: &'a Bytes,
    /// The time of the request.
    pub now: Timestamp,
}

impl Call<'_> {
    /// The event that API Gateway would make of it.
    #[must_use]
    pub fn event(&self) -> Value {
        let Route {
            method, path: _, ..
        } = self.route;
        // Several headers of one name are joined by commas, as API Gateway does.
        let mut headers: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str())
                .and_modify(|values| *values = format!("{values},{value}"))
                .or_insert_with(|| value.into_owned());
        }
        // The token went as far as the authorizer.
        headers.remove("authorization");
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route.key(),
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": headers,
            "pathParameters": self.parameters,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "localhost",
                "domainPrefix": "localhost",
                "http": {
                    "method": method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "",
                },
                "requestId": uuid::Uuid::new_v4().to_string(),
                "routeKey": self.route.key(),
                "stage": "$default",
                "timeEpoch": self.now.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        if let Some(claims) = &self.claims {
            event["requestContext"]["authorizer"] =
                json!({ "jwt": { "claims": claims, "scopes": null } });
        }
        let query = decoded_query(self.query);
        if !query.is_empty() {
            event["queryStringParameters"] = json!(query);
        }
        match std::str::from_utf8(self.body) {
            Ok("") => {}
            Ok(text) => event["body"] = json!(text),
            Err(_) => {
                event["body"] = json!(BASE64.encode(self.body));
                event["isBase64Encoded"] = json!(true);
            }
        }
        event
    }
}

/// The query's parameters; of one that comes twice, the values joined by a comma, as API Gateway does.
fn decoded_query(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| *values = format!("{values},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The function's answer, as HTTP.
fn http_response(answer: &Value) -> Response {
    let status = answer["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(500);
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    let body = Body::from(answer["body"].as_str().unwrap_or_default().to_owned());
    response
        .body(body)
        .unwrap_or_else(|_| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "message": text }))).into_response()
}

/// Lambda's Invoke API: the event goes to the function as it is.
async fn invoke(
    State(gateway): State<Gateway>,
    Path(function): Path<String>,
    body: Bytes,
) -> Response {
    let Ok(event) = serde_json::from_slice(&body) else {
        let error = json!({ "Type": "User", "Message": "the event is no JSON" });
        return (
            StatusCode::BAD_REQUEST,
            [("x-amzn-errortype", "InvalidRequestContentException")],
            Json(error),
        )
            .into_response();
    };
    match gateway.functions.invoke(&function, event).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error @ InvokeError::NoFunction(_)) => {
            let error = json!({ "Type": "User", "Message": error.to_string() });
            (
                StatusCode::NOT_FOUND,
                [("x-amzn-errortype", "ResourceNotFoundException")],
                Json(error),
            )
                .into_response()
        }
        Err(error) => {
            let body = json!({ "errorType": "Error", "errorMessage": telemetry::causes(&error) });
            ([("x-amz-function-error", "Unhandled")], Json(body)).into_response()
        }
    }
}

async fn token(State(gateway): State<Gateway>, body: Bytes) -> Response {
    let person: Person = match serde_json::from_slice(&body) {
        Ok(person) => person,
        Err(error) => return message(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match gateway.issuer.token(&person) {
        Ok(token) => Json(token).into_response(),
        Err(error) => message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    now: Timestamp,
}

async fn freeze(State(gateway): State<Gateway>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(Frozen { now }) => {
            gateway.clock.set(Some(now));
            Json(json!({ "now": gateway.clock.now(), "frozen": true })).into_response()
        }
        Err(error) => message(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn free(State(gateway): State<Gateway>) -> Json<Value> {
    gateway.clock.set(None);
    Json(json!({ "now": gateway.clock.now(), "frozen": false }))
}

async fn read_clock(State(gateway): State<Gateway>) -> Json<Value> {
    Json(json!({ "now": gateway.clock.now(), "frozen": gateway.clock.frozen() }))
}

async fn read_messages(State(gateway): State<Gateway>) -> Json<Value> {
    Json(gateway.sns.messages())
}
