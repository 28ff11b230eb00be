//! How many wrong codes a person tried in this hour: counted by one write, and without a read.

use super::item::decode;
use super::keys::{Key, PK, SK};
use super::reads::TypedKey;
use super::retry::{Attempts, Failure};
use super::{Store, StoreError};
use crate::domain::model::limit::{LimitReached, WrongCodes};
use crate::domain::values::email::Email;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

/// Counts one more, unless there were too many.
const COUNT: &str = "ADD wrong :one SET expires_at = :expires_at";
/// There were not too many.
const NOT_TOO_MANY: &str = "attribute_not_exists(wrong) OR wrong < :most";
/// How long a count is kept after its hour began, in seconds.
const KEPT: i64 = 2 * 3_600;

impl TypedKey<WrongCodes> {
    /// How many wrong codes a person tried in the hour of `now`.
    #[must_use]
    pub fn wrong_codes(by: &Email, now: Timestamp) -> Self {
        Self {
            key: Key::WrongCodes(by.clone(), WrongCodes::hour(now)),
            decode,
        }
    }
}

impl Store {
    /// Counts a wrong code of this person, in one round trip. It may be counted twice where an answer is lost.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request. The inner error: there were too many before.
    pub async fn count_wrong_code(
        &self,
        by: &Email,
        now: Timestamp,
    ) -> Result<Result<(), LimitReached>, StoreError> {
        let hour = WrongCodes::hour(now);
        let (pk, sk) = Key::WrongCodes(by.clone(), hour).pair();
        let number = |number: i64| AttributeValue::N(number.to_string());
        let mut attempts = Attempts::default();
        loop {
            let request = self
                .client
                .update_item()
                .table_name(&self.table)
                .key(PK, AttributeValue::S(pk.clone()))
                .key(SK, AttributeValue::S(sk.clone()))
                .update_expression(COUNT)
                .condition_expression(NOT_TOO_MANY)
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":most", number(WrongCodes::MOST.into()))
                .expression_attribute_values(":expires_at", number(now.as_second() + KEPT));
            let Err(error) = Box::pin(request.send()).await else {
                return Ok(Ok(()));
            };
            if let Some(UpdateItemError::ConditionalCheckFailedException(_)) =
                error.as_service_error()
            {
                return Ok(Err(WrongCodes::too_many(now)));
            }
            attempts.read_again(Failure::of(error)).await?;
        }
    }
}
