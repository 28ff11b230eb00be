//! A site as the model knows it: devices one by one, and days one by one.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One device, as the model knows it.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) registered_on: Date,
}

/// The offer of a role, as the model knows it.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) role: &'static str,
    /// Who sent it last.
    pub(super) by: usize,
    pub(super) over: Timestamp,
    /// How often it was sent.
    pub(super) sent: u32,
}

/// One site, as the model knows it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) deleted: bool,
    /// Each person's role.
    pub(super) roles: BTreeMap<usize, &'static str>,
    /// What each person is offered. What lapsed is forgotten with the next change.
    pub(super) offers: BTreeMap<usize, Offer>,
    pub(super) dynamic: bool,
    pub(super) zone: TimeZone,
    pub(super) credits: i64,
    pub(super) maintenance: i64,
    pub(super) sms: i64,
    pub(super) halted: bool,
    pub(super) devices: Vec<Device>,
    /// Its users: the ID of each, and whether there is a card.
    pub(super) users: Vec<(String, bool)>,
    pub(super) settled: Date,
    pub(super) last_entry: Timestamp,
    pub(super) charged: Vec<(Date, i64)>,
    /// How many days before it falls short it was warned last, while that is true.
    pub(super) warned: Option<i64>,
    /// The warnings: how many days before which date.
    pub(super) warnings: Vec<(i64, Date)>,
}

impl Site {
    /// A site that was just created by the first of the persons.
    pub(super) fn new(dynamic: bool, zone: &str, created: Timestamp) -> Self {
        let zone = TimeZone::get(zone).unwrap();
        Self {
            deleted: false,
            roles: BTreeMap::from([(0, "master")]),
            offers: BTreeMap::new(),
            dynamic,
            settled: zone.to_datetime(created).date(),
            zone,
            credits: 0,
            maintenance: 0,
            sms: 0,
            halted: false,
            devices: Vec::new(),
            users: Vec::new(),
            last_entry: created,
            charged: Vec::new(),
            warned: None,
            warnings: Vec::new(),
        }
    }

    pub(super) fn today(&self, now: Timestamp) -> Date {
        let date = self.zone.to_datetime(now.max(self.last_entry)).date();
        // What was charged stays charged, also where the date comes a second time; and the day of a halt has come.
        let halted = i64::from(self.halted);
        date.max(self.settled + jiff::ToSpan::days(halted))
    }

    pub(super) fn master(&self) -> usize {
        let mut roles = self.roles.iter();
        roles
            .find(|(_, role)| **role == "master")
            .map(|(person, _)| *person)
            .unwrap_or_default()
    }

    pub(super) fn empty(&self) -> bool {
        (self.credits, self.maintenance, self.sms) == (0, 0, 0)
    }

    pub(super) fn due(device: &Device, on: Date) -> bool {
        on > device.registered_on && on.day() == device.registered_on.day().min(on.days_in_month())
    }

    pub(super) fn days(from: Date, through: Date) -> Vec<Date> {
        from.series(jiff::ToSpan::day(1))
            .skip(1)
            .take_while(|day| *day <= through)
            .collect()
    }

    /// Rules 7 and 10: an activated site is charged date by date until it falls short. True if anything happened.
    pub(super) fn charge(&mut self, today: Date) -> bool {
        let mut happened = false;
        if !self.dynamic || self.halted || self.deleted {
            return false;
        }
        for day in Self::days(self.settled, today) {
            let due = self
                .devices
                .iter()
                .filter(|device| Self::due(device, day))
                .count();
            let due = i64::try_from(due).unwrap();
            if due == 0 {
                continue;
            }
            happened = true;
            if self.credits < due {
                self.halted = true;
                self.warned = None;
                self.settled = day.yesterday().unwrap();
                return true;
            }
            self.credits -= due;
            self.charged.push((day, due));
            self.settled = day;
        }
        self.settled = self.settled.max(today);
        happened
    }

    /// Rule 9: one credit for each device with a due date after the last date charged.
    pub(super) fn overdue(&self, today: Date) -> i64 {
        let days = Self::days(self.settled, today);
        let owes = |device: &&Device| days.iter().any(|day| Self::due(device, *day));
        if self.halted {
            i64::try_from(self.devices.iter().filter(owes).count()).unwrap()
        } else {
            0
        }
    }

    /// Rule 9: a halted site that can pays what is overdue and resumes.
    pub(super) fn resume(&mut self, today: Date) {
        let overdue = self.overdue(today);
        if self.halted && self.credits >= overdue {
            self.credits -= overdue;
            self.halted = false;
            self.settled = today;
        }
    }

    /// Rule 15: whether a person may give others a role.
    pub(super) fn gives(&self, who: usize, role: &str) -> bool {
        match self.roles.get(&who) {
            Some(&"master") => true,
            Some(&"sub_master") => role != "master",
            _ => false,
        }
    }

    /// Rule 15a: what a person is offered, if it can be accepted.
    pub(super) fn offer(&self, who: usize, now: Timestamp) -> Option<&Offer> {
        let now = now.max(self.last_entry);
        let offer = self.offers.get(&who)?;
        (now < offer.over && self.gives(offer.by, offer.role)).then_some(offer)
    }

    /// Offers a role for seven days.
    pub(super) fn offer_to(&mut self, who: usize, role: &'static str, by: usize, now: Timestamp) {
        let sent = self.offer(who, now).map_or(0, |offer| offer.sent);
        let over = now.max(self.last_entry) + SignedDuration::from_hours(7 * 24);
        let sent = sent + 1;
        let offer = Offer {
            role,
            by,
            over,
            sent,
        };
        self.offers.insert(who, offer);
    }

    pub(super) fn touched(&mut self, now: Timestamp) {
        let lapsed = |who: &usize| self.offer(*who, now).is_none();
        let lapsed: Vec<usize> = self.offers.keys().copied().filter(lapsed).collect();
        self.offers.retain(|who, _| !lapsed.contains(who));
        self.last_entry = self.last_entry.max(now);
        let reached = self.falls_short(now).and_then(|on| self.reached(on, now));
        self.warned = self
            .warned
            .zip(reached)
            .map(|(warned, reached)| warned.max(reached));
    }

    /// The day on which the balance does not cover what is due, if that is within 28 days.
    pub(super) fn falls_short(&self, now: Timestamp) -> Option<Date> {
        if !self.dynamic || self.halted || self.deleted {
            return None;
        }
        let until = self.today(now).checked_add(jiff::ToSpan::days(28)).unwrap();
        let mut rest = self.credits;
        Self::days(self.settled, until).into_iter().find(|day| {
            let due = self.devices.iter().filter(|device| Self::due(device, *day));
            rest -= i64::try_from(due.count()).unwrap();
            rest < 0
        })
    }

    pub(super) fn reached(&self, on: Date, now: Timestamp) -> Option<i64> {
        let left = self.today(now).until(on).unwrap().get_days();
        [1, 7, 28].into_iter().find(|days| i64::from(left) <= *days)
    }

    /// Rule 17: a site whose warning has come by `now` is warned, and so is one that is charged anyway.
    pub(super) fn warn(&mut self, now: Timestamp, charged: bool) -> bool {
        let Some(on) = self.falls_short(now) else {
            return false;
        };
        let open = |days: &i64| self.warned.is_none_or(|warned| *days < warned);
        let Some(widest) = [28, 7, 1].into_iter().find(open) else {
            return false;
        };
        let first = on.checked_sub(jiff::ToSpan::days(widest)).unwrap();
        let first = self
            .zone
            .to_zoned_datetime(first.at(0, 0, 0, 0))
            .unwrap()
            .timestamp();
        let Some(days) = self.reached(on, now).filter(open) else {
            return false;
        };
        if !charged && first > now {
            return false;
        }
        self.warned = Some(days);
        self.warnings.push((days, on));
        true
    }

    pub(super) fn license(&self, now: Timestamp) -> Value {
        json!({
            "status": if self.halted { "payment_required" } else { "activated" },
            "balances": { "credits": self.credits, "maintenance_credits": self.maintenance, "sms": self.sms },
            "devices": self.devices.len(),
            "overdue": { "credits": if self.dynamic { self.overdue(self.today(now)) } else { 0 } },
        })
    }
}
