//! The statement: entries, and the chain of hashes that joins them (rule 16).
//!
//! # The form that is hashed
//! An entry has one form: what is hashed is what is stored and what a statement shows, so whoever holds a
//! statement can verify it. The hash of an entry is the SHA-256, in lower-case hexadecimal, of the entry as JSON
//! without its `hash` member, in the canonical form of RFC 8785: members sorted by name at every level, no white
//! space, UTF-8. All names are ASCII, and all numbers are whole and below 2^53, so that any JSON library with
//! sorted keys writes the same bytes. `previous_hash` is the hash of the entry before, and 64 zeros in the first.
//! `docs/DATA_MODEL.md` has an example.

use super::amount::{BalanceOutOfRange, Balances, Changes};
use super::code::CodeKey;
use super::identity::{
    BatchId, CardId, Country, DeviceId, Email, InvalidName, Language, MessageId, PartnerId, SiteId,
    SiteName, TimeZone, UserId,
};
use super::site::{Role, SiteType, Status};
use super::sms::NotSent;
use super::warning::DaysBefore;
use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// One entry of a site's statement. It is never changed and never deleted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The site.
    pub site_id: SiteId,
    /// 1 for the first entry, and one more for each that follows, without a gap.
    pub sequence: u64,
    /// When it was written; never earlier than the entry before.
    pub at: Timestamp,
    /// What happened, and what it refers to.
    #[serde(flatten)]
    pub event: Event,
    /// What it changed.
    pub changes: Changes,
    /// The balances after it.
    pub balances: Balances,
    /// The status after it.
    pub status: Status,
    /// Whose doing it was.
    pub actor: Actor,
    /// The hash of the entry before; zeros in the first.
    pub previous_hash: Hash,
    /// The hash of this entry.
    pub hash: Hash,
}

/// What happened, as `kind`, and what it refers to, as `refers_to`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "refers_to", rename_all = "snake_case")]
pub enum Event {
    /// The site was created, and its creator is its master.
    SiteCreation {
        /// Its name.
        name: SiteName,
        /// Its language.
        language: Language,
        /// How it pays.
        site_type: SiteType,
        /// Its country.
        country: Country,
        /// Its time zone.
        time_zone: TimeZone,
        /// The date, in that zone, from which due dates are counted.
        opened_on: Date,
    },
    /// Settings were changed; those that were not are left out.
    SettingsChange {
        /// The new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SiteName>,
        /// The new time zone. Everything that was due in the old one was charged before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zone: Option<TimeZone>,
        /// The new language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<Language>,
        /// The countries that messages may be sent to from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sms_countries: Option<Vec<Country>>,
    },
    /// A person became an administrator, has another role, or is none any more.
    AdministratorChange {
        /// Who.
        email: Email,
        /// The role before; null for a new administrator.
        role_before: Option<Role>,
        /// The role after; null for one who was removed.
        role_after: Option<Role>,
    },
    /// The site was deleted, with what it still held.
    SiteDeletion {
        /// What was forfeited.
        forfeited: Balances,
    },
    /// A code was applied to credits.
    Redemption(CodeReference),
    /// A code was applied to SMS.
    SmsRedemption(CodeReference),
    /// Devices were registered.
    DeviceRegistration {
        /// The date, in the site's zone: its day is the devices' anchor day.
        registered_on: Date,
        /// How many.
        devices: u32,
    },
    /// A device was removed.
    DeviceRemoval {
        /// The device.
        device_id: DeviceId,
        /// The date on which it had been registered.
        registered_on: Date,
    },
    /// A card was issued to a user.
    CardIssue {
        /// Whom.
        user_id: UserId,
        /// The card.
        card_id: CardId,
    },
    /// A card was issued in the place of another.
    CardReissue {
        /// Whom.
        user_id: UserId,
        /// The card.
        card_id: CardId,
        /// The card that is no good any more.
        replaces: CardId,
    },
    /// A message was charged, one SMS a part.
    SmsReservation {
        /// The message.
        message_id: MessageId,
        /// To whom.
        user_id: UserId,
        /// The number, masked: an entry is never deleted.
        to: String,
        /// The parts.
        parts: u32,
    },
    /// A message surely was not sent, and its SMS were given back.
    SmsRefund {
        /// The message.
        message_id: MessageId,
        /// The parts.
        parts: u32,
        /// Why it was not sent.
        reason: NotSent,
    },
    /// The devices that were due on one date were charged.
    Deduction {
        /// The due date, in the site's zone.
        due_on: Date,
        /// How many devices were due: one credit each.
        devices: u32,
    },
    /// The balance did not cover a due date, and the site was halted.
    Halt {
        /// The due date that was not charged.
        due_on: Date,
        /// How many devices were due: one credit each would have been needed.
        devices: u32,
    },
    /// What was overdue was paid, once for each device.
    OverdueDeduction {
        /// The last date that had been charged.
        charged_through: Date,
        /// The date until which everything is paid now.
        paid_through: Date,
        /// How many devices had a due date between the two.
        devices: u32,
    },
    /// The site runs again.
    Resume {
        /// The date, in the site's zone.
        resumed_on: Date,
    },
    /// The balance will not cover a due date to come, if nothing changes.
    Warning {
        /// Which of the warnings before that date it is.
        days_before: DaysBefore,
        /// The due date, in the site's zone.
        falls_short_on: Date,
        /// The credits that are missing on it.
        missing: u64,
    },
}

/// The code that an entry refers to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeReference {
    /// What finds the code's item: a keyed hash, which nobody can turn back into the code.
    pub code_id: CodeKey,
    /// The last four symbols, which the person who typed it knows again.
    pub code_last_four: String,
    /// The batch.
    pub batch_id: BatchId,
    /// The partner who sold it.
    pub partner_id: PartnerId,
}

/// Whose doing an entry was.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// An administrator's command.
    Administrator {
        /// Who.
        email: Email,
    },
    /// The rules': a deduction, a halt, a resume.
    System,
}

/// A SHA-256 hash, in lower-case hexadecimal.
#[derive(Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of a statement follows.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        bytes
            .and_then(|b| b.try_into().ok())
            .map(Self)
            .ok_or(InvalidName {
                what: "hash",
                rule: "64 lower-case hexadecimal digits",
            })
    }
}

impl Entry {
    /// The bytes that are hashed: the entry without its hash, in the canonical form of RFC 8785.
    ///
    /// # Errors
    /// Never for an entry: every member has a JSON form. The type of the serializer says otherwise.
    pub fn hashed_form(&self) -> Result<String, serde_json::Error> {
        let mut members = serde_json::to_value(self)?;
        if let Value::Object(members) = &mut members {
            members.remove("hash");
        }
        let mut text = String::with_capacity(640);
        write_canonical(&members, &mut text);
        Ok(text)
    }

    /// The hash that the entry should have.
    ///
    /// # Errors
    /// As [`Entry::hashed_form`].
    pub fn computed_hash(&self) -> Result<Hash, serde_json::Error> {
        Ok(Hash(Sha256::digest(self.hashed_form()?.as_bytes()).into()))
    }
}

/// A statement does not verify, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BrokenChain {
    /// The sequence number is not the one that follows.
    #[error("entry {expected} is missing: entry {found} stands in its place")]
    Gap {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// `previous_hash` is not the hash of the entry before.
    #[error("entry {0} does not follow the entry before it")]
    Link(u64),
    /// `hash` is not the hash of the entry.
    #[error("entry {0} was changed: its hash is wrong")]
    Hash(u64),
    /// `balances` are not those of the entry before plus `changes`.
    #[error("entry {0} does not add up")]
    Sum(u64),
    /// `at` is earlier than in the entry before.
    #[error("entry {0} is earlier than the entry before it")]
    Time(u64),
}

/// Verifies a statement entry by entry, from the first.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    sequence: u64,
    hash: Hash,
    balances: Balances,
    at: Timestamp,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self {
            sequence: 0,
            hash: Hash::ZERO,
            balances: Balances::default(),
            at: Timestamp::MIN,
        }
    }
}

impl ChainVerifier {
    /// Takes the next entry.
    ///
    /// # Errors
    /// It does not follow the one before, was changed, or does not add up.
    pub fn next(&mut self, entry: &Entry) -> Result<(), BrokenChain> {
        let sequence = entry.sequence;
        if sequence != self.sequence + 1 {
            return Err(BrokenChain::Gap {
                expected: self.sequence + 1,
                found: sequence,
            });
        }
        if entry.previous_hash != self.hash {
            return Err(BrokenChain::Link(sequence));
        }
        if !entry.computed_hash().is_ok_and(|hash| hash == entry.hash) {
            return Err(BrokenChain::Hash(sequence));
        }
        if self.balances.after(entry.changes) != Ok(entry.balances) {
            return Err(BrokenChain::Sum(sequence));
        }
        if entry.at < self.at {
            return Err(BrokenChain::Time(sequence));
        }
        *self = Self {
            sequence,
            hash: entry.hash,
            balances: entry.balances,
            at: entry.at,
        };
        Ok(())
    }

    /// The number of entries so far.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The hash of the last entry.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The sum of the entries so far.
    #[must_use]
    pub fn balances(&self) -> Balances {
        self.balances
    }
}

/// What an entry is made of, before it has its place in the chain.
#[derive(Debug)]
pub(super) struct NewEntry {
    pub event: Event,
    pub changes: Changes,
    pub actor: Actor,
}

/// The place at the end of a chain.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    pub site_id: &'a SiteId,
    pub sequence: u64,
    pub hash: Hash,
    pub balances: Balances,
    pub status: Status,
    pub at: Timestamp,
}

impl Tail<'_> {
    /// The entry that follows.
    pub(super) fn append(&self, new: NewEntry) -> Result<Entry, BalanceOutOfRange> {
        let mut entry = Entry {
            site_id: self.site_id.clone(),
            sequence: self.sequence + 1,
            at: self.at,
            event: new.event,
            changes: new.changes,
            balances: self.balances.after(new.changes)?,
            status: self.status,
            actor: new.actor,
            previous_hash: self.hash,
            hash: Hash::ZERO,
        };
        // An entry always has a JSON form; were that ever to break, no entry could be written at all.
        entry.hash = entry.computed_hash().map_err(|_| BalanceOutOfRange)?;
        Ok(entry)
    }
}

/// RFC 8785 for the values that entries hold: objects, strings, lists of strings, and whole numbers.
///
/// `serde_json`'s own map is sorted only while no crate of the build asks it to keep the order of insertion, so
/// the sorting is done here.
fn write_canonical(value: &Value, out: &mut String) {
    let Value::Object(members) = value else {
        out.push_str(&value.to_string());
        return;
    };
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|&(name, _)| name);
    out.push('{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write_canonical(value, out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(site_id: &SiteId) -> Tail<'_> {
        Tail {
            site_id,
            sequence: 0,
            hash: Hash::ZERO,
            balances: Balances::default(),
            status: Status::Activated,
            at: "2026-12-09T08:00:00Z".parse().unwrap(),
        }
    }

    fn redemption() -> NewEntry {
        NewEntry {
            event: Event::Redemption(CodeReference {
                code_id: CodeKey::from_stored("00112233445566778899aabbccddeeff"),
                code_last_four: "7Q4Z".into(),
                batch_id: BatchId::parse("019b0212-0000-7000-8000-000000000000").unwrap(),
                partner_id: PartnerId::parse("acme").unwrap(),
            }),
            changes: Changes::add_credits(100, 0).unwrap(),
            actor: Actor::Administrator {
                email: Email::parse("kim@example.com").unwrap(),
            },
        }
    }

    #[test]
    fn the_hashed_form_never_changes() {
        let site_id = SiteId::parse("K7QP01M9").unwrap();
        let entry = tail(&site_id).append(redemption()).unwrap();
        let form = concat!(
            r#"{"actor":{"email":"kim@example.com","kind":"administrator"},"at":"2026-12-09T08:00:00Z","#,
            r#""balances":{"credits":100,"maintenance_credits":0,"sms":0},"#,
            r#""changes":{"credits":100,"maintenance_credits":0,"sms":0},"kind":"redemption","#,
            r#""previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","#,
            r#""refers_to":{"batch_id":"019b0212-0000-7000-8000-000000000000","#,
            r#""code_id":"00112233445566778899aabbccddeeff","code_last_four":"7Q4Z","partner_id":"acme"},"#,
            r#""sequence":1,"site_id":"K7QP01M9","status":"activated"}"#,
        );
        assert_eq!(entry.hashed_form().unwrap(), form);
        assert_eq!(
            entry.hash.to_string(),
            "a28e1476ac0f2a9ae6d54300d47276ce903a091d2dfabc12bdff1dfcb73e6dde"
        );
        let read: Entry = serde_json::from_value(serde_json::to_value(&entry).unwrap()).unwrap();
        assert_eq!(read, entry);
    }

    #[test]
    fn a_chain_of_any_length_verifies_and_any_change_breaks_it() {
        let site_id = SiteId::parse("K7QP01M9").unwrap();
        let first = tail(&site_id).append(redemption()).unwrap();
        let next = Tail {
            sequence: 1,
            hash: first.hash,
            balances: first.balances,
            ..tail(&site_id)
        };
        let second = next.append(redemption()).unwrap();
        let verify = |entries: &[&Entry]| {
            let mut chain = ChainVerifier::default();
            entries.iter().try_for_each(|entry| chain.next(entry))
        };
        assert_eq!(verify(&[&first, &second]), Ok(()));
        let gap = |expected, found| Err(BrokenChain::Gap { expected, found });
        assert_eq!(verify(&[&second]), gap(1, 2));
        assert_eq!(verify(&[&second, &first]), gap(1, 2));
        let mut changed = second.clone();
        changed.changes.credits += 1;
        changed.balances.credits += 1;
        assert_eq!(verify(&[&first, &changed]), Err(BrokenChain::Hash(2)));
        changed.hash = changed.computed_hash().unwrap();
        assert_eq!(
            verify(&[&first, &changed]),
            Ok(()),
            "a chain says nothing of its own last entry"
        );
        changed.balances.credits += 1;
        changed.hash = changed.computed_hash().unwrap();
        assert_eq!(verify(&[&first, &changed]), Err(BrokenChain::Sum(2)));
        let mut rehung = second.clone();
        rehung.previous_hash = Hash::ZERO;
        rehung.hash = rehung.computed_hash().unwrap();
        assert_eq!(verify(&[&first, &rehung]), Err(BrokenChain::Link(2)));
        let mut early = second;
        early.at = "2026-12-09T07:59:59Z".parse().unwrap();
        early.hash = early.computed_hash().unwrap();
        assert_eq!(verify(&[&first, &early]), Err(BrokenChain::Time(2)));
    }
}
