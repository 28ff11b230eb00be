//! The answer to a gateway event, in the form that the gateway reads.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An answer: payload format 2.0 of the HTTP API.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers, by their lower-case names.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
    /// Always false: bodies are text.
    pub is_base64_encoded: bool,
}

impl Answer {
    /// An answer with a JSON body, which nobody may cache.
    #[must_use]
    pub fn json(status_code: u16, body: &Value) -> Self {
        Self::text(status_code, "application/json", body.to_string())
    }

    /// An answer of a media type.
    #[must_use]
    pub fn text(status_code: u16, media_type: &str, body: String) -> Self {
        let headers = [
            ("content-type", media_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        Self {
            status_code,
            headers: headers.into(),
            body,
            is_base64_encoded: false,
        }
    }

    /// Says whether the request was answered before.
    #[must_use]
    pub(super) fn replayed(self, replayed: bool) -> Self {
        if replayed {
            self.with_header("idempotency-replayed", "true")
        } else {
            self
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}
