//! The embedded engine: `dynoxide-rs` on a file or in memory, with the table of the template.

use super::faults::Faults;
use super::folder::{self, Folder, FolderError};
use super::stream::Stream;
use super::template::{self, TABLE_NAME, TemplateError};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine says so.
    #[error("the engine: {0}")]
    Engine(#[from] DynoxideError),
    /// The template says what the table is.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The folder or its data cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The embedded engine, with its table. Clones share it.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    /// What happens to the requests of its clients on their way.
    pub(crate) faults: Option<Arc<dyn Faults>>,
    stream: Stream,
    /// The folder of the data, which is closed after the database; none in memory and on a copy.
    folder: Option<Arc<Folder>>,
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

    /// An engine on a folder, which it has to itself. The folder is made if it is not there.
    ///
    /// # Errors
    /// See [`EngineError`]; a data file that is not whole is one.
    pub fn on_file(path: &Path) -> Result<Self, EngineError> {
        let folder = Folder::open(path)?;
        let database = Database::new(&folder.file().to_string_lossy())?;
        let engine = if folder.is_new() {
            Self::with_table(database)?
        } else {
            Self::with_existing_table(database, &folder.file())?
        };
        folder.made()?;
        Ok(Self {
            folder: Some(Arc::new(folder)),
            ..engine
        })
    }

    /// An engine on a folder that has data, which it has to itself.
    ///
    /// # Errors
    /// See [`EngineError`]; a folder without data is one, and is not made.
    pub fn on_existing(path: &Path) -> Result<Self, EngineError> {
        if !path.join(folder::FILE).exists() {
            return Err(FolderError::NoData(path.display().to_string()).into());
        }
        Self::on_file(path)
    }

    /// The engine on a copy of a folder's data as it is at this instant, also while a server works on it. The copy is
    /// made in another folder, which must be empty.
    ///
    /// # Errors
    /// See [`EngineError`]; a folder without data is one.
    pub fn on_copy(folder: &Path, copy: &Path) -> Result<Self, EngineError> {
        std::fs::create_dir_all(copy).map_err(FolderError::of_file(copy))?;
        let file = copy.join(folder::FILE);
        folder::copy(folder, &file)?;
        let database = Database::new(&file.to_string_lossy())?;
        Self::with_existing_table(database, &folder.join(folder::FILE))
    }

    /// An engine whose table must be there. The error names the data file.
    fn with_existing_table(database: Database, file: &Path) -> Result<Self, EngineError> {
        if database.get_table_metadata(TABLE_NAME)?.is_none() {
            return Err(FolderError::NoTable(file.display().to_string()).into());
        }
        Self::with_table(database)
    }

    fn with_table(database: Database) -> Result<Self, EngineError> {
        let engine = Self {
            database,
            faults: None,
            stream: Stream::default(),
            folder: None,
        };
        if engine.database.get_table_metadata(TABLE_NAME)?.is_none() {
            let (table, ttl) = template::table()?;
            engine.call("CreateTable", table)?;
            let ttl = json!({
                "TableName": TABLE_NAME,
                "TimeToLiveSpecification": { "AttributeName": ttl, "Enabled": true },
            });
            engine.call("UpdateTimeToLive", ttl)?;
        } else {
            engine.add_missing_indices()?;
        }
        Ok(engine)
    }

    /// Gives the table of an older release the indices that it lacks, as `CloudFormation` does.
    fn add_missing_indices(&self) -> Result<(), EngineError> {
        let (declared, _) = template::table()?;
        let described = self.call("DescribeTable", json!({ "TableName": TABLE_NAME }))?;
        let names = |indices: &Value| -> Vec<Value> {
            let indices = indices.as_array().into_iter().flatten();
            indices.map(|index| index["IndexName"].clone()).collect()
        };
        let there = names(&described["Table"]["GlobalSecondaryIndexes"]);
        let indices = declared["GlobalSecondaryIndexes"].as_array();
        let missing = indices.into_iter().flatten();
        for index in missing.filter(|index| !there.contains(&index["IndexName"])) {
            let update = json!({
                "TableName": TABLE_NAME,
                "AttributeDefinitions": declared["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{ "Create": index }],
            });
            self.call("UpdateTable", update)?;
        }
        Ok(())
    }

    /// The same engine, reached through faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<dyn Faults>) -> Self {
        Self {
            database: self.database.clone(),
            faults: Some(faults),
            stream: self.stream.clone(),
            folder: self.folder.clone(),
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

    /// Logs what fails in the engine itself, such as a full disk: the caller gets no more than a server error.
    pub(crate) fn log_failure(&self, operation: &str, error: &DynoxideError) {
        if error.status_code() < 500 {
            return;
        }
        let file = self.folder.as_ref().map(|folder| folder.file());
        let file = file.map_or_else(|| "memory".to_owned(), |file| file.display().to_string());
        let error: &dyn std::error::Error = error;
        tracing::error!(operation, file, error, "the engine failed");
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
            "DescribeTable" => carry_out(request, |request| database.describe_table(request)),
            "DeleteItem" => carry_out(request, |request| database.delete_item(request)),
            "GetItem" => carry_out(request, |request| database.get_item(request)),
            "PutItem" => carry_out(request, |request| database.put_item(request)),
            "Query" => carry_out(request, |request| database.query(request)),
            "Scan" => carry_out(request, |request| database.scan(request)),
            "TransactWriteItems" => {
                carry_out(request, |request| database.transact_write_items(request))
            }
            "UpdateItem" => carry_out(request, |request| database.update_item(request)),
            "UpdateTable" => carry_out(request, |request| database.update_table(request)),
            "UpdateTimeToLive" => {
                carry_out(request, |request| database.update_time_to_live(request))
            }
            other => Err(DynoxideError::ValidationException(format!(
                "{other} is not used here"
            ))),
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
