//! The guard in front of `lambda_http`, whose conversion panics on an event that does not form a valid URI.
//!
//! The query is percent-encoded, as a gateway would send it. An event with an invalid path, host, forwarded protocol or
//! Base64 body is refused with a 400. Everything else passes unchanged.

use super::problem::Problem;
use super::routes::Router;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use axum::http::{Uri, header};
use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Service};
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use std::fmt::{self, Debug, Write};
use std::task::{Context, Poll};
use url::Url;

/// Runs a function on AWS Lambda.
///
/// # Errors
/// The runtime API cannot be reached.
pub async fn run<F: Send + Sync + 'static>(router: Router<F>) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(guarded(router)).await
}

/// A function's service: the guard, `lambda_http`'s conversion, and the routes.
#[must_use]
pub fn guarded<F: Send + Sync + 'static>(
    router: Router<F>,
) -> Guard<Adapter<'static, axum::response::Response, Router<F>>> {
    Guard(Adapter::from(router))
}

/// Wraps a service that converts events with `lambda_http`.
#[derive(Clone)]
pub struct Guard<S>(S);

impl<S> Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// The answer to the gateway.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer<R> {
    /// The function's answer.
    Given(R),
    /// The guard's refusal.
    Refused(Box<ApiGatewayV2httpResponse>),
}

impl<S> Service<LambdaEvent<ApiGatewayV2httpRequest>> for Guard<S>
where
    S: Service<LambdaEvent<LambdaRequest>>,
    S::Future: Send + 'static,
{
    type Response = Answer<S::Response>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, event: LambdaEvent<ApiGatewayV2httpRequest>) -> Self::Future {
        let LambdaEvent { payload, context } = event;
        match convertible(payload) {
            Ok(event) => {
                let event = LambdaRequest::ApiGatewayV2(event);
                let answer = self.0.call(LambdaEvent::new(event, context));
                Box::pin(async { answer.await.map(Answer::Given) })
            }
            Err(problem) => {
                tracing::info!(
                    status = problem.status(),
                    code = problem.code.as_str(),
                    "refused"
                );
                Box::pin(async move { Ok(Answer::Refused(Box::new(refusal(&problem)))) })
            }
        }
    }
}

/// The event, in a form that `lambda_http` can convert.
fn convertible(mut event: ApiGatewayV2httpRequest) -> Result<ApiGatewayV2httpRequest, Problem> {
    event.raw_query_string = event.raw_query_string.as_deref().map(encoded);
    if event.is_base64_encoded {
        let body = event.body.as_deref().unwrap_or_default().as_bytes();
        // Decoding here also accepts several padded texts in a row, on which `lambda_http` panics. Encoding the bytes
        // again must give the same text.
        let decoded = BASE64.decode(body).ok();
        decoded
            .filter(|bytes| BASE64.encode(bytes).as_bytes() == body)
            .ok_or_else(|| Problem::malformed("the body is not Base64, as the event says"))?;
    }
    let rule = || Problem::malformed("the path, the host or the forwarded protocol is not valid");
    uri(&event).ok_or_else(rule)?;
    Ok(event)
}

/// The query, with every byte that is not allowed in a URI percent-encoded.
fn encoded(query: &str) -> String {
    let mut encoded = String::with_capacity(query.len());
    for byte in query.bytes() {
        if matches!(byte, 0x21 | 0x24..=0x3B | 0x3D | 0x3F..=0x7E) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Builds the URI of an event in the same way as `lambda_http`; `None` where `lambda_http` would panic.
fn uri(event: &ApiGatewayV2httpRequest) -> Option<Uri> {
    let path = event.raw_path.as_deref().unwrap_or_default();
    let stage = event.request_context.stage.as_deref();
    let path = match stage.filter(|stage| *stage != "$default") {
        Some(stage) if !path.starts_with(&format!("/{stage}/")) => format!("/{stage}{path}"),
        Some(_) | None => path.to_owned(),
    };
    let header = |name: &str| {
        event
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = header(header::HOST.as_str()).or(event.request_context.domain_name.as_deref());
    let mut uri = match host {
        None => Url::parse(&format!("http://localhost{path}"))
            .ok()?
            .path()
            .to_owned(),
        Some(host) => {
            let scheme = header("x-forwarded-proto").unwrap_or("https");
            Url::parse(&format!("{scheme}://{host}{path}")).ok()?.into()
        }
    };
    if let Some(query) = event
        .raw_query_string
        .as_deref()
        .filter(|query| !query.is_empty())
    {
        uri.push('?');
        uri.push_str(query);
    }
    uri.parse().ok()
}

/// A problem in the gateway's response format.
fn refusal(problem: &Problem) -> ApiGatewayV2httpResponse {
    let (status, headers, body) = problem.parts();
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.as_u16().into();
    response.headers = headers;
    response.body = Some(Body::Text(body));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_as_a_gateway_would() {
        for (raw, sent) in [
            ("limit=5&cursor=a%2Fb+c", "limit=5&cursor=a%2Fb+c"),
            ("a=ü&b= c", "a=%C3%BC&b=%20c"),
            (r#"a={"x"}#"#, "a={%22x%22}%23"),
            ("\u{0}\n\u{7f}", "%00%0A%7F"),
        ] {
            assert_eq!(encoded(raw), sent);
        }
    }
}
