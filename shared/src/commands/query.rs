//! Reading a site's license and statement.

use super::{Asker, SiteNotFound, authorized};
use crate::domain::identity::SiteId;
use crate::domain::license::{License, view};
use crate::store::{Page, StatementQuery, Store, StoreError};
use jiff::civil::Date;

/// Why a license is not shown.
#[derive(Debug, thiserror::Error)]
pub enum LicenseError {
    /// See [`SiteNotFound`].
    #[error(transparent)]
    SiteNotFound(#[from] SiteNotFound),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a statement is not shown.
pub type StatementError = LicenseError;

/// Which part of a statement, in the site's own dates.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// From this date on.
    pub from: Option<Date>,
    /// Until this date, that day included.
    pub to: Option<Date>,
    /// Only entries after this sequence number.
    pub after: Option<u64>,
    /// The most entries of the page.
    pub most: u16,
}

/// Reads a site's license, in one round trip.
///
/// # Errors
/// See [`LicenseError`].
pub async fn license(
    store: &Store,
    site_id: &SiteId,
    asker: &Asker,
) -> Result<License, LicenseError> {
    let site = authorized(store.site_by_id(site_id).await?, asker)?;
    Ok(view(&site, asker.now))
}

/// Reads a page of a site's statement, in two round trips and, for each end of a period that lies within the
/// statement, one for every sixteenfold of its length.
///
/// # Errors
/// See [`LicenseError`].
pub async fn statement(
    store: &Store,
    site_id: &SiteId,
    period: &Period,
    asker: &Asker,
) -> Result<Page, StatementError> {
    let site = authorized(store.site_by_id(site_id).await?, asker)?;
    let start_of = |date: Date| site.time_zone.start_of(date);
    let query = StatementQuery {
        from: period.from.and_then(start_of),
        // The day after the calendar's last has no start, and needs none: everything is before it.
        until: period.to.and_then(|to| start_of(to.tomorrow().ok()?)),
        after: period.after,
        most: period.most,
    };
    Ok(store.statement(&site, &query).await?)
}
