//! `/partners/{partner_id}/code-batches`: issuing codes, accounting for them, and voiding them.

mod account;
mod bound;
mod issue;
mod issue_faults;
mod list;
mod void;
mod void_faults;

use crate::harness::{ACME, Answered, Call, System, batches};
use crate::setup::text;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) fn issue(body: &Value, now: Timestamp) -> Call {
    Call::post(batches(""), body, now).by_partner(ACME)
}

/// A request of the partner acme that reads.
pub(crate) fn get(path: String, now: Timestamp) -> Call {
    Call::get(path, now).by_partner(ACME)
}

fn void(batch: &str, body: &Value, now: Timestamp) -> Call {
    Call::post(batches(&format!("/{batch}/void")), body, now).by_partner(ACME)
}

fn codes_of(batch: &str, now: Timestamp) -> Call {
    get(batches(&format!("/{batch}/codes")), now)
}

fn batch_id(issued: &Answered) -> String {
    text(&issued.body["batch"]["batch_id"])
}

pub(crate) fn codes(issued: &Answered) -> Vec<String> {
    let codes = issued.body["codes"].as_array().unwrap();
    codes.iter().map(text).collect()
}

/// Issues codes of so many credits each.
pub(crate) async fn issued(system: &System, credits: u64, count: u32, now: Timestamp) -> Answered {
    let body = json!({ "credits": credits, "count": count });
    let issued = system.send(issue(&body, now)).await;
    assert_eq!(issued.status, 201, "{issued}");
    issued
}

/// How many codes of a batch are in which state; that they add up is checked.
async fn sum(system: &System, batch: &str, now: Timestamp) -> Value {
    let shown = system.send(get(batches(&format!("/{batch}")), now)).await;
    assert_eq!(shown.status, 200, "{shown}");
    let sum = shown.body["sum"].clone();
    let of = |state: &str| sum[state].as_u64().unwrap();
    let states = ["applied", "voided", "expired", "outstanding"];
    let total: u64 = states.map(of).into_iter().sum();
    assert_eq!(of("issued"), total, "{shown}");
    sum
}
