//! A change in the making: the entries that it appends, and the balances that they move.

use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::{Actor, Entry, Event};
use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::forecast::overdue;
use crate::domain::rules::{agenda, warnings};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::form::Form;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::PersonId;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use jiff::civil::Date;

/// Why a command that needs a running site, or costs something, is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChargeRefused {
    /// The site is halted, or is halted by what is due today (rule 8).
    #[error("the site is halted until it is recharged: it owes {owed} credits and has {available}")]
    PaymentRequired {
        /// What is overdue.
        owed: u32,
        /// The balance.
        available: u64,
    },
    /// The site has too few credits.
    #[error("not enough credits: {needed} needed, {available} available")]
    InsufficientCredits {
        /// The price.
        needed: u64,
        /// The balance, after what is due today.
        available: u64,
    },
    /// The site has too few SMS.
    #[error("not enough SMS: {needed} needed, {available} available")]
    InsufficientSms {
        /// The price.
        needed: u64,
        /// The balance.
        available: u64,
    },
}

/// What a rule made of a draft.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// What is to be committed.
    Changed(Change),
    /// The site is already as it was asked to be.
    Unchanged(Draft),
}

/// A change in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) site: Site,
    pub(crate) today: Date,
    at: Timestamp,
    entries: Vec<Entry>,
    own_entry: usize,
}

impl Draft {
    /// Starts a change of a site as it was read.
    pub(crate) fn of(site: Site, now: Timestamp) -> Self {
        Self {
            at: site.time(now),
            today: site.today(now),
            site,
            entries: Vec::new(),
            own_entry: 0,
        }
    }

    /// Goes on by the dates of another time zone.
    pub(crate) fn move_to(&mut self, time_zone: TimeZone) {
        self.site.time_zone = time_zone;
        self.today = self.site.today(self.at);
    }

    /// The instant that the entries of this change have.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// How many entries there are so far.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The number of the command's own entry, if it has one by now.
    pub(crate) fn own_sequence(&self) -> Option<u64> {
        self.entries.get(self.own_entry).map(|own| own.sequence)
    }

    /// Refuses a command on a halted site (rule 8).
    pub(crate) fn require_running(&self) -> Result<(), ChargeRefused> {
        match self.site.status {
            Status::PaymentRequired => Err(ChargeRefused::PaymentRequired {
                owed: overdue(&self.site, self.today),
                available: self.site.balances.credits,
            }),
            Status::Activated | Status::Deleted => Ok(()),
        }
    }

    /// The price of something that only sites of one type pay for.
    pub(crate) fn price_on(&self, site_type: SiteType, price: Changes) -> Changes {
        if self.site.site_type == site_type {
            price
        } else {
            Changes::NONE
        }
    }

    /// Appends the command's own entry, by an administrator, which takes its price. Nothing changes on an error.
    pub(crate) fn charge(
        &mut self,
        by: &PersonId,
        event: Event,
        price: Changes,
    ) -> Result<(), ChargeRefused> {
        let balances = self.site.balances;
        self.apply_by(by, event, price)
            .map_err(|_| match price.sms {
                0 => ChargeRefused::InsufficientCredits {
                    needed: price.credits.unsigned_abs(),
                    available: balances.credits,
                },
                sms => ChargeRefused::InsufficientSms {
                    needed: sms.unsigned_abs(),
                    available: balances.sms,
                },
            })
    }

    /// Appends the command's own entry, by an administrator, which moves no balance.
    pub(crate) fn record_by(&mut self, by: &PersonId, event: Event) {
        self.record_as(Actor::of(by), event);
    }

    /// Appends the command's own entry, which moves no balance.
    pub(crate) fn record_as(&mut self, actor: Actor, event: Event) {
        self.own_entry = self.entries.len();
        self.record(actor, event);
    }

    /// Appends the command's own entry, by an administrator, and moves the balances. Nothing changes on an error.
    pub(crate) fn apply_by(
        &mut self,
        by: &PersonId,
        event: Event,
        changes: Changes,
    ) -> Result<(), BalanceOutOfRange> {
        self.own_entry = self.entries.len();
        self.apply(Actor::of(by), event, changes)
    }

    /// Appends an entry that moves no balance.
    pub(crate) fn record(&mut self, actor: Actor, event: Event) {
        self.append(actor, event, Changes::NONE);
    }

    /// Appends an entry and moves the balances. Nothing changes on an error.
    pub(crate) fn apply(
        &mut self,
        actor: Actor,
        event: Event,
        changes: Changes,
    ) -> Result<(), BalanceOutOfRange> {
        self.site.balances = self.site.balances.after(changes)?;
        self.append(actor, event, changes);
        Ok(())
    }

    fn append(&mut self, actor: Actor, event: Event, changes: Changes) {
        let site = &mut self.site;
        let entry = Entry {
            form: Form::NOW,
            site_id: site.id.clone(),
            sequence: site.sequence + 1,
            at: self.at,
            event,
            changes,
            balances: site.balances,
            status: site.status,
            actor,
            previous_hash: site.last_hash,
            hash: Hash::ZERO,
        }
        .sealed();
        site.sequence = entry.sequence;
        site.last_hash = entry.hash;
        site.last_entry_at = entry.at;
        self.entries.push(entry);
    }

    /// Ends the change.
    pub(crate) fn finish(mut self, writes: Vec<Write>) -> Change {
        self.site.version += 1;
        self.site.forget_lapsed_invitations(self.at);
        self.site.warned = warnings::still_true(&self.site, self.today);
        self.site.agenda_at = agenda::next(&self.site);
        Change {
            site: self.site,
            entries: self.entries,
            own_entry: self.own_entry,
            first_of: None,
            writes,
        }
    }
}
