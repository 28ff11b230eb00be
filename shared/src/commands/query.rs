//! Reading a site's license and statement.

use super::{Asker, EmailNotVerified, SiteNotFound, authorized};
use crate::domain::rules::license::{License, view};
use crate::domain::values::ids::SiteId;
use crate::store::{Attempts, Page, StatementQuery, Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;

/// Why a license or a statement is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// See [`SiteNotFound`].
    #[error(transparent)]
    SiteNotFound(#[from] SiteNotFound),
    /// See [`EmailNotVerified`].
    #[error(transparent)]
    EmailNotVerified(#[from] EmailNotVerified),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
/// See [`ReadError`].
pub async fn license(store: &Store, site_id: &SiteId, asker: &Asker) -> Result<License, ReadError> {
    let mut attempts = Attempts::default();
    let site = authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    Ok(view(&site, asker.now))
}

/// Reads a page of a site's statement, in two round trips and, for each end of a period that lies within the
/// statement, one for every sixteenfold of its length.
///
/// # Errors
/// See [`ReadError`].
pub async fn statement(
    store: &Store,
    site_id: &SiteId,
    period: &Period,
    asker: &Asker,
) -> Result<Page, ReadError> {
    let mut attempts = Attempts::default();
    let site = authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    let start_of = |date: Date| site.time_zone.start_of(date);
    let query = StatementQuery {
        // The calendar's last days have no instants in every zone: nothing begins there, everything is before.
        from: period
            .from
            .map(|from| start_of(from).unwrap_or(Timestamp::MAX)),
        until: period.to.and_then(|to| start_of(to.tomorrow().ok()?)),
        after: period.after,
        most: period.most,
    };
    Ok(store.statement(&site, &query, &mut attempts).await?)
}
