//! When a site has something to do next. The scheduled function reads nothing else.

use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::warnings;
use jiff::Timestamp;

/// The instant at which the site's next due date starts in its own zone, or that of its next warning if that comes
/// earlier; for a deleted site whose users are to be erased, the instant of its deletion.
///
/// `None` where nothing will be due: a regular site, a halted or deleted one, one without devices.
#[must_use]
pub fn next(site: &Site) -> Option<Timestamp> {
    match (site.site_type, site.status) {
        (SiteType::Dynamic, Status::Activated) => {
            let due_on = site.devices.next_due_date(site.charged_through)?;
            let due = site.time_zone.start_of(due_on);
            due.into_iter().chain(warnings::next(site)).min()
        }
        (_, Status::Deleted) if site.users_to_erase => Some(site.last_entry_at),
        (SiteType::Dynamic, Status::PaymentRequired | Status::Deleted) | (SiteType::Regular, _) => {
            None
        }
    }
}
