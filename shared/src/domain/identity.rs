//! Who and what things are called: newtypes, each with one fallible `parse`.

use super::crockford;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// A text is not a valid name of its kind. `what` names the kind, `rule` what a valid one looks like.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidName {
    /// The kind of name, as the contract spells it.
    pub what: &'static str,
    /// What a valid one looks like.
    pub rule: &'static str,
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

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
    /// An e-mail address, its ASCII letters in lower case, at most 254 bytes (RFC 5321). Compared without case.
    Email
}

text_type! {
    /// A site's name: 1 to 100 characters, none of them a control character. Names may repeat.
    SiteName
}

text_type! {
    /// A country: an ISO 3166-1 alpha-2 code, in upper case.
    Country
}

text_type! {
    /// A user's ID: 1 to 64 ASCII letters, digits, `-`, `_` and `.`, the first of them a letter or digit.
    UserId
}

text_type! {
    /// A person's name: 1 to 100 characters, none of them a control character, and the first none with which a
    /// spreadsheet begins a formula.
    PersonName
}

text_type! {
    /// The ID of a card: a random UUID, made anew for each card that is issued.
    CardId
}

text_type! {
    /// A text of a site's own, for a message: 1 to 500 characters, none of them a control character but the new line.
    MessageText
}

text_type! {
    /// The ID of a message: a UUID of version 7 by the time of its reservation, so that messages sort by age.
    MessageId
}

text_type! {
    /// A language: the two or three letters of its code in BCP 47, in lower case.
    Language
}

text_type! {
    /// Who acts for a partner: the `sub` claim of the token, at most 255 characters.
    Subject
}

text_type! {
    /// Why a partner voids codes: 1 to 100 characters, none of them a control character. It is repeated on each of ten
    /// thousand codes, and a function answers at most 6 MB, in which a character takes up to four bytes.
    Reason
}

text_type! {
    /// The ID of one command: a UUID that is made anew for each and written with each entry. It tells a
    /// command whose answer was lost that the change it finds is its own.
    CommandId
}

/// The symbols of a device ID that is made here: 50 bits, of which a site's 10,000 devices share none.
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
            .ok_or(InvalidName {
                what: "site_id",
                rule: "8 symbols of Crockford Base32",
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

impl PersonName {
    /// Reads a person's name and trims it.
    ///
    /// # Errors
    /// Nothing is left, it is longer than 100 characters, has a control character, or begins with `=`, `+`, `-` or `@`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100)
            .filter(|name| !name.starts_with(['=', '+', '-', '@']))
            .map(Self)
            .ok_or(InvalidName {
                what: "name",
                rule: "1 to 100 characters without control characters, the first none of = + - @",
            })
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

impl MessageText {
    /// Reads a text and trims it.
    ///
    /// # Errors
    /// Nothing is left, it is longer than 500 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let right = (1..=500).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() && c != '\n');
        right.then(|| Self(text.to_owned())).ok_or(InvalidName {
            what: "text",
            rule: "1 to 500 characters without control characters other than new lines",
        })
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

impl Email {
    /// Reads an e-mail address, trims it, and lowers its case.
    ///
    /// # Errors
    /// It is not one `@` between two parts of visible characters, has one of `/ ? # % \`, or is longer than 254 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        // Of ASCII alone: Unicode folds other letters into these, and so other people's addresses.
        let text = text.trim().to_ascii_lowercase();
        // A gateway decodes a path before it is cut into parts, and the last five would change where it leads.
        let visible = !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "/?#%\\".contains(c));
        let parts = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        (visible && parts && text.len() <= 254)
            .then_some(Self(text))
            .ok_or(InvalidName {
                what: "email",
                rule: "one e-mail address of at most 254 bytes, without / ? # % and \\",
            })
    }
}

impl SiteName {
    /// Reads a name and trims it.
    ///
    /// # Errors
    /// Nothing is left, it is longer than 100 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100).map(Self).ok_or(InvalidName {
            what: "name",
            rule: "1 to 100 characters without control characters",
        })
    }
}

impl Language {
    /// Reads a language's code, in either case.
    ///
    /// # Errors
    /// It is not two or three ASCII letters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        ((2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidName {
                what: "language",
                rule: "a two- or three-letter code such as en",
            })
    }
}

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

impl Subject {
    /// Reads a subject.
    ///
    /// # Errors
    /// It is empty, or has more characters than OpenID Connect Core 1.0, section 2, allows.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        (1..=255)
            .contains(&text.chars().count())
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidName {
                what: "sub",
                rule: "1 to 255 characters",
            })
    }
}

impl Reason {
    /// Reads a reason and trims it.
    ///
    /// # Errors
    /// Nothing is left, it is longer than 100 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100).map(Self).ok_or(InvalidName {
            what: "reason",
            rule: "1 to 100 characters without control characters",
        })
    }
}

impl Country {
    /// Reads a country's code, in either case.
    ///
    /// # Errors
    /// It is not two ASCII letters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| Self(text.to_ascii_uppercase()))
            .ok_or(InvalidName {
                what: "country",
                rule: "a two-letter ISO 3166-1 code",
            })
    }
}

/// A time zone of the IANA database, by its name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl TimeZone {
    /// Finds a time zone, without regard to case.
    ///
    /// # Errors
    /// The compiled-in database has no zone of that name.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let zone = jiff::tz::TimeZone::get(name).ok();
        zone.and_then(|zone| {
            let name = zone.iana_name()?.to_owned();
            // The database's own word for a clock that nobody has set.
            (name != "Factory").then_some(Self { name, zone })
        })
        .ok_or(InvalidName {
            what: "time_zone",
            rule: "the name of a time zone of the IANA database, such as Europe/Vienna",
        })
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The date at an instant.
    #[must_use]
    pub fn date(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        self.zone.to_datetime(at).date()
    }

    /// How far the zone's clocks are from UTC at an instant.
    #[must_use]
    pub fn offset(&self, at: jiff::Timestamp) -> jiff::tz::Offset {
        self.zone.to_offset(at)
    }

    /// The first instant of a date, which is not midnight where the clocks skip it.
    ///
    /// A date that the zone skipped whole (Pacific/Apia, 30 December 2011) begins where the next one does.
    /// `None` only within a day of the calendar's end.
    #[must_use]
    pub fn start_of(&self, date: jiff::civil::Date) -> Option<jiff::Timestamp> {
        let midnight = self
            .zone
            .to_ambiguous_zoned_datetime(date.to_datetime(jiff::civil::Time::midnight()));
        midnight.compatible().ok().map(|start| start.timestamp())
    }
}

impl TryFrom<String> for TimeZone {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::parse(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name
    }
}

/// A text of one line, trimmed, and of 1 to `most` characters.
fn line(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let right = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    right.then(|| text.to_owned())
}

fn plain(text: &str, also: &str) -> Option<String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    ((1..=64).contains(&text.len()) && text.chars().all(valid)).then(|| text.to_owned())
}

/// A UUID of version 7.
fn uuid_of(at: jiff::Timestamp) -> String {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(
        uuid::NoContext,
        seconds,
        at.subsec_nanosecond().unsigned_abs(),
    );
    uuid::Uuid::new_v7(time).to_string()
}

fn uuid(text: &str, what: &'static str) -> Result<String, InvalidName> {
    uuid::Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == 36)
        .map(|id| id.to_string())
        .ok_or(InvalidName {
            what,
            rule: "a UUID in its hyphenated form",
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn site_ids_forgive_what_is_misread_on_the_phone() {
        let id = SiteId::parse("K7QP01M9").unwrap();
        assert_eq!(SiteId::parse("k7qp-oLm9").unwrap(), id);
        assert!(SiteId::parse("K7QP01M").is_err());
        assert!(SiteId::parse("K7QP01MU").is_err());
    }

    #[test]
    fn e_mail_addresses_are_compared_without_case() {
        assert_eq!(
            Email::parse(" Kim@Example.com ").unwrap().as_str(),
            "kim@example.com"
        );
        for bad in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "a@b@c",
            "a b@c",
            "a\u{7}@b",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_day_begins_where_the_clocks_skip_midnight() {
        // Beirut's summer time begins at midnight: that day's first instant is 01:00.
        let zone = TimeZone::parse("Asia/Beirut").unwrap();
        let start = zone.start_of(date(2027, 3, 28)).unwrap();
        assert_eq!(start.to_string(), "2027-03-27T22:00:00Z");
        assert_eq!(zone.date(start), date(2027, 3, 28));
        let before = start - jiff::SignedDuration::from_millis(1);
        assert_eq!(zone.date(before), date(2027, 3, 27));
    }

    #[test]
    fn a_date_that_a_zone_skipped_begins_with_the_next() {
        let zone = TimeZone::parse("Pacific/Apia").unwrap();
        let start = zone.start_of(date(2011, 12, 30)).unwrap();
        assert_eq!(Some(start), zone.start_of(date(2011, 12, 31)));
        assert_eq!(zone.date(start), date(2011, 12, 31));
    }

    #[test]
    fn time_zones_are_those_of_the_database() {
        assert_eq!(
            TimeZone::parse("europe/vienna").unwrap().as_str(),
            "Europe/Vienna"
        );
        assert!(TimeZone::parse("Europe/Nowhere").is_err());
        assert!(TimeZone::parse("").is_err());
    }
}
