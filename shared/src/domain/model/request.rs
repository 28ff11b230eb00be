//! A request, remembered by its idempotency key with what it led to.

use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, PartnerId, SiteId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Among whose requests an idempotency key is unique.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestOwner {
    /// A site's.
    Site(SiteId),
    /// A partner's.
    Partner(PartnerId),
    /// A person's, who is creating a site.
    Person(Email),
}

/// A request to be remembered with the change it led to.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose it is.
    pub owner: RequestOwner,
    /// Its idempotency key.
    pub key: String,
    /// The instant of the request; an older item of the same key that expired before it is overwritten.
    pub now: Timestamp,
    /// What it led to.
    pub answer: FirstAnswer,
}

/// What a request led to: enough to give the first answer again, word for word.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FirstAnswer {
    /// The hash of who asked for what.
    pub fingerprint: String,
    /// The entry of a site's statement that the request led to, if it changed a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_sequence: Option<u64>,
    /// The command that wrote this, where no entry says so: a command whose answer was lost recognises its own write by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// The rest of the answer, as JSON. It cannot be computed again later, because the site moves on. (Text, because an
    /// item of nested maps would cost more bytes.)
    pub answer: String,
    /// When the item may be forgotten, in seconds of the Unix epoch: the table's TTL.
    pub expires_at: i64,
}
