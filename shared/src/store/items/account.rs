//! The items of a partner's account.

use crate::domain::model::account::{HistoryContent, HistoryLine, Received, Sale};
use crate::domain::values::ids::{PartnerId, SiteId};
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK, SK};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a site got of a partner, and when it last did: an item that is only ever added to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SiteOfAttributes {
    /// What it got.
    #[serde(flatten)]
    pub received: Received,
    /// When it last applied one of the partner's codes.
    pub last_applied_at: Timestamp,
}

/// Reads what a site got of a partner.
///
/// # Errors
/// The item is corrupt.
pub fn decode_site_of(item: &Item) -> Result<(PartnerId, SiteId, SiteOfAttributes), CorruptItem> {
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

/// Adds up what a site received from a partner. It needs no condition: its transaction is carried out once, by those of
/// the site and the code.
pub(super) fn sold(sale: &Sale) -> Conditional {
    let key = Key::SiteOf(sale.partner_id.clone(), sale.site_id.clone());
    let received = sale.received();
    let expression = "last_applied_at = :at ADD codes :codes, credits :credits, \
                      maintenance_credits :maintenance, sms :sms";
    Conditional::update(key, expression)
        .text(":at", sale.at.to_string())
        .number(":codes", received.codes)
        .number(":credits", received.credits)
        .number(":maintenance", received.maintenance_credits)
        .number(":sms", received.sms)
}
