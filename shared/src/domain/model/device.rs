//! A device of a site.

use crate::domain::values::ids::{DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A device of a site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its site.
    pub site_id: SiteId,
    /// Unique on its site.
    pub id: DeviceId,
    /// What people call it, under the rules of a site's name.
    pub name: SiteName,
    /// The date of its registration, in the site's zone; its day is the anchor day.
    pub registered_on: Date,
}

/// A device by its ID and its name: one to be registered, or as an entry tells of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NamedDevice {
    /// Unique on its site.
    #[serde(rename = "device_id")]
    pub id: DeviceId,
    /// What people call it.
    pub name: SiteName,
}

impl Device {
    /// The device by its ID and its name.
    #[must_use]
    pub fn named(&self) -> NamedDevice {
        NamedDevice {
            id: self.id.clone(),
            name: self.name.clone(),
        }
    }
}
