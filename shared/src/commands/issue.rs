//! Issuing a batch of codes.

use crate::domain::code::{Batch, CodeIssuer, CodeValue, InvalidBatch, LicenseCode};
use crate::domain::identity::{BatchId, PartnerId, SiteId};
use crate::store::{IssueError, Store};
use jiff::{Timestamp, civil::Date};

/// What a partner asks for.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Who issues it.
    pub partner_id: PartnerId,
    /// What each code carries.
    pub value: CodeValue,
    /// How many codes.
    pub count: u32,
    /// The last date on which they can be applied.
    pub expires_on: Option<Date>,
    /// The only site they can be applied to.
    pub bound_to: Option<SiteId>,
    /// What the partner notes about it.
    pub note: Option<String>,
}

impl NewBatch {
    /// The batch, under the newest secret.
    ///
    /// # Errors
    /// Its count or its note is out of bounds.
    pub fn issued_at(self, now: Timestamp, issuer: &CodeIssuer) -> Result<Batch, InvalidBatch> {
        let batch = Batch {
            id: BatchId::issued_at(now),
            partner_id: self.partner_id,
            value: self.value,
            count: self.count,
            expires_on: self.expires_on,
            bound_to: self.bound_to,
            note: self.note,
            secret_id: issuer.newest().clone(),
            issued_at: now,
        };
        batch.check()
    }
}

/// Issues a batch, or finishes one that was begun: the same batch gives the same codes.
///
/// # Errors
/// See [`IssueError`].
pub async fn issue_codes(
    store: &Store,
    batch: &Batch,
    issuer: &CodeIssuer,
) -> Result<Vec<LicenseCode>, IssueError> {
    store.issue_batch(batch, issuer).await
}
