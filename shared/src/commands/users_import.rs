//! Importing users: up to a thousand at once; a bad line harms no other.
//!
//! ```text
//! 1 start    the request is remembered, with the first of the numbers that its lines need
//! 2 write    ninety users a transaction; those that are there already and were added by this import are its own
//! 3 complete the request remembers what was refused
//! ```
//!
//! An import that died half-way is finished by its repetition: the numbers are the same, and what is there is not written
//! again.

use super::asker::{Admitted, Asker, CommandError, authorized};
use super::command::{Command, Witness};
use super::execute::{Step, execute};
use super::steps::{self, Next, take};
use super::subject::OnSite;
use super::users::{NewUser, UserRefused, canonical, roster_after, site_as_read};
use crate::domain::model::change::Write;
use crate::domain::model::user::{MAX_USERS, Profile, User};
use crate::domain::values::country::Country;
use crate::domain::values::ids::{CommandId, SiteId, UserId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, Store, StoreError, TypedKey};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// The most users of one import.
pub const MAX_IMPORTED: usize = 1_000;
/// The users of one transaction; with the site and the roster they are read in one request.
const USERS_A_TRANSACTION: usize = 90;
/// No part of an import starts later than this after its start: its function has 28 seconds.
const MAX_TIME: Duration = Duration::from_secs(15);

/// One line to import.
#[derive(Clone, Debug)]
pub struct LineToImport {
    /// Its number in the file, from 1.
    pub line: u64,
    /// What it says, or what is wrong with it.
    pub user: Result<NewUser, String>,
}

/// Why a line was not imported.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LineRefused {
    /// It cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The site, or a line before, has a user of this ID.
    #[error("a user of this ID exists")]
    Exists,
    /// The site has too many users.
    #[error("a site has at most {MAX_USERS} users")]
    Full,
}

/// What an import led to, line by line.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Each line's number, and the user that it added or why it did not.
    pub lines: Vec<(u64, Result<UserId, LineRefused>)>,
    /// The request was answered before, and this is that answer.
    pub replayed: bool,
}

/// What is remembered of an import.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Remembered {
    by: CommandId,
    country: Country,
    at: Timestamp,
    first_number: u32,
    /// What the site refused, by its place in the file; `None` before the import is complete.
    refused: Option<BTreeMap<usize, LineRefused>>,
}

/// Adds users to a site.
///
/// # Errors
/// None could be added, and [`CommandError`] says why. After an unknown outcome a repetition with the same key finishes
/// the import.
pub async fn import_users(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    lines: &[LineToImport],
    asker: &Asker,
) -> Result<Imported, CommandError<UserRefused>> {
    let mut hash = Sha256::new();
    for LineToImport { line, user } in lines {
        let user = user.as_ref().map_or_else(Clone::clone, canonical);
        hash.update(format!("{line} {user}\n"));
    }
    let command = format!("import users {}", HEXLOWER.encode(&hash.finalize()));
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    let reads = TypedKey::roster(site_id);
    let started = execute(
        store,
        &command,
        &reads,
        |Admitted { site, .. }, stored, _| {
            let before = stored.unwrap_or_default();
            let mut roster = before;
            let read = read(lines, &site.country);
            let users = read.iter().filter_map(|(_, user)| user.as_ref().ok());
            let (named, numbered): (Vec<_>, Vec<_>) = users.partition(|(id, _)| id.is_some());
            for id in named.iter().filter_map(|(id, _)| id.as_ref()) {
                roster.passes(id);
            }
            let first_number = roster.next_number;
            for _ in &numbered {
                roster.next_id().map_err(CommandError::refused)?;
            }
            let mut writes = vec![site_as_read(&site)];
            writes.extend((roster != before).then(|| roster_after(&site, stored, roster)));
            let remembered = Remembered {
                by: command.id.clone(),
                country: site.country,
                at: asker.now,
                first_number,
                refused: None,
            };
            Ok(Step::writes(writes, remembered))
        },
    )
    .await?;
    let remembered = started.answer;
    let mut import = Import::of(store, site_id, asker, lines, &remembered);
    let complete = remembered.refused.is_some();
    let refused = match remembered.refused.clone() {
        Some(refused) => refused,
        None => import.finish(&command, remembered).await?,
    };
    for (place, refusal) in refused {
        if let Some((_, outcome)) = import.outcomes.get_mut(place) {
            *outcome = Err(refusal);
        }
    }
    Ok(Imported {
        lines: import.outcomes,
        replayed: started.replayed && complete,
    })
}

type ReadLine = Result<(Option<UserId>, Profile), LineRefused>;

/// The lines, each with the ID that it names and the profile, on a site of this country.
fn read(lines: &[LineToImport], country: &Country) -> Vec<(u64, ReadLine)> {
    let mut seen = HashSet::new();
    let read = lines.iter().map(|LineToImport { line, user }| {
        let user = user.as_ref();
        let user = user.map_err(|what| LineRefused::Malformed(what.clone()));
        let read = user.and_then(|user| {
            let profile = user.profile.clone().read(country);
            let profile = profile.map_err(|error| LineRefused::Malformed(error.to_string()))?;
            // Only a line that could be imported takes its ID from those after it.
            match &user.id {
                Some(id) if !seen.insert(id.clone()) => Err(LineRefused::Exists),
                id => Ok((id.clone(), profile)),
            }
        });
        (*line, read)
    });
    read.collect()
}

struct Import<'a> {
    store: &'a Store,
    site_id: &'a SiteId,
    asker: &'a Asker,
    by: CommandId,
    /// The users to be written, each with its place in the file.
    users: Vec<(usize, User)>,
    /// What becomes of each line, if the site refuses none.
    outcomes: Vec<(u64, Result<UserId, LineRefused>)>,
    attempts: Attempts,
}

impl<'a> Import<'a> {
    fn of(
        store: &'a Store,
        site_id: &'a SiteId,
        asker: &'a Asker,
        lines: &[LineToImport],
        remembered: &Remembered,
    ) -> Self {
        let mut numbers = remembered.first_number..;
        let mut users = Vec::new();
        let read = read(lines, &remembered.country).into_iter().enumerate();
        let outcomes = read.map(|(place, (line, read))| {
            let outcome = read.map(|(id, profile)| {
                let number = || UserId::numbered(numbers.next().unwrap_or_default());
                let id = id.unwrap_or_else(number);
                let (at, by) = (remembered.at, &remembered.by);
                let user = User::added(site_id, id.clone(), profile, at, by);
                users.push((place, user));
                id
            });
            (line, outcome)
        });
        let outcomes = outcomes.collect();
        let mut attempts = Attempts::patient(Instant::now() + MAX_TIME);
        // From here on nobody can say that nothing was changed.
        attempts.unanswered();
        Self {
            store,
            site_id,
            asker,
            by: remembered.by.clone(),
            users,
            outcomes,
            attempts,
        }
    }

    /// Writes the users, remembers what the site refused, and gives it.
    async fn finish(
        &mut self,
        command: &Command<OnSite<'_>>,
        remembered: Remembered,
    ) -> Result<BTreeMap<usize, LineRefused>, StoreError> {
        let mut refused = BTreeMap::new();
        for part in std::mem::take(&mut self.users).chunks(USERS_A_TRANSACTION) {
            let part = Part {
                site_id: self.site_id,
                asker: self.asker,
                by: &self.by,
                users: part,
            };
            refused.extend(take(self.store, &self.by, &mut self.attempts, &part).await?);
        }
        if self.asker.idempotency_key.is_some() {
            let remembered = Remembered {
                refused: Some(refused.clone()),
                ..remembered
            };
            let request = command.request(&Witness::Request, &remembered)?;
            let writes: Vec<Write> = request.map(Write::RequestCompleted).into_iter().collect();
            // If another request is remembered under this key by now, this one was forgotten.
            let (store, attempts) = (self.store, &mut self.attempts);
            store.commit_surely(&writes, &self.by, attempts).await?;
        }
        Ok(refused)
    }
}

/// A part of the users, which gives what the site refused of it.
struct Part<'a> {
    site_id: &'a SiteId,
    asker: &'a Asker,
    by: &'a CommandId,
    users: &'a [(usize, User)],
}

impl steps::Step for Part<'_> {
    type Done = BTreeMap<usize, LineRefused>;

    async fn decide(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Next<Self::Done>, StoreError> {
        let users = self.users.iter();
        let users = users.map(|(_, user)| TypedKey::user(self.site_id, &user.id));
        let reads = (
            TypedKey::site(self.site_id),
            TypedKey::roster(self.site_id),
            users.collect::<Vec<_>>(),
        );
        let (site, stored, users) = store.read(reads, attempts).await?;
        // For whoever loses their role meanwhile, the outcome is unknown.
        let site = authorized(site, self.asker).map_err(|_| StoreError::OutcomeUnknown)?;
        let mut roster = stored.unwrap_or_default();
        let mut refused = BTreeMap::new();
        let mut added = Vec::new();
        for ((place, user), existing) in self.users.iter().zip(users) {
            match existing {
                Some(existing) if existing.added_by == *self.by => {}
                Some(_) => drop(refused.insert(*place, LineRefused::Exists)),
                None if roster.add(1).is_err() => {
                    refused.insert(*place, LineRefused::Full);
                }
                None => added.push(Write::UserAdded(Box::new(user.clone()))),
            }
        }
        if added.is_empty() {
            return Ok(Next::Done(refused));
        }
        let mut writes = vec![site_as_read(&site), roster_after(&site, stored, roster)];
        writes.extend(added);
        Ok(Next::Commit(writes, refused))
    }
}
