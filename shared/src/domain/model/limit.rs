//! Limits on how often something may be done in an hour or a day of UTC.

use jiff::Timestamp;
use serde::Deserialize;

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

/// How many wrong codes a person tried in an hour (rule 4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
pub struct WrongCodes {
    wrong: u32,
}

impl WrongCodes {
    /// How many may be. To complete a code of which two symbols are hidden takes a thousand tries.
    pub const MOST: u32 = 20;

    /// The hour, counted from 1970.
    pub(crate) fn hour(now: Timestamp) -> i64 {
        now.as_second().div_euclid(HOUR)
    }

    /// That there were too many.
    pub(crate) fn too_many(now: Timestamp) -> LimitReached {
        LimitReached {
            what: "wrong codes in an hour",
            most: Self::MOST,
            again_in_seconds: until_next(HOUR, now),
        }
    }

    /// Lets only those try another code who were not wrong too often.
    ///
    /// # Errors
    /// [`LimitReached`] says when the next one may be tried.
    pub fn check(self, now: Timestamp) -> Result<(), LimitReached> {
        if self.wrong < Self::MOST {
            Ok(())
        } else {
            Err(Self::too_many(now))
        }
    }
}
