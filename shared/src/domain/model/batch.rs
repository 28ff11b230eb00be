//! A batch of license codes, and how its codes stand.

use crate::domain::model::code::{Code, CodeState, CodeValue};
use crate::domain::values::ids::{BatchId, PartnerId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::license_code::{CodeIssuer, LicenseCode};
use crate::domain::values::names::Subject;
use crate::domain::values::secret::{SecretId, SecretMissing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most codes of one batch.
pub const MAX_CODES_A_BATCH: u32 = 10_000;

/// Whether a code can still be applied, or what became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeStanding {
    /// It can be applied.
    Outstanding,
    /// It was applied.
    Applied,
    /// It was voided.
    Voided,
    /// Its last date is over.
    Expired,
}

impl CodeStanding {
    /// How a code stands at `now`.
    #[must_use]
    pub fn of(code: &Code, now: Timestamp) -> Self {
        match code.state {
            CodeState::Applied(_) => Self::Applied,
            CodeState::Voided(_) => Self::Voided,
            CodeState::Outstanding => match code.expires_on {
                Some(last) if last.is_over(now) => Self::Expired,
                Some(_) | None => Self::Outstanding,
            },
        }
    }
}

/// How many codes of a batch stand how: issued = applied + voided + expired + outstanding, and the batch's count is issued +
/// not issued.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct BatchSum {
    /// How many there are.
    pub issued: u32,
    /// How many are missing because the issue is not finished: a repetition of the request issues them.
    pub not_issued: u32,
    /// How many were applied.
    pub applied: u32,
    /// How many were voided.
    pub voided: u32,
    /// How many expired before anyone applied them.
    pub expired: u32,
    /// How many can be applied.
    pub outstanding: u32,
}

impl BatchSum {
    /// Counts one more code.
    pub fn add(&mut self, standing: CodeStanding) {
        self.issued += 1;
        *match standing {
            CodeStanding::Outstanding => &mut self.outstanding,
            CodeStanding::Applied => &mut self.applied,
            CodeStanding::Voided => &mut self.voided,
            CodeStanding::Expired => &mut self.expired,
        } += 1;
    }
}

/// A batch of codes of one value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// Its ID.
    pub id: BatchId,
    /// Who issues it.
    pub partner_id: PartnerId,
    /// What each code carries.
    pub value: CodeValue,
    /// How many codes there are.
    pub count: u32,
    /// The last date on which they can be applied.
    pub expires_on: Option<LastDate>,
    /// The only site they can be applied to.
    pub bound_to: Option<SiteId>,
    /// What the partner notes about it, at most 200 characters.
    pub note: Option<String>,
    /// The secret under which the codes are derived.
    pub secret_id: SecretId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// By whom, of the partner's people.
    pub issued_by: Subject,
}

/// A batch cannot be issued.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidBatch {
    /// Too few codes, or too many.
    #[error("a batch has 1 to {MAX_CODES_A_BATCH} codes")]
    Count,
    /// The note is too long, or has control characters.
    #[error("a note has at most 200 characters and no control characters")]
    Note,
    /// Its codes could never be applied.
    #[error("expires_on must not be over: the codes could never be applied")]
    Expired,
}

impl Batch {
    /// Checks a batch before it is issued.
    ///
    /// # Errors
    /// Its count, its note or its last date is out of bounds.
    pub fn check(self) -> Result<Self, InvalidBatch> {
        if !(1..=MAX_CODES_A_BATCH).contains(&self.count) {
            return Err(InvalidBatch::Count);
        }
        let note = self.note.as_deref().unwrap_or_default();
        if note.chars().count() > 200 || note.chars().any(char::is_control) {
            return Err(InvalidBatch::Note);
        }
        if self
            .expires_on
            .is_some_and(|last| last.is_over(self.issued_at))
        {
            return Err(InvalidBatch::Expired);
        }
        Ok(self)
    }

    /// The code of this batch at `index`, outstanding.
    ///
    /// # Errors
    /// The batch's secret is not at hand.
    pub fn code(
        &self,
        issuer: &CodeIssuer,
        index: u32,
    ) -> Result<(LicenseCode, Code), SecretMissing> {
        let (plain, recognised) = issuer.code(&self.secret_id, &self.id, index)?;
        let code = Code {
            key: recognised.key,
            last_four: recognised.last_four,
            value: self.value,
            expires_on: self.expires_on,
            bound_to: self.bound_to.clone(),
            partner_id: self.partner_id.clone(),
            batch_id: self.id.clone(),
            index,
            state: CodeState::Outstanding,
        };
        Ok((plain, code))
    }
}
