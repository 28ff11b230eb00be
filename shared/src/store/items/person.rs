//! The item that leads from the ID of a person to a user. It is deleted with the user.

use crate::domain::values::ids::{PersonId, SiteId, UserId};
use crate::store::conditional::Conditional;
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, SK};
use crate::store::reads::TypedKey;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct PersonAttributes {
    /// The ID that people gave the user.
    user_id: UserId,
}

/// Reads who a person is.
///
/// # Errors
/// The item is corrupt.
pub fn decode_person(item: &Item) -> Result<(PersonId, UserId), CorruptItem> {
    let person = second_part(item, SK).and_then(|id| PersonId::parse(id).ok());
    let person = person.ok_or_else(|| CorruptItem::of(item, "its key has no ID of a person"))?;
    let attributes: PersonAttributes = decode(item)?;
    Ok((person, attributes.user_id))
}

impl TypedKey<(PersonId, UserId)> {
    /// Who a person of a site is, if something names them and they are still a user.
    #[must_use]
    pub fn person(site: &SiteId, person: &PersonId) -> Self {
        Self {
            key: Key::Person(site.clone(), person.clone()),
            decode: decode_person,
        }
    }
}

/// Written again it says the same, so it needs no condition.
pub(super) fn named(
    site: &SiteId,
    person: &PersonId,
    user: &UserId,
) -> Result<Conditional, CorruptItem> {
    let attributes = PersonAttributes {
        user_id: user.clone(),
    };
    let key = Key::Person(site.clone(), person.clone());
    Ok(Conditional::put(encode(&key, &attributes)?))
}

pub(super) fn forgotten(site: &SiteId, person: &PersonId) -> Conditional {
    Conditional::delete(Key::Person(site.clone(), person.clone()))
}
