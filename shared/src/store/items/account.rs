//! The items of a partner's account.

use crate::domain::model::account::{HistoryContent, HistoryLine, ReceivedFrom};
use crate::domain::values::ids::{PartnerId, SiteId};
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{ACCOUNT_AT, Key, PK, SK};

/// Reads what a site got of a partner while the first form was written: an item of its own, to which nothing is added any
/// more.
///
/// # Errors
/// The item is corrupt.
pub fn decode_site_of(item: &Item) -> Result<(PartnerId, SiteId, ReceivedFrom), CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let site = second_part(item, SK).and_then(|id| SiteId::parse(id).ok());
    Ok((
        partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        site.ok_or_else(|| corrupt("its key has no site ID"))?,
        decode(item)?,
    ))
}

fn encode_history(line: &HistoryLine) -> Result<Item, CorruptItem> {
    let key = Key::History(line.partner_id.clone(), line.content.at, line.id.clone());
    encode(&key, &line.content)
}

/// Reads a line of a partner's history.
///
/// # Errors
/// The item is corrupt.
pub fn decode_history(item: &Item) -> Result<HistoryLine, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let content: HistoryContent = decode(item)?;
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let id = second_part(item, SK).and_then(|rest| rest.split_once('#'));
    Ok(HistoryLine {
        partner_id: partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        id: id.ok_or_else(|| corrupt("its key has no ID"))?.1.to_owned(),
        content,
    })
}

pub(super) fn line(line: &HistoryLine) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_history(line)?).when(ABSENT))
}

/// Reads to which site an entry leads on the index of accounts.
///
/// # Errors
/// The item is corrupt.
pub fn decode_leading(item: &Item) -> Result<SiteId, CorruptItem> {
    let site = second_part(item, ACCOUNT_AT).and_then(|id| SiteId::parse(id).ok());
    site.ok_or_else(|| CorruptItem::of(item, "its place on the index has no site ID"))
}
