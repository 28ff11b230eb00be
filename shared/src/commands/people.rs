//! Users: adding, showing, changing and removing them. No balance changes, so nothing of it is an entry.
//!
//! Every change is one transaction: the site as it was read, how many users it has, the users, and the request. The
//! request is always remembered, under a name of its own where it has no key: by it a command whose answer was lost
//! knows its own. What is remembered has nothing that is personal: a repetition makes its answer of what it asks for.

use super::{Asker, CommandError, Page, PageOf, ReadError, authorized, kept_until, remembered};
use crate::domain::model::change::Guard;
use crate::domain::model::site::Site;
use crate::domain::model::user::{
    NewProfile, Profile, ProfileChange, Roster, RosterFull, User, live,
};
use crate::domain::rules::cards::CardRefused;
use crate::domain::rules::sites::users_erased;
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId, UserId};
use crate::domain::values::phone::InvalidMobile;
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{
    Attempts, Commit, CommitFailed, Failure, FirstAnswer, Key, Listing, PeopleChange, RequestOf,
    RequestRecord, Store, StoreError, decode_roster, decode_site, decode_user,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::error::Error;

/// The most users that one search looks through in a page: all that a site may have.
const MOST_SEARCHED: u16 = 5_000;

/// Why users are not added, changed, or removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserRefused {
    /// The site has a user of this ID.
    #[error("a user of this ID exists")]
    Exists,
    /// The site has no user of this ID.
    #[error("there is no such user")]
    NotFound,
    /// The number is none.
    #[error(transparent)]
    Mobile(#[from] InvalidMobile),
    /// Nothing was named.
    #[error("nothing is to be changed: name, kind, email and mobile can be")]
    Nothing,
    /// The site has too many.
    #[error(transparent)]
    Full(#[from] RosterFull),
    /// The user's card does not allow it.
    #[error(transparent)]
    Card(#[from] CardRefused),
}

/// A user to be added.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// The ID; the next number if there is none.
    pub id: Option<UserId>,
    /// What is known.
    pub profile: NewProfile,
}

/// What a command on people led to.
#[derive(Clone, Debug)]
pub struct PeopleDone<T> {
    /// What is answered.
    pub answer: T,
    /// The request was answered before, and this is that answer.
    pub replayed: bool,
}

impl<T> PeopleDone<T> {
    fn with<U>(&self, answer: U) -> PeopleDone<U> {
        PeopleDone {
            answer,
            replayed: self.replayed,
        }
    }
}

/// One command on the people of a site.
pub(super) struct PeopleCommand<'a> {
    pub(super) site_id: &'a SiteId,
    pub(super) asker: &'a Asker,
    pub(super) command_id: CommandId,
    /// What keys the fingerprint: what is asked for may hold a phone number.
    pub(super) pseudonyms: &'a Pseudonyms,
    /// What is asked for, in one canonical text.
    pub(super) wish: String,
    /// The user that the decision needs.
    pub(super) user: Option<&'a UserId>,
}

impl PeopleCommand<'_> {
    /// The fingerprints of the request, by each secret: the first is remembered, and each is known again.
    fn fingerprints(&self) -> Vec<String> {
        let email = self.asker.email.as_ref().map_or("", Email::as_str);
        let asked = [self.site_id.as_str(), email, &self.wish];
        self.pseudonyms.fingerprints(&asked.join("\n"))
    }

    /// The key under which the request is remembered. One that nobody gave has a character that nobody can give.
    pub(super) fn request_key(&self) -> String {
        let own = || format!("~ {}", self.command_id);
        self.asker.idempotency_key.clone().unwrap_or_else(own)
    }

    pub(super) fn record(&self, answer: &impl Serialize) -> Result<RequestRecord, StoreError> {
        let now = self.asker.now;
        Ok(RequestRecord {
            whose: RequestOf::Site(self.site_id.clone()),
            key: self.request_key(),
            now,
            answer: FirstAnswer {
                fingerprint: self.fingerprints().swap_remove(0),
                entry_sequence: None,
                command_id: Some(self.command_id.clone()),
                answer: serde_json::to_string(answer).map_err(StoreError::defect)?,
                expires_at: kept_until(now),
            },
        })
    }
}

/// What a command on people is decided from.
pub(super) struct People<'a> {
    pub(super) site: &'a Site,
    pub(super) roster: Roster,
    pub(super) user: Option<User>,
}

/// What a command on people decided: what is written, and what is remembered as the answer.
pub(super) struct PeopleDecision<A> {
    pub(super) roster: Option<Roster>,
    pub(super) guards: Vec<Guard>,
    pub(super) answer: A,
}

/// What of a site's people was read.
pub(super) struct LoadedPeople {
    pub(super) site: Option<Site>,
    pub(super) request: Option<FirstAnswer>,
    pub(super) roster: Roster,
    pub(super) user: Option<User>,
}

pub(super) async fn load_people(
    store: &Store,
    command: &PeopleCommand<'_>,
    attempts: &mut Attempts,
) -> Result<LoadedPeople, StoreError> {
    let site_id = command.site_id.clone();
    let mut keys = vec![
        Key::Site(site_id.clone()),
        Key::Request(RequestOf::Site(site_id.clone()), command.request_key()),
        Key::Roster(site_id.clone()),
    ];
    keys.extend(command.user.map(|user| Key::User(site_id, user.clone())));
    let mut items = store.load(&keys, attempts).await?.into_iter();
    let mut next = || items.next().flatten();
    let (site, request, roster, user) = (next(), next(), next(), next());
    Ok(LoadedPeople {
        site: site.map(|item| decode_site(&item)).transpose()?,
        request: remembered(request.as_ref(), command.asker.now)?,
        roster: roster
            .map(|item| decode_roster(&item))
            .transpose()?
            .unwrap_or_default(),
        user: user.map(|item| decode_user(&item)).transpose()?,
    })
}

/// Carries a command on people out. `A` is what is remembered of it.
pub(super) async fn execute_on_people<R: Error + 'static, A: Serialize + DeserializeOwned>(
    store: &Store,
    command: &PeopleCommand<'_>,
    mut decide: impl FnMut(People<'_>) -> Result<PeopleDecision<A>, CommandError<R>>,
) -> Result<PeopleDone<A>, CommandError<R>> {
    let mut attempts = Attempts::default();
    let mut unanswered = false;
    let mut confirmed = false;
    loop {
        let loaded = load_people(store, command, &mut attempts).await?;
        if let Some(first) = loaded.request {
            if !command.fingerprints().contains(&first.fingerprint) {
                authorized(loaded.site, command.asker)?;
                return Err(CommandError::KeyReused);
            }
            return Ok(PeopleDone {
                answer: serde_json::from_str(&first.answer).map_err(StoreError::defect)?,
                // The write of this very call, whose answer was lost, is no replay.
                replayed: first.command_id.as_ref() != Some(&command.command_id),
            });
        }
        // A read of several items is no snapshot: the request may be read before a write that it belongs to, and the
        // rest after. So a refusal is read a second time where such a write is possible.
        let possible = command.asker.idempotency_key.is_some() || unanswered;
        let sure = std::mem::replace(&mut confirmed, true) || !possible;
        let decided = match authorized(loaded.site, command.asker) {
            Ok(site) => {
                let people = People {
                    site: &site,
                    roster: loaded.roster,
                    user: loaded.user,
                };
                decide(people).map(|decision| (decision, site.version))
            }
            Err(error) => Err(error.into()),
        };
        let (decision, site_version) = match decided {
            Ok(decided) => decided,
            Err(error) if sure => return Err(error),
            Err(_) => {
                attempts.again(None).await?;
                continue;
            }
        };
        let change = PeopleChange {
            site_id: command.site_id,
            site_version,
            roster: decision.roster.map(|roster| Roster {
                version: loaded.roster.version + 1,
                ..roster
            }),
            guards: decision.guards,
            request: Some(command.record(&decision.answer)?),
        };
        match store.commit_people(&change).await {
            Ok(()) => {
                return Ok(PeopleDone {
                    answer: decision.answer,
                    replayed: false,
                });
            }
            Err(CommitFailed::Lost(_)) => attempts.again(None).await?,
            Err(CommitFailed::Failed(Failure::NotApplied(error))) => {
                attempts.again(Some(error)).await?;
            }
            Err(CommitFailed::Failed(Failure::Unknown(error))) => {
                (unanswered, confirmed) = (true, false);
                attempts.unanswered();
                attempts.again(Some(error)).await?;
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                return Err(StoreError::Refused(error).into());
            }
        }
    }
}

/// What is remembered of an addition.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Added {
    user_id: UserId,
    /// By it the number is read again.
    country: Country,
    at: jiff::Timestamp,
    by: CommandId,
}

/// Adds a user to a site. Without an ID the user gets the next number.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn add_user(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    new: &NewUser,
    asker: &Asker,
) -> Result<PeopleDone<User>, CommandError<UserRefused>> {
    let refused = |error: UserRefused| CommandError::Refused(error);
    let command = PeopleCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        pseudonyms,
        wish: format!("add user\n{}", wish_of(new)),
        user: new.id.as_ref(),
    };
    let done = execute_on_people(store, &command, |people| {
        let profile = new.profile.clone().read(&people.site.country);
        let profile = profile.map_err(|error| refused(error.into()))?;
        if people.user.is_some() {
            return Err(refused(UserRefused::Exists));
        }
        let mut roster = people.roster;
        let id = match &new.id {
            Some(id) => {
                roster.passes(id);
                id.clone()
            }
            None => roster.next_id().map_err(|full| refused(full.into()))?,
        };
        roster.add(1).map_err(|full| refused(full.into()))?;
        let added = Added {
            user_id: id,
            country: people.site.country.clone(),
            at: asker.now,
            by: command.command_id.clone(),
        };
        Ok(PeopleDecision {
            roster: Some(roster),
            guards: vec![Guard::UserAdded(Box::new(added.user(site_id, profile)))],
            answer: added,
        })
    })
    .await?;
    let profile = new.profile.clone().read(&done.answer.country);
    let profile = profile.map_err(|error| refused(error.into()))?;
    Ok(done.with(done.answer.user(site_id, profile)))
}

impl Added {
    fn user(&self, site_id: &SiteId, profile: Profile) -> User {
        User {
            site_id: site_id.clone(),
            id: self.user_id.clone(),
            profile,
            card: None,
            added_at: self.at,
            added_by: self.by.clone(),
            version: 1,
        }
    }
}

/// A user to be added, in one canonical text.
pub(super) fn wish_of(new: &NewUser) -> String {
    let NewProfile {
        name,
        kind,
        email,
        mobile,
    } = &new.profile;
    // JSON tells a text that is not there from one that is empty, and where one ends.
    json!([new.id, name, kind, email, mobile]).to_string()
}

/// Shows a user, in one round trip.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn user(
    store: &Store,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<User, CommandError<UserRefused>> {
    Ok(site_and_user(store, site_id, user_id, asker).await?.1)
}

/// A site and one of its users, in one round trip.
pub(super) async fn site_and_user(
    store: &Store,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<(Site, User), CommandError<UserRefused>> {
    let keys = [
        Key::Site(site_id.clone()),
        Key::User(site_id.clone(), user_id.clone()),
    ];
    let mut items = store
        .load(&keys, &mut Attempts::default())
        .await?
        .into_iter();
    let site = items.next().flatten().map(|item| decode_site(&item));
    let site = authorized(site.transpose().map_err(StoreError::from)?, asker)?;
    let user = items.next().flatten().map(|item| decode_user(&item));
    let user = user.transpose().map_err(StoreError::from)?;
    let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
    Ok((site, user))
}

/// Which users are listed.
#[derive(Clone, Debug)]
pub struct UsersOf {
    /// A part of their name or ID.
    pub search: Option<String>,
    /// The user after whom the page begins.
    pub after: Option<UserId>,
    /// The most that are listed.
    pub most: u16,
}

/// Lists a site's users, numbers first, in two round trips or a few more where a search looks through thousands.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_users(
    store: &Store,
    site_id: &SiteId,
    which: &UsersOf,
    asker: &Asker,
) -> Result<Page<User>, ReadError> {
    let mut attempts = Attempts::default();
    authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    let read = PageOf {
        after: which.after.as_ref().map(Listing::after_user),
        most: if which.search.is_some() {
            MOST_SEARCHED
        } else {
            which.most
        },
    };
    let listing = Listing::users(site_id);
    let mut page = super::list(store, &listing, &read, &mut attempts, decode_user).await?;
    if let Some(search) = &which.search {
        page.items.retain(|user| user.is_found_by(search));
    }
    let more = page.items.len() > usize::from(which.most);
    page.items.truncate(usize::from(which.most));
    let last = page.items.last().filter(|_| more || page.next.is_some());
    Ok(Page {
        next: last.map(|user| user.id.to_string()),
        items: page.items,
    })
}

/// Changes what is known of a user.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn change_user(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    new: &ProfileChange,
    asker: &Asker,
) -> Result<PeopleDone<User>, CommandError<UserRefused>> {
    let ProfileChange {
        name,
        kind,
        email,
        mobile,
    } = new;
    // A list of one where a member is there, be it null.
    let name = name.as_ref().map(|name| [name]);
    let kind = kind.as_ref().map(|kind| [kind]);
    let email = email.as_ref().map(|email| [email]);
    let mobile = mobile.as_ref().map(|mobile| [mobile]);
    let command = PeopleCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        pseudonyms,
        wish: format!(
            "change user {user_id}\n{}",
            json!([name, kind, email, mobile])
        ),
        user: Some(user_id),
    };
    let mut after = None;
    let done = execute_on_people(store, &command, |people| {
        if *new == ProfileChange::default() {
            return Err(CommandError::Refused(UserRefused::Nothing));
        }
        let user = people
            .user
            .ok_or(CommandError::Refused(UserRefused::NotFound))?;
        let profile = new.clone().read(&user.profile, &people.site.country);
        let profile = profile.map_err(|error| CommandError::Refused(error.into()))?;
        let changed = profile != user.profile;
        let user = User {
            profile,
            version: user.version + u64::from(changed),
            ..user
        };
        after = Some(user.clone());
        Ok(PeopleDecision {
            roster: None,
            guards: changed
                .then(|| Guard::UserChanged(Box::new(user)))
                .into_iter()
                .collect(),
            answer: user_id.clone(),
        })
    })
    .await?;
    let answer = match after.filter(|_| !done.replayed) {
        Some(user) => user,
        // What was answered is personal and was not kept: a repetition shows the user as they are now.
        None => user(store, site_id, user_id, asker).await?,
    };
    Ok(done.with(answer))
}

/// Removes a user with everything that is personal, and with their card, whose link stops working.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn remove_user(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<PeopleDone<UserId>, CommandError<UserRefused>> {
    let command = PeopleCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        pseudonyms,
        wish: format!("remove user {user_id}"),
        user: Some(user_id),
    };
    execute_on_people(store, &command, |people| {
        let user = people
            .user
            .ok_or(CommandError::Refused(UserRefused::NotFound))?;
        let mut roster = people.roster;
        roster.remove();
        let unlinked = live(&user).map(|card| Guard::CardUnlinked(card.key.clone()));
        let mut guards: Vec<Guard> = unlinked.into_iter().collect();
        guards.push(Guard::UserRemoved {
            id: user.id,
            version: user.version,
        });
        Ok(PeopleDecision {
            roster: Some(roster),
            guards,
            answer: user_id.clone(),
        })
    })
    .await
}

/// The users of one transaction that erases them: with their cards, the site and the roster they fit it.
const ERASED_AT_ONCE: u16 = 45;

/// Erases some of the users of a deleted site, and says how many; 0 once none is left.
///
/// # Errors
/// The table could not be read or written; the site is still on the agenda.
pub(super) async fn erase_users(
    store: &Store,
    site_id: &SiteId,
    now: jiff::Timestamp,
) -> Result<u64, StoreError> {
    let mut attempts = Attempts::default();
    loop {
        let keys = [Key::Site(site_id.clone()), Key::Roster(site_id.clone())];
        let mut items = store.load(&keys, &mut attempts).await?.into_iter();
        let site = items
            .next()
            .flatten()
            .map(|item| decode_site(&item))
            .transpose()?;
        let Some(site) = site.filter(|site| site.users_to_erase) else {
            return Ok(0);
        };
        let roster = items
            .next()
            .flatten()
            .map(|item| decode_roster(&item))
            .transpose()?;
        let listing = Listing::users(site_id);
        let listed = store
            .list(&listing, None, ERASED_AT_ONCE, &mut attempts)
            .await?;
        let mut roster = roster.unwrap_or_default();
        let mut guards = Vec::new();
        for item in &listed.items {
            let user = decode_user(item)?;
            guards.extend(live(&user).map(|card| Guard::CardUnlinked(card.key.clone())));
            guards.push(Guard::UserRemoved {
                id: user.id,
                version: user.version,
            });
            roster.remove();
        }
        roster.version += 1;
        let erased = u64::try_from(listed.items.len()).unwrap_or_default();
        let done = if erased == 0 {
            let change = users_erased(site, now);
            let command_id = CommandId::random();
            let commit = Commit {
                change: &change,
                command_id: &command_id,
                request: None,
            };
            store.commit(&[commit]).await
        } else {
            let change = PeopleChange {
                site_id,
                site_version: site.version,
                roster: Some(roster),
                guards,
                request: None,
            };
            store.commit_people(&change).await
        };
        match done {
            Ok(()) => return Ok(erased),
            Err(CommitFailed::Lost(_)) => attempts.again(None).await?,
            Err(CommitFailed::Failed(Failure::NotApplied(error) | Failure::Unknown(error))) => {
                attempts.again(Some(error)).await?;
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                return Err(StoreError::Refused(error));
            }
        }
    }
}
