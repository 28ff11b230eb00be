//! The keys of the table's items.

use crate::domain::code::CodeKey;
use crate::domain::identity::{BatchId, DeviceId, Email, PartnerId, SiteId};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use std::collections::HashMap;

/// The partition key's attribute.
pub(super) const PK: &str = "PK";
/// The sort key's attribute.
pub(super) const SK: &str = "SK";
/// What the sort keys of entries begin with.
pub(super) const ENTRY_PREFIX: &str = "ENTRY#";
/// What the sort keys of devices begin with.
pub(super) const DEVICE_PREFIX: &str = "DEVICE#";
/// What the sort keys of batches begin with.
pub(super) const BATCH_PREFIX: &str = "BATCH#";
/// What the sort keys of a person's and of a partner's sites begin with.
pub(super) const SITE_PREFIX: &str = "SITE#";
/// What the sort keys of a partner's history begin with.
pub(super) const HISTORY_PREFIX: &str = "HISTORY#";

/// Names one item of the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// A site.
    Site(SiteId),
    /// An entry of a site's statement, by its sequence number.
    Entry(SiteId, u64),
    /// A device of a site.
    Device(SiteId, DeviceId),
    /// A request, by whose it is and its idempotency key.
    Request(RequestOf, String),
    /// A code.
    Code(CodeKey),
    /// A batch of a partner.
    Batch(PartnerId, BatchId),
    /// A site that a person administers.
    AdministratorOf(Email, SiteId),
    /// A site that applied codes of a partner.
    SiteOf(PartnerId, SiteId),
    /// A line of a partner's history, by its instant and what makes it unique there.
    History(PartnerId, Timestamp, String),
}

/// Among whose requests an idempotency key is unique.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestOf {
    /// Those that change a site.
    Site(SiteId),
    /// Those of a partner.
    Partner(PartnerId),
    /// Those of a person to whom no site belongs yet.
    Person(Email),
}

impl Key {
    /// The partition key and the sort key.
    #[must_use]
    pub fn pair(&self) -> (String, String) {
        match self {
            Self::Site(site) => (site_partition(site), "SITE".to_owned()),
            Self::Entry(site, sequence) => (site_partition(site), entry_sort_key(*sequence)),
            Self::Device(site, device) => {
                (site_partition(site), format!("{DEVICE_PREFIX}{device}"))
            }
            Self::Request(whose, key) => {
                let partition = match whose {
                    RequestOf::Site(site) => site_partition(site),
                    RequestOf::Partner(partner) => partner_partition(partner),
                    RequestOf::Person(email) => person_partition(email),
                };
                (partition, format!("REQUEST#{key}"))
            }
            Self::Code(key) => (format!("CODE#{}", key.as_str()), "CODE".to_owned()),
            Self::Batch(partner, batch) => {
                (partner_partition(partner), format!("{BATCH_PREFIX}{batch}"))
            }
            Self::AdministratorOf(email, site) => {
                (person_partition(email), format!("{SITE_PREFIX}{site}"))
            }
            Self::SiteOf(partner, site) => {
                (account_partition(partner), format!("{SITE_PREFIX}{site}"))
            }
            Self::History(partner, at, id) => {
                let instant = history_instant(*at);
                (
                    account_partition(partner),
                    format!("{HISTORY_PREFIX}{instant}#{id}"),
                )
            }
        }
    }

    /// The key as the table takes it.
    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let (pk, sk) = self.pair();
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(pk)),
            (SK.to_owned(), AttributeValue::S(sk)),
        ])
    }
}

/// The partition of a site.
pub(super) fn site_partition(site: &SiteId) -> String {
    format!("SITE#{site}")
}

/// The sort key of an entry: sixteen digits, which 2^53 entries fit, so that the text sorts as the number does.
pub(super) fn entry_sort_key(sequence: u64) -> String {
    format!("{ENTRY_PREFIX}{sequence:016}")
}

/// The partition of a partner's batches and requests.
pub(super) fn partner_partition(partner: &PartnerId) -> String {
    format!("PARTNER#{partner}")
}

/// The partition of a partner's account. It is another than the one above, so that a role which applies codes can add
/// to the account and reach nothing else of the partner's.
pub(super) fn account_partition(partner: &PartnerId) -> String {
    format!("ACCOUNT#{partner}")
}

/// The partition of a person's sites, and of the requests that made them.
pub(super) fn person_partition(email: &Email) -> String {
    format!("ADMIN#{email}")
}

/// An instant as the history sorts it: always with nine digits after the point, so that the text sorts as the time does.
pub(super) fn history_instant(at: Timestamp) -> String {
    format!("{at:.9}")
}
