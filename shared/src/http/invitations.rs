//! Invitations.

use super::cursors::pages;
use super::schemas::{
    AdministratorChangeEntry, InvitationEndEntry, InvitationEntry, NextCursor, RoleEntry,
};
use crate::commands::{
    AddressedInvitation, AdministratorView, Declined, Done, InvitationView, Offered, OwnInvitation,
    Page, SiteView, Withdrawn,
};
use crate::domain::model::entry::Entry;
use crate::domain::values::ids::{PersonId, SiteId};
use serde::Serialize;
use utoipa::ToSchema;

/// The answer to an offer of a role, and to a change of one. Only the change of another role than the master's is made at
/// once.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedRole {
    /// The entry; null where the administrator has that role already, and nothing was written.
    #[schema(value_type = Option<RoleEntry>)]
    pub entry: Option<Entry>,
    /// The invitation; null where the role was changed at once.
    pub invitation: Option<AddressedInvitation>,
    /// The administrators, who are the same until an invitation is accepted.
    #[schema(min_items = 1, max_items = 20)]
    pub administrators: Vec<AdministratorView>,
}

impl From<Done<Offered>> for OfferedRole {
    fn from(done: Done<Offered>) -> Self {
        let Offered { invitation, site } = done.answer;
        Self {
            entry: done.entry,
            invitation,
            administrators: site.administrators,
        }
    }
}

/// The answer to a request for a site's invitations.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitations {
    /// The open invitations.
    #[schema(max_items = 20)]
    pub invitations: Vec<AddressedInvitation>,
}

impl From<Vec<AddressedInvitation>> for Invitations {
    fn from(invitations: Vec<AddressedInvitation>) -> Self {
        Self { invitations }
    }
}

/// The answer to sending an invitation again.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentAgain {
    /// The entry.
    #[schema(value_type = InvitationEntry)]
    pub entry: Option<Entry>,
    /// The invitation, without its address.
    pub invitation: InvitationView,
}

impl From<Done<InvitationView>> for SentAgain {
    fn from(done: Done<InvitationView>) -> Self {
        Self {
            entry: done.entry,
            invitation: done.answer,
        }
    }
}

/// The answer to a withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawnInvitation {
    /// The entry.
    #[schema(value_type = InvitationEndEntry)]
    pub entry: Option<Entry>,
    /// Who is no longer invited.
    pub person: PersonId,
}

impl From<Done<Withdrawn>> for WithdrawnInvitation {
    fn from(done: Done<Withdrawn>) -> Self {
        Self {
            entry: done.entry,
            person: done.answer.person,
        }
    }
}

pages!(InvitationPage);

/// The answer to a request for the caller's invitations.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationPage {
    /// The open invitations.
    #[schema(max_items = 100)]
    pub invitations: Vec<OwnInvitation>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<OwnInvitation>> for InvitationPage {
    fn from(page: Page<OwnInvitation>) -> Self {
        Self {
            invitations: page.items,
            next_cursor: page.next,
        }
    }
}

/// The answer to accepting an invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedInvitation {
    /// The entry.
    #[schema(value_type = AdministratorChangeEntry)]
    pub entry: Option<Entry>,
    /// The site.
    pub site: SiteView,
}

impl From<Done<SiteView>> for AcceptedInvitation {
    fn from(done: Done<SiteView>) -> Self {
        Self {
            entry: done.entry,
            site: done.answer,
        }
    }
}

/// The answer to declining an invitation. Its entry has the site's balances, so it is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeclinedInvitation {
    /// The site.
    pub site_id: SiteId,
}

impl From<Done<Declined>> for DeclinedInvitation {
    fn from(done: Done<Declined>) -> Self {
        Self {
            site_id: done.answer.site_id,
        }
    }
}
