//! The items of an invitation: the one with the address, and the one by which the address finds it. They are deleted with the
//! invitation, and expire where it only lapsed.

use crate::domain::model::site::{Role, SentInvitation};
use crate::domain::values::country::Language;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK, SK};
use crate::store::reads::TypedKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The address is found as the person that was read.
const INVITED_AS_READ: &str = "person = :read";

/// How long the items are kept after the invitation is over, in seconds.
const KEPT_S: i64 = 86_400;

#[derive(Serialize, Deserialize)]
struct InvitationAttributes {
    email: Email,
    role: Role,
    /// What the notice says, as it was when the invitation was sent.
    site_name: SiteName,
    language: Language,
    sent_at: Timestamp,
    over_at: Timestamp,
    entry: u64,
    /// When the item may be forgotten: the table's TTL.
    expires_at: i64,
}

/// Reads an invitation as it was sent.
///
/// # Errors
/// The item is corrupt.
pub fn decode_invitation(item: &Item) -> Result<SentInvitation, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: InvitationAttributes = decode(item)?;
    let site_id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let person = second_part(item, SK).and_then(|id| PersonId::parse(id).ok());
    Ok(SentInvitation {
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        site_name: attributes.site_name,
        language: attributes.language,
        email: attributes.email,
        person: person.ok_or_else(|| corrupt("its key has no ID of a person"))?,
        role: attributes.role,
        sent_at: attributes.sent_at,
        over_at: attributes.over_at,
        entry: attributes.entry,
    })
}

/// As whom an address is invited to a site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvitedTo {
    /// The address.
    pub email: Email,
    /// The site.
    pub site_id: SiteId,
    /// The ID of the person there.
    pub person: PersonId,
}

#[derive(Serialize, Deserialize)]
struct InvitedAttributes {
    person: PersonId,
    /// When the item may be forgotten: the table's TTL.
    expires_at: i64,
}

/// Reads as whom an address is invited to a site.
///
/// # Errors
/// The item is corrupt.
pub fn decode_invited(item: &Item) -> Result<InvitedTo, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: InvitedAttributes = decode(item)?;
    let email = second_part(item, PK).and_then(|email| Email::parse(email).ok());
    let site_id = second_part(item, SK).and_then(|id| SiteId::parse(id).ok());
    Ok(InvitedTo {
        email: email.ok_or_else(|| corrupt("its key has no address"))?,
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        person: attributes.person,
    })
}

impl TypedKey<SentInvitation> {
    /// An invitation of a site, as it was sent.
    #[must_use]
    pub fn invitation(site: &SiteId, person: &PersonId) -> Self {
        Self {
            key: Key::Invitation(site.clone(), person.clone()),
            decode: decode_invitation,
        }
    }
}

impl TypedKey<InvitedTo> {
    /// As whom an address is invited to a site.
    #[must_use]
    pub fn invited(email: &Email, site: &SiteId) -> Self {
        Self {
            key: Key::Invited(email.clone(), site.clone()),
            decode: decode_invited,
        }
    }
}

/// The site's version says that it is the newest sending, so it needs no condition of its own.
pub(super) fn sent(sent: &SentInvitation) -> Result<Conditional, CorruptItem> {
    let key = Key::Invitation(sent.site_id.clone(), sent.person.clone());
    let attributes = InvitationAttributes {
        email: sent.email.clone(),
        role: sent.role,
        site_name: sent.site_name.clone(),
        language: sent.language.clone(),
        sent_at: sent.sent_at,
        over_at: sent.over_at,
        entry: sent.entry,
        expires_at: sent.over_at.as_second() + KEPT_S,
    };
    Ok(Conditional::put(encode(&key, &attributes)?))
}

pub(super) fn erased(site: &SiteId, person: &PersonId) -> Conditional {
    Conditional::delete(Key::Invitation(site.clone(), person.clone()))
}

/// What was read of the address and of the site is no snapshot: so the address must still be found as it was.
pub(super) fn invited(
    email: &Email,
    site: &SiteId,
    person: &PersonId,
    found: Option<&PersonId>,
    over_at: Timestamp,
) -> Result<Conditional, CorruptItem> {
    let key = Key::Invited(email.clone(), site.clone());
    let attributes = InvitedAttributes {
        person: person.clone(),
        expires_at: over_at.as_second() + KEPT_S,
    };
    let put = Conditional::put(encode(&key, &attributes)?);
    Ok(match found {
        Some(found) => put.when(INVITED_AS_READ).text(":read", found.as_str()),
        None => put.when(ABSENT),
    })
}

pub(super) fn invited_no_more(email: &Email, site: &SiteId) -> Conditional {
    Conditional::delete(Key::Invited(email.clone(), site.clone()))
}
