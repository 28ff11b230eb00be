//! Who asks, and why a command or a reading is not carried out.

use crate::domain::model::site::{Administrator, Site};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{InvalidSiteId, PartnerId, PersonId};
use crate::domain::values::names::{Reference, Subject};
use crate::store::StoreError;
use jiff::Timestamp;
use std::error::Error;
use std::sync::{Arc, OnceLock};

/// A person who asks, and when.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The e-mail address that the issuer verified; without one, the person administers nothing.
    pub email: Option<Email>,
    /// The instant of the request, as its event says.
    pub now: Timestamp,
    /// The request's idempotency key, if it has one.
    pub idempotency_key: Option<String>,
    /// Who they turned out to be on the site.
    pub known_as: KnownAs,
}

/// Who somebody turned out to be on a site, for the log, which names nobody by an address. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KnownAs(Arc<OnceLock<PersonId>>);

impl KnownAs {
    /// The person's ID on the site; `None` of a stranger.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        self.0.get()
    }
}

impl Asker {
    /// The address, of one who may be an administrator.
    pub(super) fn address(&self) -> Result<&Email, SiteNotFound> {
        self.email.as_ref().ok_or(SiteNotFound::NoAddress)
    }
}

/// A partner who asks, and when. Whoever makes one has seen that the token is this partner's.
#[derive(Clone, Debug)]
pub struct PartnerAsker {
    /// The partner.
    pub id: PartnerId,
    /// Who, of the partner's people.
    pub by: Subject,
    /// The instant of the request, as its event says.
    pub now: Timestamp,
    /// The request's idempotency key, if it has one.
    pub idempotency_key: Option<String>,
}

/// An operator, and when they act.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The ticket that they act on.
    pub reference: Reference,
    /// The instant.
    pub now: Timestamp,
}

/// Why a site is not shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SiteNotFound {
    /// The site does not exist, or the asker is not one of its administrators: the two are not told apart (rule 15).
    #[error("there is no such site")]
    Unknown,
    /// Its ID is wrong in itself, which says nothing about any site.
    #[error("there is no such site: {0}")]
    Mistyped(InvalidSiteId),
    /// The token opens no site at all, which says nothing about any.
    #[error(
        "there is no such site for this token: a site needs the token of a person with a verified e-mail address"
    )]
    NoAddress,
}

impl From<InvalidSiteId> for SiteNotFound {
    fn from(error: InvalidSiteId) -> Self {
        match error {
            InvalidSiteId::Mistyped => Self::Mistyped(error),
            InvalidSiteId::Form | InvalidSiteId::Unchecked => Self::Unknown,
        }
    }
}

/// A person without a verified e-mail address has no sites and creates none (rule 15).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this needs a token with a verified e-mail address")]
pub struct EmailNotVerified;

/// A command was not carried out. `R` are the refusals of its rules.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: Error + 'static> {
    /// See [`SiteNotFound`].
    #[error(transparent)]
    SiteNotFound(#[from] SiteNotFound),
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// A rule refuses it.
    #[error(transparent)]
    Refused(R),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<R: Error + 'static> CommandError<R> {
    /// A refusal of a rule.
    pub(super) fn refused(refusal: impl Into<R>) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Why a reading is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// See [`SiteNotFound`].
    #[error(transparent)]
    SiteNotFound(#[from] SiteNotFound),
    /// See [`EmailNotVerified`].
    #[error(transparent)]
    EmailNotVerified(#[from] EmailNotVerified),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A site, and the administrator who asks for something on it.
pub(super) struct Admitted {
    pub(super) site: Site,
    pub(super) by: Administrator,
}

/// Lets only an administrator of the site go on (rule 15).
pub(super) fn admitted(site: Option<Site>, asker: &Asker) -> Result<Admitted, SiteNotFound> {
    let email = asker.address()?;
    let site = site.ok_or(SiteNotFound::Unknown)?;
    let by = site
        .administrator(email)
        .ok_or(SiteNotFound::Unknown)?
        .clone();
    // Set by an earlier attempt of the same request, it stays.
    let _known = asker.known_as.0.set(by.person.clone());
    Ok(Admitted { site, by })
}

/// The site, for one who only reads.
pub(super) fn authorized(site: Option<Site>, asker: &Asker) -> Result<Site, SiteNotFound> {
    Ok(admitted(site, asker)?.site)
}
