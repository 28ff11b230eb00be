//! Many at once, on two real threads: one wins, and the books stay right.

mod administrators;
mod batches;
mod redemptions;

use crate::harness::{ACME, Answered, Call, System, at, batches};
use serde_json::Value;
use std::sync::Arc;

const NOW: &str = "2026-12-09T12:00:00Z";

/// How many codes are raced for.
const CODES: u32 = 200;

/// Sends requests at the same time, from two threads.
pub(crate) async fn at_once(system: &Arc<System>, calls: Vec<Call>) -> Vec<Answered> {
    let mut senders = tokio::task::JoinSet::new();
    for (place, call) in calls.into_iter().enumerate() {
        let system = Arc::clone(system);
        senders.spawn(async move { (place, system.send(call).await) });
    }
    let mut answers = senders.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn issue(body: &Value) -> Call {
    Call::post(batches(""), body, at(NOW)).by_partner(ACME)
}
