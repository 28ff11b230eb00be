//! Inviting administrators, changing their roles, and removing them.

use super::sites::{SiteView, site_view};
use super::{Asker, CommandError, Done, SiteCommand, SiteNotFound, execute};
use crate::domain::model::change::Decision;
use crate::domain::model::site::{Role, Site};
use crate::domain::rules::administrators;
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::store::Store;

/// Makes a person an administrator of a site.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn invite(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    role: Role,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    let wish = format!("invite {email} as {}", name(role));
    carry_out(store, site_id, wish, asker, |site, by| {
        administrators::invite(site, email, role, by, asker.now)
    })
    .await
}

/// Gives an administrator of a site another role.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn change_role(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    role: Role,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    let wish = format!("make {email} {}", name(role));
    carry_out(store, site_id, wish, asker, |site, by| {
        administrators::change_role(site, email, role, by, asker.now)
    })
    .await
}

/// Takes the role of an administrator of a site away.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn remove_administrator(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    let wish = format!("remove administrator {email}");
    carry_out(store, site_id, wish, asker, |site, by| {
        administrators::remove(site, email, by, asker.now)
    })
    .await
}

async fn carry_out(
    store: &Store,
    site_id: &SiteId,
    wish: String,
    asker: &Asker,
    mut decide: impl FnMut(Site, &Email) -> Result<Decision, AdministratorRefused>,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    let by = asker.email.clone().ok_or(SiteNotFound)?;
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish,
        also: Vec::new(),
    };
    execute(store, &command, &site_view, |site, _| {
        decide(site, &by).map_err(CommandError::Refused)
    })
    .await
}

/// A role, in the fingerprint of a request.
fn name(role: Role) -> &'static str {
    match role {
        Role::Master => "master",
        Role::SubMaster => "sub_master",
        Role::SiteAdmin => "site_admin",
    }
}
