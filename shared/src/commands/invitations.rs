//! Invitations: offering a role, sending the offer again, withdrawing, accepting and declining it.
//!
//! No request on a site remembers the address that is invited: an offer that is repeated shows it from its own body, and the
//! other answers do without.

use super::asker::{Admitted, Asker, CommandError, EmailNotVerified, ReadError, authorized};
use super::command::Command;
use super::execute::{Done, execute, settled};
use super::pages::{Page, PageOf, list};
use super::sites::{SiteView, site_view};
use super::subject::Invited;
use crate::domain::model::site::{Invitation, Role, Site};
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::invitations::{self, ITEMS_OF_ANSWER, ITEMS_OF_SENDING, Invitee};
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::store::{Attempts, InvitedTo, Listing, Store, StoreError, TypedKey, decode_invited};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An invitation without its address. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct InvitationView {
    /// The ID that the invited person has on the site.
    pub person: PersonId,
    /// What is offered.
    pub role: Role,
    /// The administrator who sent it last; none where an operator did.
    pub by: Option<PersonId>,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// How often it was sent.
    pub sent: u32,
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            person: invitation.person.clone(),
            role: invitation.role,
            by: invitation.by.clone(),
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            sent: invitation.sent,
        }
    }
}

/// An invitation, as the administrators of its site see it. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AddressedInvitation {
    /// Who is invited.
    pub email: Email,
    /// The rest.
    #[serde(flatten)]
    pub invitation: InvitationView,
}

/// An invitation, as the invited person sees it. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OwnInvitation {
    /// The site.
    pub site_id: SiteId,
    /// Its name.
    pub site_name: SiteName,
    /// Where it is.
    pub country: Country,
    /// What is offered.
    pub role: Role,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// What an offer, or a change of role, led to.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The invitation; none where a role changed at once, or nothing did.
    pub invitation: Option<AddressedInvitation>,
    /// The site.
    pub site: SiteView,
}

/// What is remembered of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Remembered {
    #[serde(default)]
    invitation: Option<InvitationView>,
    #[serde(flatten)]
    site: SiteView,
}

impl Remembered {
    /// The site as it is, with the invitation of a person.
    pub(super) fn of(site: &Site, person: Option<&PersonId>, asker: &Asker) -> Self {
        Self {
            invitation: person.and_then(|person| invitation_of(site, person)),
            site: site_view(site, asker),
        }
    }

    /// The same, of an offer to this address.
    pub(super) fn to(self, email: &Email) -> Offered {
        let addressed = |invitation| AddressedInvitation {
            email: email.clone(),
            invitation,
        };
        Offered {
            invitation: self.invitation.map(addressed),
            site: self.site,
        }
    }
}

/// The invitation of a person, right after a change of the site.
pub(super) fn invitation_of(site: &Site, person: &PersonId) -> Option<InvitationView> {
    let mut invitations = site.invitations.iter();
    let invitation = invitations.find(|invitation| invitation.person == *person);
    invitation.map(Into::into)
}

/// An answer with the invitation that was sent.
pub(super) fn sent(done: Done<Option<InvitationView>>) -> Result<Done<InvitationView>, StoreError> {
    let gone = || StoreError::defect("the invitation that was sent is not there");
    let invitation = done.answer.clone().ok_or_else(gone)?;
    Ok(done.map(|_| invitation))
}

/// A site to which a person is no longer invited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Declined {
    /// The site.
    pub site_id: SiteId,
}

/// A person who is no longer invited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The ID that the person had on the site.
    pub person: PersonId,
}

/// Offers a person a role on a site.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn invite(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    role: Role,
    asker: &Asker,
) -> Result<Done<Offered>, CommandError<AdministratorRefused>> {
    asker.address()?;
    let command = format!("invite {email} as {}", role.as_str());
    let command = Command::on_site(site_id, asker, &command);
    let reads = TypedKey::invited(email, site_id);
    let new = PersonId::random();
    let done = execute(
        store,
        &command,
        &reads,
        |Admitted { site, by }, found, _| {
            let known = site.administrator(email);
            let person = known.map_or(&new, |known| &known.person).clone();
            let invitee = Invitee {
                email,
                new: &new,
                found: found.as_ref().map(|found| &found.person),
            };
            let offer = |draft| invitations::offer(draft, invitee, role, &by);
            let show = |site: &_| Remembered::of(site, Some(&person), asker);
            settled(site, ITEMS_OF_SENDING, asker.now, offer, show).map_err(CommandError::Refused)
        },
    )
    .await?;
    Ok(done.map(|offered| offered.to(email)))
}

/// Lists the open invitations of a site, in two round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_invitations(
    store: &Store,
    site_id: &SiteId,
    asker: &Asker,
) -> Result<Vec<AddressedInvitation>, ReadError> {
    let mut attempts = Attempts::default();
    let site = store.read(TypedKey::site(site_id), &mut attempts).await?;
    let site = authorized(site, asker)?;
    let open: Vec<&Invitation> = site.open_invitations(site.time(asker.now)).collect();
    let keys = open.iter();
    let keys: Vec<_> = keys
        .map(|invitation| TypedKey::invitation(site_id, &invitation.person))
        .collect();
    let sent = store.read(keys, &mut attempts).await?;
    // One that ended between the two reads has no address any more.
    let listed = open.into_iter().zip(sent).filter_map(|(invitation, sent)| {
        Some(AddressedInvitation {
            email: sent?.email,
            invitation: invitation.into(),
        })
    });
    Ok(listed.collect())
}

/// Sends an invitation of a site again.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn send_again(
    store: &Store,
    site_id: &SiteId,
    person: &PersonId,
    asker: &Asker,
) -> Result<Done<InvitationView>, CommandError<AdministratorRefused>> {
    asker.address()?;
    let command = Command::on_site(site_id, asker, &format!("send invitation {person} again"));
    let reads = TypedKey::invitation(site_id, person);
    let done = execute(store, &command, &reads, |Admitted { site, by }, sent, _| {
        let rule = |draft| invitations::send_again(draft, person, sent.as_ref(), &by);
        let show = |site: &_| invitation_of(site, person);
        settled(site, ITEMS_OF_SENDING, asker.now, rule, show).map_err(CommandError::Refused)
    })
    .await?;
    Ok(sent(done)?)
}

/// Withdraws an invitation of a site.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn withdraw_invitation(
    store: &Store,
    site_id: &SiteId,
    person: &PersonId,
    asker: &Asker,
) -> Result<Done<Withdrawn>, CommandError<AdministratorRefused>> {
    asker.address()?;
    let command = Command::on_site(site_id, asker, &format!("withdraw invitation {person}"));
    let reads = TypedKey::invitation(site_id, person);
    execute(store, &command, &reads, |Admitted { site, by }, sent, _| {
        let rule = |draft| invitations::withdraw(draft, person, sent.as_ref(), &by);
        let person = person.clone();
        let show = |_: &_| Withdrawn { person };
        settled(site, ITEMS_OF_ANSWER, asker.now, rule, show).map_err(CommandError::Refused)
    })
    .await
}

/// Lists a person's open invitations by the IDs of their sites, in two round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_own_invitations(
    store: &Store,
    page: &PageOf,
    asker: &Asker,
) -> Result<Page<OwnInvitation>, ReadError> {
    let email = asker.email.as_ref().ok_or(EmailNotVerified)?;
    let listing = Listing::invitations_of_person(email);
    let found = list(store, &listing, page, decode_invited).await?;
    let keys = found.items.iter();
    let keys: Vec<_> = keys
        .map(|invited| TypedKey::site(&invited.site_id))
        .collect();
    let sites = store.read(keys, &mut Attempts::default()).await?;
    // What a site itself says counts.
    let own = sites.into_iter().zip(found.items);
    let own = own.filter_map(|(site, invited)| own_invitation(&site?, &invited, asker.now));
    Ok(Page {
        items: own.collect(),
        next: found.next,
    })
}

fn own_invitation(site: &Site, invited: &InvitedTo, now: Timestamp) -> Option<OwnInvitation> {
    let invitation = site.invitation(&invited.person, site.time(now))?;
    Some(OwnInvitation {
        site_id: site.id.clone(),
        site_name: site.name.clone(),
        country: site.country.clone(),
        role: invitation.role,
        sent_at: invitation.sent_at,
        expires_at: invitation.expires_at,
    })
}

/// Accepts an invitation: the asker has its role from now on.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn accept_invitation(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    asker: &Asker,
) -> Result<Done<SiteView>, CommandError<AdministratorRefused>> {
    let what = "accept invitation";
    let show = |site: &Site| site_view(site, asker);
    answer(
        store,
        (site_id, email, asker),
        what,
        invitations::accept,
        show,
    )
    .await
}

/// Declines an invitation.
///
/// # Errors
/// See [`AdministratorRefused`] and [`CommandError`].
pub async fn decline_invitation(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    asker: &Asker,
) -> Result<Done<Declined>, CommandError<AdministratorRefused>> {
    let what = "decline invitation";
    let show = |site: &Site| Declined {
        site_id: site.id.clone(),
    };
    answer(
        store,
        (site_id, email, asker),
        what,
        invitations::decline,
        show,
    )
    .await
}

/// Answers an invitation. Whether there is a site at all, nobody learns by it.
async fn answer<A: Serialize + for<'de> Deserialize<'de>>(
    store: &Store,
    (site_id, email, asker): (&SiteId, &Email, &Asker),
    what: &str,
    rule: impl Fn(Draft, &PersonId, &Email) -> Result<Outcome, AdministratorRefused>,
    show: impl Fn(&Site) -> A,
) -> Result<Done<A>, CommandError<AdministratorRefused>> {
    let parts = [email.as_str(), what, site_id.as_str()];
    let command = Command::of(Invited(site_id, email, asker), &parts);
    let reads = TypedKey::invited(email, site_id);
    execute(store, &command, &reads, |site, found, _| {
        let invited = site.zip(found);
        let not_invited = || CommandError::Refused(AdministratorRefused::NotInvited);
        let (site, InvitedTo { person, .. }) = invited.ok_or_else(not_invited)?;
        let rule = |draft| rule(draft, &person, email);
        settled(site, ITEMS_OF_ANSWER, asker.now, rule, &show).map_err(CommandError::Refused)
    })
    .await
}
