//! Users: adding, showing, listing, changing and removing them. No balance changes, so none of this writes an entry.
//!
//! Every change is one transaction: the site as it was read, the roster, the user, and the request, which is the witness.
//! Nothing personal is remembered with a request, so a repetition makes its answer from what it asks for.

use super::asker::{Admitted, Asker, CommandError, ReadError, admitted};
use super::command::Command;
use super::execute::{Done, Step, execute};
use super::pages::{Page, PageOf, list_of_site};
use super::steps::{self, Next, take};
use crate::domain::model::change::Write;
use crate::domain::model::site::Site;
use crate::domain::model::user::{NewProfile, Profile, ProfileChange, Roster, RosterFull, User};
use crate::domain::rules::cards::{CardRefused, corrected};
use crate::domain::rules::sites::users_erased;
use crate::domain::values::country::Country;
use crate::domain::values::ids::{CommandId, SiteId, UserId};
use crate::domain::values::phone::InvalidMobile;
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, Listing, Store, StoreError, TypedKey, decode_user};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most users that one search looks through in a page: all that a site may have.
const MAX_SEARCHED: u16 = 5_000;

/// Why users are not added, changed, or removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserRefused {
    /// The site has a user of this ID.
    #[error("a user of this ID exists")]
    Exists,
    /// The site has no user of this ID.
    #[error("there is no such user")]
    NotFound,
    /// The number is not a valid phone number.
    #[error(transparent)]
    Mobile(#[from] InvalidMobile),
    /// The change names nothing.
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
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewUser {
    /// The ID; the next number if there is none.
    pub id: Option<UserId>,
    /// The rest.
    pub profile: NewProfile,
}

/// What is remembered of an addition.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Added {
    user_id: UserId,
    /// The number is read again by it.
    country: Country,
    at: Timestamp,
    by: CommandId,
}

impl Added {
    fn user(&self, site_id: &SiteId, profile: Profile) -> User {
        let id = self.user_id.clone();
        User::added(site_id, id, profile, self.at, &self.by)
    }
}

/// The site as it was read, which must not change: so nobody acts who has just lost their role.
pub(super) fn site_as_read(site: &Site) -> Write {
    Write::SiteUnchanged {
        site_id: site.id.clone(),
        version: site.version,
    }
}

/// The roster after a change of the one that was read.
pub(super) fn roster_after(site: &Site, read: Option<Roster>, roster: Roster) -> Write {
    Write::Roster {
        site_id: site.id.clone(),
        roster: Roster {
            version: read.unwrap_or_default().version + 1,
            ..roster
        },
    }
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
) -> Result<Done<User>, CommandError<UserRefused>> {
    let command = format!("add user\n{}", canonical(new));
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    let profile_in = |country: &Country| {
        let profile = new.profile.clone().read(country);
        profile.map_err(CommandError::refused)
    };
    let user = new.id.as_ref().map(|id| TypedKey::user(site_id, id));
    let reads = (TypedKey::roster(site_id), user);
    let done = execute(
        store,
        &command,
        &reads,
        |Admitted { site, .. }, (read, user), _| {
            let profile = profile_in(&site.country)?;
            if user.is_some() {
                return Err(CommandError::Refused(UserRefused::Exists));
            }
            let mut roster = read.unwrap_or_default();
            let user_id = match &new.id {
                Some(id) => {
                    roster.passes(id);
                    id.clone()
                }
                None => roster.next_id().map_err(CommandError::refused)?,
            };
            roster.add(1).map_err(CommandError::refused)?;
            let added = Added {
                user_id,
                country: site.country.clone(),
                at: asker.now,
                by: command.id.clone(),
            };
            let user = Write::UserAdded(Box::new(added.user(site_id, profile)));
            let roster = roster_after(&site, read, roster);
            Ok(Step::writes(vec![site_as_read(&site), roster, user], added))
        },
    )
    .await?;
    let profile = profile_in(&done.answer.country)?;
    Ok(done.map(|added| added.user(site_id, profile)))
}

/// A user to be added, in one canonical text.
pub(super) fn canonical(new: &NewUser) -> String {
    let NewProfile {
        name,
        kind,
        email,
        mobile,
    } = &new.profile;
    // JSON tells a missing text from an empty one, and where one ends.
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

/// A site as it admits the asker and one of its users, in one round trip.
pub(super) async fn site_and_user(
    store: &Store,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<(Admitted, User), CommandError<UserRefused>> {
    let reads = (TypedKey::site(site_id), TypedKey::user(site_id, user_id));
    let (site, user) = store.read(reads, &mut Attempts::default()).await?;
    let admitted = admitted(site, asker)?;
    let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
    Ok((admitted, user))
}

/// Which users are listed.
#[derive(Clone, Debug)]
pub struct UsersOf {
    /// A part of their name or ID.
    pub search: Option<String>,
    /// The user after whom the page starts.
    pub after: Option<UserId>,
    /// The most users of the page.
    pub limit: u16,
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
    let read = PageOf {
        after: which.after.as_ref().map(Listing::after_user),
        limit: if which.search.is_some() {
            MAX_SEARCHED
        } else {
            which.limit
        },
    };
    let listing = Listing::users(site_id);
    let mut page = list_of_site(store, site_id, &listing, &read, asker, decode_user).await?;
    if let Some(search) = &which.search {
        page.items.retain(|user| user.is_found_by(search));
    }
    let more = page.items.len() > usize::from(which.limit);
    page.items.truncate(usize::from(which.limit));
    let last = page.items.last().filter(|_| more || page.next.is_some());
    Ok(Page {
        next: last.map(|user| user.id.to_string()),
        items: page.items,
    })
}

/// Changes the profile of a user.
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
) -> Result<Done<User>, CommandError<UserRefused>> {
    let ProfileChange {
        name,
        kind,
        email,
        mobile,
    } = new;
    // A list of one where a member is given, even as null.
    let name = name.as_ref().map(|name| [name]);
    let kind = kind.as_ref().map(|kind| [kind]);
    let email = email.as_ref().map(|email| [email]);
    let mobile = mobile.as_ref().map(|mobile| [mobile]);
    let members = json!([name, kind, email, mobile]);
    let command = format!("change user {user_id}\n{members}");
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    let mut after = None;
    let reads = TypedKey::user(site_id, user_id);
    let done = execute(store, &command, &reads, |Admitted { site, .. }, user, _| {
        if *new == ProfileChange::default() {
            return Err(CommandError::Refused(UserRefused::Nothing));
        }
        let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
        let profile = new.clone().read(&user.profile, &site.country);
        let profile = profile.map_err(CommandError::refused)?;
        let changed = corrected(&site, user.clone(), profile, asker.now);
        let changed = changed.map_err(CommandError::refused)?;
        after = Some(changed.clone().unwrap_or(user));
        let mut writes = vec![site_as_read(&site)];
        writes.extend(changed.map(|user| Write::UserChanged(Box::new(user))));
        Ok(Step::writes(writes, user_id.clone()))
    })
    .await?;
    let shown = match after.filter(|_| !done.replayed) {
        Some(user) => user,
        // The first answer was personal and is not stored: a repetition shows the user as they are now.
        None => user(store, site_id, user_id, asker).await?,
    };
    Ok(done.map(|_| shown))
}

/// Removes a user with everything personal, and with their card, whose link stops working.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn remove_user(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<Done<UserId>, CommandError<UserRefused>> {
    let command = format!("remove user {user_id}");
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    let reads = (TypedKey::roster(site_id), TypedKey::user(site_id, user_id));
    execute(
        store,
        &command,
        &reads,
        |Admitted { site, .. }, (read, user), _| {
            let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
            let mut roster = read.unwrap_or_default();
            roster.remove();
            let mut writes = vec![site_as_read(&site), roster_after(&site, read, roster)];
            writes.extend(removal(&user));
            Ok(Step::writes(writes, user_id.clone()))
        },
    )
    .await
}

/// What removes a user, and what finds them and their card.
fn removal(user: &User) -> impl Iterator<Item = Write> {
    let card = user.live_card();
    let unlinked = card.map(|card| Write::CardUnlinked(card.key.clone()));
    let forgotten = user.is_named.then(|| Write::PersonForgotten {
        site_id: user.site_id.clone(),
        person: user.person.clone(),
    });
    let removed = Write::UserRemoved {
        site_id: user.site_id.clone(),
        user_id: user.id.clone(),
        version: user.version,
    };
    unlinked.into_iter().chain(forgotten).chain([removed])
}

/// The users of one transaction that erases them: with what finds them and their cards, the site and the roster, they fit it.
const ERASED_AT_ONCE: u16 = 32;

/// Erases some of the users of a deleted site, and says how many; 0 once none is left.
///
/// # Errors
/// The table could not be read or written; the site is still on the agenda.
pub(super) async fn erase_users(
    store: &Store,
    site_id: &SiteId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let erasure = Erasure { site_id, now };
    take(
        store,
        &CommandId::random(),
        &mut Attempts::default(),
        &erasure,
    )
    .await
}

/// The erasure of some of the users of a deleted site.
struct Erasure<'a> {
    site_id: &'a SiteId,
    now: Timestamp,
}

impl steps::Step for Erasure<'_> {
    type Done = usize;

    async fn decide(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Next<usize>, StoreError> {
        let reads = (TypedKey::site(self.site_id), TypedKey::roster(self.site_id));
        let (site, read) = store.read(reads, attempts).await?;
        let Some(site) = site.filter(|site| site.users_to_erase) else {
            return Ok(Next::Done(0));
        };
        let listing = Listing::users(self.site_id);
        let listed = store.list(&listing, None, ERASED_AT_ONCE, attempts).await?;
        let mut roster = read.unwrap_or_default();
        let mut removals = Vec::new();
        for item in &listed.items {
            removals.extend(removal(&decode_user(item)?));
            roster.remove();
        }
        let erased = listed.items.len();
        if erased == 0 {
            return Ok(Next::Commit(users_erased(site, self.now).into_writes(), 0));
        }
        let mut writes = vec![site_as_read(&site), roster_after(&site, read, roster)];
        writes.extend(removals);
        Ok(Next::Commit(writes, erased))
    }
}
