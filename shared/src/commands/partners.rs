//! What a partner sees of its account: the sites that applied its codes, and its history.

use super::{Page, PageOf};
use crate::domain::account::{HistoryLine, SiteOfPartner};
use crate::domain::identity::{PartnerId, Subject};
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
    let listed = store
        .list(&listing, page.after.as_deref(), page.most, &mut attempts)
        .await?;
    let received = listed.items.iter().map(decode_site_of);
    let received: Vec<_> = received.collect::<Result<_, _>>()?;
    let ids: Vec<_> = received.iter().map(|(_, site, _)| site.clone()).collect();
    let sites = store.sites(&ids, &mut attempts).await?;
    let pairs = sites.into_iter().zip(received);
    let shown = pairs.filter_map(|(site, (_, _, got))| {
        // A site's item is never deleted; `verify` reports one that is missing.
        site.map(|site| SiteOfPartner::of(&site, got.received, got.last_applied_at))
    });
    Ok(Page {
        items: shown.collect(),
        next: listed.next,
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
    let listed = store
        .list(
            &listing,
            page.after.as_deref(),
            page.most,
            &mut Attempts::default(),
        )
        .await?;
    let lines = listed.items.iter().map(decode_history);
    Ok(Page {
        items: lines.collect::<Result<_, _>>()?,
        next: listed.next,
    })
}
