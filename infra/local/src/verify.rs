//! The proof: walks the whole table and shows that no code was spent twice, no credit was lost, and no site was
//! charged twice (rules 1, 11 and 16).
//!
//! It works out a second time what a site should have been charged, from its statement alone and in the plainest way:
//! device by device and day by day. It shares no code with the rules that it checks, except for reading items, the
//! place on the agenda, and the verifier of the chain, which anyone may use.

mod account;
mod agreement;
mod codes;
mod deductions;
mod due_dates;
mod findings;
mod invitations;
mod ledger;
mod messages;
mod named_devices;
mod site;
mod sorted;
mod users;

pub use findings::{Findings, Violation};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use site_credits::store::Item;
use sorted::Sorted;
use std::collections::HashMap;

/// The table could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the table cannot be read")]
pub struct VerifyError(#[source] Box<aws_sdk_dynamodb::Error>);

/// The table, read whole.
#[derive(Debug)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// Takes a client and the table's name.
    #[must_use]
    pub fn over(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
        }
    }

    /// Reads every item.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn scan(&self) -> Result<Vec<Item>, VerifyError> {
        let mut items = Vec::new();
        let mut from: Option<HashMap<String, AttributeValue>> = None;
        loop {
            let scan = self
                .client
                .scan()
                .table_name(&self.name)
                .consistent_read(true);
            let page = scan.set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| VerifyError(Box::new(error.into())))?;
            items.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                None => return Ok(items),
                next => from = next,
            }
        }
    }
}

/// Walks the table and checks everything in it.
///
/// # Errors
/// The table cannot be read.
pub async fn verify(table: &Table) -> Result<Findings, VerifyError> {
    let mut findings = Findings::default();
    let sorted = Sorted::of(&table.scan().await?, &mut findings);
    let mut redemptions = codes::Redemptions::default();
    for (id, parts) in &sorted.sites {
        site::check(id, parts, &mut redemptions, &mut findings);
        users::check(id, parts, &sorted.links, &mut findings);
        messages::check(id, parts, &mut findings);
    }
    users::check_links(&sorted, &mut findings);
    account::check(&sorted, &redemptions, &mut findings);
    codes::check(&sorted, redemptions, &mut findings);
    Ok(findings)
}
