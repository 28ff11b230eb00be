//! A random model run: histories of every command, with faults and crashes, against a plain model.
//!
//! The model knows devices one by one and days one by one, and none of the system's own types for them. After every
//! command the site must be what the model says; after every history each device's due dates were charged once, and
//! the harness verifies the table.

use crate::harness::{Answered, Call, System, license_of, redemption, sms_redemption};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use run_local::engine::Fault;
use serde_json::{Value, json};
use site_credits::domain::code::CodeValue;
use site_credits::domain::identity::SiteId;
use site_credits::domain::site::SiteType;
use site_credits::store::Attempts;
use std::collections::BTreeMap;

/// The sites of every history: how they pay, and where they are.
const SITES: [(SiteType, &str); 3] = [
    (SiteType::Dynamic, "Pacific/Kiritimati"),
    (SiteType::Dynamic, "America/Havana"),
    (SiteType::Regular, "Europe/Vienna"),
];
/// The codes of every history: credits, maintenance credits, the days until they expire, the site they are bound to.
const CODES: [(u64, u64, Option<i64>, Option<usize>); 14] = [
    (1, 0, None, None),
    (1, 0, None, None),
    (2, 0, None, None),
    (3, 0, None, None),
    (1, 0, None, None),
    (2, 0, None, None),
    (3, 0, Some(40), None),
    (5, 0, None, Some(0)),
    (8, 0, None, Some(1)),
    (13, 0, None, None),
    (21, 0, None, None),
    (40, 0, None, None),
    (4, 2, None, None),
    (0, 5, Some(10), None),
];
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
}

fn steps() -> impl Strategy<Value = Vec<(Step, Vec<Fault>)>> {
    // Mostly one site, so that its history is long enough to halt it, resume it and charge it again.
    let site = prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    let code = 0..CODES.len();
    let step = prop_oneof![
        3 => prop_oneof![1_i64..30, 200_i64..800, 700_i64..800].prop_map(Step::Wait),
        4 => (site.clone(), code.clone(), prop::bool::weighted(0.2)).prop_map(|(site, code, sms)| Step::Redeem { site, code, sms }),
        1 => Just(Step::Repeat),
        1 => (site.clone(), code, any::<bool>()).prop_map(|(site, code, sms)| Step::Preview { site, code, sms }),
        3 => (site.clone(), 1_usize..4).prop_map(|(site, devices)| Step::Register { site, devices }),
        1 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::RegisterAgain { site, device }),
        1 => (site, 0_usize..5).prop_map(|(site, device)| Step::Remove { site, device }),
        3 => prop_oneof![3 => Just(0_i64), 1 => 1_i64..100].prop_map(|hours_ago| Step::Deduct { hours_ago }),
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

/// One device, as the model knows it.
#[derive(Clone, Debug)]
struct Device {
    id: String,
    registered_on: Date,
}

/// One site, as the model knows it.
#[derive(Clone, Debug)]
struct Site {
    dynamic: bool,
    zone: TimeZone,
    credits: i64,
    maintenance: i64,
    sms: i64,
    halted: bool,
    devices: Vec<Device>,
    settled: Date,
    last_entry: Timestamp,
    charged: Vec<(Date, i64)>,
}

impl Site {
    fn today(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now.max(self.last_entry)).date()
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
        if !self.dynamic || self.halted {
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
    Refused(&'static str),
}

struct World {
    system: System,
    ids: Vec<SiteId>,
    sites: Vec<Site>,
    codes: Vec<String>,
    /// Where each code was applied.
    applied: BTreeMap<usize, usize>,
    beginning: Timestamp,
    now: Timestamp,
    commands: u32,
    last: Option<(Call, Answered)>,
}

impl World {
    async fn new(beginning: Timestamp) -> Self {
        let system = System::new();
        let (mut ids, mut sites, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for (site_type, zone) in SITES {
            ids.push(system.site(site_type, zone, beginning).await);
            let zone = TimeZone::get(zone).unwrap();
            sites.push(Site {
                dynamic: site_type == SiteType::Dynamic,
                settled: zone.to_datetime(beginning).date(),
                zone,
                credits: 0,
                maintenance: 0,
                sms: 0,
                halted: false,
                devices: Vec::new(),
                last_entry: beginning,
                charged: Vec::new(),
            });
        }
        for (credits, maintenance, expires, bound) in CODES {
            let value = CodeValue::new(credits, maintenance).unwrap();
            let set = |new: &mut site_credits::commands::NewBatch| {
                new.expires_on = expires.map(|days| expiry(beginning, days));
                new.bound_to = bound.map(|site: usize| ids[site].clone());
            };
            codes.extend(system.codes_like(value, 1, beginning, set).await);
        }
        Self {
            system,
            ids,
            sites,
            codes,
            applied: BTreeMap::new(),
            beginning,
            now: beginning,
            commands: 0,
            last: None,
        }
    }

    /// Rules 1, 2, 9 and 11, on the model.
    fn model_redeem(&mut self, site: usize, code: usize, sms: bool) -> Expected {
        let (credits, maintenance, expires, bound) = CODES[code];
        let today = self.sites[site].today(self.now);
        if self.applied.contains_key(&code) {
            return Expected::Refused("code-already-applied");
        }
        if bound.is_some_and(|bound| bound != site) {
            return Expected::Refused("code-not-for-this-site");
        }
        if expires.is_some_and(|days| expiry(self.beginning, days) < today) {
            return Expected::Refused("code-expired");
        }
        if sms && maintenance > 0 {
            return Expected::Refused("code-not-for-sms");
        }
        if self.sites[site].dynamic && maintenance > 0 {
            return Expected::Refused("code-not-for-dynamic-sites");
        }
        self.applied.insert(code, site);
        let model = &mut self.sites[site];
        let credits = i64::try_from(credits).unwrap();
        if sms {
            model.sms += 50 * credits;
        } else {
            model.credits += credits;
            model.maintenance += i64::try_from(maintenance).unwrap();
        }
        if model.halted {
            model.resume(today);
        } else {
            model.charge(today);
        }
        model.touched(self.now);
        Expected::Done
    }

    fn model_register(&mut self, site: usize, ids: &[String]) -> Expected {
        let mut model = self.sites[site].clone();
        let today = model.today(self.now);
        model.charge(today);
        if model.halted {
            return Expected::Refused("the site is halted until it is recharged");
        }
        let price = if model.dynamic {
            i64::try_from(ids.len()).unwrap()
        } else {
            0
        };
        if model.credits < price {
            return Expected::Refused("registering needs");
        }
        if ids
            .iter()
            .any(|id| model.devices.iter().any(|device| device.id == *id))
        {
            return Expected::Refused("a device of this ID exists");
        }
        model.credits -= price;
        model.devices.extend(ids.iter().map(|id| Device {
            id: id.clone(),
            registered_on: today,
        }));
        model.touched(self.now);
        self.sites[site] = model;
        Expected::Done
    }

    fn model_remove(&mut self, site: usize, id: &str) -> Expected {
        let mut model = self.sites[site].clone();
        let Some(place) = model.devices.iter().position(|device| device.id == id) else {
            return Expected::Refused("there is no such device");
        };
        let today = model.today(self.now);
        model.charge(today);
        model.devices.remove(place);
        model.resume(today);
        model.touched(self.now);
        self.sites[site] = model;
        Expected::Done
    }

    fn model_deduct(&mut self, now: Timestamp) {
        for model in &mut self.sites {
            let today = model.today(now);
            if model.charge(today) {
                model.touched(now);
            }
        }
    }

    /// Carries a step out on the system and on the model, which must agree.
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(hours) => self.now += SignedDuration::from_hours(*hours),
            Step::Redeem { site, code, sms } => {
                let expected = self.model_redeem(*site, *code, *sms);
                let call = if *sms { sms_redemption } else { redemption };
                let call = call(&self.ids[*site], &self.codes[*code], self.now)
                    .key(&format!("key-{}", self.commands));
                let answer = self.system.send(call.clone()).await;
                match expected {
                    Expected::Done => {
                        assert_eq!((answer.status, answer.replayed), (201, false), "{answer:?}");
                    }
                    Expected::Refused(problem) => {
                        assert_eq!(answer.problem(), problem, "{answer:?}");
                    }
                }
                self.last = (answer.status == 201).then_some((call, answer));
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
                        (201, true, &first.body)
                    );
                }
            }
            Step::Preview { site, code, sms } => {
                let (sites, applied) = (self.sites.clone(), self.applied.clone());
                let expected = self.model_redeem(*site, *code, *sms);
                let body = json!({ "code": self.codes[*code], "recharge": if *sms { "sms" } else { "credits" } });
                let path = format!("/sites/{}/license/preview", self.ids[*site]);
                let answer = self.system.send(Call::post(path, &body, self.now)).await;
                let after = self.sites[*site].license(self.now);
                (self.sites, self.applied) = (sites, applied);
                match expected {
                    Expected::Done => {
                        let before = self.sites[*site].license(self.now);
                        for (name, model) in [("before", before), ("after", after)] {
                            assert_eq!(
                                answer.body[name]["balances"], model["balances"],
                                "{name} {answer:?}"
                            );
                            assert_eq!(
                                answer.body[name]["status"], model["status"],
                                "{name} {answer:?}"
                            );
                        }
                    }
                    Expected::Refused(problem) => {
                        assert_eq!(answer.problem(), problem, "{answer:?}");
                    }
                }
            }
            Step::Register { site, devices } => {
                let ids: Vec<String> = (0..*devices)
                    .map(|n| format!("d{}-{n}", self.commands))
                    .collect();
                self.register(*site, ids).await;
            }
            Step::RegisterAgain { site, device } => {
                let devices = &self.sites[*site].devices;
                if let Some(known) = devices.get(*device % devices.len().max(1)) {
                    let ids = vec![format!("d{}", self.commands), known.id.clone()];
                    self.register(*site, ids).await;
                }
            }
            Step::Remove { site, device } => {
                let devices = &self.sites[*site].devices;
                let known = devices.get(*device).map(|device| device.id.clone());
                let id = known.unwrap_or_else(|| "never-there".to_owned());
                let expected = self.model_remove(*site, &id);
                let answer = self.system.remove(&self.ids[*site], &id, self.now).await;
                assert_outcome(
                    &expected,
                    answer.map(|_| ()).map_err(|error| error.to_string()),
                );
            }
            Step::Deduct { hours_ago } => {
                let now = self.now - SignedDuration::from_hours(*hours_ago);
                self.model_deduct(now);
                let report = self.system.deduct(now).await;
                assert_eq!(
                    (&report["left"], &report["failed"]),
                    (&json!(0), &json!(0)),
                    "{report}"
                );
            }
        }
    }

    async fn register(&mut self, site: usize, ids: Vec<String>) {
        let expected = self.model_register(site, &ids);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let answer = self.system.register(&self.ids[site], &ids, self.now).await;
        assert_outcome(
            &expected,
            answer.map(|_| ()).map_err(|error| error.to_string()),
        );
    }

    /// Every site is what the model says.
    async fn agrees(&self) -> Result<(), String> {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let license = self.system.send(license_of(id, self.now)).await.body;
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
                .site_by_id(id, &mut Attempts::default())
                .await
                .unwrap();
            entries += site.unwrap().sequence;
        }
        entries
    }

    /// Every due date was charged once, and just those that the model charged.
    async fn charged_once(&self) {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let mut charged = Vec::new();
            for entry in self.system.statement(id, self.now).await {
                if entry["kind"] == "deduction" {
                    let due_on: Date = entry["refers_to"]["due_on"]
                        .as_str()
                        .unwrap()
                        .parse()
                        .unwrap();
                    charged.push((due_on, -entry["changes"]["credits"].as_i64().unwrap()));
                }
            }
            assert_eq!(charged, model.charged, "{id}");
        }
    }
}

fn expiry(beginning: Timestamp, days: i64) -> Date {
    let at = beginning + SignedDuration::from_hours(24 * days);
    TimeZone::UTC.to_datetime(at).date()
}

fn assert_outcome(expected: &Expected, found: Result<(), String>) {
    match (expected, &found) {
        (Expected::Done, Ok(())) => {}
        (Expected::Refused(words), Err(error)) if error.starts_with(words) => {}
        _ => panic!("expected {expected:?}, found {found:?}"),
    }
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
                let before = (
                    world.sites.clone(),
                    world.applied.clone(),
                    world.last.take(),
                );
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
                } else if crashed && world.entries().await == entries {
                    // The command died before its one transaction.
                    (world.sites, world.applied, world.last) = before;
                }
                world.agrees().await.unwrap();
            }
            world.charged_once().await;
        },
    );
}
