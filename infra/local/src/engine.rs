//! The engine in the same process: an HTTP connector for the SDK that hands each request to `dynoxide-rs` by a
//! function call. What the SDK sends and reads is what it would over a network, so everything above it is real.
//!
//! Faults are injected here, below everything that has to survive them: see [`Faults`].

use super::stream::Stream;
use super::template::{self, TABLE_NAME, TemplateError};
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use site_credits::settings;
use site_credits::store::Store;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The file of the data, in its folder.
const FILE: &str = "table.sqlite";

/// What happens to one request on its way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It never arrives, and the caller waits in vain.
    LostRequest,
    /// It is carried out, and its answer is lost.
    LostAnswer,
    /// It is refused: in conflict with another transaction.
    Conflict,
    /// It is refused: too many requests.
    Throttled,
    /// Of several items that were asked for, the last is left unprocessed.
    Partial,
    /// The caller is gone before it arrives, and never hears of anything again.
    CrashBefore,
    /// It is carried out, and the caller is gone.
    CrashAfter,
}

/// Decides what happens to requests, and sees what the engine answered.
pub trait Faults: fmt::Debug + Send + Sync {
    /// What happens to a request; it may be changed on the way.
    fn decide(&self, operation: &str, request: &mut Value) -> Fault;

    /// Sees the answer to a request that was carried out.
    fn observe(&self, operation: &str, request: &Value, answer: &Result<Value, DynoxideError>);
}

/// The engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine says so.
    #[error("the engine: {0}")]
    Engine(#[from] DynoxideError),
    /// The template says what the table is.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// There is no data in the folder.
    #[error("there is no data in {0}")]
    NoData(String),
    /// The folder cannot be made.
    #[error("the folder for the data cannot be made")]
    Folder(#[source] std::io::Error),
}

/// The embedded engine, with its table. Clones share it.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    faults: Option<Arc<dyn Faults>>,
    stream: Stream,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine in memory.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn in_memory() -> Result<Self, EngineError> {
        Self::with_table(Database::memory()?)
    }

    /// An engine on a file of a folder, which is made if it is not there.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn on_file(folder: &Path) -> Result<Self, EngineError> {
        std::fs::create_dir_all(folder).map_err(EngineError::Folder)?;
        Self::with_table(Database::new(&folder.join(FILE).to_string_lossy())?)
    }

    /// The engine on the file that a folder has already.
    ///
    /// # Errors
    /// See [`EngineError`]; a folder without data is one.
    pub fn on_existing_file(folder: &Path) -> Result<Self, EngineError> {
        if !folder.join(FILE).is_file() {
            return Err(EngineError::NoData(folder.display().to_string()));
        }
        Self::on_file(folder)
    }

    /// The engine on a copy of a folder's data as it is at this instant, also while a server works on it. The copy is
    /// made in another folder, which must be empty.
    ///
    /// # Errors
    /// See [`EngineError`]; a folder without data is one.
    pub fn on_copy(folder: &Path, copy: &Path) -> Result<Self, EngineError> {
        let original = Self::on_existing_file(folder)?;
        std::fs::create_dir_all(copy).map_err(EngineError::Folder)?;
        original
            .database
            .vacuum_into(&copy.join(FILE).to_string_lossy())?;
        Self::on_file(copy)
    }

    fn with_table(database: Database) -> Result<Self, EngineError> {
        let engine = Self {
            database,
            faults: None,
            stream: Stream::default(),
        };
        if engine.database.get_table_metadata(TABLE_NAME)?.is_none() {
            let (table, ttl) = template::table()?;
            engine.call("CreateTable", table)?;
            let ttl = json!({
                "TableName": TABLE_NAME,
                "TimeToLiveSpecification": { "AttributeName": ttl, "Enabled": true },
            });
            engine.call("UpdateTimeToLive", ttl)?;
        }
        Ok(engine)
    }

    /// The same engine, reached through faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<dyn Faults>) -> Self {
        Self {
            database: self.database.clone(),
            faults: Some(faults),
            stream: self.stream.clone(),
        }
    }

    /// What is new in the statements.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The engine itself, for its own HTTP server.
    #[must_use]
    pub fn database(&self) -> Database {
        self.database.clone()
    }

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

    /// Carries out one operation.
    ///
    /// # Errors
    /// What the engine answers, as DynamoDB would.
    pub fn call(&self, operation: &str, request: Value) -> Result<Value, DynoxideError> {
        let database = &self.database;
        match operation {
            "BatchGetItem" => carry_out(request, |request| database.batch_get_item(request)),
            "CreateTable" => carry_out(request, |request| database.create_table(request)),
            "DeleteItem" => carry_out(request, |request| database.delete_item(request)),
            "GetItem" => carry_out(request, |request| database.get_item(request)),
            "PutItem" => carry_out(request, |request| database.put_item(request)),
            "Query" => carry_out(request, |request| database.query(request)),
            "Scan" => carry_out(request, |request| database.scan(request)),
            "TransactWriteItems" => {
                carry_out(request, |request| database.transact_write_items(request))
            }
            "UpdateItem" => carry_out(request, |request| database.update_item(request)),
            "UpdateTimeToLive" => {
                carry_out(request, |request| database.update_time_to_live(request))
            }
            other => Err(DynoxideError::ValidationException(format!(
                "{other} is not used here"
            ))),
        }
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
            // Whoever injects faults wants other tasks to come in between, too.
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
            self.stream.written(&body);
        }
        if let (Ok(answer), Some(unprocessed)) = (&mut answer, unprocessed) {
            answer["UnprocessedKeys"] = unprocessed;
        }
        if let Some(faults) = faults {
            faults.observe(&operation, &body, &answer);
        }
        match (fault, answer) {
            (Fault::LostAnswer, _) => Err(lost()),
            (Fault::CrashAfter, _) => std::future::pending().await,
            (_, Ok(answer)) => Ok(http(200, answer.to_string())),
            (_, Err(error)) => Ok(http(error.status_code(), error.to_json())),
        }
    }
}

fn carry_out<R: DeserializeOwned, A: Serialize>(
    request: Value,
    operation: impl FnOnce(R) -> Result<A, DynoxideError>,
) -> Result<Value, DynoxideError> {
    let internal = |error: serde_json::Error| DynoxideError::InternalServerError(error.to_string());
    let request = serde_json::from_value(request).map_err(|error| {
        // The engine marks what DynamoDB would call a validation error.
        let text = error.to_string();
        DynoxideError::ValidationException(text.trim_start_matches("VALIDATION:").to_owned())
    })?;
    serde_json::to_value(operation(request)?).map_err(internal)
}

/// Takes the last key out of a `BatchGetItem` of several, in the form of `UnprocessedKeys`.
fn take_last_key(request: &mut Value) -> Option<Value> {
    let table = request["RequestItems"].get_mut(TABLE_NAME)?;
    let keys = table["Keys"].as_array_mut().filter(|keys| keys.len() > 1)?;
    let last = keys.pop()?;
    let mut unprocessed = table.clone();
    unprocessed["Keys"] = json!([last]);
    Some(json!({ TABLE_NAME: unprocessed }))
}

/// What DynamoDB answers to a transaction that meets another: the first item is in conflict.
fn conflict(operation: &str, request: &Value) -> Value {
    let items = request["TransactItems"].as_array().map_or(0, Vec::len);
    if operation != "TransactWriteItems" {
        return json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "Transaction is ongoing for the item" });
    }
    let reason = |place: usize| match place {
        0 => {
            json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" })
        }
        _ => json!({ "Code": "None" }),
    };
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": (0..items).map(reason).collect::<Vec<_>>(),
    })
}

fn throttled() -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded",
    })
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
