//! The chain of hashes that joins the entries of a statement, and its verification (rule 16).
//!
//! `docs/DATA_MODEL.md` has an example of the form that is hashed.

use crate::domain::model::entry::{Actor, Entry, Event};
use crate::domain::model::site::Status;
use crate::domain::values::amount::{BalanceOutOfRange, Balances, Changes};
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::SiteId;
use jiff::Timestamp;

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
pub(crate) struct NewEntry {
    pub event: Event,
    pub changes: Changes,
    pub actor: Actor,
}

/// The place at the end of a chain.
#[derive(Debug)]
pub(crate) struct Tail<'a> {
    pub site_id: &'a SiteId,
    pub sequence: u64,
    pub hash: Hash,
    pub balances: Balances,
    pub status: Status,
    pub at: Timestamp,
}

impl Tail<'_> {
    /// The entry that follows.
    pub(crate) fn append(&self, new: NewEntry) -> Result<Entry, BalanceOutOfRange> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::entry::CodeReference;
    use crate::domain::values::email::Email;
    use crate::domain::values::ids::{BatchId, PartnerId};
    use crate::domain::values::license_code::CodeKey;

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
