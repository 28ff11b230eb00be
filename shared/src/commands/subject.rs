//! Who acts, and on what: an administrator or an operator on a site, a person who creates one or is invited to one, a partner on
//! its account.

use super::asker::{Admitted, Asker, Operator, PartnerAsker, SiteNotFound, admitted};
use crate::domain::model::request::{FirstAnswer, RequestOwner};
use crate::domain::model::site::Site;
use crate::domain::values::email::Email;
use crate::domain::values::ids::SiteId;
use crate::store::{StoreError, TypedKey};
use jiff::Timestamp;
use serde::Deserialize;

/// Who acts, and on what.
pub(super) trait Subject {
    /// What an admitted asker acts on.
    type Admitted;

    /// The site, which is read with everything else.
    fn site(&self) -> Option<TypedKey<Site>>;

    /// Lets only those go on who may know of the site.
    fn admit(&self, site: Option<Site>) -> Result<Self::Admitted, SiteNotFound>;

    /// Among whose requests the idempotency key is unique.
    fn owner(&self) -> RequestOwner;

    /// The idempotency key of the request, and its instant.
    fn request(&self) -> (Option<&str>, Timestamp);

    /// The site in whose statement the entry of a remembered request stands.
    fn site_of_entry(&self, first: &FirstAnswer) -> Result<SiteId, StoreError>;
}

/// An administrator on a site.
pub(super) struct OnSite<'a>(pub(super) &'a SiteId, pub(super) &'a Asker);

impl Subject for OnSite<'_> {
    type Admitted = Admitted;

    fn site(&self) -> Option<TypedKey<Site>> {
        Some(TypedKey::site(self.0))
    }

    fn admit(&self, site: Option<Site>) -> Result<Admitted, SiteNotFound> {
        admitted(site, self.1)
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Site(self.0.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.1.idempotency_key.as_deref(), self.1.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Ok(self.0.clone())
    }
}

/// A person who creates a site.
pub(super) struct Creator<'a>(pub(super) &'a Email, pub(super) &'a Asker);

impl Subject for Creator<'_> {
    type Admitted = ();

    fn site(&self) -> Option<TypedKey<Site>> {
        None
    }

    fn admit(&self, _: Option<Site>) -> Result<(), SiteNotFound> {
        Ok(())
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Person(self.0.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.1.idempotency_key.as_deref(), self.1.now)
    }

    fn site_of_entry(&self, first: &FirstAnswer) -> Result<SiteId, StoreError> {
        #[derive(Deserialize)]
        struct Created {
            site_id: SiteId,
        }
        let created: Created = serde_json::from_str(&first.answer).map_err(StoreError::defect)?;
        Ok(created.site_id)
    }
}

/// A person who answers the invitation to a site. One that does not exist invites nobody, and is told apart from no other.
pub(super) struct Invited<'a>(
    pub(super) &'a SiteId,
    pub(super) &'a Email,
    pub(super) &'a Asker,
);

impl Subject for Invited<'_> {
    type Admitted = Option<Site>;

    fn site(&self) -> Option<TypedKey<Site>> {
        Some(TypedKey::site(self.0))
    }

    fn admit(&self, site: Option<Site>) -> Result<Option<Site>, SiteNotFound> {
        Ok(site)
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Person(self.1.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.2.idempotency_key.as_deref(), self.2.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Ok(self.0.clone())
    }
}

/// An operator on a site.
pub(super) struct ByOperator<'a>(pub(super) &'a SiteId, pub(super) &'a Operator);

impl Subject for ByOperator<'_> {
    type Admitted = Site;

    fn site(&self) -> Option<TypedKey<Site>> {
        Some(TypedKey::site(self.0))
    }

    fn admit(&self, site: Option<Site>) -> Result<Site, SiteNotFound> {
        site.ok_or(SiteNotFound::Unknown)
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Site(self.0.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (None, self.1.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Ok(self.0.clone())
    }
}

/// A partner on its own account.
pub(super) struct OfPartner<'a>(pub(super) &'a PartnerAsker);

impl Subject for OfPartner<'_> {
    type Admitted = ();

    fn site(&self) -> Option<TypedKey<Site>> {
        None
    }

    fn admit(&self, _: Option<Site>) -> Result<(), SiteNotFound> {
        Ok(())
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Partner(self.0.id.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.0.idempotency_key.as_deref(), self.0.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Err(StoreError::defect("a partner's request has an entry"))
    }
}
