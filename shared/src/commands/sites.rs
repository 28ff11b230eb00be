//! Creating sites, showing them, changing their settings, and deleting them.

use super::{
    Asker, CommandError, Done, Page, PageOf, ReadError, SiteCommand, SiteNotFound, answered,
    authorized, execute, fingerprint, kept_until, list, remembered,
};
use crate::domain::model::change::Change;
use crate::domain::model::site::{
    Administrator, NewSite, Role, Site, SiteType, Status, countries_of,
};
use crate::domain::rules::sites as domain;
use crate::domain::rules::sites::{DeletionRefused, NewSettings, SettingsRefused};
use crate::domain::values::amount::{BalanceOutOfRange, Balances};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use crate::store::{
    Attempts, Commit, CommitFailed, Failure, FirstAnswer, Item, Key, Listing, RequestOf,
    RequestRecord, Store, StoreError, decode_administrator_of, decode_entry,
};
use serde::{Deserialize, Serialize};

/// A site, as one of its administrators sees it. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SiteView {
    /// The site.
    pub site_id: SiteId,
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// The zone in which its dates are counted.
    pub time_zone: TimeZone,
    /// In which it writes to people.
    pub language: Language,
    /// The countries that messages may be sent to.
    pub sms_countries: Vec<Country>,
    /// How it pays.
    pub site_type: SiteType,
    /// Whether it runs.
    pub status: Status,
    /// What it holds.
    pub balances: Balances,
    /// How many devices it has.
    pub devices: u32,
    /// The asker's role; null for one who just left it.
    pub role: Option<Role>,
    /// Who may read and change it.
    pub administrators: Vec<Administrator>,
}

/// What an asker sees of a site.
pub(super) fn site_view(site: &Site, asker: &Asker) -> SiteView {
    SiteView {
        site_id: site.id.clone(),
        name: site.name.clone(),
        country: site.country.clone(),
        time_zone: site.time_zone.clone(),
        language: site.language.clone(),
        sms_countries: countries_of(site).to_vec(),
        site_type: site.site_type,
        status: site.status,
        balances: site.balances,
        devices: site.devices.total(),
        role: asker.email.as_ref().and_then(|email| site.role_of(email)),
        administrators: site.administrators.clone(),
    }
}

/// Whoever has no verified e-mail address has no sites and makes none (rule 15).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this needs a token with a verified e-mail address")]
pub struct EmailNotVerified;

/// Why a site is not created.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CreateSiteError {
    /// A site of this ID exists: make another ID.
    #[error("a site of this ID exists")]
    Exists,
    /// Never in practice: a new site's balances are zero.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// A site ID of random bits, which say nothing about how many sites there are.
///
/// # Errors
/// The operating system gives no random bits.
pub fn random_site_id() -> Result<SiteId, StoreError> {
    let bits = getrandom::u64().map_err(|error| StoreError::defect(error.to_string()))?;
    Ok(SiteId::from_random(bits))
}

/// Creates a site, its asker as its master: one transaction, and a read before it where the request has a key.
///
/// # Errors
/// See [`CreateSiteError`] and [`CommandError`].
pub async fn create_site(
    store: &Store,
    new: NewSite,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<CreateSiteError>> {
    let refused = CommandError::Refused;
    let wish = [
        asker.email.as_ref().map_or("", Email::as_str),
        "create site",
        new.name.as_str(),
        new.country.as_str(),
        new.time_zone.as_str(),
        new.language.as_str(),
        match new.site_type {
            SiteType::Dynamic => "dynamic",
            SiteType::Regular => "regular",
        },
    ];
    let fingerprint = fingerprint(&wish);
    let change =
        domain::create(new, asker.now).map_err(|error| refused(CreateSiteError::Balance(error)))?;
    let creation = Creation {
        view: site_view(&change.site, asker),
        command_id: CommandId::random(),
        request: request_key(asker),
        change,
        asker,
        fingerprint,
    };
    let mut attempts = Attempts::default();
    loop {
        if let Some(first) = creation.first(store, &mut attempts).await? {
            if first.fingerprint != creation.fingerprint {
                return Err(CommandError::KeyReused);
            }
            let view: SiteView = serde_json::from_str(&first.answer).map_err(StoreError::defect)?;
            if view.site_id == creation.change.site.id {
                // This call's own write, whose answer was lost.
                return Ok(creation.done());
            }
            return Ok(answered(
                store,
                &creation.command_id,
                &view.site_id,
                first,
                &mut attempts,
            )
            .await?);
        }
        let record = creation.record()?;
        let commit = Commit {
            change: &creation.change,
            command_id: &creation.command_id,
            request: record.as_ref(),
        };
        let last = match store.commit(&[commit]).await {
            Ok(()) => return Ok(creation.done()),
            // It exists by an earlier attempt of this command, or as somebody else's, or the request was answered.
            Err(CommitFailed::Lost(_)) => {
                if creation.is_there(store, &mut attempts).await? {
                    return Ok(creation.done());
                }
                if creation.first(store, &mut attempts).await?.is_none() {
                    return Err(refused(CreateSiteError::Exists));
                }
                None
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                return Err(StoreError::Refused(error).into());
            }
            Err(CommitFailed::Failed(Failure::NotApplied(error))) => Some(error),
            Err(CommitFailed::Failed(Failure::Unknown(error))) => {
                attempts.unanswered();
                Some(error)
            }
        };
        attempts.again(last).await?;
    }
}

/// The request's item among those of a person: no site is there yet that it could belong to.
fn request_key(asker: &Asker) -> Option<(RequestOf, String)> {
    let email = asker.email.clone()?;
    let key = asker.idempotency_key.clone()?;
    Some((RequestOf::Person(email), key))
}

/// A site that is being created.
struct Creation<'a> {
    change: Change,
    command_id: CommandId,
    request: Option<(RequestOf, String)>,
    asker: &'a Asker,
    fingerprint: String,
    view: SiteView,
}

impl Creation<'_> {
    /// What the request led to before.
    async fn first(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Option<FirstAnswer>, StoreError> {
        let Some((whose, key)) = self.request.clone() else {
            return Ok(None);
        };
        let key = Key::Request(whose, key);
        let item = store.load(&[key], attempts).await?.pop().flatten();
        remembered(item.as_ref(), self.asker.now)
    }

    fn record(&self) -> Result<Option<RequestRecord>, StoreError> {
        let Some((whose, key)) = self.request.clone() else {
            return Ok(None);
        };
        let answer = serde_json::to_string(&self.view).map_err(StoreError::defect)?;
        Ok(Some(RequestRecord {
            whose,
            key,
            now: self.asker.now,
            answer: FirstAnswer {
                fingerprint: self.fingerprint.clone(),
                entry_sequence: Some(1),
                command_id: None,
                answer,
                expires_at: kept_until(self.asker.now),
            },
        }))
    }

    /// Whether the site's first entry is this command's.
    async fn is_there(&self, store: &Store, attempts: &mut Attempts) -> Result<bool, StoreError> {
        let key = Key::Entry(self.change.site.id.clone(), 1);
        let first = store.load(&[key], attempts).await?.pop().flatten();
        let by = first.map(|item| decode_entry(&item)).transpose()?;
        Ok(by.is_some_and(|(_, by)| by == self.command_id))
    }

    fn done(mut self) -> Done<SiteView> {
        Done {
            // A creation is one entry.
            entry: Some(self.change.entries.swap_remove(0)),
            command_id: self.command_id,
            view: self.view,
            replayed: false,
        }
    }
}

/// Shows a site, in one round trip.
///
/// # Errors
/// See [`ReadError`].
pub async fn site(store: &Store, site_id: &SiteId, asker: &Asker) -> Result<SiteView, ReadError> {
    let mut attempts = Attempts::default();
    let site = authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    Ok(site_view(&site, asker))
}

/// Lists a person's sites by their IDs, in two round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_sites(
    store: &Store,
    page: &PageOf,
    asker: &Asker,
) -> Result<Page<SiteView>, ReadError> {
    let email = asker.email.as_ref().ok_or(EmailNotVerified)?;
    let mut attempts = Attempts::default();
    let listing = Listing::sites_of_person(email);
    let decode = |item: &Item| Ok(decode_administrator_of(item)?.1);
    let ids = list(store, &listing, page, &mut attempts, decode).await?;
    let sites = store.sites(&ids.items, &mut attempts).await?;
    // What a site itself says counts, as its list of administrators may have changed since.
    let sites = sites.into_iter().flatten();
    let own = sites.filter(|site| site.role_of(email).is_some());
    Ok(Page {
        items: own.map(|site| site_view(&site, asker)).collect(),
        next: ids.next,
    })
}

/// Changes a site's name, time zone or language.
///
/// # Errors
/// See [`SettingsRefused`] and [`CommandError`].
pub async fn change_settings(
    store: &Store,
    site_id: &SiteId,
    settings: &NewSettings,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<SettingsRefused>> {
    let by = asker.email.clone().ok_or(SiteNotFound)?;
    let NewSettings {
        name,
        time_zone,
        language,
        sms_countries,
    } = settings;
    let sms_countries = sms_countries.iter().flatten().map(Country::as_str);
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: format!(
            "change settings\n{}\n{}\n{}\n{}",
            name.as_ref().map_or("", SiteName::as_str),
            time_zone.as_ref().map_or("", TimeZone::as_str),
            language.as_ref().map_or("", Language::as_str),
            sms_countries.collect::<Vec<_>>().join(","),
        ),
        also: Vec::new(),
    };
    execute(store, &command, &site_view, |site, _| {
        domain::change_settings(site, settings, &by, asker.now).map_err(CommandError::Refused)
    })
    .await
}

/// Deletes a site.
///
/// # Errors
/// See [`DeletionRefused`] and [`CommandError`].
pub async fn delete_site(
    store: &Store,
    site_id: &SiteId,
    forfeit: bool,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<DeletionRefused>> {
    let by = asker.email.clone().ok_or(SiteNotFound)?;
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: format!("delete, forfeit {forfeit}"),
        also: Vec::new(),
    };
    execute(store, &command, &site_view, |site, _| {
        domain::delete(site, forfeit, &by, asker.now).map_err(CommandError::Refused)
    })
    .await
}
