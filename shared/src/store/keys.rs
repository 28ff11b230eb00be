//! The keys of the table's items.

use crate::domain::code::CodeKey;
use crate::domain::identity::{BatchId, DeviceId, Email, PartnerId, SiteId};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// The partition key's attribute.
pub(super) const PK: &str = "PK";
/// The sort key's attribute.
pub(super) const SK: &str = "SK";
/// What the sort keys of entries begin with.
pub(super) const ENTRY_PREFIX: &str = "ENTRY#";

/// Names one item of the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// A site.
    Site(SiteId),
    /// An entry of a site's statement, by its sequence number.
    Entry(SiteId, u64),
    /// A device of a site.
    Device(SiteId, DeviceId),
    /// A request that changed a site, by its idempotency key.
    Request(SiteId, String),
    /// A code.
    Code(CodeKey),
    /// A batch of a partner.
    Batch(PartnerId, BatchId),
    /// A site that a person administers.
    AdministratorOf(Email, SiteId),
}

impl Key {
    /// The partition key and the sort key.
    #[must_use]
    pub fn pair(&self) -> (String, String) {
        match self {
            Self::Site(site) => (site_partition(site), "SITE".to_owned()),
            Self::Entry(site, sequence) => (site_partition(site), entry_sort_key(*sequence)),
            Self::Device(site, device) => (site_partition(site), format!("DEVICE#{device}")),
            Self::Request(site, key) => (site_partition(site), format!("REQUEST#{key}")),
            Self::Code(key) => (format!("CODE#{}", key.as_str()), "CODE".to_owned()),
            Self::Batch(partner, batch) => (format!("PARTNER#{partner}"), format!("BATCH#{batch}")),
            Self::AdministratorOf(email, site) => {
                (format!("ADMIN#{email}"), format!("SITE#{site}"))
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
