//! Reading the items of one partition in the order of their sort keys, a page at a time. What a page costs grows with
//! the page. What is read from an index may lag behind the table by a moment.

use super::item::Item;
use super::keys::{
    ACCOUNT_AT, APPLIED_PREFIX, BATCH_PREFIX, DEVICE_PREFIX, HISTORY_PREFIX, INVITATION_PREFIX,
    MESSAGE_PREFIX, PARTNER_ID, PK, SITE_PREFIX, SK, USER_PREFIX, account_partition,
    history_instant, partner_partition, person_partition, site_partition, user_sort_key,
};
use super::retry::{Attempts, Failure};
use super::{ACCOUNT_INDEX, Store, StoreError};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PartnerId, SiteId, UserId};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use std::collections::HashMap;

/// A part of a partition of the table, or of the index of accounts, by the prefix of its sort keys.
#[derive(Clone, Debug)]
pub struct Listing {
    index: Option<&'static str>,
    /// The names of the keys.
    keys: (&'static str, &'static str),
    partition: String,
    prefix: &'static str,
    /// The first sort key, and one that is greater than the last, both without the prefix.
    range: (String, String),
    newest_first: bool,
}

/// A character that sorts after every character of a sort key.
const AFTER_ALL: &str = "~";

/// A page of a listing.
#[derive(Debug)]
pub struct Listed {
    /// The items.
    pub items: Vec<Item>,
    /// The sort key, without its prefix, after which the next page starts; `None` after the last.
    pub next: Option<String>,
}

impl Listing {
    fn of(partition: String, prefix: &'static str) -> Self {
        Self {
            index: None,
            keys: (PK, SK),
            partition,
            prefix,
            range: (String::new(), AFTER_ALL.to_owned()),
            newest_first: false,
        }
    }

    /// The devices of a site, by their IDs.
    #[must_use]
    pub fn devices(site: &SiteId) -> Self {
        Self::of(site_partition(site), DEVICE_PREFIX)
    }

    /// The sites of a person, by their IDs.
    #[must_use]
    pub fn sites_of_person(email: &Email) -> Self {
        Self::of(person_partition(email), SITE_PREFIX)
    }

    /// The sites that a person is invited to, by their IDs.
    #[must_use]
    pub fn invitations_of_person(email: &Email) -> Self {
        Self::of(person_partition(email), INVITATION_PREFIX)
    }

    /// The messages of a site, the newest first: their IDs begin with the time.
    #[must_use]
    pub fn messages(site: &SiteId) -> Self {
        Self {
            newest_first: true,
            ..Self::of(site_partition(site), MESSAGE_PREFIX)
        }
    }

    /// The users of a site: those whose ID is a number by its value, then the others by their IDs.
    #[must_use]
    pub fn users(site: &SiteId) -> Self {
        Self::of(site_partition(site), USER_PREFIX)
    }

    /// Where the page of users after a user starts.
    #[must_use]
    pub fn after_user(user: &UserId) -> String {
        user_sort_key(user)
    }

    /// The batches of a partner, the newest first: their IDs begin with the time.
    #[must_use]
    pub fn batches(partner: &PartnerId) -> Self {
        Self {
            newest_first: true,
            ..Self::of(partner_partition(partner), BATCH_PREFIX)
        }
    }

    fn of_account(partner: &PartnerId, prefix: &'static str) -> Self {
        Self {
            index: Some(ACCOUNT_INDEX),
            keys: (PARTNER_ID, ACCOUNT_AT),
            ..Self::of(partner.to_string(), prefix)
        }
    }

    /// The sites that applied a partner's codes, by their IDs: the entries that lead to them.
    #[must_use]
    pub fn sites_of_partner(partner: &PartnerId) -> Self {
        Self::of_account(partner, SITE_PREFIX)
    }

    /// The same while the first form was written: an item for each.
    #[must_use]
    pub fn older_sites_of_partner(partner: &PartnerId) -> Self {
        Self::of(account_partition(partner), SITE_PREFIX)
    }

    /// The lines of a partner's history from one instant until before another, the oldest first; of applied codes those of
    /// the first form alone.
    #[must_use]
    pub fn history(partner: &PartnerId, from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self::of(account_partition(partner), HISTORY_PREFIX).between(from, until)
    }

    /// The codes of a partner that were applied from one instant until before another, the oldest first.
    #[must_use]
    pub fn applied(partner: &PartnerId, from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self::of_account(partner, APPLIED_PREFIX).between(from, until)
    }

    fn between(self, from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self {
            range: (
                from.map_or(String::new(), history_instant),
                until.map_or(AFTER_ALL.to_owned(), history_instant),
            ),
            ..self
        }
    }

    /// The sort key of an item, without the prefix.
    #[must_use]
    pub fn place(&self, item: &Item) -> Option<String> {
        let key = item.get(self.keys.1)?.as_s().ok()?;
        key.strip_prefix(self.prefix).map(str::to_owned)
    }

    fn sort_key(&self, rest: &str) -> AttributeValue {
        AttributeValue::S(format!("{}{rest}", self.prefix))
    }
}

impl Store {
    /// Reads at most `most` items of a listing, from behind the one where the page before ended.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request.
    pub async fn list(
        &self,
        listing: &Listing,
        after: Option<&str>,
        most: u16,
        attempts: &mut Attempts,
    ) -> Result<Listed, StoreError> {
        let (first, last) = (listing.range.0.as_str(), listing.range.1.as_str());
        // A cursor of another listing does not fail: one that lies before this listing starts it, one behind it ends it.
        if after.is_some_and(|after| after > last) {
            return Ok(Listed {
                items: Vec::new(),
                next: None,
            });
        }
        let after = after.filter(|&after| after >= first);
        let (pk, sk) = listing.keys;
        // An index has no place for a page to start behind, without the keys of an item there. What is greater than the last
        // sort key starts with the next character that there is.
        let (first, after) = match (after, listing.index) {
            (Some(after), Some(_)) => (format!("{after}\0"), None),
            (after, _) => (first.to_owned(), after),
        };
        let mut items: Vec<Item> = Vec::new();
        let partition = AttributeValue::S(listing.partition.clone());
        let mut from = after.map(|after| {
            HashMap::from([
                (pk.to_owned(), partition.clone()),
                (sk.to_owned(), listing.sort_key(after)),
            ])
        });
        let most = usize::from(most);
        // One more than is wanted tells whether there is another page.
        while items.len() <= most {
            let wanted = i32::try_from(most + 1 - items.len()).unwrap_or(i32::MAX);
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .set_index_name(listing.index.map(str::to_owned))
                .consistent_read(listing.index.is_none())
                .key_condition_expression("#pk = :partition AND #sk BETWEEN :first AND :last")
                .expression_attribute_names("#pk", pk)
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":partition", partition.clone())
                .expression_attribute_values(":first", listing.sort_key(&first))
                .expression_attribute_values(":last", listing.sort_key(last))
                .scan_index_forward(!listing.newest_first)
                .limit(wanted)
                .set_exclusive_start_key(from.clone());
            match request.send().await.map_err(Failure::of) {
                Ok(page) => {
                    items.extend(page.items.unwrap_or_default());
                    match page.last_evaluated_key {
                        None => break,
                        next => from = next,
                    }
                }
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
        let more = items.len() > most;
        items.truncate(most);
        let end = items.last().filter(|_| more);
        Ok(Listed {
            next: end.and_then(|item| listing.place(item)),
            items,
        })
    }
}
