//! Invitations (rule 15a): a role is offered, and given once the invited person accepts it. The master's role is offered in
//! the same way, and the old master stays master until then, so that no typing error loses a site.

use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::{Actor, Event, InvitationOutcome};
use crate::domain::model::site::{
    Administrator, Invitation, MAX_ADMINISTRATORS, MAX_INVITATIONS, MAX_SENDINGS, Role,
    SentInvitation, Site,
};
use crate::domain::rules::administrators::{AdministratorRefused, erased, may_give, set_role};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::values::email::Email;
use crate::domain::values::ids::PersonId;
use crate::domain::values::names::Reference;
use jiff::Timestamp;

/// Who is to be invited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invitee<'a> {
    /// The address.
    pub(crate) email: &'a Email,
    /// The ID that the person gets on the site, if they have none there.
    pub(crate) new: &'a PersonId,
    /// The ID by which the address is found as invited, also if that invitation lapsed.
    pub(crate) found: Option<&'a PersonId>,
}

/// The items that sending an invitation writes: it, what leads to it from the address, and perhaps a lapsed one.
pub(crate) const ITEMS_OF_SENDING: usize = 3;
/// The items that an answer to an invitation writes: it, what leads to it, and what leads to the site.
pub(crate) const ITEMS_OF_ANSWER: usize = 3;

/// Offers a role: to anybody who has none, and the master's to other administrators too.
pub(crate) fn offer(
    draft: Draft,
    invitee: Invitee<'_>,
    role: Role,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    may_give(by, role)?;
    let Invitee { email, new, found } = invitee;
    let (site, at) = (&draft.site, draft.at());
    let known = site.administrator(email);
    if known.is_some_and(|known| role != Role::Master || known.role == Role::Master) {
        return Err(AdministratorRefused::Exists {
            email: email.clone(),
        });
    }
    if found.is_some_and(|found| site.invitation(found, at).is_some()) {
        return Err(AdministratorRefused::Invited {
            email: email.clone(),
        });
    }
    has_room(site, known, None, at)?;
    let person = known.map_or(new, |known| &known.person).clone();
    let invitation = Invitation::sent(person, role, Some(by.person.clone()), at, 0);
    let actor = Actor::of(&by.person);
    Ok(Outcome::Changed(send(
        draft, actor, email, invitation, found,
    )))
}

/// Offers an administrator the master's role.
pub(crate) fn hand_over(
    draft: Draft,
    invitee: Invitee<'_>,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    may_give(by, Role::Master)?;
    let known = draft.site.administrator(invitee.email);
    let known = known.ok_or(AdministratorRefused::NotFound)?;
    if known.role == Role::Master {
        return Ok(Outcome::Unchanged(draft));
    }
    offer(draft, invitee, Role::Master, by)
}

/// Offers somebody the master's role for an operator. An offer that they have already becomes this one.
pub(crate) fn appoint(
    draft: Draft,
    invitee: Invitee<'_>,
    reference: &Reference,
) -> Result<Outcome, AdministratorRefused> {
    let Invitee { email, new, found } = invitee;
    let (site, at) = (&draft.site, draft.at());
    let known = site.administrator(email);
    if known.is_some_and(|known| known.role == Role::Master) {
        return Err(AdministratorRefused::Exists {
            email: email.clone(),
        });
    }
    let open = found.and_then(|found| site.invitation(found, at));
    has_room(site, known, open, at)?;
    let has = known.map(|known| &known.person);
    let has = has.or(open.map(|open| &open.person));
    let person = has.unwrap_or(new).clone();
    let before = open.map_or(0, |open| open.sent);
    let invitation = Invitation::sent(person, Role::Master, None, at, before);
    let actor = Actor::Operator {
        reference: reference.clone(),
    };
    Ok(Outcome::Changed(send(
        draft, actor, email, invitation, found,
    )))
}

/// Refuses an invitation that a site has no room for: of somebody new who would be one administrator too many, or of somebody
/// who is not invited yet.
fn has_room(
    site: &Site,
    known: Option<&Administrator>,
    open: Option<&Invitation>,
    at: Timestamp,
) -> Result<(), AdministratorRefused> {
    if known.is_none() && site.administrators.len() >= MAX_ADMINISTRATORS {
        return Err(AdministratorRefused::TooMany);
    }
    if open.is_none() && site.open_invitations(at).count() >= MAX_INVITATIONS {
        return Err(AdministratorRefused::TooManyInvitations);
    }
    Ok(())
}

/// Sends an invitation again: its seven days begin anew, and whoever sends it offers it from now on.
pub(crate) fn send_again(
    draft: Draft,
    person: &PersonId,
    sent: Option<&SentInvitation>,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    let at = draft.at();
    let open = draft.site.invitation(person, at).zip(sent);
    let (open, sent) = open.ok_or(AdministratorRefused::NotInvited)?;
    may_give(by, open.role)?;
    if open.sent >= MAX_SENDINGS {
        return Err(AdministratorRefused::SentTooOften);
    }
    let by = &by.person;
    let again = Invitation::sent(person.clone(), open.role, Some(by.clone()), at, open.sent);
    Ok(Outcome::Changed(send(
        draft,
        Actor::of(by),
        &sent.email,
        again,
        Some(person),
    )))
}

/// Withdraws an invitation. Its address is not known where the items that have it are gone.
pub(crate) fn withdraw(
    mut draft: Draft,
    person: &PersonId,
    sent: Option<&SentInvitation>,
    by: &Administrator,
) -> Result<Outcome, AdministratorRefused> {
    let open = draft.site.invitation(person, draft.at());
    may_give(by, open.ok_or(AdministratorRefused::NotInvited)?.role)?;
    let end = Event::InvitationEnd {
        person: person.clone(),
        outcome: InvitationOutcome::Withdrawn,
    };
    draft.record_by(&by.person, end);
    let email = sent.map(|sent| &sent.email);
    let writes = ended(&mut draft, person, email);
    Ok(Outcome::Changed(draft.finish(writes)))
}

/// Declines an invitation.
pub(crate) fn decline(
    mut draft: Draft,
    person: &PersonId,
    email: &Email,
) -> Result<Outcome, AdministratorRefused> {
    let open = draft.site.invitation(person, draft.at());
    open.ok_or(AdministratorRefused::NotInvited)?;
    let end = Event::InvitationEnd {
        person: person.clone(),
        outcome: InvitationOutcome::Declined,
    };
    draft.record_by(person, end);
    let writes = ended(&mut draft, person, Some(email));
    Ok(Outcome::Changed(draft.finish(writes)))
}

/// Accepts an invitation. A new master replaces the old one, who stays as a sub-master.
pub(crate) fn accept(
    mut draft: Draft,
    person: &PersonId,
    email: &Email,
) -> Result<Outcome, AdministratorRefused> {
    let open = draft.site.invitation(person, draft.at());
    let role = open.ok_or(AdministratorRefused::NotInvited)?.role;
    let is_new = draft.site.administrator(email).is_none();
    if is_new && draft.site.administrators.len() >= MAX_ADMINISTRATORS {
        return Err(AdministratorRefused::TooMany);
    }
    if role == Role::Master {
        let mut administrators = draft.site.administrators.iter();
        let master = administrators.find(|a| a.role == Role::Master).cloned();
        if let Some(master) = master {
            set_role(&mut draft, &master, Some(Role::SubMaster), person);
        }
    }
    let who = Administrator {
        person: person.clone(),
        email: email.clone(),
        role,
    };
    set_role(&mut draft, &who, Some(role), person);
    let mut writes = ended(&mut draft, person, Some(email));
    writes.extend(is_new.then(|| Write::AdministratorAdded {
        email: email.clone(),
        site_id: draft.site.id.clone(),
    }));
    Ok(Outcome::Changed(draft.finish(writes)))
}

/// Writes an invitation down, in the place of another to the same address.
fn send(
    mut draft: Draft,
    actor: Actor,
    email: &Email,
    invitation: Invitation,
    found: Option<&PersonId>,
) -> Change {
    let (person, role) = (invitation.person.clone(), invitation.role);
    let site = &mut draft.site;
    let sent = SentInvitation {
        site_id: site.id.clone(),
        site_name: site.name.clone(),
        language: site.language.clone(),
        email: email.clone(),
        person: person.clone(),
        role,
        sent_at: invitation.sent_at,
        over_at: invitation.expires_at,
        // It is recorded below.
        entry: site.sequence + 1,
    };
    let lapsed = found.filter(|found| **found != person);
    let mut writes = vec![Write::Invited {
        email: email.clone(),
        site_id: site.id.clone(),
        person: person.clone(),
        found: found.cloned(),
        over_at: invitation.expires_at,
    }];
    writes.extend(
        lapsed
            .into_iter()
            .flat_map(|lapsed| erased(&site.id, lapsed, None)),
    );
    writes.push(Write::InvitationSent(Box::new(sent)));
    site.invitations.retain(|other| other.person != person);
    site.invitations.push(invitation);
    draft.record_as(actor, Event::Invitation { person, role });
    draft.finish(writes)
}

/// Forgets an invitation that ended.
fn ended(draft: &mut Draft, person: &PersonId, email: Option<&Email>) -> Vec<Write> {
    let site = &mut draft.site;
    site.invitations
        .retain(|invitation| invitation.person != *person);
    erased(&site.id, person, email).collect()
}
