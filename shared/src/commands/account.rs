//! What a partner sees of its account: the sites that applied its codes, and its history.
//!
//! Each is told in two places: where the first form wrote it, and on the index of accounts. A page of both is a page of each,
//! merged by their sort keys, which are alike.

use super::asker::PartnerAsker;
use super::pages::{Page, PageOf};
use crate::domain::model::account::{HistoryLine, ReceivedFrom};
use crate::domain::rules::license::SiteOfPartner;
use crate::store::{
    Attempts, CorruptItem, Item, Listing, Store, StoreError, TypedKey, decode_application,
    decode_history, decode_leading, decode_site_of,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Lists the sites that applied a partner's codes, by their IDs, in two round trips. A site appears a moment after its first
/// code of the partner; what it received is exact.
///
/// # Errors
/// The table could not be read.
pub async fn sites_of_partner(
    store: &Store,
    page: &PageOf,
    asker: &PartnerAsker,
) -> Result<Page<SiteOfPartner>, StoreError> {
    let older = Listing::older_sites_of_partner(&asker.id);
    let newer = Listing::sites_of_partner(&asker.id);
    let of_older = |item: &Item| decode_site_of(item).map(|(_, site, got)| (site, Some(got)));
    let of_newer = |item: &Item| decode_leading(item).map(|site| (site, None));
    let found = merged(store, page, (&older, of_older), (&newer, of_newer)).await?;
    let keys: Vec<_> = found
        .items
        .iter()
        .map(|(id, _)| TypedKey::site(id))
        .collect();
    let sites = store.read(keys, &mut Attempts::default()).await?;
    let shown = sites
        .into_iter()
        .zip(found.items)
        .filter_map(|(site, (_, older))| {
            // A site's item is never deleted; `verify` reports one that is missing.
            let site = site?;
            let got: Option<ReceivedFrom> = site.received.get(&asker.id).copied();
            let got = older.into_iter().chain(got).reduce(ReceivedFrom::plus)?;
            Some(SiteOfPartner::of(&site, got.received, got.last_applied_at))
        });
    Ok(Page {
        items: shown.collect(),
        next: found.next,
    })
}

/// Reads a partner's history between two instants, the oldest line first, in one round trip. An applied code appears a moment
/// after it was applied.
///
/// # Errors
/// The table could not be read.
pub async fn history(
    store: &Store,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    page: &PageOf,
    asker: &PartnerAsker,
) -> Result<Page<HistoryLine>, StoreError> {
    let lines = Listing::history(&asker.id, from, until);
    let applied = Listing::applied(&asker.id, from, until);
    merged(
        store,
        page,
        (&lines, decode_history),
        (&applied, decode_application),
    )
    .await
}

/// A page of two listings whose sort keys are alike, without their prefixes. Where both have the same key, the first counts.
async fn merged<T>(
    store: &Store,
    page: &PageOf,
    (first, decode_first): (&Listing, impl Fn(&Item) -> Result<T, CorruptItem>),
    (second, decode_second): (&Listing, impl Fn(&Item) -> Result<T, CorruptItem>),
) -> Result<Page<T>, StoreError> {
    let after = page.after.as_deref();
    let (mut of_first, mut of_second) = (Attempts::default(), Attempts::default());
    let (firsts, seconds) = tokio::try_join!(
        store.list(first, after, page.limit, &mut of_first),
        store.list(second, after, page.limit, &mut of_second),
    )?;
    let more = firsts.next.is_some() || seconds.next.is_some();
    let mut items = BTreeMap::new();
    for item in &seconds.items {
        items.insert(second.place(item), decode_second(item)?);
    }
    for item in &firsts.items {
        items.insert(first.place(item), decode_first(item)?);
    }
    let limit = usize::from(page.limit);
    let more = more || items.len() > limit;
    let mut last = None;
    let items = items.into_iter().take(limit).map(|(place, item)| {
        last = place;
        item
    });
    Ok(Page {
        items: items.collect(),
        next: last.filter(|_| more),
    })
}
