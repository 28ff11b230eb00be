//! The one write path: a change, or the changes of several sites, as one transaction.
//!
//! Who races whom over which condition:
//!
//! ```text
//! two commands on one site          both read version 7; one writes 8; SITE_UNCHANGED fails for the other
//! one code on two sites             both read it outstanding; CODE_NOT_APPLIED fails for the slower
//! applying a code and voiding it    CODE_NOT_APPLIED here, its mirror image there
//! one request sent twice at once    REQUEST_UNKNOWN fails for the slower, which then answers as the first did
//! one device registered twice       ABSENT fails for the slower
//! a write whose answer was lost     sent again, it fails by SITE_UNCHANGED; the entry's command ID says whose it was
//! ```

use super::Store;
use super::items::{
    FirstAnswer, Item, encode, encode_device, encode_entry, encode_history, encode_site,
};
use super::keys::{Key, RequestOf};
use super::retry::Failure;
use crate::domain::account::Sale;
use crate::domain::change::{Change, Guard};
use crate::domain::code::{Application, CodeKey};
use crate::domain::identity::{CommandId, SiteId};
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use jiff::{Timestamp, civil::Date};
use std::error::Error;

/// The item must not exist.
pub(super) const ABSENT: &str = "attribute_not_exists(PK)";
/// The item must exist.
pub(super) const PRESENT: &str = "attribute_exists(PK)";
/// The site is the one that was read.
const SITE_UNCHANGED: &str = "version = :read";
/// Nobody applied the code.
pub(super) const CODE_NOT_APPLIED: &str = "attribute_not_exists(applied_at)";
/// Its partner did not void it.
pub(super) const CODE_NOT_VOIDED: &str = "attribute_not_exists(voided_at)";
/// Its last date is not over.
const CODE_NOT_EXPIRED: &str = "(attribute_not_exists(expires_on) OR expires_on >= :today)";
/// It is for every site, or for this one.
const CODE_NOT_BOUND_ELSEWHERE: &str = "(attribute_not_exists(bound_to) OR bound_to = :site)";
/// No request had this key, or it may be forgotten: TTL removes items late.
const REQUEST_UNKNOWN: &str = "(attribute_not_exists(PK) OR expires_at < :now)";

/// One site's part of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// What is written.
    pub change: &'a Change,
    /// The command that writes it.
    pub command_id: &'a CommandId,
    /// The request that is remembered with it.
    pub request: Option<&'a RequestRecord>,
}

/// A request to be remembered with the change it led to.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// Whose it is.
    pub whose: RequestOf,
    /// Its idempotency key.
    pub key: String,
    /// The instant of the request, by which an older item of the key may be forgotten.
    pub now: Timestamp,
    /// What it led to.
    pub answer: FirstAnswer,
}

/// A transaction was not committed, or may not have been.
#[derive(Debug)]
pub enum CommitFailed {
    /// A condition failed: somebody was faster. Nothing was changed; load and decide again. These guards failed,
    /// if it was one of them.
    Lost(Vec<Guard>),
    /// See [`Failure`].
    Failed(Failure),
}

impl Store {
    /// Commits changes, of one site each, as one transaction of at most 100 items: all or none.
    ///
    /// # Errors
    /// [`CommitFailed`] says whether anything can have been changed.
    pub async fn commit(&self, commits: &[Commit<'_>]) -> Result<(), CommitFailed> {
        let mut items = Vec::new();
        for commit in commits {
            let pushed = self.push_items(*commit, &mut items);
            pushed.map_err(|error| CommitFailed::Failed(Failure::Fatal(error)))?;
        }
        self.transact(items).await.map_err(|refused| match refused {
            Refused::Conditions(places) => CommitFailed::Lost(guards_at(commits, &places)),
            Refused::Failed(failure) => CommitFailed::Failed(failure),
        })
    }

    /// Sends one transaction, once.
    pub(super) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Refused> {
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items));
        request.send().await.map(|_| ()).map_err(refused)
    }

    fn push_items(
        &self,
        commit: Commit<'_>,
        items: &mut Vec<TransactWriteItem>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Commit {
            change,
            command_id,
            request,
        } = commit;
        items.push(self.site(change)?);
        for entry in &change.entries {
            items.push(self.put(encode_entry(entry, command_id)?, ABSENT, [])?);
        }
        for guard in &change.guards {
            items.push(self.guard(guard, &change.site.id)?);
        }
        if let Some(request) = request {
            items.push(self.request(request)?);
        }
        Ok(())
    }

    /// A request, to be remembered.
    pub(super) fn request(
        &self,
        request: &RequestRecord,
    ) -> Result<TransactWriteItem, Box<dyn Error + Send + Sync>> {
        let key = Key::Request(request.whose.clone(), request.key.clone());
        let now = AttributeValue::N(request.now.as_second().to_string());
        let item = encode(&key, &request.answer)?;
        Ok(self.put(item, REQUEST_UNKNOWN, [(":now", now)])?)
    }

    fn site(&self, change: &Change) -> Result<TransactWriteItem, Box<dyn Error + Send + Sync>> {
        let item = encode_site(&change.site)?;
        Ok(match change.expected_version() {
            None => self.put(item, ABSENT, [])?,
            Some(read) => self.put(
                item,
                SITE_UNCHANGED,
                [(":read", AttributeValue::N(read.to_string()))],
            )?,
        })
    }

    fn guard(
        &self,
        guard: &Guard,
        site: &SiteId,
    ) -> Result<TransactWriteItem, Box<dyn Error + Send + Sync>> {
        Ok(match guard {
            Guard::CodeApplied {
                key,
                application,
                today,
            } => self.apply_code(key, application, *today)?,
            Guard::DeviceAdded(device) => self.put(encode_device(device)?, ABSENT, [])?,
            Guard::DeviceRemoved(device) => {
                self.delete(&Key::Device(site.clone(), device.clone()))?
            }
            Guard::AdministratorAdded { email } => {
                let key = Key::AdministratorOf(email.clone(), site.clone());
                self.put(key.attributes(), ABSENT, [])?
            }
            Guard::AdministratorRemoved { email } => {
                self.delete(&Key::AdministratorOf(email.clone(), site.clone()))?
            }
            Guard::SiteOfPartner(sale) => self.add_to_site_of(sale)?,
            Guard::InHistory(line) => self.put(encode_history(line)?, ABSENT, [])?,
        })
    }

    /// Deletes an item that must be there.
    fn delete(&self, key: &Key) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(PRESENT)
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Adds up what a site got of a partner. It needs no condition: the transaction that it is part of is carried out
    /// once, by those of the site and the code.
    fn add_to_site_of(&self, sale: &Sale) -> Result<TransactWriteItem, BuildError> {
        let number = |amount: u64| AttributeValue::N(amount.to_string());
        let key = Key::SiteOf(sale.partner_id.clone(), sale.site_id.clone());
        let received = sale.received();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(
                "SET last_applied_at = :at ADD codes :codes, credits :credits, maintenance_credits :maintenance, sms :sms",
            )
            .expression_attribute_values(":at", AttributeValue::S(sale.at.to_string()))
            .expression_attribute_values(":codes", number(received.codes))
            .expression_attribute_values(":credits", number(received.credits))
            .expression_attribute_values(":maintenance", number(received.maintenance_credits))
            .expression_attribute_values(":sms", number(received.sms))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn apply_code(
        &self,
        code: &CodeKey,
        application: &Application,
        today: Date,
    ) -> Result<TransactWriteItem, BuildError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let condition = [
            PRESENT,
            CODE_NOT_APPLIED,
            CODE_NOT_VOIDED,
            CODE_NOT_EXPIRED,
            CODE_NOT_BOUND_ELSEWHERE,
        ];
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Code(code.clone()).attributes()))
            .condition_expression(condition.join(" AND "))
            .update_expression(
                "SET applied_at = :at, applied_to = :site, applied_by = :by, applied_entry = :entry, command_id = :command",
            )
            .expression_attribute_values(":at", text(&application.at.to_string()))
            .expression_attribute_values(":site", text(application.site_id.as_str()))
            .expression_attribute_values(":by", text(application.by.as_str()))
            .expression_attribute_values(":entry", AttributeValue::N(application.entry_sequence.to_string()))
            .expression_attribute_values(":command", text(application.command_id.as_str()))
            .expression_attribute_values(":today", text(&today.to_string()))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// A `Put` under a condition, whose values are given with it.
    pub(super) fn put<const N: usize>(
        &self,
        item: Item,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<TransactWriteItem, BuildError> {
        let mut put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition);
        for (name, value) in values {
            put = put.expression_attribute_values(name, value);
        }
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}

/// A transaction that was not carried out, or may not have been.
#[derive(Debug)]
pub(super) enum Refused {
    /// The conditions of the items at these places failed.
    Conditions(Vec<usize>),
    /// See [`Failure`].
    Failed(Failure),
}

/// Decodes a refused transaction, whose reasons stand in the order of its items.
fn refused(error: SdkError<TransactWriteItemsError>) -> Refused {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Refused::Failed(Failure::of(error));
    };
    let mut failed = Vec::new();
    let mut contended = true;
    for (place, reason) in cancelled.cancellation_reasons().iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "ConditionalCheckFailed" => failed.push(place),
            "None"
            | "TransactionConflict"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded" => {}
            _ => contended = false,
        }
    }
    match (failed.is_empty(), contended) {
        (false, _) => Refused::Conditions(failed),
        (true, true) => Refused::Failed(Failure::NotApplied(Box::new(error))),
        (true, false) => Refused::Failed(Failure::Fatal(Box::new(error))),
    }
}

/// The guards that stand at these places of a transaction: of each commit the site comes first, then its entries,
/// then its guards, then its request, as [`Store::push_items`] lays them out.
fn guards_at(commits: &[Commit<'_>], places: &[usize]) -> Vec<Guard> {
    let mut first = 0;
    let mut found = Vec::new();
    for commit in commits {
        let guards = first + 1 + commit.change.entries.len();
        for (place, guard) in commit.change.guards.iter().enumerate() {
            if places.contains(&(guards + place)) {
                found.push(guard.clone());
            }
        }
        first += commit.change.items() + usize::from(commit.request.is_some());
    }
    found
}
