//! One site: its chain, its balances, and its due dates (rules 11 and 16).

use super::codes::Redemptions;
use super::{Findings, SiteParts};
use jiff::ToSpan;
use jiff::civil::Date;
use site_credits::domain::model::chain::ChainVerifier;
use site_credits::domain::model::device::Device;
use site_credits::domain::model::entry::{Actor, Entry, Event};
use site_credits::domain::model::site::{Role, Site, SiteType, Status};
use site_credits::domain::model::agenda::shard_of;
use site_credits::domain::rules::agenda;
use site_credits::domain::values::amount::{Balances, Changes};
use site_credits::domain::values::calendar::AnchorDay;
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::names::SiteName;
use site_credits::domain::values::time_zone::TimeZone;
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
    let mut zone = site.time_zone.clone();
    for (entry, command_id) in &parts.entries {
        if let Err(broken) = chain.next(entry) {
            findings.violation(of, broken);
            return;
        }
        redemptions.take(entry, command_id, site.site_type, zone.date(entry.at));
        match &entry.event {
            Event::SiteCreation { time_zone, .. }
            | Event::SettingsChange {
                time_zone: Some(time_zone),
                ..
            } => zone = time_zone.clone(),
            _ => {}
        }
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
    let (last, says) = (chain.sequence(), site.sequence);
    wrong(
        last == says,
        format!("its last entry is {last}, and it says {says}"),
    );
    wrong(
        site.last_hash == chain.hash(),
        "its hash is not that of its last entry".to_owned(),
    );
    let last = parts.entries.last().map(|(entry, _)| entry);
    wrong(
        last.is_some_and(|entry| entry.status == site.status && entry.at == site.last_entry_at),
        "its status or time is not that of its last entry".to_owned(),
    );
    let mut ledger = Ledger::default();
    for (entry, _) in &parts.entries {
        if let Err(what) = ledger.take(entry) {
            findings.violation(&of, format!("entry {}: {what}", entry.sequence));
            return;
        }
    }
    findings.due_dates += ledger.due_dates;
    if let Err(what) = ledger.agrees_with(site, &parts.devices) {
        findings.violation(&of, what);
    }
    if let Err(what) = ledger.settings_agree_with(site, &parts.findable_by) {
        findings.violation(&of, what);
    }
    if let Err(what) = on_the_agenda(site, parts) {
        findings.violation(&of, what);
    }
}

/// A site with a due date or a warning to come is on the agenda at its beginning, and no other site is.
fn on_the_agenda(site: &Site, parts: &SiteParts) -> Result<(), String> {
    let (shard, at) = (&parts.agenda.0, &parts.agenda.1);
    let Some(next) = agenda::next(site) else {
        return expect(
            at.is_empty() && shard.is_empty(),
            "it is on the agenda, and nothing is to come",
        );
    };
    expect(
        !at.is_empty(),
        "it has something to come, and is not on the agenda",
    )?;
    let right = at.parse().ok() == Some(next) && *shard == shard_of(&site.id).to_string();
    expect(
        right,
        "its place on the agenda is not that of what comes next",
    )
}

/// A second reckoning of a site: its devices by registration date, and the dates that were charged.
#[derive(Default)]
struct Ledger {
    site_type: Option<SiteType>,
    name: Option<SiteName>,
    time_zone: Option<TimeZone>,
    language: Option<Language>,
    country: Option<Country>,
    sms_countries: Option<Vec<Country>>,
    administrators: BTreeMap<String, Role>,
    /// No date is earlier than this: the date of the creation, and what had been charged when the site last moved to
    /// another time zone.
    floor: Date,
    deleted: bool,
    /// How many devices were registered on each date and are still there.
    devices: BTreeMap<Date, u32>,
    /// Everything until this date is settled.
    settled: Date,
    /// The due date that halted the site.
    halted: Option<Date>,
    /// The parts of each message that was charged and not given back.
    charged_messages: BTreeMap<String, u32>,
    /// What was overdue is paid, and the resume has to follow.
    paid: bool,
    /// How many days before it falls short the site was warned last, while that is true.
    warned: Option<u8>,
    due_dates: usize,
}

impl Ledger {
    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let free = entry.changes == Changes::NONE;
        let takes = |credits: u32| {
            entry.changes
                == Changes {
                    credits: -i64::from(credits),
                    ..Changes::NONE
                }
        };
        let on = |date: Date| self.date(entry) == Some(date);
        let resumes = matches!(entry.event, Event::Resume { .. });
        expect(
            !self.paid || resumes,
            "what was overdue is paid, and the site was not resumed",
        )?;
        expect(!self.deleted, "something happened to a deleted site")?;
        if let (Actor::Administrator { email }, 2..) = (&entry.actor, entry.sequence) {
            expect(
                self.administrators.contains_key(email.as_str()),
                "it was done by somebody who was no administrator",
            )?;
        }
        match &entry.event {
            Event::SiteCreation {
                name,
                language,
                site_type,
                time_zone,
                opened_on,
                country,
            } => {
                expect(
                    entry.sequence == 1 && free,
                    "a site is created once, without a balance",
                )?;
                (self.site_type, self.settled) = (Some(*site_type), *opened_on);
                (self.country, self.floor) = (Some(country.clone()), *opened_on);
                self.time_zone = Some(time_zone.clone());
                (self.name, self.language) = (Some(name.clone()), Some(language.clone()));
                let Actor::Administrator { email } = &entry.actor else {
                    return Err("a site has no creator".to_owned());
                };
                let master = (email.as_str().to_owned(), Role::Master);
                self.administrators.extend([master]);
                expect(
                    self.date(entry) == Some(*opened_on),
                    "the site was opened on another date",
                )?;
            }
            Event::SettingsChange {
                name,
                time_zone,
                language,
                sms_countries,
            } => {
                expect(free, "settings change no balance")?;
                self.up_to_date(entry)?;
                if time_zone.is_some() && self.dynamic() {
                    self.floor = match self.halted {
                        Some(_) => self.settled,
                        None => self.date(entry).unwrap_or(self.floor),
                    };
                }
                self.name = name.clone().or(self.name.take());
                self.time_zone = time_zone.clone().or(self.time_zone.take());
                self.language = language.clone().or(self.language.take());
                self.sms_countries = sms_countries.clone().or(self.sms_countries.take());
            }
            Event::AdministratorChange {
                email,
                role_before,
                role_after,
            } => {
                expect(free, "a role changes no balance")?;
                self.up_to_date(entry)?;
                let known = match role_after {
                    Some(role) => self.administrators.insert(email.to_string(), *role),
                    None => self.administrators.remove(email.as_str()),
                };
                expect(
                    known == *role_before,
                    "an administrator had another role before",
                )?;
            }
            Event::SiteDeletion { forfeited } => {
                self.up_to_date(entry)?;
                expect(
                    entry.balances == Balances::default()
                        && Changes::take_all(*forfeited) == entry.changes,
                    "a site was deleted, and something is left of it",
                )?;
                self.administrators.clear();
                (self.deleted, self.halted) = (true, None);
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
                expect(
                    on(*registered_on),
                    "devices were registered on another date",
                )?;
                expect(
                    takes(if self.dynamic() { *devices } else { 0 }),
                    "registering takes one credit for each device of a dynamic site",
                )?;
                self.nothing_due(*registered_on)?;
                self.settled = self.settled.max(*registered_on);
                *self.devices.entry(*registered_on).or_default() += devices;
            }
            Event::DeviceRemoval { registered_on, .. } => {
                expect(free, "removing a device changes no balance")?;
                self.up_to_date(entry)?;
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
                expect(*due_on > self.settled, "a due date was charged twice")?;
                self.nothing_due(day_before(*due_on)?)?;
                expect(
                    self.date(entry) >= Some(*due_on),
                    "a due date was charged before it came",
                )?;
                let due = self.due_on(*due_on);
                expect(
                    due > 0 && due == *devices && takes(due),
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
                self.nothing_due(day_before(*due_on)?)?;
                let due = self.due_on(*due_on);
                expect(
                    *due_on > self.settled && due == *devices,
                    "a site was halted for a date that was not due",
                )?;
                expect(
                    self.date(entry) >= Some(*due_on),
                    "a site was halted before the date came",
                )?;
                expect(
                    entry.balances.credits < u64::from(due),
                    "a site was halted that could pay",
                )?;
                self.halted = Some(*due_on);
                self.settled = day_before(*due_on)?;
            }
            Event::OverdueDeduction {
                charged_through,
                paid_through,
                devices,
            } => {
                expect(
                    self.halted.is_some(),
                    "overdue credits were taken from a site that runs",
                )?;
                expect(
                    on(*paid_through) && *charged_through == self.settled,
                    "overdue credits were taken for another time",
                )?;
                let due = self.overdue(*paid_through);
                expect(
                    due > 0 && due == *devices && takes(due),
                    "overdue credits were taken for other devices than owed them",
                )?;
                self.settled = *paid_through;
                self.paid = true;
            }
            Event::Resume { resumed_on } => {
                expect(
                    self.halted.is_some() && free && on(*resumed_on),
                    "a site was resumed that was not halted",
                )?;
                expect(
                    self.overdue(*resumed_on) == 0,
                    "a site was resumed with credits overdue",
                )?;
                self.halted = None;
                self.paid = false;
                self.settled = *resumed_on;
            }
            Event::SmsReservation {
                message_id, parts, ..
            } => {
                expect(
                    self.halted.is_none(),
                    "a message was charged while the site was halted",
                )?;
                self.up_to_date(entry)?;
                let price = Changes {
                    sms: -i64::from(*parts),
                    ..Changes::NONE
                };
                expect(
                    *parts > 0 && entry.changes == price,
                    "a message costs one SMS a part",
                )?;
                let new = self.charged_messages.insert(message_id.to_string(), *parts);
                expect(new.is_none(), "a message was charged twice")?;
            }
            Event::SmsRefund {
                message_id, parts, ..
            } => {
                let back = Changes {
                    sms: i64::from(*parts),
                    ..Changes::NONE
                };
                expect(entry.changes == back, "a refund gives back one SMS a part")?;
                let charged = self.charged_messages.remove(message_id.as_str());
                expect(
                    charged == Some(*parts),
                    "a message was given back that was not charged, or twice",
                )?;
            }
            Event::CardIssue { .. } | Event::CardReissue { .. } => {
                expect(
                    self.halted.is_none(),
                    "a card was issued while the site was halted",
                )?;
                self.up_to_date(entry)?;
                let again = matches!(entry.event, Event::CardReissue { .. });
                let before = entry
                    .balances
                    .maintenance_credits
                    .checked_add_signed(-entry.changes.maintenance_credits);
                let price = if self.dynamic() {
                    Changes::NONE
                } else if again && before.is_some_and(|before| before > 0) {
                    Changes {
                        maintenance_credits: -1,
                        ..Changes::NONE
                    }
                } else {
                    Changes {
                        credits: -1,
                        ..Changes::NONE
                    }
                };
                expect(
                    entry.changes == price,
                    "a card takes one credit of a regular site, or a maintenance credit where it replaces one",
                )?;
            }
            Event::Warning {
                days_before,
                falls_short_on,
                missing,
            } => {
                expect(
                    free && entry.actor == Actor::System,
                    "a warning changes no balance, and nobody gives it",
                )?;
                self.up_to_date(entry)?;
                let short = self.falls_short(entry);
                expect(
                    short == Some((*falls_short_on, *missing)),
                    "a warning was given of a shortage that was not to come",
                )?;
                let days = days_before.days();
                expect(
                    self.reached(entry) == Some(days),
                    "a warning was given too early, or too late",
                )?;
                expect(
                    self.warned.is_none_or(|warned| days < warned),
                    "a warning was given twice",
                )?;
                self.warned = Some(days);
            }
        }
        // What was warned of is true as long as the day has not moved away.
        self.warned = self
            .warned
            .zip(self.reached(entry))
            .map(|(warned, reached)| warned.max(reached));
        let status = match (self.deleted, self.halted) {
            (true, _) => Status::Deleted,
            (false, Some(_)) => Status::PaymentRequired,
            (false, None) => Status::Activated,
        };
        expect(
            entry.status == status,
            "the status changed without a halt, a resume or a deletion",
        )
    }

    /// The date of an entry, in the site's zone, which never runs backwards.
    fn date(&self, entry: &Entry) -> Option<Date> {
        let zone = self.time_zone.as_ref();
        zone.map(|zone| zone.date(entry.at).max(self.floor))
    }

    /// The day on which the balance does not cover what is due, if that is within 28 days, and how much is missing.
    fn falls_short(&self, entry: &Entry) -> Option<(Date, u64)> {
        if self.halted.is_some() || self.deleted || !self.dynamic() {
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

    /// The nearest of the days before a shortage at which a site is warned, that has come.
    fn reached(&self, entry: &Entry) -> Option<u8> {
        let (on, _) = self.falls_short(entry)?;
        let left = self.date(entry)?.until(on).ok()?.get_days();
        [1_u8, 7, 28]
            .into_iter()
            .find(|days| left <= i32::from(*days))
    }

    /// A command charges what is due first, unless the site is halted (rule 11).
    fn up_to_date(&self, entry: &Entry) -> Result<(), String> {
        match self.halted {
            Some(_) => Ok(()),
            None => self.nothing_due(self.date(entry).unwrap_or(self.settled)),
        }
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

    /// The site item and the items by which its administrators find it say what the statement says.
    fn settings_agree_with(&self, site: &Site, findable_by: &[String]) -> Result<(), String> {
        expect(
            self.name.as_ref() == Some(&site.name)
                && self.time_zone.as_ref() == Some(&site.time_zone)
                && self.language.as_ref() == Some(&site.language)
                && self.country.as_ref() == Some(&site.country)
                && self.sms_countries == site.sms_countries,
            "its settings are not those of its statement",
        )?;
        let own = site.administrators.iter();
        let own: BTreeMap<String, Role> = own
            .map(|administrator| (administrator.email.to_string(), administrator.role))
            .collect();
        expect(
            own == self.administrators && own.len() == site.administrators.len(),
            "its administrators are not those of its statement",
        )?;
        let masters = own.values().filter(|&&role| role == Role::Master).count();
        expect(
            masters == usize::from(!self.deleted),
            "it has not one master",
        )?;
        expect(
            own.keys().eq(findable_by),
            "those who find it among their sites are not its administrators",
        )
    }

    /// The site item, its device items and its counters say what the statement says.
    fn agrees_with(&self, site: &Site, devices: &[Device]) -> Result<(), String> {
        let halted = site.status == Status::PaymentRequired;
        expect(
            self.site_type == Some(site.site_type),
            "its type is not the one that it was created with",
        )?;
        expect(
            self.halted.is_some() == halted && !self.paid,
            "its status is not that of its statement",
        )?;
        expect(
            site.warned.map(u8::from) == self.warned,
            "it was not warned as it says",
        )?;
        let mut registered: BTreeMap<Date, u32> = BTreeMap::new();
        let mut anchors: BTreeMap<AnchorDay, u32> = BTreeMap::new();
        for device in devices {
            *registered.entry(device.registered_on).or_default() += 1;
            *anchors
                .entry(AnchorDay::of(device.registered_on))
                .or_default() += 1;
        }
        let counted = self.devices.iter().filter(|(_, count)| **count > 0);
        expect(
            counted.eq(&registered),
            "its devices are not those of its statement",
        )?;
        expect(
            site.devices.by_anchor().eq(anchors),
            "its counters are not those of its devices",
        )?;
        if !self.dynamic() || self.deleted {
            return Ok(());
        }
        expect(
            site.charged_through >= self.settled,
            "it forgot what was charged",
        )?;
        if halted {
            return expect(
                site.charged_through == self.settled,
                "it is halted, and says that it was charged since",
            );
        }
        self.nothing_due(site.charged_through)
    }
}

/// Rule 6, for one device: its day of the month, or the last day of a shorter one, in a later month.
fn is_due(registered: Date, date: Date) -> bool {
    date > registered && date.day() == registered.day().min(date.days_in_month())
}

fn day_before(date: Date) -> Result<Date, String> {
    date.yesterday().map_err(|error| error.to_string())
}

fn expect(right: bool, otherwise: &str) -> Result<(), String> {
    if right {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
