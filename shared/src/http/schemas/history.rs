//! The lines of a partner's history.

use super::forms::{object, to};
use serde_json::{Value, json};

/// The kinds of lines of a history.
pub(super) const LINES: [&str; 4] = ["issued", "fetched", "voided", "applied"];

pub(super) fn line(kind: &str, codes: Value, more: &[(&str, Value)]) -> Value {
    let mut members = vec![
        ("at", to("Instant")),
        ("batch_id", to("BatchId")),
        ("codes", codes),
        ("credits", to("CreditsOfCodes")),
        ("maintenance_credits", to("CreditsOfCodes")),
        ("kind", json!({ "const": kind })),
    ];
    members.extend_from_slice(more);
    object(&members)
}
