//! Pages of listings.

use super::asker::{Asker, ReadError, authorized};
use crate::domain::values::ids::SiteId;
use crate::store::{Attempts, CorruptItem, Item, Listing, Store, StoreError, TypedKey};

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is listed.
    pub items: Vec<T>,
    /// After which the next page starts; `None` after the last.
    pub next: Option<String>,
}

/// Which page of a listing.
#[derive(Clone, Debug)]
pub struct PageOf {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// The most items that it has.
    pub limit: u16,
}

/// Reads a page of a listing, in one round trip.
pub(super) async fn list<T>(
    store: &Store,
    listing: &Listing,
    page: &PageOf,
    decode: impl Fn(&Item) -> Result<T, CorruptItem>,
) -> Result<Page<T>, StoreError> {
    let after = page.after.as_deref();
    let mut attempts = Attempts::default();
    let listed = store
        .list(listing, after, page.limit, &mut attempts)
        .await?;
    Ok(Page {
        items: listed.items.iter().map(decode).collect::<Result<_, _>>()?,
        next: listed.next,
    })
}

/// Reads a page of a listing of a site, for one of its administrators, in two round trips.
pub(super) async fn list_of_site<T>(
    store: &Store,
    site_id: &SiteId,
    listing: &Listing,
    page: &PageOf,
    asker: &Asker,
    decode: impl Fn(&Item) -> Result<T, CorruptItem>,
) -> Result<Page<T>, ReadError> {
    let site = TypedKey::site(site_id);
    authorized(store.read(site, &mut Attempts::default()).await?, asker)?;
    Ok(list(store, listing, page, decode).await?)
}
