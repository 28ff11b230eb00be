//! The proof: walks the whole table and shows that no code was spent twice, no credit was lost, and no site was
//! charged twice (rules 1, 11 and 16).
//!
//! What a site should have been charged is worked out here a second time, from its statement alone and in the
//! plainest way: device by device and day by day. It shares no code with the rules that it checks, except for
//! reading items and for the chain's own verifier, which stands for anyone's.

mod account;
mod codes;
mod messages;
mod people;
mod site;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use site_credits::domain::model::account::HistoryLine;
use site_credits::domain::model::entry::Entry;
use site_credits::domain::model::message::Message;
use site_credits::domain::model::user::{Roster, User};
use site_credits::domain::values::ids::CommandId;
use site_credits::store::{
    CardOwner, Item, Key, SiteOfAttributes, decode_administrator_of, decode_batch, decode_card_owner,
    decode_code, decode_device, decode_entry, decode_history, decode_message, decode_network_message, decode_number,
    decode_roster, decode_site, decode_site_of, decode_user,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The table could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the table cannot be read")]
pub struct VerifyError(#[source] Box<aws_sdk_dynamodb::Error>);

/// Something that should not be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Of what: a site, a code, a batch, or an item.
    pub of: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.of, self.what)
    }
}

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Sites whose statement was verified.
    pub sites: usize,
    /// Entries that were verified.
    pub entries: usize,
    /// Due dates that were found charged.
    pub due_dates: usize,
    /// Codes.
    pub codes: usize,
    /// Codes that were applied, each found in the one entry that it names.
    pub applied: usize,
    /// Codes that were voided.
    pub voided: usize,
    /// Codes that were neither: outstanding, or expired by now.
    pub left: usize,
    /// Partners whose account was verified.
    pub partners: usize,
    /// Lines of their histories.
    pub lines: usize,
    /// Batches whose codes were counted.
    pub batches: usize,
    /// Users.
    pub users: usize,
    /// Cards that users have, each found in the one entry that issued it.
    pub cards: usize,
    /// Messages, each charged by one entry, and given back by one if it failed.
    pub messages: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

impl Findings {
    fn violation(&mut self, of: impl fmt::Display, what: impl fmt::Display) {
        self.violations.push(Violation {
            of: of.to_string(),
            what: what.to_string(),
        });
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>8} sites: each balance is the sum of its entries, each chain verifies",
            self.sites
        )?;
        writeln!(f, "{:>8} entries", self.entries)?;
        writeln!(
            f,
            "{:>8} due dates: each was charged once, none was left out",
            self.due_dates
        )?;
        writeln!(
            f,
            "{:>8} codes in {} batches = {} applied + {} voided + {} left",
            self.codes, self.batches, self.applied, self.voided, self.left
        )?;
        writeln!(
            f,
            "{:>8} codes applied: each once, to one site, whole",
            self.applied
        )?;
        writeln!(
            f,
            "{:>8} partners: {} lines of history tell of every batch, voiding and application",
            self.partners, self.lines
        )?;
        writeln!(
            f,
            "{:>8} users with {} cards: each card was issued once, and paid for",
            self.users, self.cards
        )?;
        writeln!(
            f,
            "{:>8} messages: each was charged once, and given back if it surely failed",
            self.messages
        )?;
        for violation in &self.violations {
            writeln!(f, "VIOLATION  {violation}")?;
        }
        match self.violations.len() {
            0 => write!(f, "No violation."),
            1 => write!(f, "1 violation."),
            more => write!(f, "{more} violations."),
        }
    }
}

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
    let sorted = Sorted::of(table.scan().await?, &mut findings);
    let mut redemptions = codes::Redemptions::default();
    for (id, parts) in &sorted.sites {
        site::check(id, parts, &mut redemptions, &mut findings);
        people::check(id, parts, &sorted.links, &mut findings);
        messages::check(id, parts, &mut findings);
    }
    people::check_links(&sorted, &mut findings);
    account::check(&sorted, &redemptions, &mut findings);
    codes::check(&sorted, redemptions, &mut findings);
    Ok(findings)
}

/// The items of the table, by what they belong to.
#[derive(Default)]
struct Sorted {
    sites: BTreeMap<String, SiteParts>,
    codes: Vec<site_credits::domain::model::code::Code>,
    batches: Vec<(site_credits::domain::model::batch::Batch, bool)>,
    history: Vec<HistoryLine>,
    /// Whose card each link leads to, by the keyed hash of its token.
    links: BTreeMap<String, CardOwner>,
    /// What each site got, by partner and site.
    received: BTreeMap<(String, String), SiteOfAttributes>,
}

/// The items of one site.
#[derive(Default)]
struct SiteParts {
    site: Option<site_credits::domain::model::site::Site>,
    /// Its shard of the agenda and its instant there; empty where it is on no agenda.
    agenda: (String, String),
    /// Its entries, each with the command that wrote it.
    entries: Vec<(Entry, CommandId)>,
    devices: Vec<site_credits::domain::model::device::Device>,
    /// The messages, each with its shard of the agenda and its instant there.
    messages: Vec<(Message, String, String)>,
    users: Vec<User>,
    /// How many users it says that it has.
    roster: Option<Roster>,
    /// The persons among whose sites it is.
    findable_by: Vec<String>,
}

impl Sorted {
    fn of(items: Vec<Item>, findings: &mut Findings) -> Self {
        let mut sorted = Self::default();
        for item in items {
            if let Err(reason) = sorted.take(&item) {
                findings.violation("item", reason);
            }
        }
        for parts in sorted.sites.values_mut() {
            parts.entries.sort_by_key(|(entry, _)| entry.sequence);
            parts.findable_by.sort_unstable();
        }
        sorted
    }

    fn take(&mut self, item: &Item) -> Result<(), String> {
        let text = |name: &str| {
            item.get(name)
                .and_then(|value| value.as_s().ok())
                .map_or("", String::as_str)
        };
        let (pk, sk) = (text("PK"), text("SK"));
        let (kind, owner) = pk.split_once('#').unwrap_or((pk, ""));
        let sort = sk.split_once('#').map_or(sk, |(kind, _)| kind);
        let corrupt = |error: site_credits::store::CorruptItem| error.to_string();
        match (kind, sort) {
            ("SITE", "SITE") => {
                let site = decode_site(item).map_err(corrupt)?;
                let parts = self.parts(owner);
                parts.agenda = (
                    text("agenda_shard").to_owned(),
                    text("agenda_at").to_owned(),
                );
                parts.site = Some(site);
            }
            ("SITE", "ENTRY") => {
                let (entry, command_id) = decode_entry(item).map_err(corrupt)?;
                let key = format!("ENTRY#{:016}", entry.sequence);
                if sk != key || entry.site_id.as_str() != owner {
                    return Err(format!(
                        "{pk} / {sk} holds entry {} of site {}",
                        entry.sequence, entry.site_id
                    ));
                }
                self.parts(owner).entries.push((entry, command_id));
            }
            ("SITE", "DEVICE") => {
                let device = decode_device(item).map_err(corrupt)?;
                self.parts(owner).devices.push(device);
            }
            ("SITE", "USER") => {
                let user = decode_user(item).map_err(corrupt)?;
                if Key::User(user.site_id.clone(), user.id.clone()).pair().1 != sk {
                    return Err(format!(
                        "{pk} / {sk} is not where a user of this ID is sought"
                    ));
                }
                self.parts(owner).users.push(user);
            }
            ("SITE", "MESSAGE") => {
                let (message, _) = decode_message(item).map_err(corrupt)?;
                let key = Key::Message(
                    site_credits::domain::values::ids::SiteId::parse(owner)
                        .map_err(|error| error.to_string())?,
                    message.id.clone(),
                );
                if key.pair().1 != sk {
                    return Err(format!("{pk} / {sk} holds another message"));
                }
                let agenda = (
                    text("agenda_shard").to_owned(),
                    text("agenda_at").to_owned(),
                );
                self.parts(owner)
                    .messages
                    .push((message, agenda.0, agenda.1));
            }
            ("SITE", "NUMBER") => drop(decode_number(item).map_err(corrupt)?),
            ("SNS", "SNS") => drop(decode_network_message(item).map_err(corrupt)?),
            ("SITE", "ROSTER") => {
                self.parts(owner).roster = Some(decode_roster(item).map_err(corrupt)?);
            }
            ("CARD", "CARD") => {
                let card_owner = decode_card_owner(item).map_err(corrupt)?;
                self.links.insert(owner.to_owned(), card_owner);
            }
            ("CODE", "CODE") => self.codes.push(decode_code(item).map_err(corrupt)?),
            ("PARTNER", "BATCH") => self.batches.push(decode_batch(item).map_err(corrupt)?),
            ("ADMIN", "SITE") => {
                let (email, site) = decode_administrator_of(item).map_err(corrupt)?;
                let parts = self.parts(site.as_str());
                parts.findable_by.push(email.into());
            }
            ("ACCOUNT", "SITE") => {
                let (partner, site, got) = decode_site_of(item).map_err(corrupt)?;
                self.received.insert((partner.into(), site.into()), got);
            }
            ("ACCOUNT", "HISTORY") => {
                let line = decode_history(item).map_err(corrupt)?;
                let key = Key::History(line.partner_id.clone(), line.told.at, line.id.clone());
                if key.pair().1 != sk {
                    return Err(format!("{pk} / {sk} holds the line of another instant"));
                }
                self.history.push(line);
            }
            ("SITE" | "PARTNER" | "ADMIN", "REQUEST") => {}
            _ => return Err(format!("{pk} / {sk} is of no known kind")),
        }
        Ok(())
    }

    fn parts(&mut self, owner: &str) -> &mut SiteParts {
        self.sites.entry(owner.to_owned()).or_default()
    }
}
