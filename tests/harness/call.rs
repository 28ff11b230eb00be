//! A request to the HTTP API, and the requests that many tests send.

use super::{ACME, KIM};
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

/// One request to the HTTP API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) claims: Value,
    pub(crate) key: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) base64: bool,
    pub(crate) at: Timestamp,
}

impl Call {
    pub(crate) fn get(path: String, at: Timestamp) -> Self {
        Self {
            method: "GET",
            path,
            query: String::new(),
            claims: json!({ "sub": "kim", "email": KIM, "email_verified": "true" }),
            key: None,
            accept: None,
            content_type: None,
            body: None,
            base64: false,
            at,
        }
    }

    pub(crate) fn post(path: String, body: &Value, at: Timestamp) -> Self {
        Self {
            method: "POST",
            body: Some(body.to_string()),
            ..Self::get(path, at)
        }
    }

    /// A POST without a body.
    pub(crate) fn act(path: String, at: Timestamp) -> Self {
        Self {
            method: "POST",
            ..Self::get(path, at)
        }
    }

    pub(crate) fn patch(path: String, body: &Value, at: Timestamp) -> Self {
        Self {
            method: "PATCH",
            ..Self::post(path, body, at)
        }
    }

    pub(crate) fn delete(path: String, at: Timestamp) -> Self {
        Self {
            method: "DELETE",
            ..Self::get(path, at)
        }
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    pub(crate) fn accept(mut self, media_type: &str) -> Self {
        self.accept = Some(media_type.to_owned());
        self
    }

    pub(crate) fn by_partner(mut self, partner: &str) -> Self {
        self.claims = json!({ "sub": "ada", "partner_id": partner });
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(crate) fn by_person(mut self, email: &str) -> Self {
        self.claims = json!({ "sub": email, "email": email, "email_verified": "true" });
        self
    }
}

pub(crate) fn redemption(site: &SiteId, code: &str, at: Timestamp) -> Call {
    Call::post(
        format!("/sites/{site}/license/redemptions"),
        &json!({ "code": code }),
        at,
    )
}

pub(crate) fn sms_redemption(site: &SiteId, code: &str, at: Timestamp) -> Call {
    Call::post(
        format!("/sites/{site}/sms/redemptions"),
        &json!({ "code": code }),
        at,
    )
}

pub(crate) fn license_of(site: &SiteId, at: Timestamp) -> Call {
    Call::get(format!("/sites/{site}/license"), at)
}

/// The path of the partner acme's batches, followed by `rest`.
pub(crate) fn batches(rest: &str) -> String {
    format!("/partners/{ACME}/code-batches{rest}")
}
