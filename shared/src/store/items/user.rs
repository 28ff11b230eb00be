//! The items of a user and of a site's roster.

use crate::domain::model::card::Card;
use crate::domain::model::user::{Holder, Profile, Roster, User, UserKind};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, PersonId, SiteId, UserId};
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::Mobile;
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK, SK};
use crate::store::reads::TypedKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct UserAttributes {
    /// In the first form there is none, and it is made as that of a user who is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<PersonId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_named: bool,
    #[serde(default)]
    numbers: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<PersonName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<UserKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mobile: Option<Mobile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<Card>,
    #[serde(default, skip_serializing_if = "is_unknown")]
    holder: Holder,
    added_at: Timestamp,
    added_by: CommandId,
    version: u64,
}

fn is_unknown(holder: &Holder) -> bool {
    !holder.is_known()
}

fn encode_user(user: &User) -> Result<Item, CorruptItem> {
    let Profile {
        name,
        kind,
        email,
        mobile,
    } = user.profile.clone();
    let attributes = UserAttributes {
        person: Some(user.person.clone()),
        is_named: user.is_named,
        numbers: user.numbers,
        name,
        kind,
        email,
        mobile,
        card: user.card.clone(),
        holder: user.holder.clone(),
        added_at: user.added_at,
        added_by: user.added_by.clone(),
        version: user.version,
    };
    encode(
        &Key::User(user.site_id.clone(), user.id.clone()),
        &attributes,
    )
}

/// Reads a user.
///
/// # Errors
/// The item is corrupt.
pub fn decode_user(item: &Item) -> Result<User, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: UserAttributes = decode(item)?;
    let site_id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let id = second_part(item, SK).and_then(|rest| rest.split_once('#'));
    let id = id.and_then(|(_, id)| UserId::parse(id).ok());
    let id = id.ok_or_else(|| corrupt("its key has no user ID"))?;
    let person = || PersonId::made_by(&attributes.added_by, id.as_str());
    Ok(User {
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        person: attributes.person.unwrap_or_else(person),
        id,
        is_named: attributes.is_named,
        numbers: attributes.numbers,
        profile: Profile {
            name: attributes.name,
            kind: attributes.kind,
            email: attributes.email,
            mobile: attributes.mobile,
        },
        card: attributes.card,
        holder: attributes.holder,
        added_at: attributes.added_at,
        added_by: attributes.added_by,
        version: attributes.version,
    })
}

#[derive(Serialize, Deserialize)]
struct RosterAttributes {
    users: u32,
    next_number: u32,
    version: u64,
}

fn encode_roster(site: &SiteId, roster: Roster) -> Result<Item, CorruptItem> {
    let attributes = RosterAttributes {
        users: roster.users,
        next_number: roster.next_number,
        version: roster.version,
    };
    encode(&Key::Roster(site.clone()), &attributes)
}

/// Reads how many users a site has.
///
/// # Errors
/// The item is corrupt.
pub fn decode_roster(item: &Item) -> Result<Roster, CorruptItem> {
    let RosterAttributes {
        users,
        next_number,
        version,
    } = decode(item)?;
    Ok(Roster {
        users,
        next_number,
        version,
    })
}

impl TypedKey<User> {
    /// A user of a site.
    #[must_use]
    pub fn user(site: &SiteId, user: &UserId) -> Self {
        Self {
            key: Key::User(site.clone(), user.clone()),
            decode: decode_user,
        }
    }
}

impl TypedKey<Roster> {
    /// The roster of a site.
    #[must_use]
    pub fn roster(site: &SiteId) -> Self {
        Self {
            key: Key::Roster(site.clone()),
            decode: decode_roster,
        }
    }
}

pub(super) fn added(user: &User) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_user(user)?).when(ABSENT))
}

pub(super) fn changed(user: &User) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put_over(encode_user(user)?, user.version))
}

pub(super) fn removed(site: &SiteId, user: &UserId, version: u64) -> Conditional {
    Conditional::delete(Key::User(site.clone(), user.clone())).unchanged_since(version)
}

pub(super) fn unchanged(site: &SiteId, user: &UserId, version: u64) -> Conditional {
    Conditional::check(Key::User(site.clone(), user.clone())).unchanged_since(version)
}

pub(super) fn roster(site: &SiteId, roster: Roster) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put_over(
        encode_roster(site, roster)?,
        roster.version,
    ))
}
