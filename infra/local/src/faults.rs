//! Faults that happen to a request to the engine on its way, below everything that has to survive them.

use super::template::TABLE_NAME;
use dynoxide::DynoxideError;
use serde_json::{Value, json};
use std::fmt;

/// What happens to one request on its way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It never arrives, and the caller times out.
    LostRequest,
    /// It is carried out, and its answer is lost.
    LostAnswer,
    /// It is refused because another transaction is ongoing.
    Conflict,
    /// It is refused because there are too many requests.
    Throttled,
    /// Of the items that it asks for, the last is left unprocessed.
    Partial,
    /// The caller dies before it arrives.
    CrashBefore,
    /// It is carried out, and the caller dies.
    CrashAfter,
}

/// Decides what happens to requests, and sees what the engine answered.
pub trait Faults: fmt::Debug + Send + Sync {
    /// What happens to a request; it may be changed on the way.
    fn decide(&self, operation: &str, request: &mut Value) -> Fault;

    /// Sees the answer to a request that was carried out.
    fn observe(&self, operation: &str, request: &Value, answer: &Result<Value, DynoxideError>);
}

/// Takes the last key out of a `BatchGetItem` of several, in the form of `UnprocessedKeys`.
pub(crate) fn take_last_key(request: &mut Value) -> Option<Value> {
    let table = request["RequestItems"].get_mut(TABLE_NAME)?;
    let keys = table["Keys"].as_array_mut().filter(|keys| keys.len() > 1)?;
    let last = keys.pop()?;
    let mut unprocessed = table.clone();
    unprocessed["Keys"] = json!([last]);
    Some(json!({ TABLE_NAME: unprocessed }))
}

/// What DynamoDB answers to a transaction that meets another: the first item is in conflict.
pub(crate) fn conflict(operation: &str, request: &Value) -> Value {
    let items = request["TransactItems"].as_array().map_or(0, Vec::len);
    let message = "Transaction is ongoing for the item";
    if operation != "TransactWriteItems" {
        return json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "message": message,
        });
    }
    let reason = |place: usize| match place {
        0 => json!({ "Code": "TransactionConflict", "Message": message }),
        _ => json!({ "Code": "None" }),
    };
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": (0..items).map(reason).collect::<Vec<_>>(),
    })
}

/// What DynamoDB answers to too many requests.
pub(crate) fn throttled() -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded",
    })
}
