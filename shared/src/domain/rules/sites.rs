//! Creating sites, changing their settings, and deleting them.

use crate::domain::model::change::{Change, MAX_ITEMS, Write};
use crate::domain::model::entry::Event;
use crate::domain::model::site::{
    Administrator, MAX_ADMINISTRATORS, MAX_INVITATIONS, MAX_SMS_COUNTRIES, NewSite, Role,
    SentInvitation, Site, Status,
};
use crate::domain::rules::administrators::erased;
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::settle::{OTHER_ITEMS, settle};
use crate::domain::values::amount::{Balances, Changes};
use crate::domain::values::calendar::Devices;
use crate::domain::values::country::{Country, Language, is_known};
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::PersonId;
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// Creates a site, without balances, its creator as its master.
#[must_use]
pub fn create(new: NewSite, now: Timestamp) -> Change {
    let opened_on = new.time_zone.date(now);
    let event = Event::SiteCreation {
        name: new.name.clone(),
        language: new.language.clone(),
        site_type: new.site_type,
        country: new.country.clone(),
        time_zone: new.time_zone.clone(),
        opened_on,
    };
    let added = Write::AdministratorAdded {
        email: new.master.clone(),
        site_id: new.id.clone(),
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
            person: new.person.clone(),
            email: new.master,
            role: Role::Master,
        }],
        invitations: Vec::new(),
        devices: Devices::default(),
        charged_through: opened_on,
        warned: None,
        sms_countries: None,
        received: BTreeMap::new(),
        sms_window: None,
        users_to_erase: false,
        sequence: 0,
        last_hash: Hash::ZERO,
        last_entry_at: now,
        agenda_at: None,
        version: 0,
    };
    let mut draft = Draft::of(site, now);
    draft.record_by(&new.person, event);
    draft.finish(vec![added])
}

/// The settings of a site to change. ID, type and country never change.
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
                .filter(|countries| *countries != sorted(site.sms_countries())),
        }
    }
}

/// Countries sorted, so that their order does not matter.
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
    /// `sms_countries` is empty, too long, repeats a country, or names an unknown one.
    #[error(
        "sms_countries must be 1 to {MAX_SMS_COUNTRIES} ISO 3166-1 codes such as AT, each once"
    )]
    Countries,
}

/// Changes a site's settings: those that differ.
///
/// What is due in the old time zone is charged first. From then on the dates are those of the new one, and never
/// earlier than the last date that was charged: eastwards a date may come sooner, westwards it comes a second time
/// and counts once. So no due date is skipped, and none is charged twice. A halted site that owes less by the dates of the
/// new zone resumes if its balance covers that (rule 9).
pub(crate) fn change_settings(
    mut draft: Draft,
    settings: &NewSettings,
    by: &PersonId,
) -> Result<Outcome, SettingsRefused> {
    if *settings == NewSettings::default() {
        return Err(SettingsRefused::Nothing);
    }
    let countries = settings.sms_countries.as_deref();
    if !countries.is_none_or(are_known_and_different) {
        return Err(SettingsRefused::Countries);
    }
    let settings = settings.that_differ_from(&draft.site);
    if settings == NewSettings::default() {
        return Ok(Outcome::Unchanged(draft));
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
    draft.record_by(by, event);
    let site = &mut draft.site;
    site.name = name.unwrap_or_else(|| site.name.clone());
    site.language = language.unwrap_or_else(|| site.language.clone());
    site.sms_countries = sms_countries.or_else(|| site.sms_countries.take());
    if let Some(time_zone) = time_zone {
        draft.move_to(time_zone);
        if draft.site.status == Status::PaymentRequired {
            settle(&mut draft);
        }
    }
    Ok(Outcome::Changed(draft.finish(Vec::new())))
}

/// Whether a list is of 1 to [`MAX_SMS_COUNTRIES`] known countries, each once.
fn are_known_and_different(countries: &[Country]) -> bool {
    let known = countries.iter().all(is_known);
    let different: HashSet<&Country> = countries.iter().collect();
    known
        && different.len() == countries.len()
        && (1..=MAX_SMS_COUNTRIES).contains(&countries.len())
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
}

// Of each administrator an item is deleted, and of each invitation two.
const _: () = assert!(MAX_ADMINISTRATORS + 2 * MAX_INVITATIONS + OTHER_ITEMS < MAX_ITEMS);

/// The items that the deletion of a site writes, beside the site, its entries and its request.
pub(crate) fn items_of_deletion(site: &Site) -> usize {
    site.administrators.len() + 2 * site.invitations.len()
}

/// Deletes a site. What is due is charged first, and what is left is given up if `forfeit` says so. Its statement
/// stays, and only an operator can read it. The next run of the schedule erases its users, with everything personal.
///
/// Its invitations end with it: `sent` are those whose addresses are known. What leads from any other address to the site
/// gives nothing, and expires.
pub(crate) fn delete(
    mut draft: Draft,
    forfeit: bool,
    sent: &[SentInvitation],
    by: &Administrator,
) -> Result<Change, DeletionRefused> {
    if by.role != Role::Master {
        return Err(DeletionRefused::NotAllowed);
    }
    let forfeited = draft.site.balances;
    if forfeited != Balances::default() && !forfeit {
        return Err(DeletionRefused::NotEmpty(forfeited));
    }
    let administrators = std::mem::take(&mut draft.site.administrators);
    let invitations = std::mem::take(&mut draft.site.invitations);
    draft.site.status = Status::Deleted;
    draft.site.users_to_erase = true;
    let event = Event::SiteDeletion { forfeited };
    // What there is can be taken.
    let taken = draft.apply_by(&by.person, event, Changes::take_all(forfeited));
    taken.map_err(|_| DeletionRefused::NotEmpty(forfeited))?;
    let site_id = draft.site.id.clone();
    let removed = administrators
        .into_iter()
        .map(|administrator| Write::AdministratorRemoved {
            email: administrator.email,
            site_id: site_id.clone(),
        });
    let ended = invitations.iter().flat_map(|invitation| {
        let mut sent = sent.iter();
        let sent = sent.find(|sent| sent.person == invitation.person);
        erased(&site_id, &invitation.person, sent.map(|sent| &sent.email))
    });
    let writes = removed.chain(ended).collect();
    Ok(draft.finish(writes))
}

/// Notes that the users of a deleted site are erased.
#[must_use]
pub(crate) fn users_erased(mut site: Site, now: Timestamp) -> Change {
    site.users_to_erase = false;
    Draft::of(site, now).finish(Vec::new())
}
