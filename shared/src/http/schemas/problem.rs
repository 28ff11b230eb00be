//! Problems.

use super::forms::{number, object, to};
use crate::http::problem::ProblemCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The schema of problems: the members that every problem has, and those that only some have.
pub(super) fn problem() -> Value {
    let code = |code: &ProblemCode| code.as_str();
    let statuses: BTreeSet<u16> = ProblemCode::ALL.iter().map(|code| code.status()).collect();
    let mut schema = object(&[
        (
            "type",
            json!({ "type": "string", "format": "uri", "pattern": "^urn:site-credits:problem:[a-z-]+$" }),
        ),
        ("title", json!({ "type": "string", "minLength": 1 })),
        ("status", json!({ "type": "integer", "enum": statuses })),
        (
            "code",
            json!({ "type": "string", "enum": ProblemCode::ALL.iter().map(code).collect::<Vec<_>>() }),
        ),
        ("detail", json!({ "type": "string", "minLength": 1 })),
    ]);
    for (name, member) in [
        ("applied_at", to("Instant")),
        ("entry", to("Sequence")),
        ("expires_on", to("Date")),
        ("expires_at", to("Instant")),
        ("balances", to("Balances")),
        (
            "device_ids",
            json!({ "type": "array", "minItems": 1, "maxItems": 90, "items": to("DeviceId") }),
        ),
        ("needed", number(1, 10_000)),
        ("available", number(0, 9_999)),
        ("place", number(0, 999)),
        ("errors", errors()),
    ] {
        schema["properties"][name] = member;
    }
    schema["dependentRequired"] = json!({
        "applied_at": ["entry"], "entry": ["applied_at"], "expires_on": ["expires_at"], "expires_at": ["expires_on"],
        "needed": ["available"], "available": ["needed"],
    });
    let statuses = ProblemCode::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), json!(code.status())));
    schema["x-statuses"] = statuses.collect::<Map<_, _>>().into();
    schema
}

/// What is wrong with the members of a body.
fn errors() -> Value {
    let error = object(&[
        (
            "pointer",
            json!({ "type": "string", "pattern": "^#(/.*)?$" }),
        ),
        ("detail", json!({ "type": "string", "minLength": 1 })),
    ]);
    json!({ "type": "array", "minItems": 1, "maxItems": 20, "items": error })
}
