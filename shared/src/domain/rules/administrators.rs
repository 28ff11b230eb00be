//! Who may do what on a site (rule 15).
//!
//! The master and the sub-masters invite, change roles and remove; nobody but the master hands the site over or deletes
//! it, and the master is only ever replaced, never removed. Everyone may leave but the master.

use crate::domain::model::change::{Decision, Guard};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{Administrator, MAX_ADMINISTRATORS, Role, Site};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::settle::{Begun, begin};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::email::Email;
use jiff::Timestamp;

/// Why a site's administrators are not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdministratorRefused {
    /// The asker's role does not allow it.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The person has a role already.
    #[error("{email} is an administrator of this site already")]
    Exists {
        /// Who.
        email: Email,
    },
    /// The person has no role.
    #[error("there is no such administrator")]
    NotFound,
    /// The site would have no master.
    #[error("a site has one master, who can hand it over and cannot leave it")]
    LastMaster,
    /// The site would have too many.
    #[error("a site has at most {MAX_ADMINISTRATORS} administrators")]
    TooMany,
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Makes a person an administrator. A new master takes the place of the one who asks, who stays as a sub-master.
///
/// # Errors
/// [`AdministratorRefused`] says why, and nothing changes.
pub fn invite(
    site: Site,
    email: &Email,
    role: Role,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, AdministratorRefused> {
    may_appoint(&site, by, role)?;
    if site.role_of(email).is_some() {
        return Err(AdministratorRefused::Exists {
            email: email.clone(),
        });
    }
    if site.administrators.len() >= MAX_ADMINISTRATORS {
        return Err(AdministratorRefused::TooMany);
    }
    let added = Guard::AdministratorAdded {
        email: email.clone(),
    };
    change(site, email, Some(role), by, now, vec![added])
}

/// Gives an administrator another role. A new master takes the place of the one who asks, who stays as a sub-master.
///
/// # Errors
/// [`AdministratorRefused`] says why, and nothing changes.
pub fn change_role(
    site: Site,
    email: &Email,
    role: Role,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, AdministratorRefused> {
    may_appoint(&site, by, role)?;
    let before = site.role_of(email).ok_or(AdministratorRefused::NotFound)?;
    if before == Role::Master && role != Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    change(site, email, Some(role), by, now, Vec::new())
}

/// Takes an administrator's role away. Everyone may take their own, but the master.
///
/// # Errors
/// [`AdministratorRefused`] says why, and nothing changes.
pub fn remove(
    site: Site,
    email: &Email,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, AdministratorRefused> {
    if email != by {
        may_appoint(&site, by, Role::SiteAdmin)?;
    }
    let before = site.role_of(email).ok_or(AdministratorRefused::NotFound)?;
    if before == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    let removed = Guard::AdministratorRemoved {
        email: email.clone(),
    };
    change(site, email, None, by, now, vec![removed])
}

fn may_appoint(site: &Site, by: &Email, role: Role) -> Result<(), AdministratorRefused> {
    match (site.role_of(by), role) {
        (Some(Role::Master), _) | (Some(Role::SubMaster), Role::SubMaster | Role::SiteAdmin) => {
            Ok(())
        }
        (Some(Role::SubMaster), Role::Master) => Err(AdministratorRefused::NotAllowed(
            "only its master hands a site over",
        )),
        (Some(Role::SiteAdmin) | None, _) => Err(AdministratorRefused::NotAllowed(
            "the master and the sub-masters invite, change and remove administrators",
        )),
    }
}

fn change(
    site: Site,
    email: &Email,
    role: Option<Role>,
    by: &Email,
    now: Timestamp,
    guards: Vec<Guard>,
) -> Result<Decision, AdministratorRefused> {
    let mut draft = match begin(site, now)? {
        Begun::Draft(draft) => draft,
        Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
    };
    if role.is_some() && draft.site.role_of(email) == role {
        return Ok(draft.unchanged());
    }
    if role == Some(Role::Master) && email != by {
        set_role(&mut draft, by, Some(Role::SubMaster), by)?;
    }
    set_role(&mut draft, email, role, by)?;
    let own_entry = draft.entries() - 1;
    Ok(Decision::Done {
        change: draft.finish(guards),
        own_entry,
    })
}

fn set_role(
    draft: &mut Draft,
    email: &Email,
    role: Option<Role>,
    by: &Email,
) -> Result<(), BalanceOutOfRange> {
    let event = Event::AdministratorChange {
        email: email.clone(),
        role_before: draft.site.role_of(email),
        role_after: role,
    };
    let administrators = &mut draft.site.administrators;
    let known = administrators
        .iter()
        .position(|known| known.email == *email);
    match (known, role) {
        (Some(place), Some(role)) => administrators[place].role = role,
        (Some(place), None) => drop(administrators.remove(place)),
        (None, Some(role)) => administrators.push(Administrator {
            email: email.clone(),
            role,
        }),
        (None, None) => {}
    }
    let actor = Actor::Administrator { email: by.clone() };
    draft.record(actor, event, Changes::NONE)
}
