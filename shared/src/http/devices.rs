//! The devices of a site.

use super::body::body;
use super::cursors::pages;
use super::schemas::{
    self, DeviceRegistrationEntry, DeviceRemovalEntry, DeviceRenamingEntry, DeviceReplacementEntry,
    NextCursor, TypedId,
};
use crate::commands::{DeviceChanged, DeviceToRegister, Done, Page, Registered, Replacement};
use crate::domain::model;
use crate::domain::model::entry::Entry;
use crate::domain::rules::license::License;
use crate::domain::values::ids::DeviceId;
use crate::domain::values::names::SiteName;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/devices`.
    pub struct DevicesBody {
        /// The devices.
        #[schema(min_items = 1, max_items = 90)]
        pub devices: Vec<DeviceBody>,
    }
}

body! {
    /// One device of `POST …/devices`.
    pub struct DeviceBody {
        /// Its ID; generated if omitted.
        #[schema(value_type = Option<TypedId>)]
        pub device_id: Option<DeviceId>,
        /// Its name.
        pub name: SiteName,
    }
}

impl DevicesBody {
    /// The requested devices.
    #[must_use]
    pub fn read(self) -> Vec<DeviceToRegister> {
        let devices = self.devices.into_iter().map(|device| DeviceToRegister {
            id: device.device_id,
            name: device.name,
        });
        devices.collect()
    }
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its ID.
    pub device_id: DeviceId,
    /// Its name.
    pub name: SiteName,
    /// The date on which it was registered, in the site's time zone.
    #[schema(value_type = schemas::Date)]
    pub registered_on: Date,
}

impl From<model::device::Device> for Device {
    fn from(device: model::device::Device) -> Self {
        Self {
            device_id: device.id,
            name: device.name,
            registered_on: device.registered_on,
        }
    }
}

pages!(DevicePage);

/// The answer to a request for a site's devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicePage {
    /// The devices.
    #[schema(max_items = 100)]
    pub devices: Vec<Device>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<model::device::Device>> for DevicePage {
    fn from(page: Page<model::device::Device>) -> Self {
        Self {
            devices: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        }
    }
}

/// The answer to a registration.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredDevices {
    /// The devices.
    #[schema(min_items = 1, max_items = 90)]
    pub devices: Vec<Device>,
    /// The entry.
    #[schema(value_type = DeviceRegistrationEntry)]
    pub entry: Option<Entry>,
    /// The license after it.
    pub license: License,
}

impl From<Done<Registered>> for RegisteredDevices {
    fn from(done: Done<Registered>) -> Self {
        let Registered { devices, license } = done.answer;
        Self {
            devices: devices.into_iter().map(Into::into).collect(),
            entry: done.entry,
            license,
        }
    }
}

/// The answer to a removal.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedDevice {
    /// The entry.
    #[schema(value_type = DeviceRemovalEntry)]
    pub entry: Option<Entry>,
    /// The license after it.
    pub license: License,
}

impl From<Done<License>> for RemovedDevice {
    fn from(done: Done<License>) -> Self {
        Self {
            entry: done.entry,
            license: done.answer,
        }
    }
}

body! {
    /// The body of `PATCH …/devices/{device_id}`.
    pub struct DeviceNameBody {
        /// Its new name.
        pub name: SiteName,
    }
}

body! {
    /// The body of `POST …/devices/{device_id}/replacement`.
    pub struct ReplacementBody {
        /// The ID of the new device; generated if omitted.
        #[schema(value_type = Option<TypedId>)]
        pub device_id: Option<DeviceId>,
        /// The name of the new device; that of the old one if omitted.
        pub name: Option<SiteName>,
    }
}

impl ReplacementBody {
    /// The requested replacement.
    #[must_use]
    pub fn read(self) -> Replacement {
        Replacement {
            id: self.device_id,
            name: self.name,
        }
    }
}

/// Declares the answers to changes of a device, which differ in their entries.
macro_rules! changed_devices {
    ($($(#[$doc:meta])* $name:ident, $entry:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// The device.
            pub device: Device,
            /// The entry.
            #[schema(value_type = $entry)]
            pub entry: Option<Entry>,
            /// The license after it.
            pub license: License,
        }

        impl From<Done<DeviceChanged>> for $name {
            fn from(done: Done<DeviceChanged>) -> Self {
                let changed = done.answer;
                Self {
                    device: Device {
                        device_id: changed.device_id,
                        name: changed.name,
                        registered_on: changed.registered_on,
                    },
                    entry: done.entry,
                    license: changed.license,
                }
            }
        }
    )*};
}

changed_devices! {
    /// The answer to a replacement.
    ReplacedDevice, DeviceReplacementEntry;
    /// The answer to a renaming. The entry is null if the device had this name.
    RenamedDevice, Option<DeviceRenamingEntry>;
}
