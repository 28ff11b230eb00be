//! How often a person may be wrong about codes (rule 4).

use crate::domain::model::limit::{HOUR, LimitReached, until_next};
use crate::domain::model::wrong_codes::WrongCodes;
use jiff::Timestamp;

/// The most wrong codes in an hour. To complete a code of which two symbols are hidden takes a thousand tries.
pub const MAX_WRONG_CODES: u32 = 20;

/// Lets only those try a code who were not wrong too often, be it a right one.
pub(crate) fn may_try(wrong: WrongCodes, now: Timestamp) -> Result<(), LimitReached> {
    if wrong.wrong < MAX_WRONG_CODES {
        Ok(())
    } else {
        Err(too_many(now))
    }
}

/// The person tried as many wrong codes as they may in this hour.
pub(crate) fn too_many(now: Timestamp) -> LimitReached {
    LimitReached {
        what: "wrong codes in an hour",
        most: MAX_WRONG_CODES,
        again_in_seconds: until_next(HOUR, now),
    }
}
