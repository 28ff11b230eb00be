//! The administrators of a site.

use super::body::body;
use super::schemas::{AdministratorChangeEntry, TypedEmail};
use crate::commands::{AdministratorView, Done, SiteView};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::Role;
use crate::domain::values::email::Email;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/admins`.
    pub struct AdministratorBody {
        /// The e-mail address of the person to be invited.
        #[schema(value_type = TypedEmail)]
        pub email: Email,
        /// The role that is offered.
        pub role: Role,
    }
}

body! {
    /// The body of `PATCH …/admins/{email}`.
    pub struct RoleBody {
        /// The new role.
        pub role: Role,
    }
}

/// The answer to a request for a site's administrators.
#[derive(Debug, Serialize, ToSchema)]
pub struct Administrators {
    /// The administrators.
    #[schema(min_items = 1, max_items = 20)]
    pub administrators: Vec<AdministratorView>,
}

impl From<SiteView> for Administrators {
    fn from(site: SiteView) -> Self {
        Self {
            administrators: site.administrators,
        }
    }
}

/// The answer to a removal.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedAdministrator {
    /// The entry.
    #[schema(value_type = AdministratorChangeEntry)]
    pub entry: Option<Entry>,
    /// The administrators that are left.
    #[schema(min_items = 1, max_items = 20)]
    pub administrators: Vec<AdministratorView>,
}

impl From<Done<SiteView>> for RemovedAdministrator {
    fn from(done: Done<SiteView>) -> Self {
        Self {
            entry: done.entry,
            administrators: done.answer.administrators,
        }
    }
}
