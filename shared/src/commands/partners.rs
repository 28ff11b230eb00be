//! What a partner sees of its account: the sites that applied its codes, and its history.

use super::{Page, PageOf, list};
use crate::domain::model::account::HistoryLine;
use crate::domain::rules::license::SiteOfPartner;
use crate::domain::values::ids::{PartnerId, SiteId};
use crate::domain::values::names::Subject;
use crate::store::{Attempts, Listing, Store, StoreError, decode_history, decode_site_of};
use jiff::Timestamp;

/// A partner who asks, and when. Whoever makes one has seen that the token is this partner's.
#[derive(Clone, Debug)]
pub struct PartnerAsker {
    /// The partner.
    pub id: PartnerId,
    /// Who, of the partner's people.
    pub by: Subject,
    /// The instant of the request, as its event says.
    pub now: Timestamp,
    /// The request's idempotency key, if it has one.
    pub idempotency_key: Option<String>,
}

/// Lists the sites that applied a partner's codes, by their IDs, in two round trips.
///
/// # Errors
/// The table could not be read.
pub async fn sites_of_partner(
    store: &Store,
    page: &PageOf,
    asker: &PartnerAsker,
) -> Result<Page<SiteOfPartner>, StoreError> {
    let mut attempts = Attempts::default();
    let listing = Listing::sites_of_partner(&asker.id);
    let received = list(store, &listing, page, &mut attempts, decode_site_of).await?;
    let ids = received.items.iter().map(|(_, site, _)| site.clone());
    let ids: Vec<SiteId> = ids.collect();
    let sites = store.sites(&ids, &mut attempts).await?;
    let pairs = sites.into_iter().zip(received.items);
    let shown = pairs.filter_map(|(site, (_, _, got))| {
        // A site's item is never deleted; `verify` reports one that is missing.
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
    list(
        store,
        &listing,
        page,
        &mut Attempts::default(),
        decode_history,
    )
    .await
}
