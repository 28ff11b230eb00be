//! Inviting administrators, changing their roles, and removing them.

use super::asker::{Admitted, Asker, CommandError};
use super::command::Command;
use super::execute::{Done, execute, settled};
use super::sites::{SiteView, site_view};
use crate::domain::model::site::{Administrator, Role};
use crate::domain::rules::administrators::{self, AdministratorRefused};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
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
    let command = format!("invite {email} as {}", name(role));
    let new = Administrator {
        person: PersonId::random(),
        email: email.clone(),
        role,
    };
    change(store, site_id, &command, asker, |draft, by| {
        administrators::invite(draft, new.clone(), by)
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
    let command = format!("make {email} {}", name(role));
    change(store, site_id, &command, asker, |draft, by| {
        administrators::change_role(draft, email, role, by)
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
    let command = format!("remove administrator {email}");
    change(store, site_id, &command, asker, |draft, by| {
        administrators::remove(draft, email, by)
    })
    .await
}

async fn change(
    store: &Store,
    site_id: &SiteId,
    command: &str,
    asker: &Asker,
    rule: impl Fn(Draft, &Administrator) -> Result<Outcome, AdministratorRefused>,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    asker.address()?;
    let command = Command::on_site(site_id, asker, command);
    execute(store, &command, &(), |Admitted { site, by }, (), _| {
        let rule = |draft| rule(draft, &by);
        let show = |site: &_| site_view(site, asker);
        settled(site, 1, asker.now, rule, show).map_err(CommandError::Refused)
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
