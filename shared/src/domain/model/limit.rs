//! Limits on how often something may be done in an hour or a day of UTC.

use jiff::Timestamp;

/// The seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;
/// The seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// It was done as often as it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{most} {what}, which is the limit: there may be more in {again_in_seconds} seconds")]
pub struct LimitReached {
    /// Of what.
    pub what: &'static str,
    /// How many may be.
    pub most: u32,
    /// In how many seconds there may be more.
    pub again_in_seconds: i64,
}

/// The seconds until the next hour, or the next day, begins.
pub(crate) fn until_next(length: i64, now: Timestamp) -> i64 {
    length - now.as_second().rem_euclid(length)
}
