//! Rules that span several members of a body or an answer.

use serde_json::{Value, json};

/// The rules of bodies and answers beyond the schemas of their members, by schema name. Dependent rules are written as
/// `if` and `then`, because client generators would turn overlapping alternatives into types of their own.
#[must_use]
pub fn rules() -> Value {
    let nothing = json!({ "type": "null" });
    json!({
        "NewBatchBody": {
            "not": { "properties": { "credits": { "const": 0 }, "maintenance_credits": { "enum": [0, null] } } },
        },
        "SettingsBody": { "minProperties": 1 },
        "UserChangeBody": { "minProperties": 1 },
        "ImportedLine": {
            "if": { "properties": { "user_id": nothing } },
            "then": { "properties": { "code": { "type": "string" }, "detail": { "type": "string" } } },
            "else": { "properties": { "code": nothing, "detail": nothing } },
        },
        "Message": {
            "if": { "properties": { "state": { "const": "failed" } } },
            "then": { "properties": { "not_sent": { "type": "string" }, "receipt": nothing } },
            "else": {
                "if": { "properties": { "state": { "enum": ["delivered", "undelivered"] } } },
                "then": { "properties": { "not_sent": nothing, "receipt": { "type": "string" } } },
                "else": {
                    // A message in `sending` may have `not_sent`: it is recorded before the SMS are refunded.
                    "if": { "properties": { "state": { "enum": ["reserved", "sent"] } } },
                    "then": { "properties": { "not_sent": nothing, "receipt": nothing } },
                    "else": { "properties": { "receipt": nothing } },
                },
            },
        },
    })
}
