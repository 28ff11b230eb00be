//! The parameters of requests.

use super::forms::to;
use serde_json::{Value, json};

/// The parameters of paths, queries and headers, by their names in the contract.
#[must_use]
pub fn parameters() -> Value {
    let path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let query =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    // Any text is accepted: one that is not a valid ID is answered with a 404, as an unknown ID is.
    let any = || json!({ "type": "string" });
    let uuid = || json!({ "type": "string", "format": "uuid" });
    json!({
        "PartnerId": path("partner_id", to("PartnerId")),
        "BatchId": path("batch_id", uuid()),
        "SiteId": path("site_id", any()),
        "Email": path("email", json!({ "type": "string", "format": "idn-email" })),
        "PersonId": path("person", any()),
        "DeviceId": path("device_id", to("DeviceId")),
        "UserId": path("user_id", to("UserId")),
        "MessageId": path("message_id", uuid()),
        "CardToken": path("token", any()),
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": { "type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-+\\--~]+$" },
        },
        "From": query("from", to("Date")),
        "To": query("to", to("Date")),
        "Search": query("search", json!({ "type": "string", "minLength": 1, "maxLength": 100 })),
        "Limit": query("limit", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 })),
        "Cursor": query("cursor", json!({ "type": "string", "minLength": 1 })),
        "Forfeit": query("forfeit", json!({ "type": "boolean", "default": false })),
    })
}
