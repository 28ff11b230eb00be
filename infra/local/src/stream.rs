//! The stream of this machine: what is new in the statements is handed to `publish-notices`, in batches, and again where
//! the function says that a record was not published.
//!
//! It is not the engine's own stream. That one finds the number of each record by looking through all before it: ten
//! thousand writes took six seconds instead of one, and twenty thousand would take four times as long. So the connector
//! takes the entries out of each transaction that the engine carried out, and what was there before the start is read
//! from the table. Lambda's filter is applied where records are taken up.

use super::engine::Engine;
use super::functions::{Functions, InvokeError};
use super::template::TABLE_NAME;
use dynoxide::DynoxideError;
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::rules::wording::NOTICE_KINDS;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The most records of a batch, as in the template.
const BATCH: usize = 100;
/// How often a batch is handed out again before its first record is given up, as in the template.
const MAX_ATTEMPTS: u32 = 10;
/// The wait before a batch is handed out again.
const WAIT: Duration = Duration::from_secs(1);

/// The records that nobody has taken yet. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    records: Arc<Mutex<Records>>,
    more: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Records {
    waiting: VecDeque<Value>,
    numbered: u64,
}

impl Stream {
    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what a transaction wrote anew, as far as people are told of it.
    pub(crate) fn written(&self, transaction: &Value) {
        let items = transaction["TransactItems"].as_array();
        for item in items.into_iter().flatten() {
            self.take(&item["Put"]["Item"]);
        }
    }

    fn take(&self, item: &Value) {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
        let told = text("SK").starts_with("ENTRY#") && NOTICE_KINDS.contains(&text("kind"));
        if !told {
            return;
        }
        let mut records = self.records();
        records.numbered += 1;
        let number = format!("{:021}", records.numbered);
        records.waiting.push_back(json!({
            "eventID": number,
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "local",
            "dynamodb": {
                "ApproximateCreationDateTime": 0,
                "Keys": { "PK": item["PK"], "SK": item["SK"] },
                "NewImage": item,
                "SequenceNumber": number,
                "SizeBytes": item.to_string().len(),
                "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": format!("arn:aws:dynamodb:local:000000000000:table/{TABLE_NAME}/stream/local"),
        }));
        self.more.notify_one();
    }

    /// Hands the first records out, once; those that were published are gone after that. False if there were none.
    ///
    /// # Errors
    /// The function does not answer.
    pub async fn hand_out(&self, functions: &Functions) -> Result<bool, InvokeError> {
        let batch: Vec<Value> = self.records().waiting.iter().take(BATCH).cloned().collect();
        if batch.is_empty() {
            return Ok(false);
        }
        let answer = functions
            .invoke("publish-notices", json!({ "Records": batch }))
            .await?;
        let failures = answer["batchItemFailures"].as_array();
        let failed: Vec<&Value> = failures
            .into_iter()
            .flatten()
            .map(|failure| &failure["itemIdentifier"])
            .collect();
        // All that came before the first failure is done, and everything after it is handed out again.
        let done = batch
            .iter()
            .position(|record| failed.contains(&&record["dynamodb"]["SequenceNumber"]));
        self.records().waiting.drain(..done.unwrap_or(batch.len()));
        Ok(true)
    }

    /// Gives the first record up.
    fn give_up(&self) {
        if let Some(record) = self.records().waiting.pop_front() {
            let keys = &record["dynamodb"]["Keys"];
            tracing::error!(%keys, "a notice was given up; on AWS it is in the queue of failures now");
        }
    }

    fn first(&self) -> Option<Value> {
        self.records()
            .waiting
            .front()
            .map(|record| record["eventID"].clone())
    }
}

/// Takes up what was in the statements before the start: whoever reads them is told again, which the IDs tell.
///
/// # Errors
/// The table cannot be read.
pub fn rewind(engine: &Engine) -> Result<(), DynoxideError> {
    let mut entries: Vec<Value> = Vec::new();
    let mut scan = json!({ "TableName": TABLE_NAME });
    loop {
        let mut page = engine.call("Scan", scan.clone())?;
        let items = page["Items"].as_array_mut().map(std::mem::take);
        let is_entry = |item: &Value| {
            item["SK"]["S"]
                .as_str()
                .is_some_and(|key| key.starts_with("ENTRY#"))
        };
        entries.extend(items.into_iter().flatten().filter(is_entry));
        match page.get("LastEvaluatedKey") {
            None | Some(Value::Null) => break,
            Some(key) => scan["ExclusiveStartKey"] = key.clone(),
        }
    }
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    entries.sort_by_key(|item| {
        (
            text(&item["at"]).parse::<Timestamp>().ok(),
            text(&item["SK"]),
        )
    });
    for item in &entries {
        engine.stream().take(item);
    }
    Ok(())
}

/// Hands records out for as long as it is polled.
pub async fn run(functions: Functions, stream: Stream) {
    let (mut first, mut attempts) = (None, 0);
    loop {
        match stream.hand_out(&functions).await {
            Ok(false) => {
                stream.more.notified().await;
                continue;
            }
            Ok(true) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "publish-notices does not answer");
            }
        }
        let now_first = stream.first();
        if now_first.is_none() || now_first != first {
            (first, attempts) = (now_first, 0);
            continue;
        }
        attempts += 1;
        if attempts == MAX_ATTEMPTS {
            stream.give_up();
        }
        tokio::time::sleep(WAIT).await;
    }
}
