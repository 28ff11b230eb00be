//! A device of a site.

use crate::domain::values::ids::{DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use jiff::civil::Date;

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

/// A device to be registered.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Unique on its site.
    pub id: DeviceId,
    /// What people call it.
    pub name: SiteName,
}
