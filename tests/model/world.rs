//! The world of a history: the system under test, and what the model knows of it.

use super::expected::Expected;
use super::site::Site;
use crate::harness::{ACME, Answered, Call, KIM, System, at, batches};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

/// The sites of every history: how they pay, and where they are.
pub(super) const SITES: [(&str, &str); 3] = [
    ("dynamic", "Pacific/Kiritimati"),
    ("dynamic", "America/Havana"),
    ("regular", "Europe/Vienna"),
];
/// Where sites move: from one end of the day to the other, and to where the clocks change.
pub(super) const ZONES: [&str; 4] = [
    "Pacific/Kiritimati",
    "Pacific/Niue",
    "America/Havana",
    "Europe/Vienna",
];
/// Credits, maintenance credits, how many codes, the days until they expire, the site they are bound to.
type BatchOfHistory = (u64, u64, u32, Option<i64>, Option<usize>);
/// The batches of every history.
pub(super) const BATCHES: [BatchOfHistory; 11] = [
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
pub(super) const PERSONS: [&str; 4] =
    [KIM, "lee@example.com", "mia@example.com", "zoe@example.com"];
/// The roles, as the contract spells them.
pub(super) const ROLES: [&str; 3] = ["master", "sub_master", "site_admin"];

/// One code, as the model knows it.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) batch: usize,
    pub(super) credits: u64,
    pub(super) maintenance: u64,
    pub(super) expires_on: Option<Date>,
    pub(super) bound_to: Option<SiteId>,
    /// The site that applied it, and whether for SMS.
    pub(super) applied: Option<(SiteId, bool)>,
    pub(super) voided: bool,
}

pub(super) struct World {
    pub(super) system: System,
    pub(super) ids: Vec<SiteId>,
    pub(super) sites: Vec<Site>,
    /// The IDs of the batches.
    pub(super) batches: Vec<String>,
    pub(super) codes: Vec<Code>,
    pub(super) now: Timestamp,
    pub(super) commands: u32,
    pub(super) last: Option<(Call, Answered)>,
    /// The IDs of the users who were removed.
    pub(super) forgotten: Vec<String>,
    /// The request under way, if it takes more than one transaction or makes something.
    pub(super) under_way: Option<(Call, Making)>,
}

/// What a request makes that the model has to learn.
#[derive(Clone, Debug)]
pub(super) enum Making {
    Batch {
        expires_on: Option<Date>,
        bound_to: Option<SiteId>,
    },
    Site(usize),
    /// The user of this ID.
    User(usize, String),
    /// The user at this place is gone.
    Gone(usize, usize),
    /// A message, of one part.
    Message(usize),
    Nothing,
}

impl World {
    pub(super) async fn new(beginning: Timestamp) -> Self {
        let mut world = Self {
            system: System::new(),
            ids: Vec::new(),
            sites: Vec::new(),
            batches: Vec::new(),
            codes: Vec::new(),
            now: beginning,
            commands: 0,
            last: None,
            forgotten: Vec::new(),
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

    pub(super) fn key(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.commands, self.batches.len())
    }

    /// Creates the site of a place.
    pub(super) async fn create(&mut self, place: usize) {
        let (site_type, zone) = SITES[place];
        let body =
            json!({ "name": "Site", "country": "AT", "site_type": site_type, "time_zone": zone });
        let key = format!("site-{place}-{}", self.commands);
        let call = Call::post("/sites".to_owned(), &body, self.now).key(&key);
        self.make(call, Making::Site(place)).await;
    }

    /// Issues a batch.
    pub(super) async fn issue(
        &mut self,
        body: &Value,
        expires_on: Option<Date>,
        bound_to: Option<SiteId>,
    ) {
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

    /// Sends a request that makes something, and lets the model learn of it.
    pub(super) async fn make(&mut self, call: Call, making: Making) {
        self.under_way = Some((call.clone(), making.clone()));
        let made = self.system.send(call).await;
        assert!([200, 201].contains(&made.status), "{made:?}");
        match making {
            Making::Batch {
                expires_on,
                bound_to,
            } => self.learn_batch(&made.body, expires_on, bound_to),
            Making::Site(place) => self.learn_site(&made.body, place),
            Making::User(site, id) => self.sites[site].users.push((id, false)),
            Making::Gone(site, user) => {
                let (id, _) = self.sites[site].users.remove(user);
                self.forgotten.push(id);
            }
            Making::Message(site) => {
                // A message that surely was not sent is refunded; every other stays charged.
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

    fn learn_batch(&mut self, made: &Value, expires_on: Option<Date>, bound_to: Option<SiteId>) {
        let batch = &made["batch"];
        self.batches.push(text(&batch["batch_id"]));
        for code in made["codes"].as_array().unwrap() {
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

    fn learn_site(&mut self, made: &Value, place: usize) {
        let id = SiteId::parse(made["site"]["site_id"].as_str().unwrap()).unwrap();
        let created = at(made["entry"]["at"].as_str().unwrap());
        let (site_type, zone) = SITES[place];
        let site = Site::new(site_type == "dynamic", zone, created);
        if place < self.ids.len() {
            (self.ids[place], self.sites[place]) = (id, site);
        } else {
            self.ids.push(id);
            self.sites.push(site);
        }
    }
}

pub(super) fn expiry(beginning: Timestamp, days: i64) -> Date {
    let at = beginning + SignedDuration::from_hours(24 * days);
    TimeZone::UTC.to_datetime(at).date()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
