//! When the devices of a site are due, worked out day by day (rules 6, 9 and 11).

use super::ledger::{Ledger, expect};
use jiff::ToSpan;
use jiff::civil::Date;
use site_credits::domain::model::entry::Entry;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::calendar::AnchorDays;
use std::collections::BTreeMap;

impl Ledger {
    pub(super) fn is_dynamic(&self) -> bool {
        self.site_type == Some(SiteType::Dynamic)
    }

    /// The date of an entry in the site's zone, which never runs backwards.
    pub(super) fn date(&self, entry: &Entry) -> Option<Date> {
        let zone = self.time_zone.as_ref();
        zone.map(|zone| zone.date(entry.at).max(self.floor))
    }

    /// The dates that are not settled, until `through`.
    fn dates(&self, through: Date) -> impl Iterator<Item = Date> + use<> {
        let first = self.settled.tomorrow().ok();
        std::iter::successors(first, |date| date.tomorrow().ok())
            .take_while(move |&date| date <= through)
    }

    fn devices_where(&self, counts: impl Fn(Date) -> bool) -> u32 {
        self.devices
            .iter()
            .filter(|&(&registered, _)| counts(registered))
            .map(|(_, count)| count)
            .sum()
    }

    /// How many devices are due on a date.
    pub(super) fn due_on(&self, date: Date) -> u32 {
        self.devices_where(|registered| is_due(registered, date))
    }

    /// How many devices were due on any date that is not settled, until `through`.
    pub(super) fn overdue(&self, through: Date) -> u32 {
        self.devices_where(|registered| self.owes(registered, through))
    }

    /// Whether a device of this date of registration was due on any date that is not settled, until `through`.
    pub(super) fn owes(&self, registered: Date, through: Date) -> bool {
        self.dates(through).any(|date| is_due(registered, date))
    }

    /// An entry tells by which anchor days devices were due: those of the dates of registration that are. One of the
    /// first form told of none.
    pub(super) fn tells(
        &self,
        entry: &Entry,
        anchor_days: &AnchorDays,
        due: impl Fn(Date) -> bool,
    ) -> Result<(), String> {
        let mut expected: BTreeMap<u8, u32> = BTreeMap::new();
        let there = self.devices.iter().filter(|(_, count)| **count > 0);
        for (registered, count) in there.filter(|(registered, _)| due(**registered)) {
            *expected.entry(registered.day().unsigned_abs()).or_default() += count;
        }
        let told = anchor_days
            .iter()
            .map(|(anchor, count)| (anchor.day(), count));
        expect(
            entry.form.is_first() || told.eq(expected),
            "it tells of other anchor days than were due",
        )
    }

    /// No device was due on a date that is not settled, until `through`.
    pub(super) fn nothing_due(&self, through: Date) -> Result<(), String> {
        match self
            .dates(through)
            .find(|&date| self.is_dynamic() && self.due_on(date) > 0)
        {
            Some(date) => Err(format!("the due date {date} was never charged")),
            None => Ok(()),
        }
    }

    /// A command charges what is due first, unless the site is halted (rule 11).
    pub(super) fn up_to_date(&self, entry: &Entry) -> Result<(), String> {
        match self.halted {
            Some(_) => Ok(()),
            None => self.nothing_due(self.date(entry).unwrap_or(self.settled)),
        }
    }

    /// The first date within 28 days on which the balance does not cover what is due, and how much is missing.
    pub(super) fn falls_short(&self, entry: &Entry) -> Option<(Date, u64)> {
        if self.halted.is_some() || self.deleted || !self.is_dynamic() {
            return None;
        }
        let until = self.date(entry)?.checked_add(28.days()).ok()?;
        let mut rest = entry.balances.credits;
        self.dates(until).find_map(|date| {
            let due = u64::from(self.due_on(date));
            let missing = due.saturating_sub(rest);
            rest = rest.saturating_sub(due);
            (missing > 0).then_some((date, missing))
        })
    }

    /// Which of the 28, 7 and 1 days before a shortage has come last.
    pub(super) fn reached(&self, entry: &Entry) -> Option<u8> {
        let (on, _) = self.falls_short(entry)?;
        let left = self.date(entry)?.until(on).ok()?.get_days();
        [1_u8, 7, 28]
            .into_iter()
            .find(|days| left <= i32::from(*days))
    }
}

/// Rule 6, for one device: its day of the month, or the last day of a shorter one, in a later month.
pub(super) fn is_due(registered: Date, date: Date) -> bool {
    date > registered && date.day() == registered.day().min(date.days_in_month())
}
