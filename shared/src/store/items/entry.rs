//! The item of an entry.

use crate::domain::model::entry::Entry;
use crate::domain::values::ids::{CommandId, PartnerId, SiteId};
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode};
use crate::store::keys::{ACCOUNT_AT, Key, PARTNER_ID, SITE_PREFIX};
use crate::store::reads::TypedKey;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct EntryAttributes {
    #[serde(flatten)]
    entry: Entry,
    /// Beside the entry and not hashed: a command whose answer was lost recognises its own write by it.
    command_id: CommandId,
}

fn encode_entry(entry: &Entry, command_id: &CommandId) -> Result<Item, CorruptItem> {
    let key = Key::Entry(entry.site_id.clone(), entry.sequence);
    let attributes = EntryAttributes {
        entry: entry.clone(),
        command_id: command_id.clone(),
    };
    encode(&key, &attributes)
}

/// Reads an entry, and the command that wrote it.
///
/// # Errors
/// The item is corrupt.
pub fn decode_entry(item: &Item) -> Result<(Entry, CommandId), CorruptItem> {
    let attributes: EntryAttributes = decode(item)?;
    Ok((attributes.entry, attributes.command_id))
}

impl TypedKey<(Entry, CommandId)> {
    /// An entry of a site's statement, and the command that wrote it.
    #[must_use]
    pub fn entry(site: &SiteId, sequence: u64) -> Self {
        Self {
            key: Key::Entry(site.clone(), sequence),
            decode: decode_entry,
        }
    }
}

pub(super) fn written(entry: &Entry, by: &CommandId) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_entry(entry, by)?).when(ABSENT))
}

/// On the index of accounts the entry leads from the partner to the site.
pub(super) fn first_of(
    partner: &PartnerId,
    entry: &Entry,
    by: &CommandId,
) -> Result<Conditional, CorruptItem> {
    let mut item = encode_entry(entry, by)?;
    let place = format!("{SITE_PREFIX}{}", entry.site_id);
    item.insert(
        PARTNER_ID.to_owned(),
        AttributeValue::S(partner.to_string()),
    );
    item.insert(ACCOUNT_AT.to_owned(), AttributeValue::S(place));
    Ok(Conditional::put(item).when(ABSENT))
}
