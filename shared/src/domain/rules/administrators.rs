//! Who may do what on a site (rule 15).
//!
//! The master and the sub-masters invite, change roles and remove. Only the master hands the site over or deletes it; a
//! master is replaced, never removed. Everyone but the master may leave. A new role is offered, and the site handed over, by
//! [`invitations`](super::invitations) alone.

use crate::domain::model::change::Write;
use crate::domain::model::entry::Event;
use crate::domain::model::site::{
    Administrator, MAX_ADMINISTRATORS, MAX_INVITATIONS, MAX_SENDINGS, Role,
};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::domain::values::person::Who;

/// Why a site's administrators and invitations are not changed.
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
    /// The site would have too many administrators.
    #[error("a site has at most {MAX_ADMINISTRATORS} administrators")]
    TooMany,
    /// The person is invited already.
    #[error("{email} is invited to this site already: send that invitation again, or withdraw it")]
    Invited {
        /// Who.
        email: Email,
    },
    /// The site would have too many invitations.
    #[error("a site has at most {MAX_INVITATIONS} open invitations")]
    TooManyInvitations,
    /// There is no invitation that can be accepted: it is over, was answered or withdrawn, or never was.
    #[error("there is no such invitation")]
    NotInvited,
    /// The invitation was sent as often as it may be.
    #[error(
        "an invitation is sent again at most {again} times: withdraw it and invite anew",
        again = MAX_SENDINGS - 1
    )]
    SentTooOften,
}

/// Gives an administrator another role than the master's.
pub(crate) fn change_role(
    mut draft: Draft,
    email: &Email,
    role: Role,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    may_give(by, role)?;
    let before = draft.site.administrator(email);
    let before = before.ok_or(AdministratorRefused::NotFound)?.clone();
    if before.role == role {
        return Ok(Outcome::Unchanged(draft));
    }
    if before.role == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    set_role(&mut draft, &before, Some(role), &by.person);
    Ok(Outcome::Changed(draft.finish(Vec::new())))
}

/// The items that removing an administrator writes: what leads to the site, and the two of an invitation.
pub(crate) const ITEMS_OF_REMOVAL: usize = 3;

/// Takes an administrator's role away, and with it the offer of the master's. Everyone but the master may give up their own.
pub(crate) fn remove(
    mut draft: Draft,
    email: &Email,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    if *email != by.email {
        may_give(by, Role::SiteAdmin)?;
    }
    let removed = draft.site.administrator(email);
    let removed = removed.ok_or(AdministratorRefused::NotFound)?.clone();
    if removed.role == Role::Master {
        return Err(AdministratorRefused::LastMaster);
    }
    set_role(&mut draft, &removed, None, &by.person);
    let site_id = draft.site.id.clone();
    let mut writes = vec![Write::AdministratorRemoved {
        email: removed.email,
        site_id: site_id.clone(),
    }];
    let invitations = &mut draft.site.invitations;
    if invitations.iter().any(|i| i.person == removed.person) {
        invitations.retain(|invitation| invitation.person != removed.person);
        writes.extend(erased(&site_id, &removed.person, Some(email)));
    }
    Ok(Outcome::Changed(draft.finish(writes)))
}

/// Refuses who may not give a role to others, change it or take it away.
pub(crate) fn may_give(by: &Administrator, role: Role) -> Result<(), AdministratorRefused> {
    if by.role.may_give(role) {
        return Ok(());
    }
    Err(AdministratorRefused::NotAllowed(match by.role {
        Role::SiteAdmin => {
            "the master and the sub-masters invite, change and remove administrators"
        }
        Role::Master | Role::SubMaster => "only its master hands a site over",
    }))
}

/// Gives somebody a role, or takes theirs away, by an entry.
pub(crate) fn set_role(draft: &mut Draft, who: &Administrator, role: Option<Role>, by: &PersonId) {
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
    draft.record_by(by, event);
}

/// Erases an invitation, and what leads to it from the address, where that is known.
pub(crate) fn erased(
    site_id: &SiteId,
    person: &PersonId,
    email: Option<&Email>,
) -> impl Iterator<Item = Write> {
    let erased = Write::InvitationErased {
        site_id: site_id.clone(),
        person: person.clone(),
    };
    let no_more = email.map(|email| Write::InvitedNoMore {
        email: email.clone(),
        site_id: site_id.clone(),
    });
    [erased].into_iter().chain(no_more)
}
