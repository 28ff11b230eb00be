//! Reading a site's license and statement.

use super::asker::{Asker, ReadError, authorized};
use super::people::People;
use crate::domain::rules::license::{License, view};
use crate::domain::values::ids::SiteId;
use crate::store::{Attempts, Page, StatementQuery, Store, TypedKey};
use jiff::Timestamp;
use jiff::civil::Date;

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
    pub limit: u16,
}

/// Reads a site's license, in one round trip.
///
/// # Errors
/// See [`ReadError`].
pub async fn license(store: &Store, site_id: &SiteId, asker: &Asker) -> Result<License, ReadError> {
    let site = TypedKey::site(site_id);
    let site = store.read(site, &mut Attempts::default()).await?;
    Ok(view(&authorized(site, asker)?, asker.now))
}

/// A page of a statement, and whom it names.
#[derive(Debug)]
pub struct Statement {
    /// The page.
    pub page: Page,
    /// The people whom its entries name.
    pub people: People,
}

/// Reads a page of a site's statement, in two round trips, in one more if it names users, and, for each end of a period that lies within the
/// statement, one for every sixteenfold of its length.
///
/// # Errors
/// See [`ReadError`].
pub async fn statement(
    store: &Store,
    site_id: &SiteId,
    period: &Period,
    asker: &Asker,
) -> Result<Statement, ReadError> {
    let mut attempts = Attempts::default();
    let site = store.read(TypedKey::site(site_id), &mut attempts).await?;
    let site = authorized(site, asker)?;
    let start_of = |date: Date| site.time_zone.start_of(date);
    let query = StatementQuery {
        // The calendar's last days have no instants in every zone: nothing starts there, everything is before.
        from: period
            .from
            .map(|from| start_of(from).unwrap_or(Timestamp::MAX)),
        until: period.to.and_then(|to| start_of(to.tomorrow().ok()?)),
        after: period.after,
        limit: period.limit,
    };
    let page = store.statement(&site, &query, &mut attempts).await?;
    let people = People::of(store, &site, &page.entries, &mut attempts).await?;
    Ok(Statement { page, people })
}
