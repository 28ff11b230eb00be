//! Batches: begun with one transaction, their codes written a hundred at a time, and completed with another.
//!
//! A code's item is written only where there is none, so that a repetition never resets a code that was applied or
//! voided in the meantime. Codes are written in transactions of a hundred, always the same hundred: each is there whole
//! or not at all, and a refused one that finds its own codes was done before. Who races whom:
//!
//! ```text
//! one issue sent twice at once      REQUEST_UNKNOWN fails for the slower, which then finishes the batch of the first
//! two who finish one batch          ABSENT for each hundred, BATCH_INCOMPLETE for the end: one tells of it
//! voiding a code and applying it    CODE_NOT_APPLIED and CODE_NOT_VOIDED here, the same in the redemption
//! two who void the same codes       CODE_NOT_VOIDED; the slower reads again what is left
//! ```

use super::commit::{ABSENT, CODE_NOT_APPLIED, CODE_NOT_VOIDED, PRESENT, Refused, RequestRecord};
use super::items::{Item, decode_batch, encode_batch, encode_history, encode_new_code};
use super::keys::Key;
use super::retry::{Attempts, Failure};
use super::{Store, StoreError, decode_code};
use crate::domain::model::account::HistoryLine;
use crate::domain::model::batch::Batch;
use crate::domain::model::change::MAX_ITEMS;
use crate::domain::model::code::{Code, Voiding};
use crate::domain::values::ids::{BatchId, PartnerId};
use crate::domain::values::license_code::CodeKey;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

/// Not all codes of the batch are known to be written.
const BATCH_INCOMPLETE: &str = "complete = :false";

/// The most codes that one transaction voids, 99: one item more tells of it.
pub(crate) const MAX_CODES_VOIDED_AT_ONCE: usize = MAX_ITEMS - 1;

/// When items that are written once were written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// By this call.
    Now,
    /// Before, at least one of them: by an earlier call, or by this one without an answer.
    Before,
}

/// A transaction was not carried out.
#[derive(Debug)]
pub enum NotCarriedOut {
    /// One of its conditions failed. Nothing was changed.
    Lost,
    /// See [`Failure`].
    Failed(Failure),
}

impl Store {
    /// Begins a batch, and remembers the request for it.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request.
    pub async fn begin_batch(
        &self,
        batch: &Batch,
        request: Option<&RequestRecord>,
        attempts: &mut Attempts,
    ) -> Result<Written, StoreError> {
        let mut items = vec![self.absent(encode_batch(batch, false)?)?];
        if let Some(request) = request {
            items.push(self.request(request).map_err(StoreError::Refused)?);
        }
        self.write_once(items, attempts).await
    }

    /// Remembers a request, unless it is remembered.
    ///
    /// # Errors
    /// As [`Store::begin_batch`].
    pub async fn remember(
        &self,
        request: &RequestRecord,
        attempts: &mut Attempts,
    ) -> Result<Written, StoreError> {
        let item = self.request(request).map_err(StoreError::Refused)?;
        self.write_once(vec![item], attempts).await
    }

    /// Writes codes of a batch, at most a hundred, unless they are there.
    ///
    /// # Errors
    /// As [`Store::begin_batch`].
    pub async fn write_codes(
        &self,
        codes: &[Code],
        attempts: &mut Attempts,
    ) -> Result<Written, StoreError> {
        let items = codes.iter().map(|code| self.absent(encode_new_code(code)?));
        self.write_once(items.collect::<Result<_, StoreError>>()?, attempts)
            .await
    }

    /// Completes a batch whose codes are all written, and tells of it, unless that was done before.
    ///
    /// # Errors
    /// As [`Store::begin_batch`].
    pub async fn complete_batch(
        &self,
        batch: &Batch,
        line: &HistoryLine,
        attempts: &mut Attempts,
    ) -> Result<Written, StoreError> {
        let key = Key::Batch(batch.partner_id.clone(), batch.id.clone());
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(BATCH_INCOMPLETE)
            .update_expression("SET complete = :true")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .build()
            .map_err(wrong)?;
        let update = TransactWriteItem::builder().update(update).build();
        let told = self.absent(encode_history(line)?)?;
        self.write_once(vec![update, told], attempts).await
    }

    /// Adds a line to a partner's history.
    ///
    /// # Errors
    /// As [`Store::begin_batch`].
    pub async fn tell(
        &self,
        line: &HistoryLine,
        attempts: &mut Attempts,
    ) -> Result<(), StoreError> {
        let item = self.absent(encode_history(line)?)?;
        self.write_once(vec![item], attempts).await.map(|_| ())
    }

    /// Voids codes that are outstanding, at most 99, and tells of it: all or none, once.
    ///
    /// # Errors
    /// [`NotCarriedOut`]: one of them was applied or voided meanwhile, or the table failed.
    pub async fn void_codes(
        &self,
        codes: &[CodeKey],
        voiding: &Voiding,
        line: &HistoryLine,
    ) -> Result<(), NotCarriedOut> {
        let fatal = |error: StoreError| NotCarriedOut::Failed(Failure::Fatal(error.into()));
        let mut items = Vec::new();
        for code in codes {
            items.push(self.void(code, voiding).map_err(wrong).map_err(fatal)?);
        }
        let told = encode_history(line).map_err(StoreError::from);
        items.push(told.and_then(|item| self.absent(item)).map_err(fatal)?);
        self.transact(items).await.map_err(|refused| match refused {
            Refused::Conditions(_) => NotCarriedOut::Lost,
            Refused::Failed(failure) => NotCarriedOut::Failed(failure),
        })
    }

    /// Reads a batch of a partner, and whether all its codes were written.
    ///
    /// # Errors
    /// The table was busy past the retries or refused the request, or the item is not of its form.
    pub async fn batch(
        &self,
        partner: &PartnerId,
        batch: &BatchId,
        attempts: &mut Attempts,
    ) -> Result<Option<(Batch, bool)>, StoreError> {
        let key = Key::Batch(partner.clone(), batch.clone());
        let item = self.load(&[key], attempts).await?.pop().flatten();
        Ok(item.map(|item| decode_batch(&item)).transpose()?)
    }

    /// Reads codes by their keys, at most a hundred: each at its key's place, `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::batch`].
    pub async fn codes(
        &self,
        keys: &[CodeKey],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Code>>, StoreError> {
        let keys: Vec<Key> = keys.iter().cloned().map(Key::Code).collect();
        let items = self.load(&keys, attempts).await?.into_iter();
        let codes = items.map(|item| item.map(|item| decode_code(&item)).transpose());
        Ok(codes.collect::<Result<_, _>>()?)
    }

    /// Writes items that do not exist yet, together; that they exist means that they were written before.
    async fn write_once(
        &self,
        items: Vec<TransactWriteItem>,
        attempts: &mut Attempts,
    ) -> Result<Written, StoreError> {
        loop {
            match self.transact(items.clone()).await {
                Ok(()) => return Ok(Written::Now),
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

    fn absent(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        self.put(item, ABSENT, []).map_err(wrong)
    }

    fn void(&self, code: &CodeKey, voiding: &Voiding) -> Result<TransactWriteItem, BuildError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let condition = [PRESENT, CODE_NOT_APPLIED, CODE_NOT_VOIDED];
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Code(code.clone()).attributes()))
            .condition_expression(condition.join(" AND "))
            .update_expression(
                "SET voided_at = :at, voided_by = :by, void_reason = :reason, command_id = :command",
            )
            .expression_attribute_values(":at", text(&voiding.at.to_string()))
            .expression_attribute_values(":by", text(voiding.by.as_str()))
            .expression_attribute_values(":reason", text(voiding.reason.as_str()))
            .expression_attribute_values(":command", text(voiding.command_id.as_str()))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn wrong(error: BuildError) -> StoreError {
    StoreError::Refused(error.into())
}
