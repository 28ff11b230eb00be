//! Issuing a batch: its item first, then its codes, then the mark that all are there.
//!
//! A code's item is written only where there is none, so that a repetition never resets a code that was applied
//! in the meantime. Codes are written in transactions of a hundred, always the same hundred: each is there whole
//! or not at all, and a refused one that finds its own codes was done before.

use super::commit::{ABSENT, PRESENT, Refused};
use super::items::{encode_batch, encode_new_code};
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
    /// The table could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Issues a batch, or finishes one that was begun, and gives its codes.
    ///
    /// # Errors
    /// [`IssueError`]; what was written stays, and a repetition with the same batch completes it.
    pub async fn issue_batch(
        &self,
        batch: &Batch,
        issuer: &CodeIssuer,
    ) -> Result<Vec<LicenseCode>, IssueError> {
        let begin = self.put(
            encode_batch(batch, false).map_err(StoreError::from)?,
            ABSENT,
            [],
        );
        self.write_once(vec![begin.map_err(refused)?]).await?;
        let mut codes = Vec::new();
        let indices: Vec<u32> = (0..batch.count).collect();
        for hundred in indices.chunks(MAX_ITEMS) {
            let mut items = Vec::new();
            for &index in hundred {
                let (plain, code) = batch.code(issuer, index)?;
                codes.push(plain);
                let item = encode_new_code(&code).map_err(StoreError::from)?;
                items.push(self.put(item, ABSENT, []).map_err(refused)?);
            }
            self.write_once(items).await?;
        }
        self.mark_complete(batch).await?;
        Ok(codes)
    }

    /// Writes items that do not exist yet, together; that they exist means that they were written before.
    async fn write_once(&self, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        let mut attempts = Attempts::default();
        loop {
            match self.transact(items.clone()).await {
                // A code's key is a hash of 64 random bits: what is found there is this code.
                Ok(()) | Err(Refused::Conditions(_)) => return Ok(()),
                Err(Refused::Failed(failure)) => attempts.read_again(failure).await?,
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
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
    }
}

fn refused(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Refused(error.into())
}
