//! The queue of this machine's stream: the entries and invitations that people are notified of, in the form of the table's
//! stream.
//!
//! It is not the engine's own stream. That one finds the number of each record by looking through all before it: ten
//! thousand writes took six seconds instead of one, and twenty thousand would take four times as long. So the connector
//! takes the entries out of each transaction that the engine carried out. Lambda's filter is applied where records are
//! queued.

use super::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::rules::wording::NOTICE_KINDS;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The records that are not published yet. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    records: Arc<Mutex<Records>>,
    more: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Records {
    waiting: VecDeque<Value>,
    /// The number of the last record.
    last: u64,
}

impl Stream {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the new entries and invitations of a transaction.
    pub(crate) fn written(&self, transaction: &Value) {
        let items = transaction["TransactItems"].as_array();
        for item in items.into_iter().flatten() {
            self.take(&item["Put"]["Item"]);
        }
    }

    /// Queues an item if it is an entry or an invitation that people are notified of.
    pub(crate) fn take(&self, item: &Value) {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
        let is_notified = text("SK").starts_with("ENTRY#") && NOTICE_KINDS.contains(&text("kind"));
        let is_invitation = is_invitation(item);
        if !is_notified && !is_invitation {
            return;
        }
        // An invitation that is sent again is written over itself.
        let is_again = is_invitation && item["sent"]["N"] != "1";
        let mut records = self.records();
        records.last += 1;
        let number = format!("{:021}", records.last);
        records.waiting.push_back(json!({
            "eventID": number,
            "eventName": if is_again { "MODIFY" } else { "INSERT" },
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

    /// The first records, up to a bound.
    pub(crate) fn first(&self, limit: usize) -> Vec<Value> {
        self.records().waiting.iter().take(limit).cloned().collect()
    }

    /// Drops the first records.
    pub(crate) fn drop_first(&self, count: usize) {
        self.records().waiting.drain(..count);
    }

    /// Waits until a record is queued.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }
}

/// Whether an item is an invitation, and not what leads from its address to it.
pub(crate) fn is_invitation(item: &Value) -> bool {
    let begins = |name: &str, with: &str| {
        let key = item[name]["S"].as_str();
        key.is_some_and(|key| key.starts_with(with))
    };
    begins("PK", "SITE#") && begins("SK", "INVITATION#")
}
