//! The agenda: an index of what has something to do, and when.

use crate::domain::values::ids::SiteId;

/// How many shards the agenda has. Each is a partition of the index, and takes 1,000 writes a second.
pub const SHARDS: u8 = 8;

/// The shard of a site: by its ID, which is random.
#[must_use]
pub fn shard_of(site_id: &SiteId) -> u8 {
    let bytes = site_id.as_str().bytes();
    bytes.fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % SHARDS
}
