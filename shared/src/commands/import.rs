//! Importing users: up to a thousand at once, of which a bad one harms no other.
//!
//! ```text
//! 1 begin    the request is remembered, with the first of the numbers that its lines need
//! 2 write    ninety users a transaction; those that are there already and were added by this import are its own
//! 3 complete the request remembers what was refused
//! ```
//!
//! An import that died half-way is finished by its repetition: the numbers are the same, and what is there is not written
//! again.

use super::people::{
    NewUser, PeopleCommand, PeopleDecision, UserRefused, execute_on_people, wish_of,
};
use super::{Asker, CommandError, authorized};
use crate::domain::model::change::Guard;
use crate::domain::model::user::{MAX_USERS, Roster, RosterFull, User};
use crate::domain::values::country::Country;
use crate::domain::values::ids::{CommandId, SiteId, UserId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{
    Attempts, CommitFailed, Failure, Key, PeopleChange, Store, StoreError, decode_roster,
    decode_site, decode_user,
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// The most users of one import.
pub const MAX_IMPORTED: usize = 1_000;
/// The users of one transaction; with the site and the roster they are read in one request.
const USERS_A_TRANSACTION: usize = 90;
/// No part of an import is begun later than this after its beginning: its function has 28 seconds.
const MAX_TIME: Duration = Duration::from_secs(15);

/// One line that is to be imported.
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
    at: jiff::Timestamp,
    first_number: u32,
    /// What was refused for what the site had, by its place in the file; none before the import is complete.
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
        let user = user.as_ref().map_or_else(Clone::clone, wish_of);
        hash.update(format!("{line} {user}\n"));
    }
    let command = PeopleCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        pseudonyms,
        wish: format!("import users {}", HEXLOWER.encode(&hash.finalize())),
        user: None,
    };
    let begun = execute_on_people(store, &command, |people| {
        let mut roster = people.roster;
        let read = read(lines, &people.site.country);
        let users = read.iter().filter_map(|(_, user)| user.as_ref().ok());
        let (named, numbered): (Vec<_>, Vec<_>) = users.partition(|(id, _)| id.is_some());
        for id in named.iter().filter_map(|(id, _)| id.as_ref()) {
            roster.passes(id);
        }
        let first_number = roster.next_number;
        for _ in &numbered {
            roster
                .next_id()
                .map_err(|full| CommandError::Refused(full.into()))?;
        }
        Ok(PeopleDecision {
            roster: (roster != people.roster).then_some(roster),
            guards: Vec::new(),
            answer: Remembered {
                by: command.command_id.clone(),
                country: people.site.country.clone(),
                at: asker.now,
                first_number,
                refused: None,
            },
        })
    })
    .await?;
    let mut import = Import::of(site_id, lines, &begun.answer);
    let refused = if let Some(refused) = begun.answer.refused.clone() {
        refused
    } else {
        let refused = import.write(store, asker).await?;
        if asker.idempotency_key.is_some() {
            let remembered = Remembered {
                refused: Some(refused.clone()),
                ..begun.answer.clone()
            };
            import.complete(store, &command, &remembered).await?;
        }
        refused
    };
    for (place, refusal) in refused {
        if let Some((_, outcome)) = import.outcomes.get_mut(place) {
            *outcome = Err(refusal);
        }
    }
    Ok(Imported {
        lines: import.outcomes,
        replayed: begun.replayed && begun.answer.refused.is_some(),
    })
}

type ReadLine = Result<(Option<UserId>, crate::domain::model::user::Profile), LineRefused>;

/// The lines, each with the ID that it names and the profile, on a site of this country.
fn read(lines: &[LineToImport], country: &Country) -> Vec<(u64, ReadLine)> {
    let mut seen = HashSet::new();
    let read = lines.iter().map(|LineToImport { line, user }| {
        let user = user
            .as_ref()
            .map_err(|what| LineRefused::Malformed(what.clone()));
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
    site_id: &'a SiteId,
    by: CommandId,
    /// The users to be written, each with its place in the file.
    users: Vec<(usize, User)>,
    /// What comes of each line, if the site refuses none.
    outcomes: Vec<(u64, Result<UserId, LineRefused>)>,
    attempts: Attempts,
}

impl<'a> Import<'a> {
    fn of(site_id: &'a SiteId, lines: &[LineToImport], remembered: &Remembered) -> Self {
        let mut numbers = remembered.first_number..;
        let mut users = Vec::new();
        let read = read(lines, &remembered.country).into_iter().enumerate();
        let outcomes = read.map(|(place, (line, read))| {
            let outcome = read.map(|(id, profile)| {
                let number = || UserId::numbered(numbers.next().unwrap_or_default());
                let id = id.unwrap_or_else(number);
                users.push((
                    place,
                    User {
                        site_id: site_id.clone(),
                        id: id.clone(),
                        profile,
                        card: None,
                        added_at: remembered.at,
                        added_by: remembered.by.clone(),
                        version: 1,
                    },
                ));
                id
            });
            (line, outcome)
        });
        let outcomes = outcomes.collect();
        let mut attempts = Attempts::patient(Instant::now() + MAX_TIME);
        // From here on nobody can say that nothing was changed.
        attempts.unanswered();
        Self {
            site_id,
            by: remembered.by.clone(),
            users,
            outcomes,
            attempts,
        }
    }

    /// Writes the users, and gives what the site refused.
    async fn write(
        &mut self,
        store: &Store,
        asker: &Asker,
    ) -> Result<BTreeMap<usize, LineRefused>, CommandError<UserRefused>> {
        let mut refused = BTreeMap::new();
        for part in std::mem::take(&mut self.users).chunks(USERS_A_TRANSACTION) {
            // What an attempt refused that was not the last may have changed since.
            let of_part = loop {
                if let Some(of_part) = self.write_part(store, asker, part).await? {
                    break of_part;
                }
            };
            refused.extend(of_part);
        }
        Ok(refused)
    }

    /// Writes a part of the users, if nobody is faster, and gives what the site refused of it.
    async fn write_part(
        &mut self,
        store: &Store,
        asker: &Asker,
        part: &[(usize, User)],
    ) -> Result<Option<BTreeMap<usize, LineRefused>>, CommandError<UserRefused>> {
        let mut refused = BTreeMap::new();
        let mut keys = vec![
            Key::Site(self.site_id.clone()),
            Key::Roster(self.site_id.clone()),
        ];
        keys.extend(
            part.iter()
                .map(|(_, user)| Key::User(self.site_id.clone(), user.id.clone())),
        );
        let mut items = store.load(&keys, &mut self.attempts).await?.into_iter();
        let site = items.next().flatten().map(|item| decode_site(&item));
        let site = site.transpose().map_err(StoreError::from)?;
        // Whoever loses their role meanwhile is not told that nothing was written.
        let site = authorized(site, asker).map_err(|_| StoreError::OutcomeUnknown)?;
        let read = items.next().flatten().map(|item| decode_roster(&item));
        let read: Roster = read
            .transpose()
            .map_err(StoreError::from)?
            .unwrap_or_default();
        let mut roster = read;
        let mut guards = Vec::new();
        for ((place, user), item) in part.iter().zip(items) {
            let there = item.map(|item| decode_user(&item)).transpose();
            match there.map_err(StoreError::from)? {
                Some(there) if there.added_by == self.by => {}
                Some(_) => drop(refused.insert(*place, LineRefused::Exists)),
                None => match roster.add(1) {
                    Ok(()) => guards.push(Guard::UserAdded(Box::new(user.clone()))),
                    Err(RosterFull::Users | RosterFull::Numbers) => {
                        refused.insert(*place, LineRefused::Full);
                    }
                },
            }
        }
        if guards.is_empty() {
            return Ok(Some(refused));
        }
        roster.version = read.version + 1;
        let change = PeopleChange {
            site_id: self.site_id,
            site_version: site.version,
            roster: Some(roster),
            guards,
            request: None,
        };
        let written = self.written(store.commit_people(&change).await).await?;
        Ok(written.then_some(refused))
    }

    /// Remembers what came of the import.
    async fn complete(
        &mut self,
        store: &Store,
        command: &PeopleCommand<'_>,
        remembered: &Remembered,
    ) -> Result<(), CommandError<UserRefused>> {
        let record = command.record(remembered)?;
        loop {
            match store.complete_request(&record).await {
                // Under this key another request is remembered by now: this one was forgotten.
                Err(CommitFailed::Lost(_)) => return Ok(()),
                done => {
                    if self.written(done).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether something was written, or is to be read again.
    async fn written(
        &mut self,
        done: Result<(), CommitFailed>,
    ) -> Result<bool, CommandError<UserRefused>> {
        match done {
            Ok(()) => Ok(true),
            Err(CommitFailed::Lost(_)) => {
                self.attempts.again(None).await?;
                Ok(false)
            }
            Err(CommitFailed::Failed(Failure::NotApplied(error) | Failure::Unknown(error))) => {
                self.attempts.again(Some(error)).await?;
                Ok(false)
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                Err(StoreError::Refused(error).into())
            }
        }
    }
}
