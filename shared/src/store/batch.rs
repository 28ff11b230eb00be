//! Issuing a batch: its item first, then its codes, then the mark that all are there.
//!
//! A code's item is written only where there is none, so that a repetition never resets a code that was applied
//! in the meantime. Codes are written in transactions of a hundred, always the same hundred: each is there whole
//! or not at all, and a refused one that finds its own codes was done before.

use super::commit::{ABSENT, PRESENT, Refused};
use super::items::{decode_batch, encode_batch, encode_new_code};
use super::keys::Key;
use super::retry::{Attempts, Failure};
use super::{Store, StoreError};
use crate::domain::change::MAX_ITEMS;
use crate::domain::code::{Batch, CodeIssuer, LicenseCode, SecretMissing};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

/// A batch could not be issued. Repeating it finishes it.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The batch's secret is not at hand.
    #[error(transparent)]
    SecretMissing(#[from] SecretMissing),
    /// A batch of this ID was begun, and it is another.
    #[error("a batch of this ID was begun, and it is another")]
    Differs,
    /// The table could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Issues a batch, or finishes one that was begun, and gives its codes.
    ///
    /// One that was begun is finished under the secret that it was begun under, however new the one at hand is.
    ///
    /// # Errors
    /// [`IssueError`]; what was written stays, and a repetition with the same batch completes it.
    pub async fn issue_batch(
        &self,
        batch: &Batch,
        issuer: &CodeIssuer,
    ) -> Result<Vec<LicenseCode>, IssueError> {
        let begin = encode_batch(batch, false).map_err(StoreError::from)?;
        let begin = self.put(begin, ABSENT, []).map_err(wrong)?;
        let batch = match self.write_once(vec![begin]).await? {
            Written::Now => batch.clone(),
            Written::Before => self.begun(batch).await?,
        };
        let mut codes = Vec::new();
        let indices: Vec<u32> = (0..batch.count).collect();
        for hundred in indices.chunks(MAX_ITEMS) {
            let mut items = Vec::new();
            for &index in hundred {
                let (plain, code) = batch.code(issuer, index)?;
                codes.push(plain);
                let item = encode_new_code(&code).map_err(StoreError::from)?;
                items.push(self.put(item, ABSENT, []).map_err(wrong)?);
            }
            self.write_once(items).await?;
        }
        self.mark_complete(&batch).await?;
        Ok(codes)
    }

    /// The batch that was begun under this ID.
    async fn begun(&self, batch: &Batch) -> Result<Batch, IssueError> {
        let key = Key::Batch(batch.partner_id.clone(), batch.id.clone());
        let item = self
            .load(&[key], &mut Attempts::default())
            .await?
            .pop()
            .flatten();
        let begun = item
            .map(|item| decode_batch(&item))
            .transpose()
            .map_err(StoreError::from)?;
        let (begun, _) = begun.ok_or(IssueError::Differs)?;
        let same = Batch {
            secret_id: begun.secret_id.clone(),
            issued_at: begun.issued_at,
            ..batch.clone()
        };
        if same == begun {
            Ok(begun)
        } else {
            Err(IssueError::Differs)
        }
    }

    /// Writes items that do not exist yet, together; that they exist means that they were written before.
    async fn write_once(&self, items: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let mut attempts = Attempts::default();
        loop {
            match self.transact(items.clone()).await {
                Ok(()) => return Ok(Written::Now),
                // A code's key is a hash of 64 random bits: what is found there is this code.
                Err(Refused::Conditions(_)) => return Ok(Written::Before),
                Err(Refused::Failed(failure)) => {
                    if matches!(failure, Failure::Unknown(_)) {
                        attempts.unanswered();
                    }
                    attempts.read_again(failure).await?;
                }
            }
        }
    }

    async fn mark_complete(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut attempts = Attempts::default();
        let key = Key::Batch(batch.partner_id.clone(), batch.id.clone());
        loop {
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
                .condition_expression(PRESENT)
                .update_expression("SET complete = :true")
                .expression_attribute_values(":true", AttributeValue::Bool(true));
            match update.send().await.map_err(Failure::of) {
                Ok(_) => return Ok(()),
                // That it is complete may be said any number of times.
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
    }
}

/// When items were written.
enum Written {
    /// By this call.
    Now,
    /// By an earlier one, or by this one without an answer.
    Before,
}

fn wrong(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Refused(error.into())
}
