//! One item of a transaction: an operation under a condition.

use super::item::Item;
use super::keys::Key;
use crate::domain::values::form::Form;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use std::collections::HashMap;

/// The item must not exist.
pub(super) const ABSENT: &str = "attribute_not_exists(PK)";
/// The item must exist.
pub(super) const PRESENT: &str = "attribute_exists(PK)";
/// The item is the one that was read.
const UNCHANGED: &str = "version = :read";

/// What is done to an item.
#[derive(Debug)]
enum Operation {
    Put(Item),
    Delete(Key),
    Check(Key),
    Update(Key, &'static str),
}

/// An operation on one item, and the condition under which the whole transaction is carried out.
#[derive(Debug)]
pub(super) struct Conditional {
    operation: Operation,
    conditions: Vec<&'static str>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Conditional {
    fn of(operation: Operation) -> Self {
        Self {
            operation,
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Writes an item.
    pub(super) fn put(item: Item) -> Self {
        Self::of(Operation::Put(item))
    }

    /// Writes an item of this version over the version before, or where there is none.
    pub(super) fn put_over(item: Item, version: u64) -> Self {
        match version.saturating_sub(1) {
            0 => Self::put(item).when(ABSENT),
            read => Self::put(item).unchanged_since(read),
        }
    }

    /// Deletes an item.
    pub(super) fn delete(key: Key) -> Self {
        Self::of(Operation::Delete(key))
    }

    /// Writes nothing.
    pub(super) fn check(key: Key) -> Self {
        Self::of(Operation::Check(key))
    }

    /// Changes attributes of an item: what an update expression says after `SET`. The item has the form of now from then on.
    pub(super) fn update(key: Key, set: &'static str) -> Self {
        Self::of(Operation::Update(key, set)).number(":form", u8::from(Form::NOW))
    }

    /// Adds a condition to those before it.
    pub(super) fn when(mut self, condition: &'static str) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Adds the condition that the item has the version that was read.
    pub(super) fn unchanged_since(self, version: u64) -> Self {
        self.when(UNCHANGED).number(":read", version)
    }

    /// Names an attribute whose name is a reserved word.
    pub(super) fn name(mut self, placeholder: &str, attribute: &str) -> Self {
        self.names
            .insert(placeholder.to_owned(), attribute.to_owned());
        self
    }

    /// Gives a text that an expression refers to.
    pub(super) fn text(self, placeholder: &str, text: impl Into<String>) -> Self {
        self.value(placeholder, AttributeValue::S(text.into()))
    }

    /// Gives a number that an expression refers to.
    pub(super) fn number(self, placeholder: &str, number: impl ToString) -> Self {
        self.value(placeholder, AttributeValue::N(number.to_string()))
    }

    /// Gives a value that an expression refers to.
    pub(super) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// The form in which the table takes it.
    pub(super) fn build(self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let condition = (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "));
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        let item = TransactWriteItem::builder();
        Ok(match self.operation {
            Operation::Put(new) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(new))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Operation::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Operation::Check(key) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Operation::Update(key, set) => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .update_expression(format!("SET form = :form, {set}"))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
        }
        .build())
    }
}
