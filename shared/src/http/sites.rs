//! Sites.

use super::problem::Problem;
use super::reply::Reply;
use crate::commands::{Done, Page, SiteView};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::{NewSite, SiteType};
use crate::domain::rules::sites::NewSettings;
use crate::domain::values::country::{Country, Language, is_known, language_of, time_zone_of};
use crate::domain::values::email::Email;
use crate::domain::values::ids::SiteId;
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The body of `POST /sites`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSiteBody {
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// How it pays.
    pub site_type: SiteType,
    /// Its time zone; that of the country where it is left out.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Its language; that of the country where it is left out.
    #[serde(default)]
    pub language: Option<Language>,
}

impl NewSiteBody {
    /// The site that is asked for.
    ///
    /// # Errors
    /// There is no such country, or it has several time zones and none is named.
    pub fn read(self, id: SiteId, master: Email, now: Timestamp) -> Result<NewSite, Problem> {
        let time_zone = match self.time_zone {
            // A country that nobody lives in is a typing error all the same.
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
        })
    }
}

/// The body of `PATCH /sites/{site_id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// Another name.
    #[serde(default)]
    pub name: Option<SiteName>,
    /// Another time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Another language.
    #[serde(default)]
    pub language: Option<Language>,
    /// Other countries that messages may be sent to.
    #[serde(default)]
    pub sms_countries: Option<Vec<Country>>,
}

impl SettingsBody {
    /// What is to be changed.
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
#[derive(Debug, Serialize)]
pub struct ShownSite {
    /// The site.
    pub site: SiteView,
}

impl From<SiteView> for ShownSite {
    fn from(site: SiteView) -> Self {
        Self { site }
    }
}

/// The answer to a request for the caller's sites.
#[derive(Debug, Serialize)]
pub struct SitePage {
    /// The sites.
    pub sites: Vec<SiteView>,
    /// The cursor of the next page; null after the last.
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

/// The answer to a creation, to a change of settings, and to a deletion: the site as it is now.
#[derive(Debug, Serialize)]
pub struct ChangedSite {
    /// The entry; null where the site was already as requested, and nothing was written.
    pub entry: Option<Entry>,
    /// The site.
    pub site: SiteView,
}

impl ChangedSite {
    /// A 201.
    #[must_use]
    pub fn created(done: Done<SiteView>) -> Reply<Self> {
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

impl From<Done<SiteView>> for ChangedSite {
    fn from(done: Done<SiteView>) -> Self {
        Self {
            entry: done.entry,
            site: done.answer,
        }
    }
}
