//! A site and its administrators.

use crate::domain::model::change::{Change, Decision, Guard};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{
    Administrator, MAX_SMS_COUNTRIES, NewSite, Role, Site, Status, countries_of,
};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::settle::{Begun, begin};
use crate::domain::values::amount::{BalanceOutOfRange, Balances, Changes};
use crate::domain::values::calendar::Devices;
use crate::domain::values::country::{Country, Language, is_known};
use crate::domain::values::email::Email;
use crate::domain::values::hash::Hash;
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;

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
