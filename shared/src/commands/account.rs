//! What a partner sees of its account: the sites that applied its codes, and its history.

use super::asker::PartnerAsker;
use super::pages::{Page, PageOf, list};
use crate::domain::model::account::HistoryLine;
use crate::domain::rules::license::SiteOfPartner;
use crate::store::{
    Attempts, Listing, Store, StoreError, TypedKey, decode_history, decode_site_of,
};
use jiff::Timestamp;

/// Lists the sites that applied a partner's codes, by their IDs, in two round trips.
///
/// # Errors
/// The table could not be read.
pub async fn sites_of_partner(
    store: &Store,
    page: &PageOf,
    asker: &PartnerAsker,
) -> Result<Page<SiteOfPartner>, StoreError> {
    let listing = Listing::sites_of_partner(&asker.id);
    let received = list(store, &listing, page, decode_site_of).await?;
    let keys = received.items.iter().map(|(_, id, _)| TypedKey::site(id));
    let keys: Vec<_> = keys.collect();
    let sites = store.read(keys, &mut Attempts::default()).await?;
    let shown = sites
        .into_iter()
        .zip(received.items)
        // A site's item is never deleted; `verify` reports one that is missing.
        .filter_map(|(site, (_, _, got))| {
            site.map(|site| SiteOfPartner::of(&site, got.received, got.last_applied_at))
        });
    Ok(Page {
        items: shown.collect(),
        next: received.next,
    })
}

/// Reads a partner's history between two instants, the oldest line first, in one round trip.
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
    let listing = Listing::history(&asker.id, from, until);
    list(store, &listing, page, decode_history).await
}
