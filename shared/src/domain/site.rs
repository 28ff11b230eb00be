//! A site and its administrators.

use super::amount::Balances;
use super::amount::{BalanceOutOfRange, Changes};
use super::calendar::Devices;
use super::change::{Change, Decision, Draft, Guard};
use super::deduction::{Begun, begin};
use super::entry::{Actor, Event, Hash};
use super::identity::{Country, Email, Language, SiteId, SiteName, TimeZone};
use super::locale::is_known;
use super::sms::{MAX_SMS_COUNTRIES, SendWindow, countries_of};
use super::warning::DaysBefore;
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
    /// Its master deleted it. It has no administrators any more, so nobody but an operator sees it.
    Deleted,
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
    /// In which it writes to people.
    pub language: Language,
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
    /// The last warning before it falls short that is still true (rule 17).
    pub warned: Option<DaysBefore>,
    /// The countries that messages may be sent to; `None` for its own alone.
    pub sms_countries: Option<Vec<Country>>,
    /// How many messages it sent in the hour and on the day of the last.
    pub sms_window: Option<SendWindow>,
    /// It was deleted, and its users were not erased yet: the schedule does that.
    pub users_to_erase: bool,
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
    /// Its language.
    pub language: Language,
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

    /// The devices that cost a credit a month: none on a regular site, or on one that was deleted.
    #[must_use]
    pub fn monthly_cost(&self) -> u32 {
        match (self.site_type, self.status) {
            (SiteType::Dynamic, Status::Activated | Status::PaymentRequired) => {
                self.devices.total()
            }
            (SiteType::Dynamic, Status::Deleted) | (SiteType::Regular, _) => 0,
        }
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
        name: new.name.clone(),
        language: new.language.clone(),
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
        language: new.language,
        site_type: new.site_type,
        status: Status::Activated,
        balances: Balances::default(),
        administrators: vec![Administrator {
            email: new.master.clone(),
            role: Role::Master,
        }],
        devices: Devices::default(),
        charged_through: opened_on,
        warned: None,
        sms_countries: None,
        sms_window: None,
        users_to_erase: false,
        sequence: 0,
        last_hash: Hash::ZERO,
        last_entry_at: now,
        version: 0,
    };
    let mut draft = Draft::of(site, now);
    draft.record(actor, event, Changes::NONE)?;
    Ok(draft.finish(vec![Guard::AdministratorAdded { email: new.master }]))
}

/// What of a site's settings is to be changed. ID, type and country never are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewSettings {
    /// Another name.
    pub name: Option<SiteName>,
    /// Another time zone.
    pub time_zone: Option<TimeZone>,
    /// Another language.
    pub language: Option<Language>,
    /// Other countries that messages may be sent to.
    pub sms_countries: Option<Vec<Country>>,
}

impl NewSettings {
    fn that_differ_from(&self, site: &Site) -> Self {
        Self {
            name: self.name.clone().filter(|name| *name != site.name),
            time_zone: self
                .time_zone
                .clone()
                .filter(|zone| *zone != site.time_zone),
            language: self
                .language
                .clone()
                .filter(|language| *language != site.language),
            sms_countries: self
                .sms_countries
                .as_deref()
                .map(sorted)
                .filter(|countries| *countries != sorted(countries_of(site))),
        }
    }
}

/// Countries in an order of their own: in another they are no others.
fn sorted(countries: &[Country]) -> Vec<Country> {
    let mut countries = countries.to_vec();
    countries.sort_unstable();
    countries
}

/// Why settings are not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsRefused {
    /// Nothing was named.
    #[error("nothing is to be changed: name, time_zone, language and sms_countries can be")]
    Nothing,
    /// Too many countries, none, or one that is none.
    #[error(
        "sms_countries must be 1 to {MAX_SMS_COUNTRIES} ISO 3166-1 codes such as AT, each once"
    )]
    Countries,
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Changes a site's settings: those that differ.
///
/// What is due in the old time zone is charged first. From then on the dates are those of the new one, and never
/// earlier than the last date that was charged: eastwards a date may come sooner, westwards it comes a second time
/// and counts once. So no due date is skipped, and none is charged twice.
///
/// # Errors
/// [`SettingsRefused`] says why, and nothing changes.
pub fn change_settings(
    site: Site,
    settings: &NewSettings,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, SettingsRefused> {
    if *settings == NewSettings::default() {
        return Err(SettingsRefused::Nothing);
    }
    if let Some(countries) = &settings.sms_countries {
        let known = |place: usize| {
            is_known(&countries[place]) && !countries[..place].contains(&countries[place])
        };
        if !(1..=MAX_SMS_COUNTRIES).contains(&countries.len()) || !(0..countries.len()).all(known) {
            return Err(SettingsRefused::Countries);
        }
    }
    let mut draft = match begin(site, now)? {
        Begun::Draft(draft) => draft,
        Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
    };
    let settings = settings.that_differ_from(&draft.site);
    if settings == NewSettings::default() {
        return Ok(draft.unchanged());
    }
    let NewSettings {
        name,
        time_zone,
        language,
        sms_countries,
    } = settings;
    let event = Event::SettingsChange {
        name: name.clone(),
        time_zone: time_zone.clone(),
        language: language.clone(),
        sms_countries: sms_countries.clone(),
    };
    let own_entry = draft.entries();
    draft.record(
        Actor::Administrator { email: by.clone() },
        event,
        Changes::NONE,
    )?;
    let site = &mut draft.site;
    site.name = name.unwrap_or_else(|| site.name.clone());
    site.time_zone = time_zone.unwrap_or_else(|| site.time_zone.clone());
    site.language = language.unwrap_or_else(|| site.language.clone());
    site.sms_countries = sms_countries.or_else(|| site.sms_countries.take());
    Ok(Decision::Done {
        change: draft.finish(Vec::new()),
        own_entry,
    })
}

/// Why a site is not deleted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeletionRefused {
    /// Only its master may.
    #[error("only its master deletes a site")]
    NotAllowed,
    /// It holds something, which would be lost.
    #[error(
        "the site holds {} credits, {} maintenance credits and {} SMS, which only forfeit=true gives up",
        .0.credits, .0.maintenance_credits, .0.sms
    )]
    NotEmpty(Balances),
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Deletes a site. What is due is charged first, and what is left is given up if `forfeit` says so. Its statement
/// stays, and nobody but an operator can read it. Its users, with everything that is personal, are erased by the next run
/// of the schedule.
///
/// # Errors
/// [`DeletionRefused`] says why, and nothing changes.
pub fn delete(
    site: Site,
    forfeit: bool,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, DeletionRefused> {
    if site.role_of(by) != Some(Role::Master) {
        return Err(DeletionRefused::NotAllowed);
    }
    let mut draft = match begin(site, now)? {
        Begun::Draft(draft) => draft,
        Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
    };
    let forfeited = draft.site.balances;
    if forfeited != Balances::default() && !forfeit {
        return Err(DeletionRefused::NotEmpty(forfeited));
    }
    let administrators = std::mem::take(&mut draft.site.administrators);
    draft.site.status = Status::Deleted;
    draft.site.users_to_erase = true;
    let own_entry = draft.entries();
    draft.record(
        Actor::Administrator { email: by.clone() },
        Event::SiteDeletion { forfeited },
        Changes::take_all(forfeited)?,
    )?;
    let guards = administrators
        .into_iter()
        .map(|administrator| Guard::AdministratorRemoved {
            email: administrator.email,
        });
    Ok(Decision::Done {
        change: draft.finish(guards.collect()),
        own_entry,
    })
}

/// Notes that the users of a deleted site are erased.
#[must_use]
pub fn users_erased(mut site: Site, now: Timestamp) -> Change {
    site.users_to_erase = false;
    Draft::of(site, now).finish(Vec::new())
}
