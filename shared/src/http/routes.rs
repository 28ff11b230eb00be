//! The routes of a function, and the service that hands each request to its handler.
//!
//! A request is dispatched by the gateway's `routeKey`, because a second router could disagree with the gateway about
//! dot segments, encoded slashes and the like. Handlers and extractors are axum's.

use super::body::Payload;
use super::describe::{Declare, Documented};
use super::problem::{Failure, Problem, ProblemCode};
use crate::commands::KnownAs;
use crate::domain::values::ids::{PersonId, SiteId};
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use lambda_http::request::RequestContext;
use lambda_http::{RequestExt, Service};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The header that names the request in every answer, as the log names it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type Call<F> = Box<dyn Fn(Request, Arc<F>) -> BoxFuture<'static, Response> + Send + Sync>;

/// The routes of a function, by the gateway's route keys.
pub struct Routes<F>(Vec<(&'static str, Call<F>)>);

impl<F: Send + Sync + 'static> Routes<F> {
    /// The service that answers requests by these routes, with `function` as the state of the handlers.
    #[must_use]
    pub fn with(self, function: F) -> Router<F> {
        Router {
            function: Arc::new(function),
            routes: Arc::new(self),
        }
    }
}

impl<F: Send + Sync + 'static> Declare<F> for Routes<F> {
    fn add<T, H>(mut self, key: &'static str, handler: H, _: &'static [ProblemCode]) -> Self
    where
        H: Handler<T, Arc<F>, Future: Send> + Documented<T> + Sync,
        T: 'static,
    {
        let call = move |request, function| -> BoxFuture<'static, Response> {
            Box::pin(handler.clone().call(request, function))
        };
        self.0.push((key, Box::new(call)));
        self
    }
}

impl<F> Default for Routes<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F> fmt::Debug for Routes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(key, _)| key))
            .finish()
    }
}

/// Dispatches requests to the handlers of a function. Clones share the function and its routes.
#[derive(Debug)]
pub struct Router<F> {
    function: Arc<F>,
    routes: Arc<Routes<F>>,
}

impl<F> Clone for Router<F> {
    fn clone(&self) -> Self {
        Self {
            function: Arc::clone(&self.function),
            routes: Arc::clone(&self.routes),
        }
    }
}

impl<F: Send + Sync + 'static> Service<lambda_http::Request> for Router<F> {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: lambda_http::Request) -> Self::Future {
        let router = self.clone();
        Box::pin(async move { Ok(router.answer(request).await) })
    }
}

impl<F: Send + Sync + 'static> Router<F> {
    /// Answers a request, and logs one line, which contains no license code, token or e-mail address.
    async fn answer(&self, request: lambda_http::Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let (mut route, mut request_id) = (String::new(), String::new());
        let site_id = parts
            .path_parameters_ref()
            .and_then(|path| path.first("site_id"));
        // In its one spelling, and only if it is one: a log has no text that somebody made up.
        let site_id = site_id.and_then(|id| SiteId::parse(id).ok());
        let site_id = site_id.as_ref().map(SiteId::as_str);
        if let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get() {
            route = context.route_key.clone().unwrap_or_default();
            request_id = context.request_id.clone().unwrap_or_default();
        }
        parts.extensions.insert(Payload(Arc::new(body)));
        let known_as = KnownAs::default();
        parts.extensions.insert(known_as.clone());
        let request = Request::from_parts(parts, Body::empty());
        let found = self.routes.0.iter().find(|(key, _)| *key == route);
        let mut response = match found {
            Some((_, call)) => call(request, Arc::clone(&self.function)).await,
            None => Problem::unknown_route(&route).into_response(),
        };
        // By which a caller and the log speak of the same request.
        if let Ok(id) = HeaderValue::try_from(request_id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let status = response.status().as_u16();
        let actor = known_as.person().map(PersonId::as_str);
        match response.extensions().get() {
            None => tracing::info!(route, request_id, site_id, actor, status, "answered"),
            Some(Failure { code, causes: None }) => {
                tracing::info!(
                    route,
                    request_id,
                    site_id,
                    actor,
                    status,
                    code = code.as_str(),
                    "refused"
                );
            }
            Some(Failure {
                code,
                causes: Some(causes),
            }) => {
                // The chain of causes of a defect or an outage is logged once, here.
                let (code, causes) = (code.as_str(), &**causes);
                tracing::error!(
                    route, request_id, site_id, actor, status, code, causes, "failed"
                );
            }
        }
        response
    }
}
