//! The devices of a site.

use super::schemas::{self, DeviceRegistrationEntry, DeviceRemovalEntry, NextCursor};
use crate::commands::{DeviceToRegister, Done, Page, Registered};
use crate::domain::model;
use crate::domain::model::entry::Entry;
use crate::domain::rules::license::License;
use crate::domain::values::ids::DeviceId;
use crate::domain::values::names::SiteName;
use jiff::civil::Date;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The body of `POST …/devices`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicesBody {
    /// The devices.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 90)]
    pub devices: Vec<DeviceBody>,
}

/// Reads a list of objects. By default, Serde would also accept an array in place of each object.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DeviceBody>, D::Error> {
    let objects: Vec<Object> = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(device)| device).collect())
}

/// A device that can only be read from an object.
struct Object(DeviceBody);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfObject).map(Self)
    }
}

struct OfObject;

impl<'de> Visitor<'de> for OfObject {
    type Value = DeviceBody;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DeviceBody, A::Error> {
        DeviceBody::deserialize(MapAccessDeserializer::new(map))
    }
}

/// One device of `POST …/devices`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// Its ID; generated if omitted.
    #[serde(default)]
    pub device_id: Option<DeviceId>,
    /// Its name.
    pub name: SiteName,
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
