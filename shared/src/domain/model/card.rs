//! A mobile access card.

use crate::domain::values::card_link::CardKey;
use crate::domain::values::ids::CardId;
use crate::domain::values::secret::SecretId;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Whether a card opens doors.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It does.
    Active,
    /// It does not for now.
    Paused,
    /// It never will again.
    Revoked,
}

/// The days on which a card is good, in the site's zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    /// The first.
    pub valid_from: Date,
    /// The last; `None` until it is revoked.
    pub valid_until: Option<Date>,
}

/// A mobile access card.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its ID.
    pub id: CardId,
    /// Whether it opens doors.
    pub status: CardStatus,
    /// When it is good.
    #[serde(flatten)]
    pub validity: Validity,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The secret of its link.
    pub secret_id: SecretId,
    /// What finds it by its link.
    pub key: CardKey,
}
