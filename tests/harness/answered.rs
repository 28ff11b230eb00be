//! An answer of the HTTP API, and what a snapshot shows of it.

use serde_json::{Map, Value, json};

/// An answer, as the caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The raw body.
    pub(crate) text: String,
    pub(crate) replayed: bool,
    pub(crate) headers: Value,
}

impl Answered {
    /// The problem's code; empty unless the answer is a problem.
    pub(crate) fn problem(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What a snapshot shows: the status, the body, and whether it is a replay, with placeholders for random values.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({ "status": self.status, "body": without_chance(&self.body) });
        if self.replayed {
            shown["replayed"] = json!(true);
        }
        shown
    }
}

/// JSON with placeholders for what differs in every run: the IDs of people and sites, UUIDs, hashes, and the last four symbols of codes.
pub(crate) fn without_chance(json: &Value) -> Value {
    match json {
        Value::Array(items) => items.iter().map(without_chance).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| match name.as_str() {
                "person" => (name.clone(), json!("[person]")),
                "site_id" if value.is_string() => (name.clone(), json!("[site ID]")),
                "last_four" | "code_last_four" => (name.clone(), json!("[last four]")),
                _ => (name.clone(), without_chance(value)),
            });
            members.collect::<Map<_, _>>().into()
        }
        Value::String(text) if is_uuid(text) => json!("[UUID]"),
        Value::String(text) if is_hash(text) => json!("[hash]"),
        other => other.clone(),
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_hash(text: &str) -> bool {
    [32, 64].contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}
