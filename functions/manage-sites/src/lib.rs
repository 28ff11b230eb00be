//! `manage-sites`: creates sites and changes them, their administrators, their invitations and their devices.

use site_credits::commands::{self, Asker, CommandError, CreateSiteError};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{DeviceId, PersonId, SiteId};
use site_credits::http::administrators::{
    AdministratorBody, Administrators, RemovedAdministrator, RoleBody,
};
use site_credits::http::devices::{
    DeviceNameBody, DevicePage, DevicesBody, RegisteredDevices, RemovedDevice, RenamedDevice,
    ReplacedDevice, ReplacementBody,
};
use site_credits::http::extract::{InvitingSite, VerifiedEmail};
use site_credits::http::invitations::{
    AcceptedInvitation, DeclinedInvitation, InvitationPage, Invitations, OfferedRole, SentAgain,
    WithdrawnInvitation,
};
use site_credits::http::query::Forfeit;
use site_credits::http::sites::{
    ChangedSite, CreatedSite, DeletedSite, NewSiteBody, SettingsBody, ShownSite, SitePage,
};
use site_credits::http::{
    Changed, Created, Cursors, Declare, Function, JsonObject, PageAfter, Problem, Query, Reply,
    refusals,
};
use site_credits::store::Store;

/// How many IDs are tried for a new site. Of 2^40, two in a row are taken only where randomness is broken.
const IDS_TRIED: u32 = 3;

/// The function, with what it needs.
#[derive(Debug)]
pub struct ManageSites {
    /// The table.
    pub store: Store,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<ManageSites>>() -> R {
    let routes = R::default()
        .add("POST /sites", create, refusals::NONE)
        .add("GET /sites", list, refusals::SITES)
        .add("GET /sites/{site_id}", show, refusals::NONE)
        .add("PATCH /sites/{site_id}", change, refusals::NONE)
        .add("DELETE /sites/{site_id}", delete, refusals::SITE_DELETION);
    of_devices(of_invitations(of_administrators(routes)))
}

fn of_administrators<R: Declare<ManageSites>>(routes: R) -> R {
    routes
        .add(
            "GET /sites/{site_id}/admins",
            administrators,
            refusals::NONE,
        )
        .add("POST /sites/{site_id}/admins", invite, refusals::INVITATION)
        .add(
            "PATCH /sites/{site_id}/admins/{email}",
            change_role,
            refusals::ROLE_CHANGE,
        )
        .add(
            "DELETE /sites/{site_id}/admins/{email}",
            remove_administrator,
            refusals::ADMINISTRATOR_REMOVAL,
        )
}

fn of_invitations<R: Declare<ManageSites>>(routes: R) -> R {
    routes
        .add(
            "GET /sites/{site_id}/invitations",
            invitations,
            refusals::NONE,
        )
        .add(
            "DELETE /sites/{site_id}/invitations/{person}",
            withdraw,
            refusals::WITHDRAWAL,
        )
        .add(
            "POST /sites/{site_id}/invitations/{person}/resending",
            send_again,
            refusals::RESENDING,
        )
        .add("GET /invitations", own_invitations, refusals::SITES)
        .add(
            "POST /invitations/{site_id}/acceptance",
            accept,
            refusals::ACCEPTANCE,
        )
        .add(
            "POST /invitations/{site_id}/refusal",
            decline,
            refusals::NONE,
        )
}

fn of_devices<R: Declare<ManageSites>>(routes: R) -> R {
    routes
        .add("GET /sites/{site_id}/devices", devices, refusals::NONE)
        .add(
            "POST /sites/{site_id}/devices",
            register,
            refusals::REGISTRATION,
        )
        .add(
            "PATCH /sites/{site_id}/devices/{device_id}",
            rename_device,
            refusals::NONE,
        )
        .add(
            "POST /sites/{site_id}/devices/{device_id}/replacement",
            replace_device,
            refusals::REPLACEMENT,
        )
        .add(
            "DELETE /sites/{site_id}/devices/{device_id}",
            remove_device,
            refusals::NONE,
        )
}

/// A caller whose address is not verified gets 403, whatever the body says.
async fn create(
    asker: Asker,
    VerifiedEmail(master): VerifiedEmail,
    JsonObject(body): JsonObject<NewSiteBody>,
    Function(function): Function<ManageSites>,
) -> Result<Created<CreatedSite>, Problem> {
    let mut new = body.read(commands::random_site_id()?, master, asker.now)?;
    for _ in 1..IDS_TRIED {
        match commands::create_site(&function.store, new.clone(), &asker).await {
            Err(CommandError::Refused(CreateSiteError::Exists)) => {
                new.id = commands::random_site_id()?;
            }
            done => return Ok(done?.into()),
        }
    }
    let done = commands::create_site(&function.store, new, &asker).await?;
    Ok(done.into())
}

async fn list(
    asker: Asker,
    Query(PageAfter { page, .. }): Query<PageAfter<SiteId>>,
    cursors: Cursors,
    Function(function): Function<ManageSites>,
) -> Result<Reply<SitePage>, Problem> {
    let sites = commands::list_sites(&function.store, &page, &asker).await?;
    Ok(Reply::page(sites, &cursors))
}

async fn show(
    Function(function): Function<ManageSites>,
    site_id: SiteId,
    asker: Asker,
) -> Result<Reply<ShownSite>, Problem> {
    let site = commands::site(&function.store, &site_id, &asker).await?;
    Ok(Reply::ok(site))
}

async fn change(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<SettingsBody>,
    Function(function): Function<ManageSites>,
) -> Result<Changed<ChangedSite>, Problem> {
    let settings = body.read();
    let done = commands::change_settings(&function.store, &site_id, &settings, &asker).await?;
    Ok(done.into())
}

async fn delete(
    site_id: SiteId,
    asker: Asker,
    Query(Forfeit(forfeit)): Query<Forfeit>,
    Function(function): Function<ManageSites>,
) -> Result<Changed<DeletedSite>, Problem> {
    let done = commands::delete_site(&function.store, &site_id, forfeit, &asker).await?;
    Ok(done.into())
}

async fn administrators(
    Function(function): Function<ManageSites>,
    site_id: SiteId,
    asker: Asker,
) -> Result<Reply<Administrators>, Problem> {
    let site = commands::site(&function.store, &site_id, &asker).await?;
    Ok(Reply::ok(site))
}

async fn invite(
    site_id: SiteId,
    asker: Asker,
    JsonObject(AdministratorBody { email, role }): JsonObject<AdministratorBody>,
    Function(function): Function<ManageSites>,
) -> Result<Created<OfferedRole>, Problem> {
    let done = commands::invite(&function.store, &site_id, &email, role, &asker).await?;
    Ok(done.into())
}

async fn change_role(
    site_id: SiteId,
    asker: Asker,
    JsonObject(RoleBody { role }): JsonObject<RoleBody>,
    email: Email,
    Function(function): Function<ManageSites>,
) -> Result<Changed<OfferedRole>, Problem> {
    let done = commands::change_role(&function.store, &site_id, &email, role, &asker).await?;
    Ok(done.into())
}

async fn remove_administrator(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageSites>,
    email: Email,
) -> Result<Changed<RemovedAdministrator>, Problem> {
    let done = commands::remove_administrator(&function.store, &site_id, &email, &asker).await?;
    Ok(done.into())
}

async fn invitations(
    Function(function): Function<ManageSites>,
    site_id: SiteId,
    asker: Asker,
) -> Result<Reply<Invitations>, Problem> {
    let open = commands::list_invitations(&function.store, &site_id, &asker).await?;
    Ok(Reply::ok(open))
}

async fn withdraw(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageSites>,
    person: PersonId,
) -> Result<Changed<WithdrawnInvitation>, Problem> {
    let done = commands::withdraw_invitation(&function.store, &site_id, &person, &asker).await?;
    Ok(done.into())
}

async fn send_again(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageSites>,
    person: PersonId,
) -> Result<Changed<SentAgain>, Problem> {
    let done = commands::send_again(&function.store, &site_id, &person, &asker).await?;
    Ok(done.into())
}

async fn own_invitations(
    asker: Asker,
    Query(PageAfter { page, .. }): Query<PageAfter<SiteId>>,
    cursors: Cursors,
    Function(function): Function<ManageSites>,
) -> Result<Reply<InvitationPage>, Problem> {
    let open = commands::list_own_invitations(&function.store, &page, &asker).await?;
    Ok(Reply::page(open, &cursors))
}

async fn accept(
    asker: Asker,
    VerifiedEmail(email): VerifiedEmail,
    Function(function): Function<ManageSites>,
    InvitingSite(site_id): InvitingSite,
) -> Result<Created<AcceptedInvitation>, Problem> {
    let done = commands::accept_invitation(&function.store, &site_id, &email, &asker).await?;
    Ok(done.into())
}

async fn decline(
    asker: Asker,
    VerifiedEmail(email): VerifiedEmail,
    Function(function): Function<ManageSites>,
    InvitingSite(site_id): InvitingSite,
) -> Result<Changed<DeclinedInvitation>, Problem> {
    let done = commands::decline_invitation(&function.store, &site_id, &email, &asker).await?;
    Ok(done.into())
}

async fn devices(
    site_id: SiteId,
    asker: Asker,
    Query(PageAfter { page, .. }): Query<PageAfter<DeviceId>>,
    cursors: Cursors,
    Function(function): Function<ManageSites>,
) -> Result<Reply<DevicePage>, Problem> {
    let devices = commands::list_devices(&function.store, &site_id, &page, &asker).await?;
    Ok(Reply::page(devices, &cursors))
}

async fn register(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<DevicesBody>,
    Function(function): Function<ManageSites>,
) -> Result<Created<RegisteredDevices>, Problem> {
    let devices = body.read();
    let done = commands::register_devices(&function.store, &site_id, &devices, &asker).await?;
    Ok(done.into())
}

async fn rename_device(
    site_id: SiteId,
    asker: Asker,
    JsonObject(DeviceNameBody { name }): JsonObject<DeviceNameBody>,
    Function(function): Function<ManageSites>,
    device_id: DeviceId,
) -> Result<Changed<RenamedDevice>, Problem> {
    let done =
        commands::rename_device(&function.store, &site_id, &device_id, &name, &asker).await?;
    Ok(done.into())
}

async fn replace_device(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<ReplacementBody>,
    Function(function): Function<ManageSites>,
    device_id: DeviceId,
) -> Result<Created<ReplacedDevice>, Problem> {
    let new = body.read();
    let done =
        commands::replace_device(&function.store, &site_id, &device_id, &new, &asker).await?;
    Ok(done.into())
}

async fn remove_device(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageSites>,
    device_id: DeviceId,
) -> Result<Changed<RemovedDevice>, Problem> {
    let done = commands::remove_device(&function.store, &site_id, &device_id, &asker).await?;
    Ok(done.into())
}
