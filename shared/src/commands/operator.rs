//! What an operator does on a site, on a ticket.

use super::asker::{CommandError, Operator};
use super::command::Command;
use super::execute::{Done, execute, settled};
use super::invitations::{InvitationView, sent};
use super::subject::ByOperator;
use crate::domain::model::site::{Site, Status};
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::rules::invitations::{self, ITEMS_OF_SENDING, Invitee};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::store::{Store, TypedKey};

/// Why an operator appoints nobody.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppointmentRefused {
    /// Nobody can administer the site.
    #[error("this site was deleted, which is for good")]
    Deleted,
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] AdministratorRefused),
}

/// Offers a person the role of a site's master, whoever is its master now: that one stays master until the person accepts.
///
/// # Errors
/// See [`AppointmentRefused`] and [`CommandError`].
pub async fn appoint_master(
    store: &Store,
    site_id: &SiteId,
    email: &Email,
    operator: &Operator,
) -> Result<Done<InvitationView>, CommandError<AppointmentRefused>> {
    let Operator { reference, now } = operator;
    let parts = [site_id.as_str(), "appoint master", email.as_str()];
    let command = Command::of(ByOperator(site_id, operator), &parts);
    let reads = TypedKey::invited(email, site_id);
    let new = PersonId::random();
    let done = execute(store, &command, &reads, |site, found, _| {
        if site.status == Status::Deleted {
            return Err(CommandError::refused(AppointmentRefused::Deleted));
        }
        let invitee = Invitee {
            email,
            new: &new,
            found: found.as_ref().map(|found| &found.person),
        };
        let rule = |draft| invitations::appoint(draft, invitee, reference);
        // What was sent last stands last.
        let show = |site: &Site| site.invitations.last().map(InvitationView::from);
        settled(site, ITEMS_OF_SENDING, *now, rule, show).map_err(CommandError::refused)
    })
    .await?;
    Ok(sent(done)?)
}
