//! Who may do what on a site (rule 15).
//!
//! The master and the sub-masters invite, change roles and remove. Only the master hands the site over or deletes it; a
//! master is replaced, never removed. Everyone but the master may leave.

use crate::domain::model::change::Write;
use crate::domain::model::entry::Event;
use crate::domain::model::site::{Administrator, MAX_ADMINISTRATORS, Role, Site};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::values::email::Email;

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
}

/// Makes a person an administrator. A new master replaces the asker, who stays as a sub-master.
pub(crate) fn invite(
    draft: Draft,
    email: &Email,
    role: Role,
    by: &Email,
) -> Result<Outcome, AdministratorRefused> {
    may_appoint(&draft.site, by, role)?;
    if draft.site.role_of(email).is_some() {
        let email = email.clone();
        return Err(AdministratorRefused::Exists { email });
    }
    if draft.site.administrators.len() >= MAX_ADMINISTRATORS {
        return Err(AdministratorRefused::TooMany);
    }
    let added = Write::AdministratorAdded {
        email: email.clone(),
        site_id: draft.site.id.clone(),
    };
    Ok(change(draft, email, Some(role), by, vec![added]))
}

/// Gives an administrator another role. A new master replaces the asker, who stays as a sub-master.
pub(crate) fn change_role(
    draft: Draft,
    email: &Email,
    role: Role,
    by: &Email,
) -> Result<Outcome, AdministratorRefused> {
    may_appoint(&draft.site, by, role)?;
    let before = draft.site.role_of(email);
    let before = before.ok_or(AdministratorRefused::NotFound)?;
    if before == Role::Master && role != Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    Ok(change(draft, email, Some(role), by, Vec::new()))
}

/// Takes an administrator's role away. Everyone but the master may give up their own.
pub(crate) fn remove(
    draft: Draft,
    email: &Email,
    by: &Email,
) -> Result<Outcome, AdministratorRefused> {
    if email != by {
        may_appoint(&draft.site, by, Role::SiteAdmin)?;
    }
    let before = draft.site.role_of(email);
    if before.ok_or(AdministratorRefused::NotFound)? == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    let removed = Write::AdministratorRemoved {
        email: email.clone(),
        site_id: draft.site.id.clone(),
    };
    Ok(change(draft, email, None, by, vec![removed]))
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
    mut draft: Draft,
    email: &Email,
    role: Option<Role>,
    by: &Email,
    writes: Vec<Write>,
) -> Outcome {
    if role.is_some() && draft.site.role_of(email) == role {
        return Outcome::Unchanged(draft);
    }
    if role == Some(Role::Master) && email != by {
        set_role(&mut draft, by, Some(Role::SubMaster), by);
    }
    set_role(&mut draft, email, role, by);
    Outcome::Changed(draft.finish(writes))
}

fn set_role(draft: &mut Draft, email: &Email, role: Option<Role>, by: &Email) {
    let event = Event::AdministratorChange {
        email: email.clone(),
        role_before: draft.site.role_of(email),
        role_after: role,
    };
    let administrators = &mut draft.site.administrators;
    let known = administrators.iter().position(|a| a.email == *email);
    match (known, role) {
        (Some(place), Some(role)) => administrators[place].role = role,
        (Some(place), None) => drop(administrators.remove(place)),
        (None, Some(role)) => administrators.push(Administrator {
            email: email.clone(),
            role,
        }),
        (None, None) => {}
    }
    draft.record_by(by, event);
}
