//! The chain of hashes that joins the entries of a statement, and its verification (rule 16).
//!
//! `docs/DATA_MODEL.md` has an example of the form that is hashed.

use crate::domain::model::entry::Entry;
use crate::domain::values::amount::Balances;
use crate::domain::values::hash::Hash;
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
        if entry.computed_hash() != entry.hash {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::entry::{Actor, CodeReference, Event};
    use crate::domain::model::site::Status;
    use crate::domain::values::amount::Changes;
    use crate::domain::values::form::Form;
    use crate::domain::values::ids::{BatchId, PartnerId, PersonId, SiteId};
    use crate::domain::values::license_code::CodeKey;
    use serde_json::Value;

    /// A redemption that follows an entry, or the first of a statement.
    fn redemption(after: Option<&Entry>) -> Entry {
        let changes = Changes::add_credits(100, 0);
        let balances = after.map_or(Balances::default(), |entry| entry.balances);
        let entry = Entry {
            form: Form::NOW,
            site_id: SiteId::parse("K7QP01M9").unwrap(),
            sequence: after.map_or(1, |entry| entry.sequence + 1),
            at: "2026-12-09T08:00:00Z".parse().unwrap(),
            event: Event::Redemption(CodeReference {
                code_id: CodeKey::from_stored("00112233445566778899aabbccddeeff"),
                code_last_four: "7Q4Z".into(),
                batch_id: BatchId::parse("019b0212-0000-7000-8000-000000000000").unwrap(),
                partner_id: PartnerId::parse("acme").unwrap(),
            }),
            changes,
            balances: balances.after(changes).unwrap(),
            status: Status::Activated,
            actor: Actor::of(&PersonId::parse("9N5PQR8SE2K0G4MX").unwrap()),
            previous_hash: after.map_or(Hash::ZERO, |entry| entry.hash),
            hash: Hash::ZERO,
        };
        entry.sealed()
    }

    /// The example of the first form, as entries of it were hashed.
    const FIRST_FORM: &str = concat!(
        r#"{"actor":{"email":"kim@example.com","kind":"administrator"},"at":"2026-12-09T08:00:00Z","#,
        r#""balances":{"credits":100,"maintenance_credits":0,"sms":0},"#,
        r#""changes":{"credits":100,"maintenance_credits":0,"sms":0},"kind":"redemption","#,
        r#""previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","#,
        r#""refers_to":{"batch_id":"019b0212-0000-7000-8000-000000000000","#,
        r#""code_id":"00112233445566778899aabbccddeeff","code_last_four":"7Q4Z","partner_id":"acme"},"#,
        r#""sequence":1,"site_id":"K7QP01M9","status":"activated"}"#,
    );

    #[test]
    fn the_hashed_form_never_changes() {
        let entry = redemption(None);
        let form = FIRST_FORM
            .replace(
                r#""email":"kim@example.com","kind":"administrator""#,
                r#""kind":"administrator","person":"9N5PQR8SE2K0G4MX""#,
            )
            .replace(
                r#","kind":"redemption""#,
                r#","form":2,"kind":"redemption""#,
            );
        assert_eq!(entry.hashed_form(), form);
        assert_eq!(
            entry.hash.to_string(),
            "61414d44034f92caf100e6bc1df322d941c87255836ff0e38125c41fdc01fef2"
        );
        let read: Entry = serde_json::from_value(serde_json::to_value(&entry).unwrap()).unwrap();
        assert_eq!(read, entry);
    }

    #[test]
    fn an_entry_of_the_first_form_is_hashed_as_it_was() {
        let mut entry: Value = serde_json::from_str(FIRST_FORM).unwrap();
        let hash = "a28e1476ac0f2a9ae6d54300d47276ce903a091d2dfabc12bdff1dfcb73e6dde";
        entry["hash"] = Value::from(hash);
        let entry: Entry = serde_json::from_value(entry).unwrap();
        assert_eq!(entry.hashed_form(), FIRST_FORM);
        assert_eq!(entry.computed_hash().to_string(), hash);
    }

    #[test]
    fn an_entry_of_a_form_to_come_is_not_read() {
        let mut entry = serde_json::to_value(redemption(None)).unwrap();
        entry["form"] = Value::from(3);
        let error = serde_json::from_value::<Entry>(entry).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its form is 3, and this release reads 1 to 2"
        );
    }

    #[test]
    fn a_chain_of_any_length_verifies_and_any_change_breaks_it() {
        let first = redemption(None);
        let second = redemption(Some(&first));
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
        changed.hash = changed.computed_hash();
        assert_eq!(
            verify(&[&first, &changed]),
            Ok(()),
            "a chain says nothing of its own last entry"
        );
        changed.balances.credits += 1;
        changed.hash = changed.computed_hash();
        assert_eq!(verify(&[&first, &changed]), Err(BrokenChain::Sum(2)));
        let mut rehung = second.clone();
        rehung.previous_hash = Hash::ZERO;
        rehung.hash = rehung.computed_hash();
        assert_eq!(verify(&[&first, &rehung]), Err(BrokenChain::Link(2)));
        let mut early = second;
        early.at = "2026-12-09T07:59:59Z".parse().unwrap();
        early.hash = early.computed_hash();
        assert_eq!(verify(&[&first, &early]), Err(BrokenChain::Time(2)));
    }
}
