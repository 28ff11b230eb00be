//! Strongly consistent reads of items by key, in one round trip.

use super::items::{Item, decode_entry, decode_site};
use super::keys::{Key, PK, SK};
use super::retry::{Attempts, Failure};
use super::{Store, StoreError};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::Site;
use crate::domain::values::ids::{CommandId, SiteId};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::HashMap;

impl Store {
    /// Reads items by their keys, at most 100: each at its key's place, `None` where there is none.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request.
    pub async fn load(
        &self,
        keys: &[Key],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Item>>, StoreError> {
        let mut found: Vec<Option<Item>> = vec![None; keys.len()];
        let mut wanted: Vec<usize> = (0..keys.len()).collect();
        while !wanted.is_empty() {
            match self.read(keys, &wanted).await {
                Ok(items) => {
                    let missing = place(keys, &mut wanted, &mut found, items);
                    if missing > 0 {
                        // The table leaves out what it has no capacity for just now.
                        attempts.again(None).await?;
                    }
                }
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
        Ok(found)
    }

    /// Reads one entry of a statement, and the command that wrote it.
    ///
    /// # Errors
    /// As [`Store::load`]; or the item is not of its form.
    pub async fn entry(
        &self,
        site: &SiteId,
        sequence: u64,
        attempts: &mut Attempts,
    ) -> Result<Option<(Entry, CommandId)>, StoreError> {
        let key = Key::Entry(site.clone(), sequence);
        let item = self.load(&[key], attempts).await?.pop().flatten();
        Ok(item.map(|item| decode_entry(&item)).transpose()?)
    }

    /// Reads sites, at most 100, each at its ID's place: `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::entry`].
    pub async fn sites(
        &self,
        ids: &[SiteId],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Site>>, StoreError> {
        let keys: Vec<Key> = ids.iter().cloned().map(Key::Site).collect();
        let items = self.load(&keys, attempts).await?.into_iter();
        let sites = items.map(|item| item.map(|item| decode_site(&item)).transpose());
        Ok(sites.collect::<Result<_, _>>()?)
    }

    /// One request: what it found, and the keys that it left unprocessed.
    async fn read(&self, keys: &[Key], wanted: &[usize]) -> Result<Read, Failure> {
        // What is left of a batch is asked for as a batch again: a role may allow `GetItem` for fewer items.
        if let ([one], 1) = (wanted, keys.len()) {
            let request = self
                .client
                .get_item()
                .table_name(&self.table)
                .consistent_read(true);
            let answer = request.set_key(Some(keys[*one].attributes())).send().await;
            return Ok(Read {
                items: answer.map_err(Failure::of)?.item.into_iter().collect(),
                unprocessed: Vec::new(),
            });
        }
        let wanted = wanted
            .iter()
            .map(|&place| keys[place].attributes())
            .collect();
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(wanted))
            .consistent_read(true);
        let wanted = wanted
            .build()
            .map_err(|error| Failure::Fatal(error.into()))?;
        let request = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted);
        let answer = request.send().await.map_err(Failure::of)?;
        let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_values();
        Ok(Read {
            items: answer
                .responses
                .unwrap_or_default()
                .into_values()
                .flatten()
                .collect(),
            unprocessed: unprocessed.flat_map(|left| left.keys).collect(),
        })
    }
}

struct Read {
    items: Vec<Item>,
    unprocessed: Vec<HashMap<String, AttributeValue>>,
}

/// Puts what was read in its place, keeps what was left unprocessed as wanted, and counts that.
fn place(keys: &[Key], wanted: &mut Vec<usize>, found: &mut [Option<Item>], read: Read) -> usize {
    let is = |key: &Key, attributes: &Item| {
        let (pk, sk) = key.pair();
        let text = |name: &str| attributes.get(name).and_then(|value| value.as_s().ok());
        text(PK) == Some(&pk) && text(SK) == Some(&sk)
    };
    for item in read.items {
        if let Some(&at) = wanted.iter().find(|&&at| is(&keys[at], &item)) {
            found[at] = Some(item);
        }
    }
    wanted.retain(|&at| read.unprocessed.iter().any(|left| is(&keys[at], left)));
    wanted.len()
}
