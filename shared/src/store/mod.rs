//! The one table, and the one way to write it.
//!
//! Every write is a conditional write: the conditions are the rules, seen from the table. So there is no trait
//! here that a test could replace; tests run this code against the embedded engine and inject faults below the
//! SDK. The SDK's own retries are off: [`Attempts`] is the only place that tries anything twice.

mod agenda;
mod commit;
mod conditional;
mod item;
mod items;
mod keys;
mod listing;
mod reads;
mod retry;
mod statement;

pub use agenda::Due;
pub use commit::{Committed, NotCommitted};
pub use item::{CorruptItem, Item};
pub use items::{
    CardOwner, InvitedTo, NetworkMessage, account_place, decode_administrator_of,
    decode_application, decode_batch, decode_card_owner, decode_code, decode_device, decode_entry,
    decode_history, decode_invitation, decode_invited, decode_leading, decode_message,
    decode_network_message, decode_number, decode_person, decode_request, decode_roster,
    decode_site, decode_site_of, decode_user,
};
pub use keys::Key;
pub use listing::{Listed, Listing};
pub use reads::{Found, Reads, TypedKey};
pub use retry::{Attempts, Failure};
pub use statement::{Page, StatementQuery};

use std::error::Error;

/// The name of the index of what is due.
pub(crate) const AGENDA_INDEX: &str = "agenda";

/// The name of the index of partners' accounts.
pub(crate) const ACCOUNT_INDEX: &str = "account";

/// The table, reached through an SDK client.
#[derive(Clone, Debug)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl Store {
    /// Takes a client, which must not retry by itself, and the table's name.
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { client, table }
    }
}

/// The table could not be read or written. None of these is a refusal by a rule.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, contended or unreachable past the retries. Nothing was changed.
    #[error("the table was busy")]
    Busy(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// A write was sent and no answer came, nor could it be found out what became of it. Repeating the request
    /// with its idempotency key is safe.
    #[error("a write was sent, and its outcome could not be found out")]
    OutcomeUnknown,
    /// An item is corrupt, which is a defect.
    #[error(transparent)]
    Corrupt(#[from] CorruptItem),
    /// Something of ours is missing or has no form, which is a defect.
    #[error("something is not as it was written")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
    /// The table refused the request as wrong, which is a defect or a deployment mistake.
    #[error("the table refused the request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    pub(crate) fn defect(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Defect(error.into())
    }
}
