//! The agenda: which sites have something to do, and when. The scheduled function reads nothing else.

use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::warnings;
use crate::domain::values::ids::SiteId;
use jiff::Timestamp;

/// How many shards the agenda has. Each is a partition of the index, and takes 1,000 writes a second.
pub const SHARDS: u8 = 8;

/// The shard of a site: by its ID, which is random.
#[must_use]
pub fn shard_of(site_id: &SiteId) -> u8 {
    let sum = site_id
        .as_str()
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    sum % SHARDS
}

/// The instant at which the site's next due date begins in its own zone, or the date of its next warning if that comes
/// before; of a deleted site whose users are to be erased, the instant of its deletion.
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
