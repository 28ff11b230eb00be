//! The second reckoning of devices: their registration and removal, deductions, halts and warnings (rules 6 to 11).

use super::ledger::{Ledger, expect, is_free};
use jiff::civil::Date;
use site_credits::domain::model::entry::{Actor, Entry};
use site_credits::domain::values::amount::Changes;

impl Ledger {
    pub(super) fn registration(
        &mut self,
        entry: &Entry,
        registered_on: Date,
        devices: u32,
    ) -> Result<(), String> {
        expect(
            self.halted.is_none(),
            "devices were registered while the site was halted",
        )?;
        expect(
            self.date(entry) == Some(registered_on),
            "devices were registered on another date",
        )?;
        expect(
            takes(entry, if self.is_dynamic() { devices } else { 0 }),
            "registering takes one credit for each device of a dynamic site",
        )?;
        self.nothing_due(registered_on)?;
        self.settled = self.settled.max(registered_on);
        *self.devices.entry(registered_on).or_default() += devices;
        Ok(())
    }

    pub(super) fn removal(&mut self, entry: &Entry, registered_on: Date) -> Result<(), String> {
        expect(is_free(entry), "removing a device changes no balance")?;
        self.up_to_date(entry)?;
        let count = self.devices.get_mut(&registered_on);
        let count = count.filter(|count| **count > 0);
        *count.ok_or("a device was removed that was never registered")? -= 1;
        Ok(())
    }

    pub(super) fn deduction(
        &mut self,
        entry: &Entry,
        due_on: Date,
        devices: u32,
    ) -> Result<(), String> {
        expect(
            self.is_dynamic() && self.halted.is_none(),
            "a due date was charged of a site that owes nothing",
        )?;
        expect(due_on > self.settled, "a due date was charged twice")?;
        self.nothing_due(day_before(due_on)?)?;
        expect(
            self.date(entry) >= Some(due_on),
            "a due date was charged before it came",
        )?;
        let due = self.due_on(due_on);
        expect(
            due > 0 && due == devices && takes(entry, due),
            "a due date was charged for other devices than were due",
        )?;
        self.settled = due_on;
        self.due_dates += 1;
        Ok(())
    }

    pub(super) fn halt(&mut self, entry: &Entry, due_on: Date, devices: u32) -> Result<(), String> {
        expect(
            self.is_dynamic() && self.halted.is_none() && is_free(entry),
            "a site was halted that was not running",
        )?;
        self.nothing_due(day_before(due_on)?)?;
        let due = self.due_on(due_on);
        expect(
            due_on > self.settled && due == devices,
            "a site was halted for a date that was not due",
        )?;
        expect(
            self.date(entry) >= Some(due_on),
            "a site was halted before the date came",
        )?;
        expect(
            entry.balances.credits < u64::from(due),
            "a site was halted that could pay",
        )?;
        self.halted = Some(due_on);
        self.settled = day_before(due_on)?;
        Ok(())
    }

    pub(super) fn overdue_deduction(
        &mut self,
        entry: &Entry,
        charged_through: Date,
        paid_through: Date,
        devices: u32,
    ) -> Result<(), String> {
        expect(
            self.halted.is_some(),
            "overdue credits were taken from a site that runs",
        )?;
        expect(
            self.date(entry) == Some(paid_through) && charged_through == self.settled,
            "overdue credits were taken for another time",
        )?;
        let due = self.overdue(paid_through);
        expect(
            due > 0 && due == devices && takes(entry, due),
            "overdue credits were taken for other devices than owed them",
        )?;
        self.settled = paid_through;
        self.paid = true;
        Ok(())
    }

    pub(super) fn resume(&mut self, entry: &Entry, resumed_on: Date) -> Result<(), String> {
        expect(
            self.halted.is_some() && is_free(entry) && self.date(entry) == Some(resumed_on),
            "a site was resumed that was not halted",
        )?;
        expect(
            self.overdue(resumed_on) == 0,
            "a site was resumed with credits overdue",
        )?;
        self.halted = None;
        self.paid = false;
        self.settled = resumed_on;
        Ok(())
    }

    pub(super) fn warning(
        &mut self,
        entry: &Entry,
        days: u8,
        shortage: (Date, u64),
    ) -> Result<(), String> {
        expect(
            is_free(entry) && entry.actor == Actor::System,
            "a warning changes no balance, and nobody gives it",
        )?;
        self.up_to_date(entry)?;
        expect(
            self.falls_short(entry) == Some(shortage),
            "a warning was given of a shortage that was not to come",
        )?;
        expect(
            self.reached(entry) == Some(days),
            "a warning was given too early, or too late",
        )?;
        expect(
            self.warned.is_none_or(|warned| days < warned),
            "a warning was given twice",
        )?;
        self.warned = Some(days);
        Ok(())
    }
}

fn takes(entry: &Entry, credits: u32) -> bool {
    let price = Changes {
        credits: -i64::from(credits),
        ..Changes::NONE
    };
    entry.changes == price
}

fn day_before(date: Date) -> Result<Date, String> {
    date.yesterday().map_err(|error| error.to_string())
}
