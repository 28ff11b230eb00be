//! Identifiers: newtypes, each with one fallible `parse`.

use crate::domain::values::check_symbol::check_symbol;
use crate::domain::values::crockford::{self, NotSymbols};
use crate::domain::values::text::{InvalidName, plain, text_type, uuid, uuid_of};
use sha2::{Digest, Sha256};

text_type! {
    /// A site's ID: eight symbols of Crockford's Base32, 40 random bits, and a ninth that checks them. Short enough to read
    /// out on the phone, and it says nothing about how many sites there are. The ID of an older site has the eight alone.
    SiteId, InvalidSiteId
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
    /// The random ID of a person on one site, an administrator or a user: 16 symbols of Crockford's Base32. What can never
    /// be erased names people by it. What leads from it to the person is deleted with the person.
    PersonId
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

/// The symbols of a person's ID: 80 bits.
const PERSON_ID_SYMBOLS: u32 = 16;

/// The random symbols of a site ID.
const RANDOM_SYMBOLS: u32 = 8;
/// All symbols of a site ID: the random ones, and the one that checks them.
const SITE_ID_SYMBOLS: u32 = RANDOM_SYMBOLS + 1;

/// A text is no site ID.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSiteId {
    /// It has another number of symbols, or another character.
    #[error("site_id must be {SITE_ID_SYMBOLS} letters and digits, none of them U")]
    Form,
    /// It was mistyped.
    #[error(
        "a site ID's last symbol checks the others, and it does not fit: look for a typing error"
    )]
    Mistyped,
    /// It has no symbol that checks the others, and so it may have been mistyped.
    #[error("site_id must have {SITE_ID_SYMBOLS} symbols, of which the last checks the others")]
    Unchecked,
}

impl SiteId {
    /// Reads a site ID, also the shorter one of an older site, and forgives what [`crockford::decode`] forgives.
    ///
    /// # Errors
    /// It has neither nine symbols of the alphabet, of which the last checks the others, nor eight.
    pub fn parse(text: &str) -> Result<Self, InvalidSiteId> {
        match CheckedSiteId::parse(text) {
            Ok(CheckedSiteId(id)) => Ok(id),
            Err(InvalidSiteId::Unchecked) => crockford::decode(text, RANDOM_SYMBOLS)
                .map(|bits| Self(crockford::encode(bits, RANDOM_SYMBOLS)))
                .map_err(|_| InvalidSiteId::Form),
            Err(error) => Err(error),
        }
    }

    /// Makes the site ID of 40 random bits; the bits above them are ignored.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(crockford::encode(checked(bits.into()), SITE_ID_SYMBOLS))
    }
}

/// The random bits of a site ID, followed by those of the symbol that checks them.
fn checked(random: u128) -> u128 {
    let check = check_symbol::<32>(crockford::values(random, RANDOM_SYMBOLS));
    (random << 5) | u128::from(check)
}

/// A site ID that was not mistyped, as far as its last symbol tells: for where nobody looks whether there is such a site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedSiteId(SiteId);

impl CheckedSiteId {
    /// Reads a site ID, and forgives what [`crockford::decode`] forgives.
    ///
    /// # Errors
    /// It is not nine symbols of the alphabet, of which the last checks the others.
    pub fn parse(text: &str) -> Result<Self, InvalidSiteId> {
        let bits = crockford::decode(text, SITE_ID_SYMBOLS).map_err(|error| match error {
            NotSymbols::Count(count) if u32::try_from(count) == Ok(RANDOM_SYMBOLS) => {
                InvalidSiteId::Unchecked
            }
            NotSymbols::Count(_) | NotSymbols::Other => InvalidSiteId::Form,
        })?;
        (bits == checked(bits >> 5))
            .then(|| Self(SiteId(crockford::encode(bits, SITE_ID_SYMBOLS))))
            .ok_or(InvalidSiteId::Mistyped)
    }
}

impl From<CheckedSiteId> for SiteId {
    fn from(CheckedSiteId(id): CheckedSiteId) -> Self {
        id
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

impl PersonId {
    /// Reads a person's ID.
    ///
    /// # Errors
    /// It is not 16 symbols of the alphabet.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        crockford::decode(text, PERSON_ID_SYMBOLS)
            .map(|bits| Self(crockford::encode(bits, PERSON_ID_SYMBOLS)))
            .map_err(|_| InvalidName {
                what: "person",
                rule: "16 letters and digits, none of them U",
            })
    }

    /// A new random ID.
    #[must_use]
    pub fn random() -> Self {
        Self::of_bits(uuid::Uuid::new_v4().as_u128())
    }

    /// The ID of somebody whom a command adds under a name: the same for the same command and name, so that a repetition
    /// names them again. It is as random as the command's ID, which is not kept with what cannot be erased.
    #[must_use]
    pub fn made_by(command: &CommandId, name: &str) -> Self {
        Self::of_hash(&format!("{command}\n{name}"))
    }

    /// The ID of somebody who was stored before there were random ones. It is no secret who that is: older entries name
    /// the same person by `name`.
    #[must_use]
    pub fn of_older(site: &SiteId, name: &str) -> Self {
        Self::of_hash(&format!("{site}\n{name}"))
    }

    fn of_hash(text: &str) -> Self {
        let hash = Sha256::digest(text);
        let bits = hash[..16].iter();
        Self::of_bits(bits.fold(0, |bits, &byte| (bits << 8) | u128::from(byte)))
    }

    /// Of 128 bits, of which a UUID fixes six in the middle: its two ends make the 80 of an ID.
    fn of_bits(bits: u128) -> Self {
        let ends = (bits >> 88) << 40 | (bits & ((1 << 40) - 1));
        Self(crockford::encode(ends, PERSON_ID_SYMBOLS))
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
    use proptest::prelude::*;

    #[test]
    fn site_ids_forgive_what_is_misread_on_the_phone() {
        let id = SiteId::parse("K7QP01M99").unwrap();
        assert_eq!(id.as_str(), "K7QP01M99");
        assert_eq!(SiteId::parse("k7qp-oLm9 9").unwrap(), id);
        for text in ["K7QP01M", "K7QP01M999", "K7QP01MU9", "K7QP01MU", ""] {
            assert_eq!(SiteId::parse(text), Err(InvalidSiteId::Form), "{text}");
        }
    }

    #[test]
    fn the_id_of_an_older_site_stays_as_it_is_and_no_partner_binds_codes_to_it() {
        let older = SiteId::parse("k7qp-oLm9").unwrap();
        assert_eq!(older.as_str(), "K7QP01M9");
        let checked = CheckedSiteId::parse("K7QP01M9");
        assert_eq!(checked, Err(InvalidSiteId::Unchecked));
    }

    proptest! {
        #[test]
        fn a_site_id_with_a_wrong_symbol_is_refused(bits: u64, place in 0_usize..9, wrong in 0_usize..32) {
            let id = SiteId::from_random(bits);
            prop_assert_eq!(SiteId::parse(id.as_str()), Ok(id.clone()));
            let mut symbols = id.as_str().as_bytes().to_vec();
            let right = std::mem::replace(&mut symbols[place], crockford::SYMBOLS[wrong]);
            let mistyped = String::from_utf8(symbols).unwrap();
            if right != crockford::SYMBOLS[wrong] {
                prop_assert_eq!(SiteId::parse(&mistyped), Err(InvalidSiteId::Mistyped));
                prop_assert_eq!(CheckedSiteId::parse(&mistyped), Err(InvalidSiteId::Mistyped));
            }
        }
    }
}
