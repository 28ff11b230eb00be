//! The wrong codes of a person.

use crate::domain::model::limit::HOUR;
use jiff::Timestamp;
use serde::Deserialize;

/// How many wrong codes a person tried in an hour of UTC.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
pub struct WrongCodes {
    /// How many.
    pub wrong: u32,
}

/// The hour of an instant, counted from 1970.
pub(crate) fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(HOUR)
}
