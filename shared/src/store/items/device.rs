//! The item of a device.

use crate::domain::model::device::Device;
use crate::domain::values::ids::{DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use crate::store::conditional::{ABSENT, Conditional, PRESENT};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK, SK};
use crate::store::reads::TypedKey;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct DeviceAttributes {
    name: SiteName,
    registered_on: Date,
}

fn encode_device(device: &Device) -> Result<Item, CorruptItem> {
    let key = Key::Device(device.site_id.clone(), device.id.clone());
    let attributes = DeviceAttributes {
        name: device.name.clone(),
        registered_on: device.registered_on,
    };
    encode(&key, &attributes)
}

/// Reads a device.
///
/// # Errors
/// The item is corrupt.
pub fn decode_device(item: &Item) -> Result<Device, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: DeviceAttributes = decode(item)?;
    let site_id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let id = second_part(item, SK).and_then(|id| DeviceId::parse(id).ok());
    Ok(Device {
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        id: id.ok_or_else(|| corrupt("its key has no device ID"))?,
        name: attributes.name,
        registered_on: attributes.registered_on,
    })
}

impl TypedKey<Device> {
    /// A device of a site.
    #[must_use]
    pub fn device(site: &SiteId, device: &DeviceId) -> Self {
        Self {
            key: Key::Device(site.clone(), device.clone()),
            decode: decode_device,
        }
    }
}

pub(super) fn added(device: &Device) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_device(device)?).when(ABSENT))
}

pub(super) fn removed(site: &SiteId, device: &DeviceId) -> Conditional {
    Conditional::delete(Key::Device(site.clone(), device.clone())).when(PRESENT)
}

/// The site's version, a condition of the same transaction, says that nobody else has changed the device since.
pub(super) fn changed(device: &Device) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_device(device)?).when(PRESENT))
}
