//! The users of a site.

use super::body::{Patch, body};
use super::cards::{Card, CardPages};
use super::cursors::pages;
use super::problem::ProblemCode;
use super::reply::Changed;
use super::schemas::{Instant, LineProblem, NextCursor, TypedEmail, TypedId, TypedMobile};
use crate::commands::{Done, Imported, LineRefused, NewUser, Page};
use crate::domain::model;
use crate::domain::model::user::{NewProfile, ProfileChange, UserKind};
use crate::domain::values::email::Email;
use crate::domain::values::ids::UserId;
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::{Mobile, SpelledNumber};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/users`.
    pub struct UserBody {
        /// The ID; the next number if omitted.
        #[schema(value_type = Option<TypedId>)]
        pub user_id: Option<UserId>,
        /// The name.
        pub name: Option<PersonName>,
        /// The kind of user.
        pub kind: Option<UserKind>,
        /// The e-mail address.
        #[schema(value_type = Option<TypedEmail>)]
        pub email: Option<Email>,
        /// The mobile number that their card is sent to, in any common notation.
        #[schema(value_type = Option<TypedMobile>)]
        pub mobile: Option<SpelledNumber>,
    }
}

impl UserBody {
    /// The requested user.
    #[must_use]
    pub fn read(self) -> NewUser {
        NewUser {
            id: self.user_id,
            profile: NewProfile {
                name: self.name,
                kind: self.kind,
                email: self.email,
                mobile: self.mobile,
            },
        }
    }
}

body! {
    /// The body of `PATCH …/users/{user_id}`: an omitted member stays unchanged, and null clears it.
    pub struct UserChangeBody {
        /// The new name.
        #[schema(value_type = Option<PersonName>)]
        pub name: Patch<PersonName>,
        /// The new kind.
        #[schema(value_type = Option<UserKind>)]
        pub kind: Patch<UserKind>,
        /// The new e-mail address.
        #[schema(value_type = Option<TypedEmail>)]
        pub email: Patch<Email>,
        /// The new mobile number.
        #[schema(value_type = Option<TypedMobile>)]
        pub mobile: Patch<SpelledNumber>,
    }
}

impl UserChangeBody {
    /// The requested changes.
    #[must_use]
    pub fn read(self) -> ProfileChange {
        ProfileChange {
            name: self.name.0,
            kind: self.kind.0,
            email: self.email.0,
            mobile: self.mobile.0,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// The ID.
    pub user_id: UserId,
    /// The name.
    pub name: Option<PersonName>,
    /// The kind of user.
    pub kind: Option<UserKind>,
    /// The e-mail address.
    pub email: Option<Email>,
    /// The mobile number that their card is sent to.
    pub mobile: Option<Mobile>,
    /// When they were added.
    #[schema(value_type = Instant)]
    pub added_at: Timestamp,
    /// Their card, if one was ever issued.
    pub card: Option<Card>,
}

impl User {
    /// A user as the contract shows them, with the card that [`Card::of`] makes.
    #[must_use]
    pub fn of(user: model::user::User, pages: &CardPages, host: &str) -> Self {
        Self {
            user_id: user.id,
            name: user.profile.name,
            kind: user.profile.kind,
            email: user.profile.email,
            mobile: user.profile.mobile,
            added_at: user.added_at,
            card: user.card.map(|card| Card::of(card, pages, host)),
        }
    }
}

/// The answer to showing, adding or changing a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownUser {
    /// The user as they are now.
    pub user: User,
}

impl From<User> for ShownUser {
    fn from(user: User) -> Self {
        Self { user }
    }
}

pages!(UserPage);

/// The answer to a request for a site's users.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// The users.
    #[schema(max_items = 100)]
    pub users: Vec<User>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl UserPage {
    /// A page of users, each made by [`User::of`].
    #[must_use]
    pub fn of(page: Page<model::user::User>, pages: &CardPages, host: &str) -> Self {
        let users = page.items.into_iter();
        Self {
            users: users.map(|user| User::of(user, pages, host)).collect(),
            next_cursor: page.next,
        }
    }
}

/// The answer to removing a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedUser {
    /// The ID of the removed user.
    pub user_id: UserId,
}

impl From<Done<UserId>> for RemovedUser {
    fn from(done: Done<UserId>) -> Self {
        Self {
            user_id: done.answer,
        }
    }
}

/// The answer to an import, line by line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedUsers {
    /// How many were added.
    #[schema(minimum = 0, maximum = 1_000)]
    pub added: usize,
    /// How many were refused.
    #[schema(minimum = 0, maximum = 1_000)]
    pub refused: usize,
    /// The outcome of each line.
    #[schema(min_items = 1, max_items = 1_000)]
    pub lines: Vec<ImportedLine>,
}

/// The outcome of one line of an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedLine {
    /// Its number in the file.
    #[schema(minimum = 1)]
    pub line: u64,
    /// The ID of the added user; null if the line was refused.
    pub user_id: Option<UserId>,
    /// The code of the problem; null unless the line was refused.
    #[schema(value_type = LineProblem, inline)]
    pub code: Option<&'static str>,
    /// What is wrong with the line; null unless it was refused.
    #[schema(min_length = 1)]
    pub detail: Option<String>,
}

impl ImportedLine {
    fn of((line, outcome): (u64, Result<UserId, LineRefused>)) -> Self {
        let (user_id, refused) = match outcome {
            Ok(user_id) => (Some(user_id), None),
            Err(refused) => (None, Some(refused)),
        };
        let code = refused.as_ref().map(|refused| match refused {
            LineRefused::Malformed(_) => ProblemCode::MalformedRequest,
            LineRefused::Exists => ProblemCode::UserExists,
            LineRefused::Full => ProblemCode::TooManyUsers,
        });
        Self {
            line,
            user_id,
            code: code.map(ProblemCode::as_str),
            detail: refused.map(|refused| refused.to_string()),
        }
    }
}

impl From<Imported> for Changed<ImportedUsers> {
    fn from(imported: Imported) -> Self {
        let lines: Vec<_> = imported.lines.into_iter().map(ImportedLine::of).collect();
        let added = lines.iter().filter(|line| line.user_id.is_some()).count();
        let users = ImportedUsers {
            added,
            refused: lines.len() - added,
            lines,
        };
        Self::new(users, imported.replayed)
    }
}
