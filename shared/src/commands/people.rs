//! Who the people are that statements and messages name by their IDs, as long as they are there.

use crate::domain::model::entry::Entry;
use crate::domain::model::message::Message;
use crate::domain::model::site::{Administrator, Role, Site};
use crate::domain::model::user::User;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId, UserId};
use crate::domain::values::person::Whom;
use crate::domain::values::phone::Mobile;
use crate::store::{Attempts, Store, StoreError, TypedKey};
use std::collections::{BTreeMap, BTreeSet};

/// An administrator whom entries name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedAdministrator {
    /// The ID.
    pub person: PersonId,
    /// The address and role; none of a former administrator, and of somebody who is invited.
    pub is: Option<(Email, Role)>,
}

/// A user whom entries name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedUser {
    /// The ID of the person.
    pub person: PersonId,
    /// The ID that people gave; none of a former user.
    pub user_id: Option<UserId>,
}

/// The people whom entries name by their IDs.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// The administrators.
    pub administrators: Vec<NamedAdministrator>,
    /// The users.
    pub users: Vec<NamedUser>,
}

impl People {
    /// Those whom entries of a site name. If these name users, one more round trip.
    pub(super) async fn of(
        store: &Store,
        site: &Site,
        entries: &[Entry],
        attempts: &mut Attempts,
    ) -> Result<Self, StoreError> {
        let named: BTreeSet<&PersonId> = entries.iter().flat_map(Entry::administrators).collect();
        let administrators = named.into_iter().map(|person| {
            let mut administrators = site.administrators.iter();
            let found = administrators.find(|administrator| administrator.person == *person);
            NamedAdministrator {
                person: person.clone(),
                is: found.map(|Administrator { email, role, .. }| (email.clone(), *role)),
            }
        });
        let named = entries.iter().flat_map(Entry::users);
        let users = user_ids(store, &site.id, named, attempts).await?;
        let users = users.into_iter();
        Ok(Self {
            administrators: administrators.collect(),
            users: users
                .map(|(person, user_id)| NamedUser { person, user_id })
                .collect(),
        })
    }
}

/// The IDs that people gave to the users whom something names; none of former users.
async fn user_ids(
    store: &Store,
    site_id: &SiteId,
    named: impl Iterator<Item = &PersonId>,
    attempts: &mut Attempts,
) -> Result<BTreeMap<PersonId, Option<UserId>>, StoreError> {
    let persons: BTreeSet<&PersonId> = named.collect();
    let keys = persons.iter();
    let keys: Vec<_> = keys
        .map(|person| TypedKey::person(site_id, person))
        .collect();
    let found = store.read(keys, attempts).await?;
    let found = persons.into_iter().zip(found);
    let user_of = |found: Option<(PersonId, UserId)>| found.map(|(_, user_id)| user_id);
    Ok(found
        .map(|(person, found)| (person.clone(), user_of(found)))
        .collect())
}

/// A message, and what is known of whom it is to.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// The user; none of a former one.
    pub user_id: Option<UserId>,
    /// The number, masked; none if the user has another by now, or is none any more.
    pub to: Option<String>,
}

impl MessageView {
    /// A message to a user who is there.
    pub(super) fn to_user(message: Message, user: &User) -> Self {
        let mobile = user.profile.mobile.as_ref();
        let mobile = mobile.filter(|_| user.numbers == message.number);
        Self {
            user_id: Some(user.id.clone()),
            to: mobile.map(Mobile::masked),
            message,
        }
    }

    /// A message to somebody who is no user any more; one of the first form says itself to whom it was.
    fn to_nobody(message: Message) -> Self {
        let user_id = match &message.whom {
            Whom::Person { .. } => None,
            Whom::Older { user_id } => Some(user_id.clone()),
        };
        Self {
            user_id,
            to: message.to.clone(),
            message,
        }
    }

    /// Messages of a site, in two round trips.
    pub(super) async fn of(
        store: &Store,
        site_id: &SiteId,
        messages: Vec<Message>,
        attempts: &mut Attempts,
    ) -> Result<Vec<Self>, StoreError> {
        let named = messages.iter().filter_map(|message| match &message.whom {
            Whom::Person { person } => Some(person),
            Whom::Older { .. } => None,
        });
        let ids = user_ids(store, site_id, named, attempts).await?;
        let keys = ids.values().flatten();
        let keys: Vec<_> = keys.map(|id| TypedKey::user(site_id, id)).collect();
        let users = store.read(keys, attempts).await?;
        let users = users.into_iter().flatten();
        let users: BTreeMap<PersonId, User> =
            users.map(|user| (user.person.clone(), user)).collect();
        let shown = messages.into_iter().map(|message| {
            let user = match &message.whom {
                Whom::Person { person } => users.get(person),
                Whom::Older { .. } => None,
            };
            match user {
                Some(user) => Self::to_user(message, user),
                None => Self::to_nobody(message),
            }
        });
        Ok(shown.collect())
    }
}
