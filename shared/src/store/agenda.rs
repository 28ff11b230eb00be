//! Reading the agenda: the sites that have something to do, and nothing else.

use super::items::agenda_instant;
use super::keys::{MESSAGE_PREFIX, PK, SITE_PREFIX, SK};
use super::retry::{Attempts, Failure};
use super::{AGENDA_INDEX, Store, StoreError};
use crate::domain::values::ids::{MessageId, SiteId};
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use jiff::Timestamp;
use std::collections::HashMap;

/// A page of what is due, the longest due first.
#[derive(Debug)]
pub struct Due {
    /// The sites.
    pub sites: Vec<SiteId>,
    /// The messages that were reserved and not resolved, each with its site.
    pub messages: Vec<(SiteId, MessageId)>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<HashMap<String, AttributeValue>>,
}

impl Store {
    /// Reads a page of what of one shard is due at `until`. The index lags behind the table, so what
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
                    let mut due = Due {
                        sites: Vec::new(),
                        messages: Vec::new(),
                        next: page.last_evaluated_key,
                    };
                    for item in page.items.unwrap_or_default() {
                        let key = |name: &str| item.get(name)?.as_s().ok();
                        let site = key(PK).and_then(|pk| pk.strip_prefix(SITE_PREFIX));
                        let site = site.and_then(|id| SiteId::parse(id).ok());
                        let message = key(SK).and_then(|sk| sk.strip_prefix(MESSAGE_PREFIX));
                        let message = message.and_then(|id| MessageId::parse(id).ok());
                        match (site, message) {
                            (Some(site), Some(message)) => due.messages.push((site, message)),
                            (Some(site), None) => due.sites.push(site),
                            (None, _) => {}
                        }
                    }
                    return Ok(due);
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
