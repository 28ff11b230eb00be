//! Identifiers: newtypes, each with one fallible `parse`.

use crate::domain::values::crockford;
use crate::domain::values::text::{InvalidName, plain, text_type, uuid, uuid_of};
use sha2::{Digest, Sha256};

text_type! {
    /// A site's ID: eight symbols of Crockford's Base32, 40 random bits. Short enough to read out on the phone,
    /// and it says nothing about how many sites there are.
    SiteId
}

text_type! {
    /// A partner's ID, as its token carries it: 1 to 64 ASCII letters, digits, `-` and `_`.
    PartnerId
}

text_type! {
    /// A batch's ID: a UUID in its canonical form. Version 7 by time of issue, so that batches sort by age.
    BatchId
}

text_type! {
    /// A device's ID: 1 to 64 ASCII letters, digits, `-`, `_`, `.` and `:`, the first of them a letter or digit.
    DeviceId
}

text_type! {
    /// A user's ID: 1 to 64 ASCII letters, digits, `-`, `_` and `.`, the first of them a letter or digit.
    UserId
}

text_type! {
    /// The ID of a card: a random UUID, made anew for each card that is issued.
    CardId
}

text_type! {
    /// The ID of a message: a UUID of version 7 by the time of its reservation, so that messages sort by age.
    MessageId
}

text_type! {
    /// The ID of one command: a UUID that is made anew for each and written with each entry. It tells a
    /// command whose answer was lost that the change it finds is its own.
    CommandId
}

/// The symbols of a device ID that is made here: 50 bits, enough that no two of a site's 10,000 devices share one.
const MADE_ID_SYMBOLS: u32 = 10;

/// The symbols of a site ID.
const SITE_ID_SYMBOLS: u32 = 8;

impl SiteId {
    /// Reads a site ID, and forgives what [`crockford::decode`] forgives.
    ///
    /// # Errors
    /// It is not eight symbols of the alphabet.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        crockford::decode(text, SITE_ID_SYMBOLS)
            .map(|bits| Self(crockford::encode(bits, SITE_ID_SYMBOLS)))
            .map_err(|_| InvalidName {
                what: "site_id",
                rule: "8 letters and digits, none of them U",
            })
    }

    /// Makes the site ID of 40 random bits; the bits above them are ignored.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(crockford::encode(u128::from(bits), SITE_ID_SYMBOLS))
    }
}

impl PartnerId {
    /// Reads a partner's ID.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        plain(text, "-_").map(Self).ok_or(InvalidName {
            what: "partner_id",
            rule: "1 to 64 ASCII letters, digits, hyphens and underscores",
        })
    }
}

impl DeviceId {
    /// Reads a device's ID.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        // A path of dots is not what it seems to be: every client takes it for another.
        plain(text, "-_.:")
            .filter(|id| id.starts_with(|c: char| c.is_ascii_alphanumeric()))
            .map(Self)
            .ok_or(InvalidName {
                what: "device_id",
                rule: "a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores, dots and colons \
                       more",
            })
    }
}

impl DeviceId {
    /// The ID of a device that came without one: the same for the same command and place, so that a repetition of the
    /// command names it again.
    #[must_use]
    pub fn made_by(command: &CommandId, place: usize) -> Self {
        let hash = Sha256::digest(format!("{command}\n{place}"));
        let bits = hash[..8]
            .iter()
            .fold(0, |bits, &byte| (bits << 8) | u128::from(byte));
        Self(crockford::encode(bits, MADE_ID_SYMBOLS))
    }
}

/// The most digits of a number that the next user's ID is counted on from.
const MAX_NUMBER_DIGITS: usize = 9;

impl UserId {
    /// Reads a user's ID.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        plain(text, "-_.")
            .filter(|id| id.starts_with(|c: char| c.is_ascii_alphanumeric()))
            .map(Self)
            .ok_or(InvalidName {
                what: "user_id",
                rule: "a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores and dots more",
            })
    }

    /// The ID that is a number.
    #[must_use]
    pub fn numbered(number: u32) -> Self {
        Self(number.to_string())
    }

    /// The number that this ID is, if it is one of at most nine digits.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        let digits = self.0.bytes().all(|b| b.is_ascii_digit());
        (digits && self.0.len() <= MAX_NUMBER_DIGITS)
            .then(|| self.0.parse().ok())
            .flatten()
    }
}

impl CardId {
    /// Reads a card's ID.
    ///
    /// # Errors
    /// It is not a UUID in its hyphenated form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        uuid(text, "card_id").map(Self)
    }

    /// A new random ID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

impl BatchId {
    /// Reads a batch's ID.
    ///
    /// # Errors
    /// It is not a UUID in its hyphenated form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        uuid(text, "batch_id").map(Self)
    }

    /// The ID of a batch that is issued at `at`: a UUID of version 7.
    #[must_use]
    pub fn issued_at(at: jiff::Timestamp) -> Self {
        Self(uuid_of(at))
    }
}

impl MessageId {
    /// Reads a message's ID.
    ///
    /// # Errors
    /// It is not a UUID in its hyphenated form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        uuid(text, "message_id").map(Self)
    }

    /// The ID of a message that is reserved at `at`: a UUID of version 7.
    #[must_use]
    pub fn reserved_at(at: jiff::Timestamp) -> Self {
        Self(uuid_of(at))
    }
}

impl CommandId {
    /// Reads a command's ID.
    ///
    /// # Errors
    /// It is not a UUID in its hyphenated form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        uuid(text, "command_id").map(Self)
    }

    /// A new random ID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_ids_forgive_what_is_misread_on_the_phone() {
        let id = SiteId::parse("K7QP01M9").unwrap();
        assert_eq!(SiteId::parse("k7qp-oLm9").unwrap(), id);
        assert!(SiteId::parse("K7QP01M").is_err());
        assert!(SiteId::parse("K7QP01MU").is_err());
    }
}
