//! Strongly consistent reads of items by typed keys, in one round trip.
//!
//! What is read is a type: a [`TypedKey`] gives an `Option` of its noun, a list of them a list, and a tuple a tuple. So
//! no caller counts positions.

use super::item::{CorruptItem, Item};
use super::keys::{Key, PK, SK};
use super::retry::{Attempts, Failure};
use super::{Store, StoreError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::HashMap;

/// The key of an item, and how the item is read.
#[derive(Clone, Debug)]
pub struct TypedKey<V> {
    pub(super) key: Key,
    pub(super) decode: fn(&Item) -> Result<V, CorruptItem>,
}

/// What one request reads.
pub trait Reads {
    /// What it gives.
    type Loaded;

    /// Adds the keys.
    fn add_keys(&self, keys: &mut Vec<Key>);

    /// Takes the items of its keys, in their order.
    ///
    /// # Errors
    /// An item is corrupt.
    fn take(&self, found: &mut Found) -> Result<Self::Loaded, CorruptItem>;
}

/// The items that were found, in the order of their keys.
pub type Found = std::vec::IntoIter<Option<Item>>;

impl<V> Reads for TypedKey<V> {
    type Loaded = Option<V>;

    fn add_keys(&self, keys: &mut Vec<Key>) {
        keys.push(self.key.clone());
    }

    fn take(&self, found: &mut Found) -> Result<Option<V>, CorruptItem> {
        let item = found.next().flatten();
        item.map(|item| (self.decode)(&item)).transpose()
    }
}

impl<R: Reads> Reads for Vec<R> {
    type Loaded = Vec<R::Loaded>;

    fn add_keys(&self, keys: &mut Vec<Key>) {
        for reads in self {
            reads.add_keys(keys);
        }
    }

    fn take(&self, found: &mut Found) -> Result<Self::Loaded, CorruptItem> {
        self.iter().map(|reads| reads.take(found)).collect()
    }
}

impl<V> Reads for Option<TypedKey<V>> {
    type Loaded = Option<V>;

    fn add_keys(&self, keys: &mut Vec<Key>) {
        if let Some(reads) = self {
            reads.add_keys(keys);
        }
    }

    fn take(&self, found: &mut Found) -> Result<Option<V>, CorruptItem> {
        let loaded = self.as_ref().map(|reads| reads.take(found)).transpose();
        loaded.map(Option::flatten)
    }
}

impl<R: Reads> Reads for &R {
    type Loaded = R::Loaded;

    fn add_keys(&self, keys: &mut Vec<Key>) {
        R::add_keys(self, keys);
    }

    fn take(&self, found: &mut Found) -> Result<Self::Loaded, CorruptItem> {
        R::take(self, found)
    }
}

macro_rules! reads_of_tuples {
    ($(($($name:ident $place:tt),*))*) => {
        $(impl<$($name: Reads),*> Reads for ($($name,)*) {
            type Loaded = ($($name::Loaded,)*);

            #[allow(unused_variables, reason = "the empty tuple has no keys")]
            fn add_keys(&self, keys: &mut Vec<Key>) {
                $(self.$place.add_keys(keys);)*
            }

            #[allow(unused_variables, clippy::unused_unit, reason = "the empty tuple has no items")]
            fn take(&self, found: &mut Found) -> Result<Self::Loaded, CorruptItem> {
                Ok(($(self.$place.take(found)?,)*))
            }
        })*
    };
}

reads_of_tuples! {
    ()
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}

impl Store {
    /// Reads items by their typed keys, at most 100.
    ///
    /// # Errors
    /// The table was busy past the retries, or refused the request; or an item is corrupt.
    pub async fn read<R: Reads>(
        &self,
        reads: R,
        attempts: &mut Attempts,
    ) -> Result<R::Loaded, StoreError> {
        let mut keys = Vec::new();
        reads.add_keys(&mut keys);
        let found = self.load(&keys, attempts).await?;
        Ok(reads.take(&mut found.into_iter())?)
    }

    /// Reads items by their keys: each at its key's place, `None` where there is none.
    async fn load(
        &self,
        keys: &[Key],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Item>>, StoreError> {
        let mut found: Vec<Option<Item>> = vec![None; keys.len()];
        let mut wanted: Vec<usize> = (0..keys.len()).collect();
        while !wanted.is_empty() {
            // Boxed, because the SDK's futures are nested too deeply to be part of larger ones.
            match Box::pin(self.request(keys, &wanted)).await {
                Ok(items) => {
                    place(keys, &mut wanted, &mut found, items);
                    if !wanted.is_empty() {
                        // The table leaves out what it has no capacity for just now.
                        attempts.again(None).await?;
                    }
                }
                Err(failure) => attempts.read_again(failure).await?,
            }
        }
        Ok(found)
    }

    /// One request: what it found, and the keys that it left unprocessed.
    async fn request(&self, keys: &[Key], wanted: &[usize]) -> Result<Answer, Failure> {
        // What is left of a batch is asked for as a batch again: a role may allow `GetItem` for fewer items.
        if let ([one], 1) = (wanted, keys.len()) {
            let request = self.client.get_item().table_name(&self.table);
            let request = request.consistent_read(true);
            let answer = request.set_key(Some(keys[*one].attributes())).send().await;
            return Ok(Answer {
                items: answer.map_err(Failure::of)?.item.into_iter().collect(),
                unprocessed: Vec::new(),
            });
        }
        let wanted = wanted.iter().map(|&at| keys[at].attributes()).collect();
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(wanted))
            .consistent_read(true)
            .build()
            .map_err(|error| Failure::Fatal(error.into()))?;
        let request = self.client.batch_get_item();
        let request = request.request_items(&self.table, wanted);
        let answer = request.send().await.map_err(Failure::of)?;
        let items = answer.responses.unwrap_or_default().into_values();
        let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_values();
        Ok(Answer {
            items: items.flatten().collect(),
            unprocessed: unprocessed.flat_map(|left| left.keys).collect(),
        })
    }
}

struct Answer {
    items: Vec<Item>,
    unprocessed: Vec<HashMap<String, AttributeValue>>,
}

/// Puts what was found in its place, and keeps what was left unprocessed as wanted.
fn place(keys: &[Key], wanted: &mut Vec<usize>, found: &mut [Option<Item>], answer: Answer) {
    let is = |key: &Key, attributes: &Item| {
        let (pk, sk) = key.pair();
        let text = |name: &str| attributes.get(name).and_then(|value| value.as_s().ok());
        text(PK) == Some(&pk) && text(SK) == Some(&sk)
    };
    for item in answer.items {
        if let Some(&at) = wanted.iter().find(|&&at| is(&keys[at], &item)) {
            found[at] = Some(item);
        }
    }
    wanted.retain(|&at| answer.unprocessed.iter().any(|left| is(&keys[at], left)));
}
