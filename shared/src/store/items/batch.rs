//! The item of a batch.

use crate::domain::model::batch::Batch;
use crate::domain::model::code::CodeValue;
use crate::domain::values::ids::{BatchId, PartnerId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::names::Subject;
use crate::domain::values::secret::SecretId;
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK, SK};
use crate::store::reads::TypedKey;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Not all codes of the batch are known to be written.
const BATCH_INCOMPLETE: &str = "complete = :false";

#[derive(Serialize, Deserialize)]
struct BatchAttributes {
    credits: u64,
    maintenance_credits: u64,
    count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_on: Option<LastDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<SiteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    secret_id: SecretId,
    issued_at: Timestamp,
    issued_by: Subject,
    /// Set once every code is written: an issue that died half-way is finished by its repetition.
    #[serde(default)]
    complete: bool,
}

fn encode_new_batch(batch: &Batch) -> Result<Item, CorruptItem> {
    let attributes = BatchAttributes {
        credits: batch.value.credits(),
        maintenance_credits: batch.value.maintenance_credits(),
        count: batch.count,
        expires_on: batch.expires_on,
        bound_to: batch.bound_to.clone(),
        note: batch.note.clone(),
        secret_id: batch.secret_id.clone(),
        issued_at: batch.issued_at,
        issued_by: batch.issued_by.clone(),
        complete: false,
    };
    encode(
        &Key::Batch(batch.partner_id.clone(), batch.id.clone()),
        &attributes,
    )
}

/// Reads a batch, and whether all its codes were written.
///
/// # Errors
/// The item is corrupt.
pub fn decode_batch(item: &Item) -> Result<(Batch, bool), CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: BatchAttributes = decode(item)?;
    let value = CodeValue::new(attributes.credits, attributes.maintenance_credits);
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let id = second_part(item, SK).and_then(|id| BatchId::parse(id).ok());
    let batch = Batch {
        id: id.ok_or_else(|| corrupt("its key has no batch ID"))?,
        partner_id: partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        value: value.map_err(|_| corrupt("its codes carry what no code can carry"))?,
        count: attributes.count,
        expires_on: attributes.expires_on,
        bound_to: attributes.bound_to,
        note: attributes.note,
        secret_id: attributes.secret_id,
        issued_at: attributes.issued_at,
        issued_by: attributes.issued_by,
    };
    Ok((batch, attributes.complete))
}

impl TypedKey<(Batch, bool)> {
    /// A batch of a partner, and whether all its codes were written.
    #[must_use]
    pub fn batch(partner: &PartnerId, batch: &BatchId) -> Self {
        Self {
            key: Key::Batch(partner.clone(), batch.clone()),
            decode: decode_batch,
        }
    }
}

pub(super) fn started(batch: &Batch) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_new_batch(batch)?).when(ABSENT))
}

pub(super) fn completed(partner: &PartnerId, batch: &BatchId) -> Conditional {
    let key = Key::Batch(partner.clone(), batch.clone());
    Conditional::update(key, "complete = :true")
        .when(BATCH_INCOMPLETE)
        .value(":true", AttributeValue::Bool(true))
        .value(":false", AttributeValue::Bool(false))
}
