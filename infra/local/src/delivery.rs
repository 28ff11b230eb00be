//! The delivery of the stream: it hands queued records to `publish-notices` in batches, and again where the function
//! reports that a record was not published, as Lambda would.

use super::engine::Engine;
use super::functions::{Functions, InvokeError};
use super::stream::{Stream, is_invitation};
use super::template::TABLE_NAME;
use dynoxide::DynoxideError;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The most records of a batch, as in the template.
const BATCH: usize = 100;
/// How often a batch is handed out again before its first record is given up, as in the template.
const MAX_ATTEMPTS: u32 = 10;
/// The wait before a batch is handed out again.
const WAIT: Duration = Duration::from_secs(1);

impl Stream {
    /// Hands the first records out, once, and drops those that were published. False if there were none.
    ///
    /// # Errors
    /// The function does not answer.
    pub async fn hand_out(&self, functions: &Functions) -> Result<bool, InvokeError> {
        let batch = self.first(BATCH);
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
        // Every record before the first failure was published. That one and all after it are handed out again.
        let published = batch
            .iter()
            .position(|record| failed.contains(&&record["dynamodb"]["SequenceNumber"]));
        self.drop_first(published.unwrap_or(batch.len()));
        Ok(true)
    }
}

/// Queues the entries that the table had before the start, and the invitations that are not over. They may be published a
/// second time; subscribers recognise them by their IDs.
///
/// # Errors
/// The table cannot be read.
pub fn rewind(engine: &Engine, now: Timestamp) -> Result<(), DynoxideError> {
    let mut kept: Vec<Value> = Vec::new();
    let mut scan = json!({ "TableName": TABLE_NAME });
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    let instant = |item: &Value, name: &str| text(item, name).parse::<Timestamp>().ok();
    loop {
        let mut page = engine.call("Scan", scan.clone())?;
        let items = page["Items"].as_array_mut().map(std::mem::take);
        let is_kept = |item: &Value| {
            let is_open = || instant(item, "over_at").is_some_and(|over_at| now < over_at);
            text(item, "SK").starts_with("ENTRY#") || (is_invitation(item) && is_open())
        };
        kept.extend(items.into_iter().flatten().filter(is_kept));
        match page.get("LastEvaluatedKey") {
            None | Some(Value::Null) => break,
            Some(key) => scan["ExclusiveStartKey"] = key.clone(),
        }
    }
    kept.sort_by_key(|item| {
        let at = instant(item, "at").or_else(|| instant(item, "sent_at"));
        (at, text(item, "SK"))
    });
    for item in &kept {
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
                stream.more().await;
                continue;
            }
            Ok(true) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "publish-notices does not answer");
            }
        }
        let now_first = stream.first(1).pop();
        if now_first.is_none() || now_first != first {
            (first, attempts) = (now_first, 0);
            continue;
        }
        attempts += 1;
        if attempts == MAX_ATTEMPTS {
            let keys = now_first.map(|record| record["dynamodb"]["Keys"].to_string());
            tracing::error!(
                keys,
                "gave a notice up, which AWS would put into the queue of failures"
            );
            stream.drop_first(1);
        }
        tokio::time::sleep(WAIT).await;
    }
}
