//! Sites.

use super::body::body;
use super::cursors::pages;
use super::problem::Problem;
use super::schemas::{
    NextCursor, SettingsChangeEntry, SiteCreationEntry, SiteDeletionEntry, TypedCountries,
};
use crate::commands::{Done, Page, SiteView};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::{NewSite, SiteType};
use crate::domain::rules::sites::NewSettings;
use crate::domain::values::country::{Country, Language, is_known, language_of, time_zone_of};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST /sites`.
    pub struct NewSiteBody {
        /// Its name.
        pub name: SiteName,
        /// Its country.
        #[schema(value_type = String, pattern = "^[A-Za-z]{2}$")]
        pub country: Country,
        /// Its type, which determines how it pays.
        pub site_type: SiteType,
        /// Its time zone; the country's if omitted.
        pub time_zone: Option<TimeZone>,
        /// Its language; the country's if omitted.
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z]{2,3}$")]
        pub language: Option<Language>,
    }
}

impl NewSiteBody {
    /// The requested site.
    ///
    /// # Errors
    /// There is no such country, or it has several time zones and none is named.
    pub fn read(self, id: SiteId, master: Email, now: Timestamp) -> Result<NewSite, Problem> {
        let time_zone = match self.time_zone {
            // An unknown country is an error even if a time zone is given.
            Some(zone) if is_known(&self.country) => zone,
            Some(_) | None => time_zone_of(&self.country, now)?,
        };
        Ok(NewSite {
            id,
            name: self.name,
            time_zone,
            language: self.language.unwrap_or_else(|| language_of(&self.country)),
            country: self.country,
            site_type: self.site_type,
            master,
            person: PersonId::random(),
        })
    }
}

body! {
    /// The body of `PATCH /sites/{site_id}`.
    pub struct SettingsBody {
        /// The new name.
        pub name: Option<SiteName>,
        /// The new time zone.
        pub time_zone: Option<TimeZone>,
        /// The new language.
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z]{2,3}$")]
        pub language: Option<Language>,
        /// The countries that messages may be sent to, in place of the current ones.
        #[schema(value_type = Option<TypedCountries>)]
        pub sms_countries: Option<Vec<Country>>,
    }
}

impl SettingsBody {
    /// The requested changes.
    #[must_use]
    pub fn read(self) -> NewSettings {
        NewSettings {
            name: self.name,
            time_zone: self.time_zone,
            language: self.language,
            sms_countries: self.sms_countries,
        }
    }
}

/// The answer to a request for a site.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownSite {
    /// The site.
    pub site: SiteView,
}

impl From<SiteView> for ShownSite {
    fn from(site: SiteView) -> Self {
        Self { site }
    }
}

pages!(SitePage);

/// The answer to a request for the caller's sites.
#[derive(Debug, Serialize, ToSchema)]
pub struct SitePage {
    /// The sites.
    #[schema(max_items = 100)]
    pub sites: Vec<SiteView>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<SiteView>> for SitePage {
    fn from(page: Page<SiteView>) -> Self {
        Self {
            sites: page.items,
            next_cursor: page.next,
        }
    }
}

/// Declares the answers to requests that change a site. Each has the site as it is now, and its own kind of entry.
macro_rules! changed_sites {
    ($($(#[$doc:meta])* $name:ident, $entry:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// The entry.
            #[schema(value_type = $entry)]
            pub entry: Option<Entry>,
            /// The site.
            pub site: SiteView,
        }

        impl From<Done<SiteView>> for $name {
            fn from(done: Done<SiteView>) -> Self {
                Self {
                    entry: done.entry,
                    site: done.answer,
                }
            }
        }
    )*};
}

changed_sites! {
    /// The answer to creating a site.
    CreatedSite, SiteCreationEntry;
    /// The answer to changing settings. The entry is null if the site was already as requested.
    ChangedSite, Option<SettingsChangeEntry>;
    /// The answer to deleting a site.
    DeletedSite, SiteDeletionEntry;
}
