//! The HTTP connector of the SDK's clients: it hands each request to the engine by a function call. What the SDK sends and
//! reads is what it would over a network, so everything above it is real.
//!
//! Faults are injected here: see [`Fault`].

use super::engine::Engine;
use super::faults::{Fault, conflict, take_last_key, throttled};
use super::template::TABLE_NAME;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use site_credits::settings;
use site_credits::store::Store;

impl Engine {
    /// A store over this engine.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(self.client(), TABLE_NAME.to_owned())
    }

    /// An SDK client over this engine, as the functions have one over a network.
    #[must_use]
    pub fn client(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url("http://engine.invalid")
            .http_client(self.clone());
        settings::client(config)
    }

    /// One request of the SDK.
    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target
            .split_once('.')
            .map_or(target, |(_, operation)| operation)
            .to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let mut body: Value =
            serde_json::from_slice(body).map_err(|error| ConnectorError::user(error.into()))?;
        if let Value::Object(members) = &mut body {
            // The store never relies on the SDK's token, and the engine's cache of them is slow.
            members.remove("ClientRequestToken");
        }
        let faults = self.faults.as_deref();
        if faults.is_some() {
            // A test that injects faults also wants other tasks to come in between.
            tokio::task::yield_now().await;
        }
        let fault = faults.map_or(Fault::None, |faults| faults.decide(&operation, &mut body));
        let lost = || ConnectorError::timeout("no answer came: an injected fault".into());
        match fault {
            Fault::None | Fault::LostAnswer | Fault::Partial | Fault::CrashAfter => {}
            Fault::LostRequest => return Err(lost()),
            Fault::CrashBefore => return std::future::pending().await,
            Fault::Conflict => return Ok(http(400, conflict(&operation, &body).to_string())),
            Fault::Throttled => return Ok(http(400, throttled().to_string())),
        }
        let unprocessed = if fault == Fault::Partial {
            take_last_key(&mut body)
        } else {
            None
        };
        let mut answer = self.call(&operation, body.clone());
        if operation == "TransactWriteItems" && answer.is_ok() {
            self.stream().written(&body);
        }
        if let (Ok(answer), Some(unprocessed)) = (&mut answer, unprocessed) {
            answer["UnprocessedKeys"] = unprocessed;
        }
        if let Some(faults) = faults {
            faults.observe(&operation, &body, &answer);
        }
        if let Err(error) = &answer {
            self.log_failure(&operation, error);
        }
        match (fault, answer) {
            (Fault::LostAnswer, _) => Err(lost()),
            (Fault::CrashAfter, _) => std::future::pending().await,
            (_, Ok(answer)) => Ok(http(200, answer.to_string())),
            (_, Err(error)) => Ok(http(error.status_code(), error.to_json())),
        }
    }
}

fn http(status: u16, body: String) -> HttpResponse {
    response(status, "application/x-amz-json-1.0", body)
}

/// An answer, as the SDK reads it.
pub(crate) fn response(status: u16, media_type: &'static str, body: String) -> HttpResponse {
    let status = StatusCode::try_from(status)
        .unwrap_or(StatusCode::from(http::StatusCode::INTERNAL_SERVER_ERROR));
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", media_type);
    response
}

impl HttpConnector for Engine {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.clone();
        HttpConnectorFuture::new(async move { engine.request(request).await })
    }
}

impl HttpClient for Engine {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
