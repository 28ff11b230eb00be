//! How people are named in what is never erased: by a random ID, which leads to nobody once they are removed (rule 15b).

use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId, UserId};
use serde::{Deserialize, Serialize};

/// An administrator, as an entry names them. Entries are never erased, so they name nobody by what leads to a person; those
/// of the first form did.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Who {
    /// By the person's ID on the site.
    Person {
        /// The ID.
        person: PersonId,
    },
    /// By their address, in the first form.
    Older {
        /// The address.
        email: Email,
    },
}

impl Who {
    /// A person.
    #[must_use]
    pub fn of(person: &PersonId) -> Self {
        let person = person.clone();
        Self::Person { person }
    }

    /// The person's ID on a site.
    #[must_use]
    pub fn person(&self, site: &SiteId) -> PersonId {
        match self {
            Self::Person { person } => person.clone(),
            Self::Older { email } => PersonId::of_older(site, email.as_str()),
        }
    }
}

/// A user, as what is never erased names them: like an administrator by a random ID, and in the first form by the ID that
/// people gave, which may be a name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Whom {
    /// By the person's ID on the site.
    Person {
        /// The ID.
        person: PersonId,
    },
    /// By the ID that people gave, in the first form.
    Older {
        /// The ID.
        user_id: UserId,
    },
}

impl Whom {
    /// A person.
    #[must_use]
    pub fn of(person: &PersonId) -> Self {
        let person = person.clone();
        Self::Person { person }
    }
}
