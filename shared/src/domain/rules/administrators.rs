//! Who may do what on a site (rule 15).
//!
//! The master and the sub-masters invite, change roles and remove. Only the master hands the site over or deletes it; a
//! master is replaced, never removed. Everyone but the master may leave.

use crate::domain::model::change::Write;
use crate::domain::model::entry::Event;
use crate::domain::model::site::{Administrator, MAX_ADMINISTRATORS, Role};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::values::email::Email;
use crate::domain::values::person::Who;

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
    new: Administrator,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    may_appoint(by, new.role)?;
    if draft.site.administrator(&new.email).is_some() {
        return Err(AdministratorRefused::Exists { email: new.email });
    }
    if draft.site.administrators.len() >= MAX_ADMINISTRATORS {
        return Err(AdministratorRefused::TooMany);
    }
    let added = Write::AdministratorAdded {
        email: new.email.clone(),
        site_id: draft.site.id.clone(),
    };
    Ok(appoint(draft, new, by, vec![added]))
}

/// Gives an administrator another role. A new master replaces the asker, who stays as a sub-master.
pub(crate) fn change_role(
    draft: Draft,
    email: &Email,
    role: Role,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    may_appoint(by, role)?;
    let before = draft.site.administrator(email);
    let before = before.ok_or(AdministratorRefused::NotFound)?.clone();
    if before.role == role {
        return Ok(Outcome::Unchanged(draft));
    }
    if before.role == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    let after = Administrator { role, ..before };
    Ok(appoint(draft, after, by, Vec::new()))
}

/// Takes an administrator's role away. Everyone but the master may give up their own.
pub(crate) fn remove(
    mut draft: Draft,
    email: &Email,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    if *email != by.email {
        may_appoint(by, Role::SiteAdmin)?;
    }
    let removed = draft.site.administrator(email);
    let removed = removed.ok_or(AdministratorRefused::NotFound)?.clone();
    if removed.role == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    set_role(&mut draft, &removed, None, by);
    let removed = Write::AdministratorRemoved {
        email: removed.email,
        site_id: draft.site.id.clone(),
    };
    Ok(Outcome::Changed(draft.finish(vec![removed])))
}

fn may_appoint(by: &Administrator, role: Role) -> Result<(), AdministratorRefused> {
    match (by.role, role) {
        (Role::Master, _) | (Role::SubMaster, Role::SubMaster | Role::SiteAdmin) => Ok(()),
        (Role::SubMaster, Role::Master) => Err(AdministratorRefused::NotAllowed(
            "only its master hands a site over",
        )),
        (Role::SiteAdmin, _) => Err(AdministratorRefused::NotAllowed(
            "the master and the sub-masters invite, change and remove administrators",
        )),
    }
}

/// Gives a role to somebody, and hands the site over if it is the master's.
fn appoint(
    mut draft: Draft,
    who: Administrator,
    by: &Administrator,
    writes: Vec<Write>,
) -> Outcome {
    if who.role == Role::Master {
        set_role(&mut draft, by, Some(Role::SubMaster), by);
    }
    set_role(&mut draft, &who, Some(who.role), by);
    Outcome::Changed(draft.finish(writes))
}

fn set_role(draft: &mut Draft, who: &Administrator, role: Option<Role>, by: &Administrator) {
    let administrators = &mut draft.site.administrators;
    let known = administrators.iter().position(|a| a.person == who.person);
    let event = Event::AdministratorChange {
        who: Who::of(&who.person),
        role_before: known.map(|place| administrators[place].role),
        role_after: role,
    };
    match (known, role) {
        (Some(place), Some(role)) => administrators[place].role = role,
        (Some(place), None) => drop(administrators.remove(place)),
        (None, Some(role)) => administrators.push(Administrator {
            role,
            ..who.clone()
        }),
        (None, None) => {}
    }
    draft.record_by(&by.person, event);
}
