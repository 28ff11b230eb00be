//! A change in the making: the entries it appends and the balances they move.

use crate::domain::model::chain::{NewEntry, Tail};
use crate::domain::model::change::{Change, Decision, Guard};
use crate::domain::model::entry::{Actor, Entry, Event};
use crate::domain::model::site::Site;
use crate::domain::rules::warnings;
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use jiff::Timestamp;
use jiff::civil::Date;

/// A change in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) site: Site,
    pub(crate) today: Date,
    at: Timestamp,
    entries: Vec<Entry>,
}

impl Draft {
    /// Begins a change of a site as it was read.
    pub(crate) fn of(site: Site, now: Timestamp) -> Self {
        Self {
            at: site.time(now),
            today: site.today(now),
            site,
            entries: Vec::new(),
        }
    }

    /// The instant that the entries of this change have.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// How many entries there are so far.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Appends an entry and moves the balances. Nothing changes on an error.
    pub(crate) fn record(
        &mut self,
        actor: Actor,
        event: Event,
        changes: Changes,
    ) -> Result<(), BalanceOutOfRange> {
        let tail = Tail {
            site_id: &self.site.id,
            sequence: self.site.sequence,
            hash: self.site.last_hash,
            balances: self.site.balances,
            status: self.site.status,
            at: self.at,
        };
        let entry = tail.append(NewEntry {
            event,
            changes,
            actor,
        })?;
        self.site.sequence = entry.sequence;
        self.site.last_hash = entry.hash;
        self.site.balances = entry.balances;
        self.site.last_entry_at = entry.at;
        self.entries.push(entry);
        Ok(())
    }

    /// Ends a command that finds everything as it is to be: what was due is charged all the same.
    pub(crate) fn unchanged(self) -> Decision {
        if self.entries.is_empty() {
            Decision::Unchanged(self.site)
        } else {
            Decision::SettleFirst(self.finish(Vec::new()))
        }
    }

    /// Ends the change.
    pub(crate) fn finish(mut self, guards: Vec<Guard>) -> Change {
        self.site.version += 1;
        self.site.warned = warnings::still_true(&self.site, self.today);
        Change {
            site: self.site,
            entries: self.entries,
            guards,
        }
    }
}
