//! An item of the table, and what encoding and decoding have in common.

use super::keys::{FORM, Key, PK, SK};
use crate::domain::values::form::Form;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item as the SDK gives it.
pub type Item = HashMap<String, AttributeValue>;

/// An item is corrupt: which one, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the item {partition_key} / {sort_key} is corrupt: {reason}")]
pub struct CorruptItem {
    /// Its partition key.
    pub partition_key: String,
    /// Its sort key.
    pub sort_key: String,
    /// What is wrong.
    pub reason: String,
}

impl CorruptItem {
    pub(super) fn of(item: &Item, reason: impl Into<String>) -> Self {
        let text = |name: &str| {
            let value = item.get(name).and_then(|value| value.as_s().ok());
            value.cloned().unwrap_or_else(|| "?".to_owned())
        };
        Self {
            partition_key: text(PK),
            sort_key: text(SK),
            reason: reason.into(),
        }
    }
}

/// Adds the key and the form to the attributes. `serde_dynamo` writes an empty string and an absent value as they are.
pub(super) fn encode(key: &Key, attributes: &impl Serialize) -> Result<Item, CorruptItem> {
    let mut item = key.attributes();
    let encoded: Result<Item, _> = serde_dynamo::to_item(attributes);
    match encoded {
        Ok(attributes) => {
            item.extend(attributes);
            let form = u8::from(Form::NOW).to_string();
            item.insert(FORM.to_owned(), AttributeValue::N(form));
            Ok(item)
        }
        Err(error) => Err(CorruptItem::of(&item, error.to_string())),
    }
}

/// The form of an item. What has none has the first.
///
/// # Errors
/// A later release wrote it.
fn form_of(item: &Item) -> Result<Form, CorruptItem> {
    let Some(form) = item.get(FORM) else {
        return Ok(Form::default());
    };
    let form = form.as_n().ok().and_then(|form| form.parse().ok());
    let form: u8 = form.ok_or_else(|| CorruptItem::of(item, "its form is no number"))?;
    Form::try_from(form).map_err(|error| CorruptItem::of(item, error.to_string()))
}

/// Reads the attributes of an item, unless a later release wrote it.
pub(super) fn decode<T: DeserializeOwned>(item: &Item) -> Result<T, CorruptItem> {
    form_of(item)?;
    serde_dynamo::from_item(item.clone()).map_err(|error| CorruptItem::of(item, error.to_string()))
}

pub(super) fn second_part<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    let key = item.get(name)?.as_s().ok()?;
    key.split_once('#').map(|(_, second)| second)
}
