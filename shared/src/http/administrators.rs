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
        /// The administrator's e-mail address.
        #[schema(value_type = TypedEmail)]
        pub email: Email,
        /// The administrator's role.
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

/// The answer to an invitation, to a change of role, and to a removal: the administrators as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedAdministrators {
    /// The entry; null where the administrators were already as requested, and nothing was written.
    #[schema(value_type = Option<AdministratorChangeEntry>)]
    pub entry: Option<Entry>,
    /// The administrators.
    #[schema(min_items = 1, max_items = 20)]
    pub administrators: Vec<AdministratorView>,
}

impl From<Done<SiteView>> for ChangedAdministrators {
    fn from(done: Done<SiteView>) -> Self {
        Self {
            entry: done.entry,
            administrators: done.answer.administrators,
        }
    }
}
