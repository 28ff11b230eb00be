//! A random model run: histories of every command, with faults and crashes, against a plain model.
//!
//! The model knows devices one by one and days one by one, and none of the system's own types for them. After every
//! command the site must be what the model says; after every history each device's due dates were charged once, and
//! the harness verifies the table.

use crate::harness::{
    ACME, Answered, Call, KIM, System, at, batches, license_of, redemption, sms_redemption,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use run_local::faults::Fault;
use run_local::sns::Fault as Network;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;
use site_credits::store::Attempts;
use std::collections::BTreeMap;

/// The sites of every history: how they pay, and where they are.
const SITES: [(&str, &str); 3] = [
    ("dynamic", "Pacific/Kiritimati"),
    ("dynamic", "America/Havana"),
    ("regular", "Europe/Vienna"),
];
/// Where sites move: from one end of the day to the other, and to where the clocks change.
const ZONES: [&str; 4] = [
    "Pacific/Kiritimati",
    "Pacific/Niue",
    "America/Havana",
    "Europe/Vienna",
];
/// Credits, maintenance credits, how many codes, the days until they expire, the site they are bound to.
type BatchOfHistory = (u64, u64, u32, Option<i64>, Option<usize>);
/// The batches of every history.
const BATCHES: [BatchOfHistory; 11] = [
    (1, 0, 3, None, None),
    (2, 0, 2, None, None),
    (3, 0, 1, None, None),
    (3, 0, 1, Some(40), None),
    (5, 0, 1, None, Some(0)),
    (8, 0, 1, None, Some(1)),
    (13, 0, 1, None, None),
    (21, 0, 1, None, None),
    (40, 0, 1, None, None),
    (4, 2, 1, None, None),
    (0, 5, 1, Some(10), None),
];
/// The persons of every history. The first creates the sites.
const PERSONS: [&str; 4] = [KIM, "lee@example.com", "mia@example.com", "zoe@example.com"];
/// The roles, as the contract spells them.
const ROLES: [&str; 3] = ["master", "sub_master", "site_admin"];
/// How many histories each test runs, where `PROPTEST_CASES` does not say.
const HISTORIES: u32 = 1_000;

#[derive(Clone, Debug)]
enum Step {
    /// Time passes, in hours.
    Wait(i64),
    /// A code is applied.
    Redeem { site: usize, code: usize, sms: bool },
    /// The request before is sent again, the same key and all.
    Repeat,
    /// A code is previewed.
    Preview { site: usize, code: usize, sms: bool },
    /// Devices are registered.
    Register { site: usize, devices: usize },
    /// A device that exists is registered again.
    RegisterAgain { site: usize, device: usize },
    /// A device is removed.
    Remove { site: usize, device: usize },
    /// The schedule fires, for now or for a number of hours ago.
    Deduct { hours_ago: i64 },
    /// A batch is issued.
    Issue { credits: u64, count: u32 },
    /// A batch is voided, or one code of it.
    Void { code: usize, whole: bool },
    /// A site moves to another time zone, or is only renamed.
    Settings { site: usize, zone: Option<usize> },
    /// A person is invited by another.
    Invite {
        site: usize,
        by: usize,
        who: usize,
        role: usize,
    },
    /// A person's role is changed by another.
    ChangeRole {
        site: usize,
        by: usize,
        who: usize,
        role: usize,
    },
    /// A person is removed by another, or leaves.
    Dismiss { site: usize, by: usize, who: usize },
    /// A user is added, with a number of their own.
    AddUser { site: usize },
    /// A card is issued to a user, or issued again.
    Card {
        site: usize,
        user: usize,
        again: bool,
    },
    /// A user is sent a message, and the network does this with it.
    Message {
        site: usize,
        user: usize,
        network: Network,
    },
    /// A site is deleted by its master; a site that is gone is followed by a new one.
    Delete { site: usize, forfeit: bool },
}

fn steps() -> impl Strategy<Value = Vec<(Step, Vec<Fault>)>> {
    // Mostly one site, so that its history is long enough to halt it, resume it and charge it again.
    let site = prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    let code = 0_usize..24;
    let (person, role) = (0..PERSONS.len(), 0..ROLES.len());
    let people = (site.clone(), person.clone(), person, role);
    let zone = prop::option::weighted(0.8, 0..ZONES.len());
    let network = prop_oneof![
        4 => Just(Network::None),
        1 => Just(Network::Throttled),
        1 => Just(Network::InvalidNumber),
        1 => Just(Network::InternalError),
        1 => Just(Network::LostRequest),
        1 => Just(Network::LostAnswer),
    ];
    let step = prop_oneof![
        9 => prop_oneof![1_i64..30, 200_i64..800, 700_i64..800].prop_map(Step::Wait),
        12 => (site.clone(), code.clone(), prop::bool::weighted(0.2)).prop_map(|(site, code, sms)| Step::Redeem { site, code, sms }),
        3 => Just(Step::Repeat),
        2 => (site.clone(), code.clone(), any::<bool>()).prop_map(|(site, code, sms)| Step::Preview { site, code, sms }),
        9 => (site.clone(), 1_usize..4).prop_map(|(site, devices)| Step::Register { site, devices }),
        2 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::RegisterAgain { site, device }),
        3 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::Remove { site, device }),
        9 => prop_oneof![3 => Just(0_i64), 1 => 1_i64..100].prop_map(|hours_ago| Step::Deduct { hours_ago }),
        1 => (1_u64..9, 1_u32..4).prop_map(|(credits, count)| Step::Issue { credits, count }),
        2 => (code, any::<bool>()).prop_map(|(code, whole)| Step::Void { code, whole }),
        3 => (site.clone(), zone).prop_map(|(site, zone)| Step::Settings { site, zone }),
        2 => people.clone().prop_map(|(site, by, who, role)| Step::Invite { site, by, who, role }),
        1 => people.clone().prop_map(|(site, by, who, role)| Step::ChangeRole { site, by, who, role }),
        1 => people.prop_map(|(site, by, who, _)| Step::Dismiss { site, by, who }),
        2 => site.clone().prop_map(|site| Step::AddUser { site }),
        2 => (site.clone(), 0_usize..3, prop::bool::weighted(0.3)).prop_map(|(site, user, again)| Step::Card { site, user, again }),
        4 => (site.clone(), 0_usize..3, network).prop_map(|(site, user, network)| Step::Message { site, user, network }),
        1 => (site, any::<bool>()).prop_map(|(site, forfeit)| Step::Delete { site, forfeit }),
    ];
    let fault = prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::LostRequest),
        2 => Just(Fault::LostAnswer),
        1 => Just(Fault::Conflict),
        1 => Just(Fault::Throttled),
        1 => Just(Fault::Partial),
    ];
    prop::collection::vec((step, prop::collection::vec(fault, 0..6)), 1..60)
}

/// One code, as the model knows it.
#[derive(Clone, Debug)]
struct Code {
    text: String,
    batch: usize,
    credits: u64,
    maintenance: u64,
    expires_on: Option<Date>,
    bound_to: Option<SiteId>,
    /// The site that applied it, and whether for SMS.
    applied: Option<(SiteId, bool)>,
    voided: bool,
}

/// One device, as the model knows it.
#[derive(Clone, Debug)]
struct Device {
    id: String,
    registered_on: Date,
}

/// One site, as the model knows it.
#[derive(Clone, Debug)]
struct Site {
    deleted: bool,
    /// Each person's role.
    roles: BTreeMap<usize, &'static str>,
    dynamic: bool,
    zone: TimeZone,
    credits: i64,
    maintenance: i64,
    sms: i64,
    halted: bool,
    devices: Vec<Device>,
    /// Its users: the ID of each, and whether there is a card.
    users: Vec<(String, bool)>,
    settled: Date,
    last_entry: Timestamp,
    charged: Vec<(Date, i64)>,
    /// How many days before it falls short it was warned last, while that is true.
    warned: Option<i64>,
    /// The warnings: how many days before which date.
    warnings: Vec<(i64, Date)>,
}

impl Site {
    fn today(&self, now: Timestamp) -> Date {
        let date = self.zone.to_datetime(now.max(self.last_entry)).date();
        // What was charged stays charged, also where the date comes a second time.
        date.max(self.settled)
    }

    fn master(&self) -> usize {
        let mut roles = self.roles.iter();
        roles
            .find(|(_, role)| **role == "master")
            .map(|(person, _)| *person)
            .unwrap_or_default()
    }

    fn empty(&self) -> bool {
        (self.credits, self.maintenance, self.sms) == (0, 0, 0)
    }

    fn due(device: &Device, on: Date) -> bool {
        on > device.registered_on && on.day() == device.registered_on.day().min(on.days_in_month())
    }

    fn days(from: Date, through: Date) -> Vec<Date> {
        from.series(jiff::ToSpan::day(1))
            .skip(1)
            .take_while(|day| *day <= through)
            .collect()
    }

    /// Rules 7 and 10: an activated site is charged date by date until it falls short. True if anything happened.
    fn charge(&mut self, today: Date) -> bool {
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
    fn overdue(&self, today: Date) -> i64 {
        let days = Self::days(self.settled, today);
        let owes = |device: &&Device| days.iter().any(|day| Self::due(device, *day));
        if self.halted {
            i64::try_from(self.devices.iter().filter(owes).count()).unwrap()
        } else {
            0
        }
    }

    /// Rule 9: a halted site that can pays what is overdue and resumes.
    fn resume(&mut self, today: Date) {
        let overdue = self.overdue(today);
        if self.halted && self.credits >= overdue {
            self.credits -= overdue;
            self.halted = false;
            self.settled = today;
        }
    }

    fn touched(&mut self, now: Timestamp) {
        self.last_entry = self.last_entry.max(now);
        let reached = self.falls_short(now).and_then(|on| self.reached(on, now));
        self.warned = self
            .warned
            .zip(reached)
            .map(|(warned, reached)| warned.max(reached));
    }

    /// The day on which the balance does not cover what is due, if that is within 28 days.
    fn falls_short(&self, now: Timestamp) -> Option<Date> {
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

    fn reached(&self, on: Date, now: Timestamp) -> Option<i64> {
        let left = self.today(now).until(on).unwrap().get_days();
        [1, 7, 28].into_iter().find(|days| i64::from(left) <= *days)
    }

    /// Rule 17: a site whose warning has come by `now` is warned, and so is one that is charged anyway.
    fn warn(&mut self, now: Timestamp, charged: bool) -> bool {
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

    fn license(&self, now: Timestamp) -> Value {
        json!({
            "status": if self.halted { "payment_required" } else { "activated" },
            "balances": { "credits": self.credits, "maintenance_credits": self.maintenance, "sms": self.sms },
            "devices": self.devices.len(),
            "overdue": { "credits": if self.dynamic { self.overdue(self.today(now)) } else { 0 } },
        })
    }
}

/// What the model expects of a command.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Done,
    /// Everything is as it is to be: what is due is charged, and nothing else is written.
    Unchanged,
    Refused(&'static str),
}

struct World {
    system: System,
    ids: Vec<SiteId>,
    sites: Vec<Site>,
    /// The IDs of the batches.
    batches: Vec<String>,
    codes: Vec<Code>,
    now: Timestamp,
    commands: u32,
    last: Option<(Call, Answered)>,
    /// The request under way, of those that are more than one transaction or make something.
    under_way: Option<(Call, Making)>,
}

/// What a request makes that the model has to take in.
#[derive(Clone, Debug)]
enum Making {
    Batch {
        expires_on: Option<Date>,
        bound_to: Option<SiteId>,
    },
    Site(usize),
    /// The user of this ID.
    User(usize, String),
    /// A message, of one part.
    Message(usize),
    Nothing,
}

impl World {
    async fn new(beginning: Timestamp) -> Self {
        let mut world = Self {
            system: System::new(),
            ids: Vec::new(),
            sites: Vec::new(),
            batches: Vec::new(),
            codes: Vec::new(),
            now: beginning,
            commands: 0,
            last: None,
            under_way: None,
        };
        for place in 0..SITES.len() {
            world.create(place).await;
        }
        for (credits, maintenance, count, expires, bound) in BATCHES {
            let expires_on = expires.map(|days| expiry(beginning, days));
            let bound_to = bound.map(|site: usize| world.ids[site].clone());
            let body = json!({
                "credits": credits, "maintenance_credits": maintenance, "count": count, "expires_on": expires_on,
                "site_id": bound_to,
            });
            world.issue(&body, expires_on, bound_to).await;
        }
        world
    }

    fn key(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.commands, self.batches.len())
    }

    /// Creates the site of a place.
    async fn create(&mut self, place: usize) {
        let (site_type, zone) = SITES[place];
        let body =
            json!({ "name": "Site", "country": "AT", "site_type": site_type, "time_zone": zone });
        let key = format!("site-{place}-{}", self.commands);
        let call = Call::post("/sites".to_owned(), &body, self.now).key(&key);
        self.make(call, Making::Site(place)).await;
    }

    /// Issues a batch.
    async fn issue(&mut self, body: &Value, expires_on: Option<Date>, bound_to: Option<SiteId>) {
        let call = Call::post(batches(""), body, self.now).by_partner(ACME);
        let call = call.key(&self.key("issue"));
        self.make(
            call,
            Making::Batch {
                expires_on,
                bound_to,
            },
        )
        .await;
    }

    /// Sends a request that makes something, and takes it in.
    async fn make(&mut self, call: Call, making: Making) {
        self.under_way = Some((call.clone(), making.clone()));
        let made = self.system.send(call).await;
        assert!([200, 201].contains(&made.status), "{made:?}");
        match making {
            Making::Batch {
                expires_on,
                bound_to,
            } => {
                self.batches.push(text(&made.body["batch"]["batch_id"]));
                let batch = &made.body["batch"];
                for code in made.body["codes"].as_array().unwrap() {
                    self.codes.push(Code {
                        text: text(code),
                        batch: self.batches.len() - 1,
                        credits: batch["credits"].as_u64().unwrap(),
                        maintenance: batch["maintenance_credits"].as_u64().unwrap(),
                        expires_on,
                        bound_to: bound_to.clone(),
                        applied: None,
                        voided: false,
                    });
                }
            }
            Making::Site(place) => {
                let id = SiteId::parse(made.body["site"]["site_id"].as_str().unwrap()).unwrap();
                let (site_type, zone) = SITES[place];
                let zone = TimeZone::get(zone).unwrap();
                let created = at(made.body["entry"]["at"].as_str().unwrap());
                let site = Site {
                    deleted: false,
                    roles: BTreeMap::from([(0, "master")]),
                    dynamic: site_type == "dynamic",
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
                };
                if place < self.ids.len() {
                    (self.ids[place], self.sites[place]) = (id, site);
                } else {
                    self.ids.push(id);
                    self.sites.push(site);
                }
            }
            Making::User(site, id) => self.sites[site].users.push((id, false)),
            Making::Message(site) => {
                // What is surely not sent is given back, and everything else stays charged.
                let failed = made.body["message"]["state"] == "failed";
                let by = self.sites[site].master();
                self.model_command(site, by, |model, _| {
                    model.sms -= i64::from(!failed);
                    Expected::Done
                });
            }
            Making::Nothing => {}
        }
        self.under_way = None;
    }

    /// The code at a place, of those that there are.
    fn place(&self, code: usize) -> usize {
        code % self.codes.len()
    }

    /// Rules 1, 2, 9 and 11, on the model.
    fn model_redeem(&mut self, site: usize, code: usize, sms: bool) -> Expected {
        let id = self.ids[site].clone();
        let model = &mut self.sites[site];
        let known = &mut self.codes[code];
        let today = model.today(self.now);
        if model.deleted {
            return Expected::Refused("site-not-found");
        }
        if known.applied.is_some() {
            return Expected::Refused("code-already-applied");
        }
        if known.voided {
            return Expected::Refused("code-voided");
        }
        if known.bound_to.as_ref().is_some_and(|bound| *bound != id) {
            return Expected::Refused("code-not-for-this-site");
        }
        if known.expires_on.is_some_and(|last| last < today) {
            return Expected::Refused("code-expired");
        }
        if sms && known.maintenance > 0 {
            return Expected::Refused("code-not-for-sms");
        }
        if model.dynamic && known.maintenance > 0 {
            return Expected::Refused("code-not-for-dynamic-sites");
        }
        known.applied = Some((id, sms));
        let credits = i64::try_from(known.credits).unwrap();
        if sms {
            model.sms += 50 * credits;
        } else {
            model.credits += credits;
            model.maintenance += i64::try_from(known.maintenance).unwrap();
        }
        if model.halted {
            model.resume(today);
        } else {
            model.charge(today);
        }
        model.touched(self.now);
        Expected::Done
    }

    /// A command of a person on a site, on a copy of the model that is kept if it is done: what is due is charged first.
    fn model_command(
        &mut self,
        site: usize,
        by: usize,
        decide: impl FnOnce(&mut Site, Date) -> Expected,
    ) -> Expected {
        let mut model = self.sites[site].clone();
        if model.deleted || !model.roles.contains_key(&by) {
            return Expected::Refused("site-not-found");
        }
        let today = model.today(self.now);
        let charged = model.charge(today);
        let expected = decide(&mut model, today);
        if expected == Expected::Done || (expected == Expected::Unchanged && charged) {
            model.touched(self.now);
            self.sites[site] = model;
        }
        expected
    }

    fn model_register(&mut self, site: usize, ids: &[String]) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, today| {
            if model.halted {
                return Expected::Refused("payment-required");
            }
            let price = if model.dynamic {
                i64::try_from(ids.len()).unwrap()
            } else {
                0
            };
            if model.credits < price {
                return Expected::Refused("insufficient-credits");
            }
            let known = |id: &String| model.devices.iter().any(|device| device.id == *id);
            if ids.iter().any(known) {
                return Expected::Refused("device-exists");
            }
            model.credits -= price;
            model.devices.extend(ids.iter().map(|id| Device {
                id: id.clone(),
                registered_on: today,
            }));
            Expected::Done
        })
    }

    fn model_remove(&mut self, site: usize, id: &str) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, today| {
            let Some(place) = model.devices.iter().position(|device| device.id == id) else {
                return Expected::Refused("device-not-found");
            };
            model.devices.remove(place);
            model.resume(today);
            Expected::Done
        })
    }

    fn model_deduct(&mut self, now: Timestamp) {
        for model in &mut self.sites {
            let today = model.today(now);
            let charged = model.charge(today);
            if model.warn(now, charged) || charged {
                model.touched(now);
            }
        }
    }

    /// Rule 12: what a card costs.
    fn model_card(&mut self, site: usize, user: usize, again: bool) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, _| {
            let Some((_, has_card)) = model.users.get(user) else {
                return Expected::Refused("user-not-found");
            };
            match (again, has_card) {
                (false, true) => return Expected::Refused("card-exists"),
                (true, false) => return Expected::Refused("card-not-found"),
                _ => {}
            }
            if model.halted {
                return Expected::Refused("payment-required");
            }
            match (model.dynamic, again && model.maintenance > 0, model.credits) {
                (true, _, _) => {}
                (false, true, _) => model.maintenance -= 1,
                (false, false, 0) => return Expected::Refused("insufficient-credits"),
                (false, false, _) => model.credits -= 1,
            }
            model.users[user].1 = true;
            Expected::Done
        })
    }

    /// Rule 8: why a message is refused, if it is.
    fn model_message(&self, site: usize, user: usize) -> Option<&'static str> {
        let mut model = self.sites[site].clone();
        if model.deleted {
            return Some("site-not-found");
        }
        model.charge(model.today(self.now));
        match (model.users.get(user), model.halted, model.sms) {
            (None, _, _) => Some("user-not-found"),
            (_, true, _) => Some("payment-required"),
            (_, _, 0) => Some("insufficient-sms"),
            _ => None,
        }
    }

    /// Rule 15: who may give whom which role. `role` is none for a removal.
    fn model_role(
        &mut self,
        site: usize,
        by: usize,
        who: usize,
        role: Option<&'static str>,
        invites: bool,
    ) -> Expected {
        self.model_command(site, by, |model, _| {
            let (own, known) = (model.roles[&by], model.roles.get(&who).copied());
            let leaves = role.is_none() && by == who;
            let allowed = match own {
                "master" => true,
                "sub_master" => role != Some("master"),
                _ => false,
            };
            if !allowed && !leaves {
                return Expected::Refused("not-allowed");
            }
            match (invites, known) {
                (true, Some(_)) => return Expected::Refused("administrator-exists"),
                (false, None) => return Expected::Refused("administrator-not-found"),
                (false, Some("master")) if role != Some("master") => {
                    return Expected::Refused("last-master");
                }
                _ => {}
            }
            if role.is_some() && role == known {
                return Expected::Unchanged;
            }
            if role == Some("master") {
                model.roles.insert(by, "sub_master");
            }
            match role {
                Some(role) => model.roles.insert(who, role),
                None => model.roles.remove(&who),
            };
            Expected::Done
        })
    }

    /// What is told of codes that are to be voided, and they are.
    fn model_void(&mut self, code: usize, whole: bool) -> Value {
        let batch = self.codes[code].batch;
        let (mut voided, mut already, mut applied) = (0, 0, 0);
        for (place, known) in self.codes.iter_mut().enumerate() {
            if known.batch != batch || !(whole || place == code) {
                continue;
            }
            match (&known.applied, known.voided) {
                (Some(_), _) => applied += 1,
                (None, true) => already += 1,
                (None, false) => {
                    known.voided = true;
                    voided += 1;
                }
            }
        }
        json!({ "voided": voided, "already_voided": already, "applied": applied })
    }

    /// A request to a site, by one of the persons.
    fn call(&self, method: &'static str, site: usize, by: usize, rest: &str, body: &Value) -> Call {
        let path = format!("/sites/{}{rest}", self.ids[site]);
        let call = match method {
            "DELETE" => Call::delete(path, self.now),
            "PATCH" => Call::patch(path, body, self.now),
            _ => Call::post(path, body, self.now),
        };
        call.by_person(PERSONS[by])
    }

    /// Sends a request of which the model knows what comes of it.
    async fn send(&mut self, call: Call, expected: &Expected) {
        let answer = self.system.send(call.clone()).await;
        match expected {
            Expected::Done => {
                let done = [200, 201].contains(&answer.status) && !answer.replayed;
                assert!(done, "{call:?} {answer:?}");
            }
            Expected::Unchanged => {
                let done = (answer.status, &answer.body["entry"], answer.replayed);
                assert_eq!(done, (200, &Value::Null, false), "{call:?} {answer:?}");
            }
            Expected::Refused(problem) => assert_eq!(answer.problem(), *problem, "{answer:?}"),
        }
        let refused = matches!(expected, Expected::Refused(_));
        let keyed = call.key.is_some() && !refused;
        self.last = keyed.then_some((call, answer));
    }

    /// Carries a step out on the system and on the model, which must agree.
    async fn step(&mut self, step: &Step) {
        let key = self.key("key");
        match *step {
            Step::Wait(hours) => self.now += SignedDuration::from_hours(hours),
            Step::Redeem { site, code, sms } => {
                let code = self.place(code);
                let by = self.sites[site].master();
                let expected = self.model_redeem(site, code, sms);
                let call = if sms { sms_redemption } else { redemption };
                let call = call(&self.ids[site], &self.codes[code].text, self.now);
                let call = call.by_person(PERSONS[by]).key(&key);
                self.send(call, &expected).await;
            }
            Step::Repeat => {
                if let Some((call, first)) = &self.last {
                    if self.now - call.at >= SignedDuration::from_hours(24) {
                        return;
                    }
                    let mut again = call.clone();
                    again.at = self.now;
                    let answer = self.system.send(again).await;
                    assert_eq!(
                        (answer.status, answer.replayed, &answer.body),
                        (first.status, true, &first.body)
                    );
                }
            }
            Step::Preview { site, code, sms } => {
                let code = self.place(code);
                let (sites, codes) = (self.sites.clone(), self.codes.clone());
                let by = self.sites[site].master();
                let expected = self.model_redeem(site, code, sms);
                let after = self.sites[site].license(self.now);
                (self.sites, self.codes) = (sites, codes);
                let recharge = if sms { "sms" } else { "credits" };
                let body = json!({ "code": self.codes[code].text, "recharge": recharge });
                let call = self.call("POST", site, by, "/license/preview", &body);
                let answer = self.system.send(call).await;
                match expected {
                    Expected::Done => {
                        let before = self.sites[site].license(self.now);
                        for (name, model) in [("before", before), ("after", after)] {
                            for part in ["balances", "status"] {
                                assert_eq!(
                                    answer.body[name][part], model[part],
                                    "{name} {answer:?}"
                                );
                            }
                        }
                    }
                    Expected::Unchanged => unreachable!("applying a code changes a site"),
                    Expected::Refused(problem) => {
                        assert_eq!(answer.problem(), problem, "{answer:?}");
                    }
                }
            }
            Step::Register { site, devices } => {
                let ids = (0..devices).map(|n| format!("d{}-{n}", self.commands));
                self.register(site, ids.collect(), &key).await;
            }
            Step::RegisterAgain { site, device } => {
                let devices = &self.sites[site].devices;
                if let Some(known) = devices.get(device % devices.len().max(1)) {
                    let ids = vec![format!("d{}", self.commands), known.id.clone()];
                    self.register(site, ids, &key).await;
                }
            }
            Step::Remove { site, device } => {
                let devices = &self.sites[site].devices;
                let known = devices.get(device).map(|device| device.id.clone());
                let id = known.unwrap_or_else(|| "never-there".to_owned());
                let by = self.sites[site].master();
                let expected = self.model_remove(site, &id);
                let rest = format!("/devices/{id}");
                let call = self.call("DELETE", site, by, &rest, &Value::Null);
                // Without a key, as an impatient person would ask.
                self.send(call, &expected).await;
            }
            Step::Deduct { hours_ago } => {
                let now = self.now - SignedDuration::from_hours(hours_ago);
                self.model_deduct(now);
                let report = self.system.deduct(now).await;
                assert_eq!(
                    (&report["left"], &report["failed"]),
                    (&json!(0), &json!(0)),
                    "{report}"
                );
            }
            Step::Issue { credits, count } => {
                let body = json!({ "credits": credits, "count": count });
                self.issue(&body, None, None).await;
            }
            Step::Void { code, whole } => {
                let code = self.place(code);
                let expected = self.model_void(code, whole);
                let Code { text, batch, .. } = &self.codes[code];
                let mut body = json!({ "reason": "by chance" });
                if !whole {
                    body["codes"] = json!([text]);
                }
                let path = batches(&format!("/{}/void", self.batches[*batch]));
                let call = Call::post(path, &body, self.now).by_partner(ACME);
                let call = call.key(&self.key("void"));
                self.under_way = Some((call.clone(), Making::Nothing));
                let answer = self.system.send(call).await;
                assert_eq!(answer.body, expected);
                self.under_way = None;
            }
            Step::Settings { site, zone } => {
                let by = self.sites[site].master();
                let zone = zone.map(|zone| ZONES[zone]);
                let expected = self.model_command(site, by, |model, _| {
                    if let Some(zone) = zone {
                        model.zone = TimeZone::get(zone).unwrap();
                    }
                    Expected::Done
                });
                let body = json!({ "name": key, "time_zone": zone });
                let call = self.call("PATCH", site, by, "", &body).key(&key);
                self.send(call, &expected).await;
            }
            Step::Invite {
                site,
                by,
                who,
                role,
            } => {
                let expected = self.model_role(site, by, who, Some(ROLES[role]), true);
                let body = json!({ "email": PERSONS[who], "role": ROLES[role] });
                let call = self.call("POST", site, by, "/admins", &body).key(&key);
                self.send(call, &expected).await;
            }
            Step::ChangeRole {
                site,
                by,
                who,
                role,
            } => {
                let expected = self.model_role(site, by, who, Some(ROLES[role]), false);
                let rest = format!("/admins/{}", PERSONS[who]);
                let body = json!({ "role": ROLES[role] });
                let call = self.call("PATCH", site, by, &rest, &body).key(&key);
                self.send(call, &expected).await;
            }
            Step::Dismiss { site, by, who } => {
                let expected = self.model_role(site, by, who, None, false);
                let rest = format!("/admins/{}", PERSONS[who]);
                let call = self.call("DELETE", site, by, &rest, &Value::Null);
                self.send(call, &expected).await;
            }
            Step::AddUser { site } => {
                if self.sites[site].deleted {
                    return self.create(site).await;
                }
                let id = format!("u{}", self.commands);
                let mobile = format!("+43664{:07}", 1_000_000 + self.commands);
                let body = json!({ "user_id": id, "mobile": mobile });
                let by = self.sites[site].master();
                let call = self.call("POST", site, by, "/users", &body).key(&key);
                self.make(call, Making::User(site, id)).await;
            }
            Step::Card { site, user, again } => {
                let known = self.sites[site].users.get(user);
                let id = known.map_or_else(|| "nobody".to_owned(), |(id, _)| id.clone());
                let by = self.sites[site].master();
                let expected = self.model_card(site, user, again);
                let rest = if again { "/reissues" } else { "" };
                let rest = format!("/users/{id}/card{rest}");
                let call = self.call("POST", site, by, &rest, &json!({})).key(&key);
                self.send(call, &expected).await;
            }
            Step::Message {
                site,
                user,
                network,
            } => {
                let known = self.sites[site].users.get(user);
                let id = known.map_or_else(|| "nobody".to_owned(), |(id, _)| id.clone());
                let by = self.sites[site].master();
                let body = json!({ "user_id": id, "text": "Open" });
                let call = self
                    .call("POST", site, by, "/sms/messages", &body)
                    .key(&key);
                if let Some(problem) = self.model_message(site, user) {
                    return self.send(call, &Expected::Refused(problem)).await;
                }
                self.system.sns.plan(move |action| match action {
                    "Publish" => network,
                    _ => Network::None,
                });
                self.make(call, Making::Message(site)).await;
                self.system.sns.quiet();
            }
            Step::Delete { site, forfeit } => {
                if self.sites[site].deleted {
                    return self.create(site).await;
                }
                let by = self.sites[site].master();
                let expected = self.model_command(site, by, |model, _| {
                    if !model.empty() && !forfeit {
                        return Expected::Refused("site-not-empty");
                    }
                    (model.credits, model.maintenance, model.sms) = (0, 0, 0);
                    (model.deleted, model.halted) = (true, false);
                    Expected::Done
                });
                let call = self.call("DELETE", site, by, "", &Value::Null);
                let call = call.query(&format!("forfeit={forfeit}")).key(&key);
                self.send(call, &expected).await;
            }
        }
    }

    async fn register(&mut self, site: usize, ids: Vec<String>, key: &str) {
        let by = self.sites[site].master();
        let expected = self.model_register(site, &ids);
        let devices = ids.iter().map(|id| json!({ "device_id": id, "name": id }));
        let body = json!({ "devices": devices.collect::<Vec<Value>>() });
        let call = self.call("POST", site, by, "/devices", &body).key(key);
        self.send(call, &expected).await;
    }

    /// Every site is what the model says.
    async fn agrees(&self) -> Result<(), String> {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let master = PERSONS[model.master()];
            let license = license_of(id, self.now).by_person(master);
            let license = self.system.send(license).await.body;
            if model.deleted {
                assert_eq!(license["code"], "site-not-found");
                continue;
            }
            let expected = model.license(self.now);
            for name in ["status", "balances", "devices", "overdue"] {
                if license[name] != expected[name] {
                    return Err(format!("{name} of {id}: {license} is not {expected}"));
                }
            }
        }
        Ok(())
    }

    /// How many entries there are in all statements.
    async fn entries(&self) -> u64 {
        let mut entries = 0;
        for id in &self.ids {
            let site = self
                .system
                .quiet()
                .read(site_credits::store::TypedKey::site(id), &mut Attempts::default())
                .await
                .unwrap();
            entries += site.unwrap().sequence;
        }
        entries
    }

    /// Every batch adds up as in the model, and every site got of the partner what it applied.
    async fn accounts_agree(&self) {
        for (number, id) in self.batches.iter().enumerate() {
            let codes = self.codes.iter().filter(|code| code.batch == number);
            let (mut applied, mut voided, mut left) = (0, 0, 0);
            for code in codes {
                match (&code.applied, code.voided) {
                    (Some(_), _) => applied += 1,
                    (None, true) => voided += 1,
                    (None, false) => left += 1,
                }
            }
            let call = Call::get(batches(&format!("/{id}")), self.now).by_partner(ACME);
            let sum = self.system.send(call).await.body["sum"].clone();
            let of = |name: &str| sum[name].as_i64().unwrap();
            assert_eq!(
                (
                    of("applied"),
                    of("voided"),
                    of("expired") + of("outstanding")
                ),
                (applied, voided, left),
                "{sum}"
            );
        }
        let path = format!("/partners/{ACME}/sites");
        let listed = self
            .system
            .send(Call::get(path, self.now).by_partner(ACME))
            .await;
        let mut received: BTreeMap<String, [u64; 4]> = BTreeMap::new();
        for code in &self.codes {
            if let Some((site, sms)) = &code.applied {
                let sum = received.entry(site.to_string()).or_default();
                sum[0] += 1;
                if *sms {
                    sum[3] += 50 * code.credits;
                } else {
                    sum[1] += code.credits;
                    sum[2] += code.maintenance;
                }
            }
        }
        let sites = listed.body["sites"].as_array().unwrap().iter();
        let listed = sites.map(|site| {
            let got = |name: &str| site["received"][name].as_u64().unwrap();
            let got = ["codes", "credits", "maintenance_credits", "sms"].map(got);
            (text(&site["site_id"]), got)
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), received);
    }

    /// Every due date was charged once, and just those that the model charged; and so with the warnings.
    async fn charged_once(&self) {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let (mut charged, mut warnings) = (Vec::new(), Vec::new());
            if model.deleted {
                continue;
            }
            let master = PERSONS[model.master()];
            for entry in self.system.statement_by(id, master, self.now).await {
                let refers_to = &entry["refers_to"];
                let date = |name: &str| refers_to[name].as_str().unwrap().parse::<Date>().unwrap();
                if entry["kind"] == "deduction" {
                    let credits = entry["changes"]["credits"].as_i64().unwrap();
                    charged.push((date("due_on"), -credits));
                }
                if entry["kind"] == "warning" {
                    let days = refers_to["days_before"].as_i64().unwrap();
                    warnings.push((days, date("falls_short_on")));
                }
            }
            assert_eq!(charged, model.charged, "{id}");
            assert_eq!(warnings, model.warnings, "{id}");
        }
    }
}

fn expiry(beginning: Timestamp, days: i64) -> Date {
    let at = beginning + SignedDuration::from_hours(24 * days);
    TimeZone::UTC.to_datetime(at).date()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn beginnings() -> impl Strategy<Value = Timestamp> {
    // Every day of a leap year and the year after, so that all ends of months are among the beginnings.
    (0_i64..730, 0_i64..24).prop_map(|(day, hour)| {
        let first: Timestamp = "2028-01-01T00:00:00Z".parse().unwrap();
        first + SignedDuration::from_hours(day * 24 + hour)
    })
}

fn run<S: Strategy>(strategy: &S, history: impl AsyncFn(S::Value))
where
    S::Value: std::fmt::Debug,
{
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = HISTORIES;
    }
    config.max_shrink_iters = 2_000;
    // The runner prints the seed and the smallest history that fails.
    let done = TestRunner::new(config).run(strategy, |value| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(history(value));
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
}

#[test]
fn histories_with_faults_agree_with_the_model() {
    run(&(beginnings(), steps()), async |(beginning, steps)| {
        let mut world = World::new(beginning).await;
        for (step, faults) in steps {
            world.commands += 1;
            let mut faults = faults.into_iter();
            world
                .system
                .wire
                .plan(move |_, _| faults.next().unwrap_or_default());
            world.step(&step).await;
            world.system.wire.quiet();
            world.agrees().await.unwrap();
        }
        world.charged_once().await;
        world.accounts_agree().await;
    });
}

#[test]
fn histories_with_crashes_leave_each_command_done_or_not_done() {
    let moments = prop::collection::vec((any::<bool>(), 0_usize..4), 1..60);
    run(
        &(beginnings(), steps(), moments),
        async |(beginning, steps, moments)| {
            let mut world = World::new(beginning).await;
            for ((step, _), (after, request)) in steps.into_iter().zip(moments) {
                world.commands += 1;
                let before = (world.sites.clone(), world.codes.clone(), world.last.take());
                let entries = world.entries().await;
                let mut seen = 0;
                world.system.wire.plan(move |_, _| {
                    seen += 1;
                    match (seen == request + 1, after) {
                        (true, true) => Fault::CrashAfter,
                        (true, false) => Fault::CrashBefore,
                        (false, _) => Fault::None,
                    }
                });
                let wire = std::sync::Arc::clone(&world.system.wire);
                let crashed = tokio::select! {
                    biased;
                    () = wire.crashed.notified() => true,
                    () = world.step(&step) => false,
                };
                world.system.wire.quiet();
                if crashed && let Step::Deduct { hours_ago } = step {
                    // Some sites may have been charged and others not; running it again charges the rest.
                    world
                        .system
                        .deduct(world.now - SignedDuration::from_hours(hours_ago))
                        .await;
                } else if let Some((call, making)) = world.under_way.take() {
                    // It died somewhere, and its repetition finishes it.
                    assert!(crashed);
                    world.make(call, making).await;
                } else if crashed && world.entries().await == entries {
                    // The command died before its one transaction.
                    (world.sites, world.codes, world.last) = before;
                }
                world.agrees().await.unwrap();
            }
            world.charged_once().await;
            world.accounts_agree().await;
        },
    );
}
