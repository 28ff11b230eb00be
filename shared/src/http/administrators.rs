//! The administrators of a site.

use super::reply::Reply;
use crate::commands::{Done, SiteView};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::{Administrator, Role};
use crate::domain::values::email::Email;
use serde::{Deserialize, Serialize};

/// The body of `POST …/admins`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdministratorBody {
    /// Who.
    pub email: Email,
    /// As what.
    pub role: Role,
}

/// The body of `PATCH …/admins/{email}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// As what.
    pub role: Role,
}

/// The answer to a request for a site's administrators.
#[derive(Debug, Serialize)]
pub struct Administrators {
    /// The administrators.
    pub administrators: Vec<Administrator>,
}

impl From<SiteView> for Administrators {
    fn from(site: SiteView) -> Self {
        Self {
            administrators: site.administrators,
        }
    }
}

/// The answer to an invitation, to a change of role, and to a removal: the administrators as they are now.
#[derive(Debug, Serialize)]
pub struct ChangedAdministrators {
    /// The entry; null where the administrators were already as requested, and nothing was written.
    pub entry: Option<Entry>,
    /// The administrators.
    pub administrators: Vec<Administrator>,
}

impl ChangedAdministrators {
    /// A 201.
    #[must_use]
    pub fn invited(done: Done<SiteView>) -> Reply<Self> {
        let replayed = done.replayed;
        Reply::created(done).replayed(replayed)
    }

    /// A 200.
    #[must_use]
    pub fn changed(done: Done<SiteView>) -> Reply<Self> {
        let replayed = done.replayed;
        Reply::ok(done).replayed(replayed)
    }
}

impl From<Done<SiteView>> for ChangedAdministrators {
    fn from(done: Done<SiteView>) -> Self {
        Self {
            entry: done.entry,
            administrators: done.answer.administrators,
        }
    }
}
