//! Reading the agenda: the sites that have something to do, and nothing else.

use super::items::agenda_instant;
use super::keys::PK;
use super::retry::{Attempts, Failure};
use super::{AGENDA_INDEX, Store, StoreError};
use crate::domain::identity::SiteId;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use jiff::Timestamp;
use std::collections::HashMap;

/// A page of sites that are due, the longest due first.
#[derive(Debug)]
pub struct Due {
    /// The sites.
    pub sites: Vec<SiteId>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<HashMap<String, AttributeValue>>,
}

impl Store {
    /// Reads a page of the sites of one shard that are due at `until`. The index lags behind the table, so what
    /// it says is a hint: the site itself is read before anything is decided.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request.
    pub async fn due(
        &self,
        shard: u8,
        until: Timestamp,
        from: Option<HashMap<String, AttributeValue>>,
        most: usize,
    ) -> Result<Due, StoreError> {
        let mut attempts = Attempts::default();
        loop {
            let request = self
                .agenda_query(shard, until)
                .limit(i32::try_from(most).unwrap_or(i32::MAX));
            match request
                .set_exclusive_start_key(from.clone())
                .send()
                .await
                .map_err(Failure::of)
            {
                Ok(page) => {
                    let keys = page.items.unwrap_or_default();
                    let sites = keys
                        .iter()
                        .filter_map(|item| item.get(PK)?.as_s().ok()?.strip_prefix("SITE#"));
                    return Ok(Due {
                        sites: sites.filter_map(|id| SiteId::parse(id).ok()).collect(),
                        next: page.last_evaluated_key,
                    });
                }
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
    }

    /// Counts what of one shard is due at `until`: at most one page of the index, a megabyte.
    ///
    /// # Errors
    /// As [`Store::due`].
    pub async fn count_due(&self, shard: u8, until: Timestamp) -> Result<u64, StoreError> {
        let mut attempts = Attempts::default();
        loop {
            let request = self.agenda_query(shard, until).select(Select::Count);
            match request.send().await.map_err(Failure::of) {
                Ok(page) => return Ok(u64::from(page.count.unsigned_abs())),
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
    }

    fn agenda_query(
        &self,
        shard: u8,
        until: Timestamp,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(AGENDA_INDEX)
            .key_condition_expression("agenda_shard = :shard AND agenda_at <= :until")
            .expression_attribute_values(":shard", AttributeValue::S(shard.to_string()))
            .expression_attribute_values(":until", AttributeValue::S(agenda_instant(until)))
    }
}
