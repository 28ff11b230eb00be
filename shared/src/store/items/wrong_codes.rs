//! The item that counts a person's wrong codes of an hour.

use crate::domain::model::wrong_codes::WrongCodes;
use crate::domain::values::email::Email;
use crate::store::conditional::Conditional;
use crate::store::item::decode;
use crate::store::keys::Key;
use crate::store::reads::TypedKey;
use jiff::Timestamp;

/// Counts one more.
const COUNT: &str = "expires_at = :expires_at ADD wrong :one";
/// There are not too many yet.
const NOT_TOO_MANY: &str = "(attribute_not_exists(wrong) OR wrong < :most)";
/// How long a count is kept, in seconds: its hour is over by then.
const KEPT: i64 = 2 * 3_600;

impl TypedKey<WrongCodes> {
    /// How many wrong codes a person tried in the hour of an instant.
    #[must_use]
    pub fn wrong_codes(by: &Email, at: Timestamp) -> Self {
        Self {
            key: Key::WrongCodes(by.clone(), at),
            decode,
        }
    }
}

pub(super) fn counted(by: &Email, at: Timestamp, most: u32) -> Conditional {
    Conditional::update(Key::WrongCodes(by.clone(), at), COUNT)
        .when(NOT_TOO_MANY)
        .number(":one", 1)
        .number(":most", most)
        .number(":expires_at", at.as_second() + KEPT)
}
