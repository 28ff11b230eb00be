//! One site: its chain, its balances, and its due dates (rules 11 and 16).

use super::codes::Redemptions;
use super::{Findings, SiteParts};
use jiff::civil::Date;
use site_credits::domain::calendar::AnchorDay;
use site_credits::domain::entry::{ChainVerifier, Entry, Event};
use site_credits::domain::site::{SiteType, Status};
use std::collections::BTreeMap;

/// Checks a site and everything that belongs to it.
pub(super) fn check(
    id: &str,
    parts: &SiteParts,
    redemptions: &mut Redemptions,
    findings: &mut Findings,
) {
    let of = format!("site {id}");
    findings.entries += parts.entries.len();
    let Some(site) = &parts.site else {
        findings.violation(of, "there are entries or devices, and no site");
        return;
    };
    findings.sites += 1;
    let mut chain = ChainVerifier::default();
    for entry in &parts.entries {
        if let Err(broken) = chain.next(entry) {
            findings.violation(of, broken);
            return;
        }
        redemptions.take(entry);
    }
    let mut wrong = |right: bool, what: String| {
        if !right {
            findings.violation(&of, what);
        }
    };
    let (sum, held) = (chain.balances(), site.balances);
    wrong(
        sum == held,
        format!("its balances are {held:?}, and its entries add up to {sum:?}"),
    );
    wrong(
        site.sequence == chain.sequence(),
        format!(
            "its last entry is {}, and it says {}",
            chain.sequence(),
            site.sequence
        ),
    );
    wrong(
        site.last_hash == chain.hash(),
        "its hash is not that of its last entry".to_owned(),
    );
    let last = parts.entries.last();
    wrong(
        last.is_some_and(|entry| entry.status == site.status && entry.at == site.last_entry_at),
        "its status or time is not that of its last entry".to_owned(),
    );
    let mut ledger = Ledger::default();
    for entry in &parts.entries {
        if let Err(what) = ledger.take(entry) {
            findings.violation(&of, format!("entry {}: {what}", entry.sequence));
            return;
        }
    }
    findings.due_dates += ledger.due_dates;
    if let Err(what) = ledger.agrees_with(parts) {
        findings.violation(&of, what);
    }
}

/// A second reckoning of a site: its devices by registration date, and the dates that were charged.
#[derive(Default)]
struct Ledger {
    site_type: Option<SiteType>,
    /// How many devices were registered on each date and are still there.
    devices: BTreeMap<Date, u32>,
    /// Everything until this date is settled.
    settled: Date,
    /// The due date that halted the site.
    halted: Option<Date>,
    due_dates: usize,
}

impl Ledger {
    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let credits = entry.changes.credits;
        let free = credits == 0 && entry.changes.maintenance_credits == 0 && entry.changes.sms == 0;
        if (self.halted.is_some() != (entry.status == Status::PaymentRequired))
            && !matches!(entry.event, Event::Halt { .. } | Event::Resume { .. })
        {
            return Err("the status changed without a halt or a resume".to_owned());
        }
        match &entry.event {
            Event::SiteCreation {
                site_type,
                opened_on,
                ..
            } => {
                expect(
                    entry.sequence == 1 && free,
                    "a site is created once, without a balance",
                )?;
                (self.site_type, self.settled) = (Some(*site_type), *opened_on);
            }
            Event::Redemption(_) | Event::SmsRedemption(_) => {}
            Event::DeviceRegistration {
                registered_on,
                devices,
            } => {
                expect(
                    self.halted.is_none(),
                    "devices were registered while the site was halted",
                )?;
                let price = if self.dynamic() {
                    -i64::from(*devices)
                } else {
                    0
                };
                expect(
                    credits == price,
                    "registering takes one credit for each device of a dynamic site",
                )?;
                self.nothing_due(*registered_on)?;
                self.settled = self.settled.max(*registered_on);
                *self.devices.entry(*registered_on).or_default() += devices;
            }
            Event::DeviceRemoval { registered_on, .. } => {
                expect(free, "removing a device changes no balance")?;
                let count = self
                    .devices
                    .get_mut(registered_on)
                    .filter(|count| **count > 0);
                *count.ok_or("a device was removed that was never registered")? -= 1;
            }
            Event::Deduction { due_on, devices } => {
                expect(
                    self.dynamic() && self.halted.is_none(),
                    "a due date was charged of a site that owes nothing",
                )?;
                self.nothing_due(due_on.yesterday().map_err(|error| error.to_string())?)?;
                expect(*due_on > self.settled, "a due date was charged twice")?;
                let due = self.due_on(*due_on);
                expect(
                    due > 0 && due == *devices && credits == -i64::from(due),
                    "a due date was charged for other devices than were due",
                )?;
                self.settled = *due_on;
                self.due_dates += 1;
            }
            Event::Halt { due_on, devices } => {
                expect(
                    self.dynamic() && self.halted.is_none() && free,
                    "a site was halted that was not running",
                )?;
                self.nothing_due(due_on.yesterday().map_err(|error| error.to_string())?)?;
                let due = self.due_on(*due_on);
                expect(
                    *due_on > self.settled && due == *devices,
                    "a site was halted for a date that was not due",
                )?;
                expect(
                    entry.balances.credits < u64::from(due),
                    "a site was halted that could pay",
                )?;
                self.halted = Some(*due_on);
                self.settled = due_on.yesterday().map_err(|error| error.to_string())?;
            }
            Event::OverdueDeduction {
                paid_through,
                devices,
                ..
            } => {
                expect(
                    self.halted.is_some(),
                    "overdue credits were taken from a site that runs",
                )?;
                let due = self.overdue(*paid_through);
                expect(
                    due > 0 && due == *devices && credits == -i64::from(due),
                    "overdue credits were taken for other devices than owed them",
                )?;
                self.settled = *paid_through;
                self.due_dates += 1;
            }
            Event::Resume { resumed_on } => {
                expect(
                    self.halted.is_some() && free,
                    "a site was resumed that was not halted",
                )?;
                expect(
                    self.overdue(*resumed_on) == 0,
                    "a site was resumed with credits overdue",
                )?;
                self.halted = None;
                self.settled = *resumed_on;
            }
        }
        Ok(())
    }

    fn dynamic(&self) -> bool {
        self.site_type == Some(SiteType::Dynamic)
    }

    /// No device has a due date after what is settled and until `through`.
    fn nothing_due(&self, through: Date) -> Result<(), String> {
        match self
            .dates(through)
            .find(|&date| self.dynamic() && self.due_on(date) > 0)
        {
            Some(date) => Err(format!("the due date {date} was never charged")),
            None => Ok(()),
        }
    }

    fn dates(&self, through: Date) -> impl Iterator<Item = Date> + use<> {
        let first = self.settled.tomorrow().ok();
        std::iter::successors(first, |date| date.tomorrow().ok())
            .take_while(move |&date| date <= through)
    }

    fn due_on(&self, date: Date) -> u32 {
        self.devices
            .iter()
            .filter(|&(&registered, _)| is_due(registered, date))
            .map(|(_, count)| count)
            .sum()
    }

    fn overdue(&self, through: Date) -> u32 {
        let owes = |registered: Date| self.dates(through).any(|date| is_due(registered, date));
        self.devices
            .iter()
            .filter(|&(&registered, _)| owes(registered))
            .map(|(_, count)| count)
            .sum()
    }

    /// The site item, its device items and its counters say what the statement says.
    fn agrees_with(&self, parts: &SiteParts) -> Result<(), String> {
        let Some(site) = &parts.site else {
            return Ok(());
        };
        expect(
            self.site_type == Some(site.site_type),
            "its type is not the one that it was created with",
        )?;
        expect(
            self.halted.is_some() == (site.status == Status::PaymentRequired),
            "its status is not that of its statement",
        )?;
        let mut registered: BTreeMap<Date, u32> = BTreeMap::new();
        let mut anchors: BTreeMap<AnchorDay, u32> = BTreeMap::new();
        for device in &parts.devices {
            *registered.entry(device.registered_on).or_default() += 1;
            *anchors
                .entry(AnchorDay::of(device.registered_on))
                .or_default() += 1;
        }
        let counted: BTreeMap<Date, u32> = self
            .devices
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(d, c)| (*d, *c))
            .collect();
        expect(
            counted == registered,
            "its devices are not those of its statement",
        )?;
        expect(
            site.devices.by_anchor().eq(anchors),
            "its counters are not those of its devices",
        )?;
        if self.dynamic() {
            expect(
                site.charged_through >= self.settled,
                "it forgot what was charged",
            )?;
            if self.halted.is_none() {
                self.nothing_due(site.charged_through)?;
            }
        }
        Ok(())
    }
}

/// Rule 6, for one device: its day of the month, or the last day of a shorter one, in a later month.
fn is_due(registered: Date, date: Date) -> bool {
    date > registered && date.day() == registered.day().min(date.days_in_month())
}

fn expect(right: bool, otherwise: &str) -> Result<(), String> {
    if right {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
