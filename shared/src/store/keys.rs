//! The keys of the table's items.

use crate::domain::model::request::RequestOwner;
use crate::domain::model::wrong_codes::hour_of;
use crate::domain::values::card_link::CardKey;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{
    BatchId, DeviceId, MessageId, PartnerId, PersonId, SiteId, UserId,
};
use crate::domain::values::license_code::CodeKey;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use std::collections::HashMap;

/// The partition key's attribute.
pub(super) const PK: &str = "PK";
/// The sort key's attribute.
pub(super) const SK: &str = "SK";
/// The attribute with an item's form.
pub(super) const FORM: &str = "form";
/// The partition of the index of accounts: whose codes were applied.
pub(super) const PARTNER_ID: &str = "partner_id";
/// The sort key of the index of accounts: on a code that was applied, when and by which entry; on the first entry that
/// applied a code of the partner to a site, which site.
pub(super) const ACCOUNT_AT: &str = "account_at";
/// The prefix of the sort keys of applied codes on the index of accounts.
pub(super) const APPLIED_PREFIX: &str = "APPLIED#";
/// The prefix of the sort keys of entries.
pub(super) const ENTRY_PREFIX: &str = "ENTRY#";
/// The prefix of the sort keys of devices.
pub(super) const DEVICE_PREFIX: &str = "DEVICE#";
/// The prefix of the sort keys of users.
pub(super) const USER_PREFIX: &str = "USER#";
/// The prefix of the sort keys of messages.
pub(super) const MESSAGE_PREFIX: &str = "MESSAGE#";
/// The prefix of the sort keys of batches.
pub(super) const BATCH_PREFIX: &str = "BATCH#";
/// The prefix of the sort keys of a person's and of a partner's sites.
pub(super) const SITE_PREFIX: &str = "SITE#";
/// The prefix of the sort keys of invitations, of a site and of a person.
pub(super) const INVITATION_PREFIX: &str = "INVITATION#";
/// The prefix of the sort keys of a partner's history.
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
    /// A user of a site.
    User(SiteId, UserId),
    /// What leads from the ID of a person to a user of a site.
    Person(SiteId, PersonId),
    /// An invitation of a site, with its address.
    Invitation(SiteId, PersonId),
    /// How many users a site has.
    Roster(SiteId),
    /// What finds a card by its link.
    Card(CardKey),
    /// A message of a site.
    Message(SiteId, MessageId),
    /// How many messages a site sent to a number, by the keyed hash of the number.
    Number(SiteId, String),
    /// What finds a message by the network's ID.
    Network(String),
    /// A request, by whose it is and its idempotency key.
    Request(RequestOwner, String),
    /// A code.
    Code(CodeKey),
    /// A batch of a partner.
    Batch(PartnerId, BatchId),
    /// A site that a person administers.
    AdministratorOf(Email, SiteId),
    /// A site that a person is invited to.
    Invited(Email, SiteId),
    /// A site that applied codes of a partner.
    SiteOf(PartnerId, SiteId),
    /// How many wrong codes a person tried, in the hour of an instant.
    WrongCodes(Email, Timestamp),
    /// A line of a partner's history, by its instant and what makes it unique there.
    History(PartnerId, Timestamp, String),
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
            Self::User(site, user) => (
                site_partition(site),
                format!("{USER_PREFIX}{}", user_sort_key(user)),
            ),
            Self::Person(site, person) => (site_partition(site), format!("PERSON#{person}")),
            Self::Invitation(site, person) => {
                (site_partition(site), format!("{INVITATION_PREFIX}{person}"))
            }
            Self::Roster(site) => (site_partition(site), "ROSTER".to_owned()),
            Self::Message(site, message) => {
                (site_partition(site), format!("{MESSAGE_PREFIX}{message}"))
            }
            Self::Number(site, key) => (site_partition(site), format!("NUMBER#{key}")),
            Self::Network(id) => (format!("SNS#{id}"), "SNS".to_owned()),
            Self::Card(key) => (format!("CARD#{}", key.as_str()), "CARD".to_owned()),
            Self::Request(whose, key) => {
                let partition = match whose {
                    RequestOwner::Site(site) => site_partition(site),
                    RequestOwner::Partner(partner) => partner_partition(partner),
                    RequestOwner::Person(email) => person_partition(email),
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
            Self::Invited(email, site) => (
                person_partition(email),
                format!("{INVITATION_PREFIX}{site}"),
            ),
            Self::WrongCodes(email, at) => {
                let hour = hour_of(*at);
                (caller_partition(email), format!("WRONG_CODES#{hour}"))
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

/// A user's ID as the table sorts it: numbers by their value and before all others, which sort as texts.
pub(super) fn user_sort_key(user: &UserId) -> String {
    let id = user.as_str();
    if id.bytes().all(|b| b.is_ascii_digit()) {
        format!("{:02}#{id}", id.len())
    } else {
        format!("99#{id}")
    }
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

/// The partition of what is counted of a person. It is another than the one below, so that a role which counts can
/// reach nothing else of the person's.
pub(super) fn caller_partition(email: &Email) -> String {
    format!("CALLER#{email}")
}

/// The partition of a person's sites and invitations, and of the requests that made or answered them.
pub(super) fn person_partition(email: &Email) -> String {
    format!("ADMIN#{email}")
}

/// An instant as the history sorts it: always with nine digits after the point, so that the text sorts as the time does.
pub(super) fn history_instant(at: Timestamp) -> String {
    format!("{at:.9}")
}
