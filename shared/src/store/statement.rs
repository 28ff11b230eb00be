//! Reading a statement.
//!
//! Entries are found by their sequence number, and a period by searching for its ends: entries are gap-free and
//! their times never decrease, so each round of the search reads a few entries and leaves a sixteenth of the
//! range. What that costs grows with the logarithm of a statement's length.

use super::items::decode_entry;
use super::keys::{PK, SK, entry_sort_key, site_partition};
use super::reads::TypedKey;
use super::retry::{Attempts, Failure};
use super::{Store, StoreError};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::Site;
use crate::domain::values::ids::SiteId;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

/// How many entries one round of a search reads.
const PROBES: u64 = 15;

/// Which part of a statement.
#[derive(Clone, Debug)]
pub struct StatementQuery {
    /// From the first entry at this instant or later.
    pub from: Option<Timestamp>,
    /// Until the last entry before this instant.
    pub until: Option<Timestamp>,
    /// Only entries after this sequence number: where the page before ended.
    pub after: Option<u64>,
    /// The most entries of the page.
    pub limit: u16,
}

/// A page of a statement, oldest first.
#[derive(Debug)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The sequence number after which the next page starts; `None` after the last.
    pub next: Option<u64>,
}

impl Store {
    /// Reads a page of a site's statement.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn statement(
        &self,
        site: &Site,
        query: &StatementQuery,
        attempts: &mut Attempts,
    ) -> Result<Page, StoreError> {
        let mut first = 1;
        let mut end = site.sequence + 1;
        if let Some(from) = query.from {
            first = self.first_entry_at(site, from, attempts).await?;
        }
        if let Some(until) = query.until {
            end = self.first_entry_at(site, until, attempts).await?;
        }
        if let Some(after) = query.after {
            first = first.max(after.saturating_add(1));
        }
        let last = end
            .saturating_sub(1)
            .min(first.saturating_add(u64::from(query.limit)) - 1);
        if first > last {
            return Ok(Page {
                entries: Vec::new(),
                next: None,
            });
        }
        let entries = self.entries(&site.id, first, last, attempts).await?;
        Ok(Page {
            next: (last + 1 < end).then_some(last),
            entries,
        })
    }

    /// Reads the entries from one sequence number to another.
    async fn entries(
        &self,
        site: &SiteId,
        first: u64,
        last: u64,
        attempts: &mut Attempts,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        let mut from = None;
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#pk = :site AND #sk BETWEEN :first AND :last")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_names("#sk", SK)
                .expression_attribute_values(":site", AttributeValue::S(site_partition(site)))
                .expression_attribute_values(":first", AttributeValue::S(entry_sort_key(first)))
                .expression_attribute_values(":last", AttributeValue::S(entry_sort_key(last)))
                .set_exclusive_start_key(from.clone());
            match request.send().await.map_err(Failure::of) {
                Ok(page) => {
                    for item in page.items.unwrap_or_default() {
                        entries.push(decode_entry(&item)?.0);
                    }
                    match page.last_evaluated_key {
                        None => return Ok(entries),
                        next => from = next,
                    }
                }
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
    }

    /// The sequence number of the first entry at an instant or later; one past the last where there is none.
    async fn first_entry_at(
        &self,
        site: &Site,
        at: Timestamp,
        attempts: &mut Attempts,
    ) -> Result<u64, StoreError> {
        // Every entry below `low` is earlier; the entry `high`, or the end, is not.
        let (mut low, mut high) = (1, site.sequence + 1);
        if at > site.last_entry_at {
            return Ok(high);
        }
        while low < high {
            let step = (high - low).div_ceil(PROBES + 1).max(1);
            let probes: Vec<u64> = (0..PROBES)
                .map(|n| low + n * step)
                .take_while(|&probe| probe < high)
                .collect();
            let keys = probes.iter();
            let keys = keys.map(|&sequence| TypedKey::entry(&site.id, sequence));
            let found = self.read(keys.collect::<Vec<_>>(), attempts).await?;
            for (probe, entry) in probes.into_iter().zip(found) {
                // If an entry is missing, which `verify` reports, the search goes on without it.
                let late = entry.is_some_and(|(entry, _)| entry.at >= at);
                if late {
                    high = probe;
                    break;
                }
                low = probe + 1;
            }
        }
        Ok(high)
    }
}
