//! Registering, listing, replacing, renaming and removing devices.

use super::asker::{Admitted, Asker, CommandError, ReadError};
use super::command::Command;
use super::execute::{Done, execute, settled};
use super::pages::{Page, PageOf, list_of_site};
use crate::domain::model::change::Write;
use crate::domain::model::device::{Device, NamedDevice};
use crate::domain::model::entry::Event;
use crate::domain::rules::devices::{self, RegistrationRefused, RemovalRefused};
use crate::domain::rules::draft::{ChargeRefused, Outcome};
use crate::domain::rules::license::{License, view};
use crate::domain::values::ids::{CommandId, DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use crate::store::{Listing, Store, StoreError, TypedKey, decode_device};
use data_encoding::HEXLOWER;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why devices are not registered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegisterError {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] RegistrationRefused),
    /// Two of them, or one of them and one of the site's, have the same ID.
    #[error("a device of this ID exists")]
    Exists(Vec<DeviceId>),
}

/// A device to be registered.
#[derive(Clone, Debug)]
pub struct DeviceToRegister {
    /// Its ID; one is made where there is none.
    pub id: Option<DeviceId>,
    /// What people call it.
    pub name: SiteName,
}

/// Devices that were registered, and the license after it.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The devices, in the order in which they were asked for.
    pub devices: Vec<Device>,
    /// The license.
    pub license: License,
}

/// Why a device is not removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RemoveError {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] RemovalRefused),
    /// The site has no device of this ID.
    #[error(transparent)]
    NotFound(#[from] DeviceNotFound),
}

/// Why a device is not replaced.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplaceError {
    /// The site is halted.
    #[error(transparent)]
    Refused(#[from] ChargeRefused),
    /// The site has no device of this ID.
    #[error(transparent)]
    NotFound(#[from] DeviceNotFound),
    /// The site has a device of the new ID, which may be the old one's.
    #[error("a device of this ID exists")]
    Exists(DeviceId),
}

/// The site has no device of this ID.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no such device")]
pub struct DeviceNotFound;

/// The device that takes the place of another.
#[derive(Clone, Debug, Default)]
pub struct Replacement {
    /// Its ID; one is made where there is none.
    pub id: Option<DeviceId>,
    /// What people call it; as the old one where it is not said.
    pub name: Option<SiteName>,
}

/// A device after a change, and the license after it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeviceChanged {
    /// The ID.
    pub device_id: DeviceId,
    /// The name.
    pub name: SiteName,
    /// The date of registration, which no change moves.
    pub registered_on: Date,
    /// The license.
    pub license: License,
}

impl DeviceChanged {
    fn of(device: NamedDevice, registered_on: Date, license: License) -> Self {
        Self {
            device_id: device.id,
            name: device.name,
            registered_on,
            license,
        }
    }
}

/// Registers devices on a site: all or none.
///
/// # Errors
/// See [`RegisterError`] and [`CommandError`].
pub async fn register_devices(
    store: &Store,
    site_id: &SiteId,
    devices: &[DeviceToRegister],
    asker: &Asker,
) -> Result<Done<Registered>, CommandError<RegisterError>> {
    asker.address()?;
    let mut hash = Sha256::new();
    for DeviceToRegister { id, name } in devices {
        let id = id.as_ref().map_or("", DeviceId::as_str);
        hash.update(format!("{id}\n{name}\n"));
    }
    let command = format!("register devices {}", HEXLOWER.encode(&hash.finalize()));
    let command = Command::on_site(site_id, asker, &command);
    let named = with_ids(devices, &command.id);
    let repeated = repeated(&named);
    let done = execute(store, &command, &(), |Admitted { site, by }, (), lost| {
        // The devices are not read: that some of them exist shows when they are to be written.
        let existing = lost.iter().filter_map(|write| match write {
            Write::DeviceAdded(device) => Some(&device.id),
            _ => None,
        });
        let existing: Vec<DeviceId> = repeated.iter().chain(existing).cloned().collect();
        if !existing.is_empty() {
            return Err(CommandError::Refused(RegisterError::Exists(existing)));
        }
        let rule = |draft| devices::register(draft, &named, &by.person).map(Outcome::Changed);
        let show = |site: &_| view(site, asker.now);
        settled(site, named.len(), asker.now, rule, show).map_err(CommandError::refused)
    })
    .await?;
    let event = done.entry.as_ref().map(|entry| &entry.event);
    let Some(&Event::DeviceRegistration { registered_on, .. }) = event else {
        return Err(StoreError::defect("the entry registers no devices").into());
    };
    // A repetition shows the IDs that the first command made.
    let devices = with_ids(devices, &done.command_id).into_iter();
    let devices = devices.map(|device| Device {
        site_id: site_id.clone(),
        id: device.id,
        name: device.name,
        registered_on,
    });
    let devices = devices.collect();
    Ok(done.map(|license| Registered { devices, license }))
}

/// The devices, with an ID for each that has none.
fn with_ids(devices: &[DeviceToRegister], command: &CommandId) -> Vec<NamedDevice> {
    let named = devices
        .iter()
        .enumerate()
        .map(|(place, device)| NamedDevice {
            id: device
                .id
                .clone()
                .unwrap_or_else(|| DeviceId::made_by(command, place)),
            name: device.name.clone(),
        });
    named.collect()
}

/// The IDs that more than one of the devices has.
fn repeated(devices: &[NamedDevice]) -> Vec<DeviceId> {
    let mut ids: Vec<&DeviceId> = devices.iter().map(|device| &device.id).collect();
    ids.sort_unstable();
    let pairs = ids.windows(2).filter(|pair| pair[0] == pair[1]);
    let mut repeated: Vec<DeviceId> = pairs.map(|pair| pair[0].clone()).collect();
    repeated.dedup();
    repeated
}

/// Lists a site's devices by their IDs, in two round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_devices(
    store: &Store,
    site_id: &SiteId,
    page: &PageOf,
    asker: &Asker,
) -> Result<Page<Device>, ReadError> {
    let listing = Listing::devices(site_id);
    list_of_site(store, site_id, &listing, page, asker, decode_device).await
}

/// Removes a device from a site.
///
/// # Errors
/// See [`RemoveError`] and [`CommandError`].
pub async fn remove_device(
    store: &Store,
    site_id: &SiteId,
    device_id: &DeviceId,
    asker: &Asker,
) -> Result<Done<License>, CommandError<RemoveError>> {
    asker.address()?;
    let command = Command::on_site(site_id, asker, &format!("remove device {device_id}"));
    let reads = TypedKey::device(site_id, device_id);
    execute(
        store,
        &command,
        &reads,
        |Admitted { site, by }, device, _| {
            let device = device.ok_or_else(|| CommandError::refused(DeviceNotFound))?;
            let rule = |draft| devices::remove(draft, &device, &by.person).map(Outcome::Changed);
            let show = |site: &_| view(site, asker.now);
            settled(site, 1, asker.now, rule, show).map_err(CommandError::refused)
        },
    )
    .await
}

/// Puts a device in the place of another, with its date of registration.
///
/// # Errors
/// See [`ReplaceError`] and [`CommandError`].
pub async fn replace_device(
    store: &Store,
    site_id: &SiteId,
    device_id: &DeviceId,
    replacement: &Replacement,
    asker: &Asker,
) -> Result<Done<DeviceChanged>, CommandError<ReplaceError>> {
    asker.address()?;
    let Replacement { id, name } = replacement;
    let new_id = id.as_ref().map_or("", DeviceId::as_str);
    let new_name = name.as_ref().map_or("", SiteName::as_str);
    let command = format!("replace device {device_id}\n{new_id}\n{new_name}");
    let command = Command::on_site(site_id, asker, &command);
    let new_id = id.clone();
    let new_id = new_id.unwrap_or_else(|| DeviceId::made_by(&command.id, 0));
    let reads = TypedKey::device(site_id, device_id);
    execute(
        store,
        &command,
        &reads,
        |Admitted { site, by }, device, lost| {
            let device = device.ok_or_else(|| CommandError::refused(DeviceNotFound))?;
            // The new device is not read: that there is one shows when it is to be written.
            let exists = |write: &Write| matches!(write, Write::DeviceAdded(_));
            if device.id == new_id || lost.iter().any(exists) {
                return Err(CommandError::Refused(ReplaceError::Exists(new_id.clone())));
            }
            let new = NamedDevice {
                id: new_id.clone(),
                name: name.clone().unwrap_or_else(|| device.name.clone()),
            };
            let rule = |draft| {
                let replaced = devices::replace(draft, &device, new.clone(), &by.person);
                replaced.map(Outcome::Changed)
            };
            let show = |site: &_| {
                DeviceChanged::of(new.clone(), device.registered_on, view(site, asker.now))
            };
            settled(site, 2, asker.now, rule, show).map_err(CommandError::refused)
        },
    )
    .await
}

/// Gives a device another name.
///
/// # Errors
/// See [`DeviceNotFound`] and [`CommandError`].
pub async fn rename_device(
    store: &Store,
    site_id: &SiteId,
    device_id: &DeviceId,
    name: &SiteName,
    asker: &Asker,
) -> Result<Done<DeviceChanged>, CommandError<DeviceNotFound>> {
    asker.address()?;
    let command = format!("rename device {device_id}\n{name}");
    let command = Command::on_site(site_id, asker, &command);
    let reads = TypedKey::device(site_id, device_id);
    execute(
        store,
        &command,
        &reads,
        |Admitted { site, by }, device, _| {
            let device = device.ok_or(CommandError::Refused(DeviceNotFound))?;
            let rule = |draft| {
                let renamed = devices::rename(draft, &device, name, &by.person);
                Ok::<_, DeviceNotFound>(renamed)
            };
            let show = |site: &_| {
                let named = NamedDevice {
                    id: device.id.clone(),
                    name: name.clone(),
                };
                DeviceChanged::of(named, device.registered_on, view(site, asker.now))
            };
            settled(site, 1, asker.now, rule, show).map_err(CommandError::Refused)
        },
    )
    .await
}
