//! The item by which a card is found from its link.

use crate::domain::values::card_link::CardKey;
use crate::domain::values::ids::{SiteId, UserId};
use crate::store::conditional::{ABSENT, Conditional, PRESENT};
use crate::store::item::{CorruptItem, Item, decode, encode};
use crate::store::keys::Key;
use crate::store::reads::TypedKey;
use serde::{Deserialize, Serialize};

/// Whose card a link leads to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CardOwner {
    /// The site.
    pub site_id: SiteId,
    /// The user.
    pub user_id: UserId,
}

impl TypedKey<CardOwner> {
    /// Whose card a link leads to, by the card's key.
    #[must_use]
    pub fn card_owner(key: &CardKey) -> Self {
        Self {
            key: Key::Card(key.clone()),
            decode: decode_card_owner,
        }
    }
}

/// Reads whose card a link leads to.
///
/// # Errors
/// The item is corrupt.
pub fn decode_card_owner(item: &Item) -> Result<CardOwner, CorruptItem> {
    decode(item)
}

pub(super) fn linked(
    key: &CardKey,
    site_id: &SiteId,
    user_id: &UserId,
) -> Result<Conditional, CorruptItem> {
    let owner = CardOwner {
        site_id: site_id.clone(),
        user_id: user_id.clone(),
    };
    Ok(Conditional::put(encode(&Key::Card(key.clone()), &owner)?).when(ABSENT))
}

pub(super) fn unlinked(key: &CardKey) -> Conditional {
    Conditional::delete(Key::Card(key.clone())).when(PRESENT)
}
