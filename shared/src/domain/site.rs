//! A site and its administrators.

use super::amount::Balances;
use super::amount::{BalanceOutOfRange, Changes};
use super::calendar::Devices;
use super::change::{Change, Draft, Guard};
use super::entry::{Actor, Event, Hash};
use super::identity::{Country, Email, SiteId, SiteName, TimeZone};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// How a site pays. Chosen at creation, never changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteType {
    /// A credit for each device, every month.
    Dynamic,
    /// A credit for each card.
    Regular,
}

/// Whether a site runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It runs.
    Activated,
    /// It was short of credits when a deduction was due, and is halted.
    PaymentRequired,
}

/// An administrator's role on one site.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever created the site, or was handed it.
    Master,
    /// May invite others, as the master may.
    SubMaster,
    /// Reads and changes settings and license.
    SiteAdmin,
}

/// One administrator of a site.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Administrator {
    /// Who.
    pub email: Email,
    /// As what.
    pub role: Role,
}

/// A site: an organisation that issues mobile access cards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Unique, and never changes.
    pub id: SiteId,
    /// May repeat among sites.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// Its dates are counted in this zone.
    pub time_zone: TimeZone,
    /// How it pays.
    pub site_type: SiteType,
    /// Whether it runs.
    pub status: Status,
    /// What it holds.
    pub balances: Balances,
    /// Who may read and change it.
    pub administrators: Vec<Administrator>,
    /// Its devices by anchor day.
    pub devices: Devices,
    /// Every due date until this one was charged. Of a dynamic site only.
    pub charged_through: Date,
    /// The number of entries.
    pub sequence: u64,
    /// The hash of the last entry.
    pub last_hash: Hash,
    /// The time of the last entry.
    pub last_entry_at: Timestamp,
    /// One more after every change: the condition of the next.
    pub version: u64,
}

/// What a new site is.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// Its ID, made at random.
    pub id: SiteId,
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// Its zone.
    pub time_zone: TimeZone,
    /// How it pays.
    pub site_type: SiteType,
    /// Its creator, who becomes its master (rule 15).
    pub master: Email,
}

impl Site {
    /// The role of a person on this site, or `None` (rule 15).
    #[must_use]
    pub fn role_of(&self, email: &Email) -> Option<Role> {
        let found = self.administrators.iter().find(|a| a.email == *email);
        found.map(|administrator| administrator.role)
    }

    /// The instant that counts for this site: its time never runs backwards, whatever order events arrive in.
    #[must_use]
    pub fn time(&self, now: Timestamp) -> Timestamp {
        now.max(self.last_entry_at)
    }

    /// The site's own date. It never runs backwards either: not behind the last date that was charged, when the
    /// site moves to a time zone further west.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        self.time_zone
            .date(self.time(now))
            .max(self.charged_through)
    }
}

/// Creates a site, without balances, its creator as its master.
///
/// # Errors
/// Never in practice: an entry of no change cannot leave the range of a balance.
pub fn create(new: NewSite, now: Timestamp) -> Result<Change, BalanceOutOfRange> {
    let opened_on = new.time_zone.date(now);
    let actor = Actor::Administrator {
        email: new.master.clone(),
    };
    let event = Event::SiteCreation {
        site_type: new.site_type,
        country: new.country.clone(),
        time_zone: new.time_zone.clone(),
        opened_on,
    };
    let site = Site {
        id: new.id,
        name: new.name,
        country: new.country,
        time_zone: new.time_zone,
        site_type: new.site_type,
        status: Status::Activated,
        balances: Balances::default(),
        administrators: vec![Administrator {
            email: new.master.clone(),
            role: Role::Master,
        }],
        devices: Devices::default(),
        charged_through: opened_on,
        sequence: 0,
        last_hash: Hash::ZERO,
        last_entry_at: now,
        version: 0,
    };
    let mut draft = Draft::of(site, now);
    draft.record(actor, event, Changes::NONE)?;
    Ok(draft.finish(vec![Guard::AdministratorAdded { email: new.master }]))
}
