//! The second reckoning of invitations (rule 15a): a role is given to nobody who was not offered it, and every offer has its
//! addresses until it ends, and no longer.

use super::ledger::{Ledger, expect, is_free};
use super::sorted::SiteParts;
use jiff::{SignedDuration, Timestamp};
use site_credits::domain::model::entry::{Actor, Entry, Event, InvitationOutcome};
use site_credits::domain::model::site::{Role, Site};
use site_credits::domain::values::ids::PersonId;
use std::collections::{BTreeMap, BTreeSet};

/// How long an invitation is open.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most that are open at once.
const MOST_OPEN: usize = 20;
/// How often one is sent at most.
const MOST_SENDINGS: u32 = 6;

/// What the statement says of an invitation.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Offer {
    role: Role,
    /// The administrator who sent it last; none where an operator did.
    by: Option<PersonId>,
    sent_at: Timestamp,
    sent: u32,
}

/// What the statement says of a site's invitations.
#[derive(Default)]
pub(super) struct Invitations {
    open: BTreeMap<PersonId, Offer>,
    /// The number of the entry by which each was sent last.
    entries: BTreeMap<PersonId, u64>,
    /// Those that lapsed: nobody answered or withdrew them, and their items expire.
    lapsed: BTreeSet<PersonId>,
    /// Who accepted the master's role: the old master has just got another one.
    new_master: Option<PersonId>,
}

impl Invitations {
    /// Lets those lapse that are over, or whose senders may no longer give their roles.
    pub(super) fn lapse(&mut self, at: Timestamp, administrators: &BTreeMap<PersonId, Role>) {
        if self.new_master.is_some() {
            return;
        }
        let is_open = |offer: &Offer| {
            let may_give = |by| {
                administrators
                    .get(by)
                    .is_some_and(|own| gives(*own, offer.role))
            };
            at < offer.sent_at + OPEN_FOR && offer.by.as_ref().is_none_or(may_give)
        };
        let lapsed = self.open.extract_if(.., |_, offer| !is_open(offer));
        self.lapsed.extend(lapsed.map(|(person, _)| person));
    }

    /// Ends all of them with the site. Their addresses may find it for some days more.
    pub(super) fn end(&mut self) {
        let ended = std::mem::take(&mut self.open);
        self.lapsed.extend(ended.into_keys());
    }
}

/// Rule 15, a second time: whether one of a role gives others that one.
fn gives(own: Role, role: Role) -> bool {
    own == Role::Master || (own == Role::SubMaster && role != Role::Master)
}

impl Ledger {
    /// Only administrators act, those who answer an invitation, and operators who offer the master's role.
    pub(super) fn may_act(&self, entry: &Entry) -> Result<(), String> {
        let person = match &entry.actor {
            Actor::System => return Ok(()),
            Actor::Operator { .. } => {
                let appoints = matches!(
                    entry.event,
                    Event::Invitation {
                        role: Role::Master,
                        ..
                    }
                );
                return expect(appoints, "an operator did what none does");
            }
            Actor::Administrator(who) => who.person(&entry.site_id),
        };
        let answers = match &entry.event {
            Event::InvitationEnd { outcome, .. } => *outcome == InvitationOutcome::Declined,
            Event::AdministratorChange {
                role_before,
                role_after,
                ..
            } => matches!(
                (role_before, role_after),
                (None | Some(Role::Master), Some(_)) | (_, Some(Role::Master))
            ),
            _ => false,
        };
        let is_invited = self.invitations.open.contains_key(&person)
            || self.invitations.new_master.as_ref() == Some(&person);
        expect(
            self.administrators.contains_key(&person) || (is_invited && answers),
            "it was done by somebody who was no administrator",
        )
    }

    pub(super) fn invitation(
        &mut self,
        entry: &Entry,
        person: &PersonId,
        role: Role,
    ) -> Result<(), String> {
        expect(is_free(entry), "an invitation changes no balance")?;
        self.up_to_date(entry)?;
        let by = match &entry.actor {
            Actor::Administrator(who) => Some(who.person(&entry.site_id)),
            Actor::Operator { .. } => None,
            Actor::System => return Err("nobody sent an invitation".to_owned()),
        };
        let own = by.as_ref().map(|by| self.administrators.get(by).copied());
        expect(
            own.is_none_or(|own| own.is_some_and(|own| gives(own, role))),
            "an invitation was sent by somebody who may not give its role",
        )?;
        let held = self.administrators.get(person);
        expect(
            held.is_none_or(|held| role == Role::Master && *held != Role::Master),
            "an administrator was invited to what they are",
        )?;
        let before = self.invitations.open.get(person);
        expect(
            before.is_none_or(|before| by.is_none() || before.role == role),
            "an invitation became one of another role",
        )?;
        let sent = before.map_or(0, |before| before.sent) + 1;
        expect(
            by.is_none() || sent <= MOST_SENDINGS,
            "an invitation was sent too often",
        )?;
        let offer = Offer {
            role,
            by,
            sent_at: entry.at,
            sent,
        };
        self.invitations.lapsed.remove(person);
        self.invitations.open.insert(person.clone(), offer);
        let entries = &mut self.invitations.entries;
        entries.insert(person.clone(), entry.sequence);
        expect(
            self.invitations.open.len() <= MOST_OPEN,
            "there were too many invitations",
        )
    }

    pub(super) fn invitation_end(
        &mut self,
        entry: &Entry,
        person: &PersonId,
        outcome: InvitationOutcome,
    ) -> Result<(), String> {
        expect(is_free(entry), "an invitation changes no balance")?;
        self.up_to_date(entry)?;
        let offer = self.invitations.open.remove(person);
        let offer = offer.ok_or("an invitation ended that was not open")?;
        let Actor::Administrator(who) = &entry.actor else {
            return Err("nobody ended an invitation".to_owned());
        };
        let by = who.person(&entry.site_id);
        let own = self.administrators.get(&by);
        let right = match outcome {
            InvitationOutcome::Declined => by == *person,
            InvitationOutcome::Withdrawn => own.is_some_and(|own| gives(*own, offer.role)),
        };
        expect(right, "an invitation was ended by somebody who may not")
    }

    /// A new role is one that was offered to the person, who accepts it. The old master's change comes before the new one's.
    pub(super) fn offered(
        &mut self,
        entry: &Entry,
        person: &PersonId,
        before: Option<Role>,
        after: Option<Role>,
    ) -> Result<(), String> {
        let Actor::Administrator(who) = &entry.actor else {
            return Err("nobody gave a role".to_owned());
        };
        let by = who.person(&entry.site_id);
        let accepts = |offer: Option<Offer>, role: Role| {
            expect(
                offer.is_some_and(|offer| offer.role == role),
                "a role was given that was not offered",
            )
        };
        match (before, after) {
            (_, Some(Role::Master)) => {
                let new_master = self.invitations.new_master.take();
                expect(
                    new_master.as_ref() == Some(person) && by == *person,
                    "somebody became master who did not accept it",
                )
            }
            (Some(Role::Master), Some(role)) => {
                accepts(self.invitations.open.remove(&by), Role::Master)?;
                self.invitations.new_master = Some(by);
                expect(
                    role == Role::SubMaster,
                    "an old master stays as a sub-master",
                )
            }
            (None, Some(role)) => {
                expect(by == *person, "somebody accepted for another")?;
                accepts(self.invitations.open.remove(person), role)
            }
            (_, None) => {
                // With the role goes the offer of the master's.
                self.invitations.open.remove(person);
                Ok(())
            }
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// The site's list and the items with the addresses agree with the statement.
    pub(super) fn has_invitations(&self, site: &Site, parts: &SiteParts) -> Result<(), String> {
        let Invitations {
            open,
            entries,
            lapsed,
            ..
        } = &self.invitations;
        expect(
            self.invitations.new_master.is_none(),
            "its master has another role, and there is no new one",
        )?;
        let listed = site.invitations.iter().map(|invitation| {
            let offer = Offer {
                role: invitation.role,
                by: invitation.by.clone(),
                sent_at: invitation.sent_at,
                sent: invitation.sent,
            };
            let right = invitation.expires_at == invitation.sent_at + OPEN_FOR;
            right.then(|| (invitation.person.clone(), offer))
        });
        let listed: Option<BTreeMap<PersonId, Offer>> = listed.collect();
        expect(
            listed.as_ref() == Some(open) && site.invitations.len() == open.len(),
            "its invitations are not those of its statement",
        )?;
        let mut addressed: BTreeSet<(&PersonId, &str)> = BTreeSet::new();
        for sent in &parts.sent {
            let Some(offer) = open.get(&sent.person) else {
                expect(
                    lapsed.contains(&sent.person),
                    "it has the address of somebody who is not invited",
                )?;
                continue;
            };
            expect(
                (sent.role, sent.sent_at) == (offer.role, offer.sent_at)
                    && entries.get(&sent.person) == Some(&sent.entry)
                    && sent.over_at == offer.sent_at + OPEN_FOR,
                "an invitation was sent as another than its statement says",
            )?;
            addressed.insert((&sent.person, sent.email.as_str()));
        }
        let mut found: BTreeSet<(&PersonId, &str)> = BTreeSet::new();
        for invited in &parts.invited {
            if open.contains_key(&invited.person) {
                found.insert((&invited.person, invited.email.as_str()));
                continue;
            }
            expect(
                lapsed.contains(&invited.person),
                "somebody finds it among their invitations who is not invited",
            )?;
        }
        expect(
            addressed == found && addressed.len() == open.len(),
            "those who find it among their invitations are not those invited",
        )
    }
}
