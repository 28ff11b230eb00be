//! The one write path: a change, or the changes of several sites, as one transaction.
//!
//! Who races whom over which condition:
//!
//! ```text
//! two commands on one site          both read version 7; one writes 8; UNCHANGED fails for the other
//! one code on two sites             both read it outstanding; CODE_NOT_APPLIED fails for the slower
//! applying a code and voiding it    CODE_NOT_APPLIED here, its mirror image there
//! one request sent twice at once    REQUEST_UNKNOWN fails for the slower, which then answers as the first did
//! one device registered twice       ABSENT fails for the slower
//! a write whose answer was lost     sent again, it fails by UNCHANGED; the entry's command ID says whose it was
//! ```

use super::Store;
use super::items::{
    CardOwner, FirstAnswer, Item, encode, encode_device, encode_entry, encode_history,
    encode_message, encode_number, encode_roster, encode_site, encode_user,
};
use super::keys::{Key, RequestOf};
use super::retry::Failure;
use crate::domain::model::account::Sale;
use crate::domain::model::change::{Change, Guard};
use crate::domain::model::code::Application;
use crate::domain::model::user::Roster;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::license_code::CodeKey;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use jiff::Timestamp;
use jiff::civil::Date;
use std::error::Error;

/// The item must not exist.
pub(super) const ABSENT: &str = "attribute_not_exists(PK)";
/// The item must exist.
pub(super) const PRESENT: &str = "attribute_exists(PK)";
/// The site, user, roster or number is the one that was read.
const UNCHANGED: &str = "version = :read";
/// Nobody applied the code.
pub(super) const CODE_NOT_APPLIED: &str = "attribute_not_exists(applied_at)";
/// Its partner did not void it.
pub(super) const CODE_NOT_VOIDED: &str = "attribute_not_exists(voided_at)";
/// Its last date is not over.
const CODE_NOT_EXPIRED: &str = "(attribute_not_exists(expires_on) OR expires_on >= :today)";
/// It is for every site, or for this one.
const CODE_NOT_BOUND_ELSEWHERE: &str = "(attribute_not_exists(bound_to) OR bound_to = :site)";
/// The request is the one that was remembered.
const REQUEST_OWN: &str = "fingerprint = :own";
/// No request had this key, or it may be forgotten: TTL removes items late.
const REQUEST_UNKNOWN: &str = "(attribute_not_exists(PK) OR expires_at < :now)";

/// What is written of the people of a site, without an entry: no balance changes. The site must be the one that was
/// read, so that nobody acts who has just lost their role.
#[derive(Clone, Debug)]
pub struct PeopleChange<'a> {
    /// The site.
    pub site_id: &'a SiteId,
    /// The version of the site that was read.
    pub site_version: u64,
    /// How many users there are after it, if that changes.
    pub roster: Option<Roster>,
    /// Who changes.
    pub guards: Vec<Guard>,
    /// The request that is remembered with it.
    pub request: Option<RequestRecord>,
}

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

    /// Commits a change of a site's people as one transaction: all or nothing.
    ///
    /// # Errors
    /// [`CommitFailed`] says whether anything can have been changed.
    pub async fn commit_people(&self, change: &PeopleChange<'_>) -> Result<(), CommitFailed> {
        let items = self.people_items(change).map_err(fatal)?;
        self.transact(items).await.map_err(lost_or_failed)
    }

    /// The site comes first, then the roster, then the guards, and the request last.
    fn people_items(
        &self,
        change: &PeopleChange<'_>,
    ) -> Result<Vec<TransactWriteItem>, Box<dyn Error + Send + Sync>> {
        let site = Key::Site(change.site_id.clone());
        let mut items = vec![self.unchanged(&site, change.site_version)?];
        if let Some(roster) = change.roster {
            let item = encode_roster(change.site_id, roster)?;
            items.push(self.over(item, roster.version)?);
        }
        for guard in &change.guards {
            items.push(self.guard(guard, change.site_id)?);
        }
        if let Some(request) = &change.request {
            items.push(self.request(request)?);
        }
        Ok(items)
    }

    /// A site or user must have this version; nothing of it is written.
    fn unchanged(&self, key: &Key, version: u64) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(UNCHANGED)
            .expression_attribute_values(":read", AttributeValue::N(version.to_string()))
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
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

    /// Remembers of a request that was remembered what came of it in the end.
    ///
    /// # Errors
    /// As [`Store::commit`]; lost where the request is another's by now.
    pub async fn complete_request(&self, request: &RequestRecord) -> Result<(), CommitFailed> {
        let key = Key::Request(request.whose.clone(), request.key.clone());
        let own = AttributeValue::S(request.answer.fingerprint.clone());
        let item = encode(&key, &request.answer).map_err(fatal)?;
        let put = self
            .put(item, REQUEST_OWN, [(":own", own)])
            .map_err(fatal)?;
        self.transact(vec![put]).await.map_err(lost_or_failed)
    }

    fn site(&self, change: &Change) -> Result<TransactWriteItem, Box<dyn Error + Send + Sync>> {
        Ok(self.over(encode_site(&change.site)?, change.site.version)?)
    }

    /// Writes an item of this version over the version before, or where there is none.
    fn over(&self, item: Item, version: u64) -> Result<TransactWriteItem, BuildError> {
        match version.saturating_sub(1) {
            0 => self.put(item, ABSENT, []),
            read => self.put(
                item,
                UNCHANGED,
                [(":read", AttributeValue::N(read.to_string()))],
            ),
        }
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
            Guard::UserAdded(user) => self.put(encode_user(user)?, ABSENT, [])?,
            Guard::UserChanged(user) => self.over(encode_user(user)?, user.version)?,
            Guard::UserRemoved { id, version } => {
                let key = Key::User(site.clone(), id.clone());
                let read = AttributeValue::N(version.to_string());
                self.delete_if(&key, UNCHANGED, [(":read", read)])?
            }
            Guard::CardLinked { key, user_id } => {
                let owner = CardOwner {
                    site_id: site.clone(),
                    user_id: user_id.clone(),
                };
                self.put(encode(&Key::Card(key.clone()), &owner)?, ABSENT, [])?
            }
            Guard::UserUnchanged { id, version } => {
                self.unchanged(&Key::User(site.clone(), id.clone()), *version)?
            }
            Guard::MessageReserved(message) => {
                self.put(encode_message(site, message)?, ABSENT, [])?
            }
            Guard::MessageFailed { id, why, sender } => {
                self.fail_message(&Key::Message(site.clone(), id.clone()), *why, sender)?
            }
            Guard::NumberCounted { number, at } => {
                self.over(encode_number(site, number, *at)?, number.version)?
            }
            Guard::CardUnlinked(key) => self.delete(&Key::Card(key.clone()))?,
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
        self.delete_if(key, PRESENT, [])
    }

    /// Deletes an item under a condition, whose values are given with it.
    fn delete_if<const N: usize>(
        &self,
        key: &Key,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<TransactWriteItem, BuildError> {
        let mut delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition);
        for (name, value) in values {
            delete = delete.expression_attribute_values(name, value);
        }
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
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

    /// A `Put` without a condition: of what never changes.
    pub(super) fn put_over(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build()?).build())
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

/// A refused transaction, of which nobody asks which condition failed.
pub(super) fn lost_or_failed(refused: Refused) -> CommitFailed {
    match refused {
        Refused::Conditions(_) => CommitFailed::Lost(Vec::new()),
        Refused::Failed(failure) => CommitFailed::Failed(failure),
    }
}

fn fatal(error: impl Into<Box<dyn Error + Send + Sync>>) -> CommitFailed {
    CommitFailed::Failed(Failure::Fatal(error.into()))
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
