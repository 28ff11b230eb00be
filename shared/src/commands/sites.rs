//! Creating sites, showing them, changing their settings, and deleting them.

use super::asker::{Admitted, Asker, CommandError, EmailNotVerified, ReadError, authorized};
use super::command::Command;
use super::execute::{Done, Step, execute, settled};
use super::pages::{Page, PageOf, list};
use super::subject::Creator;
use crate::domain::model::change::Write;
use crate::domain::model::site::{
    Administrator, NewSite, Role, SentInvitation, Site, SiteType, Status,
};
use crate::domain::rules::draft::Outcome;
use crate::domain::rules::sites::{
    self, DeletionRefused, NewSettings, SettingsRefused, items_of_deletion,
};
use crate::domain::values::amount::Balances;
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use crate::store::{Attempts, Item, Listing, Store, StoreError, TypedKey, decode_administrator_of};
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
    pub administrators: Vec<AdministratorView>,
}

/// An administrator, as the others see them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AdministratorView {
    /// The ID by which entries name the person; none in an answer that the first form remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The address.
    pub email: Email,
    /// The role.
    pub role: Role,
}

impl From<&Administrator> for AdministratorView {
    fn from(administrator: &Administrator) -> Self {
        Self {
            person: Some(administrator.person.clone()),
            email: administrator.email.clone(),
            role: administrator.role,
        }
    }
}

/// What an asker sees of a site.
pub(super) fn site_view(site: &Site, asker: &Asker) -> SiteView {
    SiteView {
        site_id: site.id.clone(),
        name: site.name.clone(),
        country: site.country.clone(),
        time_zone: site.time_zone.clone(),
        language: site.language.clone(),
        sms_countries: site.sms_countries().to_vec(),
        site_type: site.site_type,
        status: site.status,
        balances: site.balances,
        devices: site.devices.total(),
        role: asker.email.as_ref().and_then(|email| site.role_of(email)),
        administrators: site.administrators.iter().map(Into::into).collect(),
    }
}

/// Why a site is not created.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CreateSiteError {
    /// A site of this ID exists: make another ID.
    #[error("a site of this ID exists")]
    Exists,
}

/// A site ID of random bits, which say nothing about how many sites there are.
///
/// # Errors
/// The operating system gives no random bits.
pub fn random_site_id() -> Result<SiteId, StoreError> {
    let bits = getrandom::u64().map_err(|error| StoreError::defect(error.to_string()))?;
    Ok(SiteId::from_random(bits))
}

/// Creates a site with its asker as its master: one transaction, and a read before it where the request has a key.
///
/// # Errors
/// See [`CreateSiteError`] and [`CommandError`].
pub async fn create_site(
    store: &Store,
    new: NewSite,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<CreateSiteError>> {
    let master = new.master.clone();
    let site_type = match new.site_type {
        SiteType::Dynamic => "dynamic",
        SiteType::Regular => "regular",
    };
    let parts = [
        asker.email.as_ref().map_or("", |email| email.as_str()),
        "create site",
        new.name.as_str(),
        new.country.as_str(),
        new.time_zone.as_str(),
        new.language.as_str(),
        site_type,
    ];
    let command = Command::of(Creator(&master, asker), &parts);
    execute(store, &command, &(), |(), (), lost| {
        // Its own write, if its answer was lost, was found before this.
        if lost.iter().any(|write| matches!(write, Write::Site(_))) {
            return Err(CommandError::Refused(CreateSiteError::Exists));
        }
        let change = sites::create(new.clone(), asker.now);
        Ok(Step::change(change, |site| site_view(site, asker)))
    })
    .await
}

/// Shows a site, in one round trip.
///
/// # Errors
/// See [`ReadError`].
pub async fn site(store: &Store, site_id: &SiteId, asker: &Asker) -> Result<SiteView, ReadError> {
    let site = TypedKey::site(site_id);
    let site = store.read(site, &mut Attempts::default()).await?;
    Ok(site_view(&authorized(site, asker)?, asker))
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
    let listing = Listing::sites_of_person(email);
    let decode = |item: &Item| Ok(decode_administrator_of(item)?.1);
    let ids = list(store, &listing, page, decode).await?;
    let keys: Vec<_> = ids.items.iter().map(TypedKey::site).collect();
    let sites = store.read(keys, &mut Attempts::default()).await?;
    // What a site itself says counts, because its list of administrators may have changed since.
    let sites = sites.into_iter().flatten();
    let own = sites.filter(|site| site.role_of(email).is_some());
    Ok(Page {
        items: own.map(|site| site_view(&site, asker)).collect(),
        next: ids.next,
    })
}

/// Changes the settings of a site.
///
/// # Errors
/// See [`SettingsRefused`] and [`CommandError`].
pub async fn change_settings(
    store: &Store,
    site_id: &SiteId,
    settings: &NewSettings,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<SettingsRefused>> {
    asker.address()?;
    let NewSettings {
        name,
        time_zone,
        language,
        sms_countries,
    } = settings;
    let sms_countries = sms_countries.iter().flatten().map(Country::as_str);
    let command = format!(
        "change settings\n{}\n{}\n{}\n{}",
        name.as_ref().map_or("", SiteName::as_str),
        time_zone.as_ref().map_or("", TimeZone::as_str),
        language.as_ref().map_or("", Language::as_str),
        sms_countries.collect::<Vec<_>>().join(","),
    );
    let command = Command::on_site(site_id, asker, &command);
    execute(store, &command, &(), |Admitted { site, by }, (), _| {
        let rule = |draft| sites::change_settings(draft, settings, &by.person);
        let show = |site: &_| site_view(site, asker);
        settled(site, 0, asker.now, rule, show).map_err(CommandError::Refused)
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
    asker.address()?;
    let command = Command::on_site(site_id, asker, &format!("delete, forfeit {forfeit}"));
    let reads = invitations(store, site_id).await?;
    execute(store, &command, &reads, |Admitted { site, by }, sent, _| {
        let items = items_of_deletion(&site);
        let sent: Vec<SentInvitation> = sent.into_iter().flatten().collect();
        let rule = |draft| sites::delete(draft, forfeit, &sent, &by).map(Outcome::Changed);
        let show = |site: &_| site_view(site, asker);
        settled(site, items, asker.now, rule, show).map_err(CommandError::Refused)
    })
    .await
}

/// The invitations that a site has now, whose addresses its deletion needs.
async fn invitations(
    store: &Store,
    site_id: &SiteId,
) -> Result<Vec<TypedKey<SentInvitation>>, StoreError> {
    let site = TypedKey::site(site_id);
    let site = store.read(site, &mut Attempts::default()).await?;
    let invitations = site.iter().flat_map(|site| &site.invitations);
    let keys = invitations.map(|invitation| TypedKey::invitation(site_id, &invitation.person));
    Ok(keys.collect())
}
