//! Users: the people of a site, and how many it has.

use crate::domain::model::card::{Card, CardStatus};
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, PersonId, SiteId, UserId};
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::{InvalidMobile, Mobile, SpelledNumber};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most users of one site: all of them are exported in one answer, which has at most 6 MB, and a name has up to four
/// bytes a character.
pub const MAX_USERS: u32 = 5_000;

/// What somebody is to a site.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Works there.
    Employee,
    /// Comes for a while.
    Visitor,
    /// Belongs to it: of a gym, a club.
    Member,
}

/// What is known of a user. Nothing of it is needed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// The name.
    pub name: Option<PersonName>,
    /// What they are to the site.
    pub kind: Option<UserKind>,
    /// Where they are written to.
    pub email: Option<Email>,
    /// Where their card is sent.
    pub mobile: Option<Mobile>,
}

/// What was known of the person to whom a card was issued. It tells a correction from another holder.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
}

impl Holder {
    /// The person of a profile.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self {
            name: profile.name.clone(),
            email: profile.email.clone(),
            mobile: profile.mobile.clone(),
        }
    }

    /// Whether something was known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }

    /// Whether a profile still says one of the things that were known.
    #[must_use]
    pub fn is_of(&self, profile: &Profile) -> bool {
        let same_name = self.name.is_some() && self.name == profile.name;
        let same_email = self.email.is_some() && self.email == profile.email;
        let same_mobile = self.mobile.is_some() && self.mobile == profile.mobile;
        same_name || same_email || same_mobile
    }
}

/// A user of a site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The site.
    pub site_id: SiteId,
    /// Unique on the site. People gave it: often it is a name.
    pub id: UserId,
    /// The random ID by which everything names them that is never erased.
    pub person: PersonId,
    /// An item leads from that ID to this user: something names them by it.
    pub is_named: bool,
    /// How many numbers they had. A message says to which of them it was sent, and not the number.
    pub numbers: u32,
    /// What is known.
    pub profile: Profile,
    /// The card, if one was ever issued (one a user).
    pub card: Option<Card>,
    /// The person to whom it was issued; of a card of the first form, nothing is known.
    pub holder: Holder,
    /// When they were added.
    pub added_at: Timestamp,
    /// The command that added them: an import that died half-way recognises its own users by it.
    pub added_by: CommandId,
    /// One more after every change: the condition of the next.
    pub version: u64,
}

impl User {
    /// A user whom a command adds.
    #[must_use]
    pub fn added(
        site_id: &SiteId,
        id: UserId,
        profile: Profile,
        at: Timestamp,
        by: &CommandId,
    ) -> Self {
        Self {
            site_id: site_id.clone(),
            person: PersonId::made_by(by, id.as_str()),
            id,
            is_named: false,
            numbers: u32::from(profile.mobile.is_some()),
            profile,
            card: None,
            holder: Holder::default(),
            added_at: at,
            added_by: by.clone(),
            version: 1,
        }
    }

    /// The user with another profile.
    #[must_use]
    pub fn with(self, profile: Profile) -> Self {
        let another = profile.mobile.is_some() && profile.mobile != self.profile.mobile;
        Self {
            numbers: self.numbers + u32::from(another),
            profile,
            version: self.version + 1,
            ..self
        }
    }

    /// The card that was not revoked.
    #[must_use]
    pub fn live_card(&self) -> Option<&Card> {
        let card = self.card.as_ref();
        card.filter(|card| card.status != CardStatus::Revoked)
    }

    pub(crate) fn live_card_mut(&mut self) -> Option<&mut Card> {
        let card = self.card.as_mut();
        card.filter(|card| card.status != CardStatus::Revoked)
    }

    /// Whether a search finds them: a part of the name or of the ID, without regard to case.
    #[must_use]
    pub fn is_found_by(&self, search: &str) -> bool {
        let search = search.to_lowercase();
        let name = self.profile.name.as_ref();
        self.id.as_str().to_lowercase().contains(&search)
            || name.is_some_and(|name| name.as_str().to_lowercase().contains(&search))
    }
}

/// The profile of a user to be added. The number is still as it was typed: the site's country says how to read it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewProfile {
    /// The name.
    pub name: Option<PersonName>,
    /// What they are to the site.
    pub kind: Option<UserKind>,
    /// Where they are written to.
    pub email: Option<Email>,
    /// Where their card is sent.
    pub mobile: Option<SpelledNumber>,
}

impl NewProfile {
    /// The profile, on a site of this country.
    ///
    /// # Errors
    /// The number is none.
    pub fn read(self, country: &Country) -> Result<Profile, InvalidMobile> {
        let mobile = self.mobile.map(|number| number.read(country));
        Ok(Profile {
            name: self.name,
            kind: self.kind,
            email: self.email,
            mobile: mobile.transpose()?,
        })
    }
}

/// A change of a profile: `None` leaves a part as it is, `Some(None)` clears it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProfileChange {
    /// Another name.
    pub name: Option<Option<PersonName>>,
    /// Another kind.
    pub kind: Option<Option<UserKind>>,
    /// Another address.
    pub email: Option<Option<Email>>,
    /// Another number, as it was spelled.
    pub mobile: Option<Option<SpelledNumber>>,
}

impl ProfileChange {
    /// The profile after the change, on a site of this country.
    ///
    /// # Errors
    /// The number is none.
    pub fn read(self, old: &Profile, country: &Country) -> Result<Profile, InvalidMobile> {
        let old = old.clone();
        let mobile = match self.mobile {
            Some(number) => number.map(|number| number.read(country)).transpose()?,
            None => old.mobile,
        };
        Ok(Profile {
            name: self.name.unwrap_or(old.name),
            kind: self.kind.unwrap_or(old.kind),
            email: self.email.unwrap_or(old.email),
            mobile,
        })
    }
}

/// How many users a site has, and what the next is called who comes without an ID.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Roster {
    /// How many there are.
    pub users: u32,
    /// The next number: above every ID that is a number of at most nine digits and was ever used.
    pub next_number: u32,
    /// One more after every change; 0 where there is none yet.
    pub version: u64,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            users: 0,
            next_number: 1,
            version: 0,
        }
    }
}

/// Why users are not added.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RosterFull {
    /// The site would have too many.
    #[error("a site has at most {MAX_USERS} users")]
    Users,
    /// The numbers of nine digits are used up.
    #[error("the next user's number would have more than nine digits: give a user_id")]
    Numbers,
}

/// The largest number of nine digits.
const MAX_NUMBER: u32 = 999_999_999;

impl Roster {
    /// Gives out the next number.
    ///
    /// # Errors
    /// All numbers of nine digits are used up.
    pub fn next_id(&mut self) -> Result<UserId, RosterFull> {
        if self.next_number > MAX_NUMBER {
            return Err(RosterFull::Numbers);
        }
        let id = UserId::numbered(self.next_number);
        self.next_number += 1;
        Ok(id)
    }

    /// Takes note of an ID that somebody chose.
    pub fn passes(&mut self, id: &UserId) {
        if let Some(number) = id.number() {
            self.next_number = self.next_number.max(number + 1);
        }
    }

    /// Counts users who are added.
    ///
    /// # Errors
    /// There would be more than [`MAX_USERS`].
    pub fn add(&mut self, count: u32) -> Result<(), RosterFull> {
        let users = self.users.saturating_add(count);
        if users > MAX_USERS {
            return Err(RosterFull::Users);
        }
        self.users = users;
        Ok(())
    }

    /// Counts a user who is removed.
    pub fn remove(&mut self) {
        self.users = self.users.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_above_every_number_that_was_used() {
        let mut roster = Roster::default();
        assert_eq!(roster.next_id(), Ok(UserId::numbered(1)));
        for id in ["7", "0003", "x9", "1234567890"] {
            roster.passes(&UserId::parse(id).unwrap());
        }
        assert_eq!(roster.next_id(), Ok(UserId::numbered(8)));
        roster.passes(&UserId::parse("999999999").unwrap());
        assert_eq!(roster.next_id(), Err(RosterFull::Numbers));
    }

    #[test]
    fn a_roster_has_room_for_so_many_users_and_no_more() {
        let mut roster = Roster::default();
        assert_eq!(roster.add(MAX_USERS), Ok(()));
        assert_eq!(roster.add(1), Err(RosterFull::Users));
        roster.remove();
        assert_eq!(roster.add(1), Ok(()));
    }
}
