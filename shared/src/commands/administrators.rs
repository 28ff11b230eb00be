//! Changing the roles of administrators, and removing them.

use super::asker::{Admitted, Asker, CommandError};
use super::command::Command;
use super::execute::{Done, execute, settled};
use super::invitations::{Offered, Remembered};
use super::sites::{SiteView, site_view};
use crate::domain::model::site::Role;
use crate::domain::rules::administrators::{self, AdministratorRefused, ITEMS_OF_REMOVAL};
use crate::domain::rules::invitations::{self, ITEMS_OF_SENDING, Invitee};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::store::{Store, TypedKey};

/// Gives an administrator of a site another role, or offers the master's.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn change_role(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    role: Role,
    asker: &Asker,
) -> Result<Done<Offered>, CommandError<AdministratorRefused>> {
    asker.address()?;
    let command = format!("make {email} {}", role.as_str());
    let command = Command::on_site(site_id, asker, &command);
    let is_offered = role == Role::Master;
    let reads = is_offered.then(|| TypedKey::invited(email, site_id));
    // An administrator has an ID, and only an administrator is offered the site here.
    let new = PersonId::random();
    let done = execute(
        store,
        &command,
        &reads,
        |Admitted { site, by }, found, _| {
            let offered_to = site.administrator(email).filter(|_| is_offered);
            let offered_to = offered_to.map(|known| known.person.clone());
            let invitee = Invitee {
                email,
                new: &new,
                found: found.as_ref().map(|found| &found.person),
            };
            let change = |draft| match role {
                Role::Master => invitations::hand_over(draft, invitee, &by),
                _ => administrators::change_role(draft, email, role, &by),
            };
            let show = |site: &_| Remembered::of(site, offered_to.as_ref(), asker);
            settled(site, ITEMS_OF_SENDING, asker.now, change, show).map_err(CommandError::Refused)
        },
    )
    .await?;
    Ok(done.map(|offered| offered.to(email)))
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
    asker.address()?;
    let command = format!("remove administrator {email}");
    let command = Command::on_site(site_id, asker, &command);
    execute(store, &command, &(), |Admitted { site, by }, (), _| {
        let rule = |draft| administrators::remove(draft, email, &by);
        let show = |site: &_| site_view(site, asker);
        settled(site, ITEMS_OF_REMOVAL, asker.now, rule, show).map_err(CommandError::Refused)
    })
    .await
}
