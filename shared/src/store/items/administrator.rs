//! The item by which a person's sites are found.

use crate::domain::values::email::Email;
use crate::domain::values::ids::SiteId;
use crate::store::conditional::{ABSENT, Conditional, PRESENT};
use crate::store::item::{CorruptItem, Item, second_part};
use crate::store::keys::{Key, PK, SK};

/// The site that an item of a person's sites names.
///
/// # Errors
/// Its key is corrupt.
pub fn decode_administrator_of(item: &Item) -> Result<(Email, SiteId), CorruptItem> {
    let email = second_part(item, PK).and_then(|email| Email::parse(email).ok());
    let site = second_part(item, SK).and_then(|id| SiteId::parse(id).ok());
    email
        .zip(site)
        .ok_or_else(|| CorruptItem::of(item, "its key names no person or no site"))
}

pub(super) fn added(email: &Email, site: &SiteId) -> Conditional {
    let key = Key::AdministratorOf(email.clone(), site.clone());
    Conditional::put(key.attributes()).when(ABSENT)
}

pub(super) fn removed(email: &Email, site: &SiteId) -> Conditional {
    Conditional::delete(Key::AdministratorOf(email.clone(), site.clone())).when(PRESENT)
}
