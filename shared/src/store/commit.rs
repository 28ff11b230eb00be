//! The one write path: a list of writes, as one transaction.
//!
//! The conditions stand with the items that they are about, in `items/<noun>.rs`. Who races whom over which:
//!
//! ```text
//! two commands on one site          both read version 7; one writes 8; UNCHANGED fails for the other
//! one code on two sites             both read it outstanding; CODE_NOT_APPLIED fails for the slower
//! applying a code and voiding it    CODE_NOT_APPLIED and CODE_NOT_VOIDED, on both sides
//! two who void the same codes       CODE_NOT_VOIDED; the slower reads again what is left
//! one request sent twice at once    REQUEST_UNKNOWN fails for the slower, which then answers as the first did
//! one device registered twice       ABSENT fails for the slower
//! two who finish one batch          ABSENT for each hundred codes, BATCH_INCOMPLETE at the end: one writes the history
//! two who would send one message    MESSAGE_RESERVED fails for the slower, which sends nothing
//! two who invite one address         UNCHANGED fails for the slower; INVITED_AS_READ or ABSENT, where it read the site later
//! accepting one and withdrawing it  UNCHANGED fails for the slower, which finds no invitation any more
//! a write whose answer was lost     sent again, it fails by UNCHANGED or ABSENT; the entry's command ID says whose it was
//! ```

use super::item::CorruptItem;
use super::retry::{Attempts, Failure};
use super::{Store, StoreError, items};
use crate::domain::model::change::Write;
use crate::domain::values::ids::CommandId;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;

/// A transaction was not committed, or may not have been.
#[derive(Debug)]
pub enum NotCommitted {
    /// The conditions of the writes at these places failed: somebody was faster. Nothing was changed.
    Lost(Vec<usize>),
    /// See [`Failure`].
    Failed(Failure),
}

/// What became of a transaction that may be sent any number of times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Committed {
    /// It was committed.
    Now,
    /// A condition failed: by somebody who was faster, or by this very transaction, whose answer was lost.
    Lost,
}

impl Store {
    /// Sends writes, at most 100, as one transaction, once: all or none. The entries among them are written by this
    /// command.
    ///
    /// # Errors
    /// [`NotCommitted`] says whether anything can have been changed.
    pub async fn commit(&self, writes: &[Write], by: &CommandId) -> Result<(), NotCommitted> {
        let fatal = |error| NotCommitted::Failed(Failure::Fatal(error));
        let mut items = Vec::new();
        for write in writes {
            let item = items::write(write, by).map_err(|error: CorruptItem| fatal(error.into()))?;
            let item = item.build(&self.table);
            items.push(item.map_err(|error| fatal(error.into()))?);
        }
        self.send(items).await
    }

    /// Sends writes as one transaction until the table says what became of it.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request.
    pub async fn commit_surely(
        &self,
        writes: &[Write],
        by: &CommandId,
        attempts: &mut Attempts,
    ) -> Result<Committed, StoreError> {
        loop {
            match self.commit(writes, by).await {
                Ok(()) => return Ok(Committed::Now),
                Err(NotCommitted::Lost(_)) => return Ok(Committed::Lost),
                Err(NotCommitted::Failed(failure)) => attempts.write_again(failure).await?,
            }
        }
    }

    async fn send(&self, items: Vec<TransactWriteItem>) -> Result<(), NotCommitted> {
        let request = self.client.transact_write_items();
        // Boxed, because the SDK's futures are nested too deeply to be part of larger ones.
        let sent = Box::pin(request.set_transact_items(Some(items)).send());
        sent.await.map(drop).map_err(refused)
    }
}

/// Decodes a refused transaction, whose reasons stand in the order of its items.
fn refused(error: SdkError<TransactWriteItemsError>) -> NotCommitted {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return NotCommitted::Failed(Failure::of(error));
    };
    let mut failed = Vec::new();
    let mut contended = true;
    for (place, reason) in cancelled.cancellation_reasons().iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "ConditionalCheckFailed" => failed.push(place),
            "None"
            | "TransactionConflict"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded" => {}
            _ => contended = false,
        }
    }
    match (failed.is_empty(), contended) {
        (false, _) => NotCommitted::Lost(failed),
        (true, true) => NotCommitted::Failed(Failure::NotApplied(Box::new(error))),
        (true, false) => NotCommitted::Failed(Failure::Fatal(Box::new(error))),
    }
}
