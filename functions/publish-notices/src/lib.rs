//! `publish-notices`: reads the table's stream, and publishes warnings, halts, resumes and invitations to a topic.
//!
//! The statement is the outbox: what is published is an entry, with the entry's ID to tell repeats by. Only an invitation has
//! an item of its own, since no entry has an address. A record that
//! cannot be published is reported, so that Lambda hands it out again, with all that came after it in its shard: so each
//! is published at least once. Of its site nothing later is published in the same batch, which keeps the order; the
//! records of other sites are. One that never can be ends in the queue of failures, and the stream goes on.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use site_credits::domain::model::entry::Entry;
use site_credits::domain::rules::wording::{NOTICE_KINDS, Notice, invitation_notice, notice};
use site_credits::domain::values::ids::SiteId;
use site_credits::sns::{NotPublished, Topic};
use site_credits::store::{
    Attempts, CorruptItem, Item, Store, StoreError, TypedKey, decode_entry, decode_invitation,
};
use site_credits::telemetry;
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// How many notices are remembered as published: more than come after one that is held back, until it is given up.
const REMEMBERED: usize = 10_000;

/// The function, with what it needs.
#[derive(Debug)]
pub struct PublishNotices {
    /// The table.
    pub store: Store,
    /// The topic.
    pub topic: Topic,
    /// What was published. Lambda hands out again all that came after a record that failed, and mostly to the same process:
    /// so it is not published again each time.
    pub published: Published,
}

/// The IDs of the notices that this process published.
#[derive(Debug, Default)]
pub struct Published(Mutex<VecDeque<String>>);

impl Published {
    fn has(&self, id: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|known| known == id)
    }

    fn remember(&self, id: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(id);
        if known.len() > REMEMBERED {
            known.pop_front();
        }
    }
}

/// Why a record is not published.
#[derive(Debug, thiserror::Error)]
enum Held {
    /// It is no entry or invitation, though it says so.
    #[error("the record is not what it says")]
    Corrupt(#[from] CorruptItem),
    /// Its site is not there.
    #[error("the entry's site is not there")]
    NoSite,
    /// The site could not be read.
    #[error("the entry's site could not be read")]
    Store(#[from] StoreError),
    /// The topic does not take it.
    #[error(transparent)]
    Topic(#[from] NotPublished),
}

impl PublishNotices {
    /// Publishes what of a batch people are to be told of, and reports the records that could not be.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let mut response = DynamoDbEventResponse::default();
        let mut held_sites = HashSet::new();
        let mut published = 0_u64;
        for record in event.records {
            let number = record.change.sequence_number.clone();
            let partition = partition_of(&record);
            if held_sites.contains(&partition) {
                continue;
            }
            match Box::pin(self.publish(record)).await {
                Ok(done) => published += u64::from(done),
                Err(held) => {
                    let causes = telemetry::causes(&held);
                    tracing::error!(sequence_number = number, causes, "a notice was held back");
                    held_sites.insert(partition);
                    let mut failure = DynamoDbBatchItemFailure::default();
                    failure.item_identifier = Some(number.unwrap_or_default());
                    response.batch_item_failures.push(failure);
                }
            }
        }
        let held = response.batch_item_failures.len();
        tracing::info!(published, held, "published");
        response
    }

    /// Publishes one record; false where nobody is told of it.
    async fn publish(&self, record: EventRecord) -> Result<bool, Held> {
        let is_new = record.event_name == "INSERT";
        let is_written = is_new || record.event_name == "MODIFY";
        let item: Item = record.change.new_image.into();
        let text = |name: &str| item.get(name)?.as_s().ok();
        let begins = |name: &str, with: &str| text(name).is_some_and(|key| key.starts_with(with));
        if is_written && begins("PK", "SITE#") && begins("SK", "INVITATION#") {
            let sent = decode_invitation(&item)?;
            return self.send(&sent.site_id, &invitation_notice(&sent)).await;
        }
        // What is of another kind is left alone, whatever is wrong with it.
        let is_notice = text("kind").is_none_or(|kind| NOTICE_KINDS.contains(&kind.as_str()));
        if !is_new || !begins("SK", "ENTRY#") || !is_notice {
            return Ok(false);
        }
        let (entry, _): (Entry, _) = decode_entry(&item)?;
        let site_id = &entry.site_id;
        if self.published.has(&format!("{site_id}-{}", entry.sequence)) {
            return Ok(false);
        }
        let site = TypedKey::site(site_id);
        let site = self.store.read(site, &mut Attempts::default()).await?;
        match notice(&entry, &site.ok_or(Held::NoSite)?) {
            Some(notice) => self.send(site_id, &notice).await,
            None => Ok(false),
        }
    }

    /// Publishes a notice, unless this process did before.
    async fn send(&self, site_id: &SiteId, notice: &Notice) -> Result<bool, Held> {
        if self.published.has(&notice.id) {
            return Ok(false);
        }
        self.topic.publish(site_id.as_str(), notice).await?;
        self.published.remember(notice.id.clone());
        Ok(true)
    }
}

/// The partition of a record: the site, whose records keep their order.
fn partition_of(record: &EventRecord) -> String {
    let key: Item = record.change.keys.clone().into();
    let key = key.get("PK").and_then(|key| key.as_s().ok());
    key.cloned().unwrap_or_default()
}
