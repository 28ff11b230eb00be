//! Registering and removing devices.

use super::{
    Asker, CommandError, Done, Page, PageOf, ReadError, SiteCommand, SiteNotFound, authorized,
    execute, license_view, list,
};
use crate::domain::model::change::Guard;
use crate::domain::model::device::{Device, NewDevice};
use crate::domain::model::entry::Event;
use crate::domain::rules::devices;
use crate::domain::rules::devices::{RegistrationRefused, RemovalRefused};
use crate::domain::values::ids::{CommandId, DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use crate::store::{Attempts, Key, Listing, Store, StoreError, decode_device};
use data_encoding::HEXLOWER;
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
pub struct DeviceWish {
    /// Its ID; one is made where there is none.
    pub id: Option<DeviceId>,
    /// What people call it.
    pub name: SiteName,
}

/// What a registration led to.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The entry and the license.
    pub done: Done,
    /// The devices, in the order in which they were asked for.
    pub devices: Vec<Device>,
}

/// Why a device is not removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RemoveError {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] RemovalRefused),
    /// The site has no device of this ID.
    #[error("there is no such device")]
    NotFound,
}

/// Registers devices on a site: all or none.
///
/// # Errors
/// See [`RegisterError`] and [`CommandError`].
pub async fn register_devices(
    store: &Store,
    site_id: &SiteId,
    wishes: &[DeviceWish],
    asker: &Asker,
) -> Result<Registered, CommandError<RegisterError>> {
    let email = asker.email.clone().ok_or(SiteNotFound)?;
    let mut hash = Sha256::new();
    for DeviceWish { id, name } in wishes {
        let id = id.as_ref().map_or("", DeviceId::as_str);
        hash.update(format!("{id}\n{name}\n"));
    }
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: format!("register devices {}", HEXLOWER.encode(&hash.finalize())),
        also: Vec::new(),
    };
    let devices = named(wishes, &command.command_id);
    let twice = twice(&devices);
    let done = execute(store, &command, &license_view, |site, known| {
        if !twice.is_empty() {
            return Err(CommandError::Refused(RegisterError::Exists(twice.clone())));
        }
        // The devices are not read: that some of them exist shows when they are to be written.
        let exist = known.failed.iter().filter_map(|guard| match guard {
            Guard::DeviceAdded(device) => Some(device.id.clone()),
            _ => None,
        });
        let exist: Vec<DeviceId> = exist.collect();
        if !exist.is_empty() {
            return Err(CommandError::Refused(RegisterError::Exists(exist)));
        }
        let decided = devices::register(site, &devices, &email, asker.now);
        decided.map_err(|error| CommandError::Refused(error.into()))
    })
    .await?;
    let event = done.entry.as_ref().map(|entry| &entry.event);
    let Some(&Event::DeviceRegistration { registered_on, .. }) = event else {
        return Err(StoreError::defect("the entry registers no devices").into());
    };
    // Those of the command that carried it out, which a repetition is not.
    let devices = named(wishes, &done.command_id).into_iter();
    let devices = devices.map(|device| Device {
        site_id: site_id.clone(),
        id: device.id,
        name: device.name,
        registered_on,
    });
    Ok(Registered {
        devices: devices.collect(),
        done,
    })
}

/// The devices, with an ID for each that has none.
fn named(wishes: &[DeviceWish], command: &CommandId) -> Vec<NewDevice> {
    let named = wishes.iter().enumerate().map(|(place, wish)| NewDevice {
        id: wish
            .id
            .clone()
            .unwrap_or_else(|| DeviceId::made_by(command, place)),
        name: wish.name.clone(),
    });
    named.collect()
}

/// The IDs that more than one of the devices has.
fn twice(devices: &[NewDevice]) -> Vec<DeviceId> {
    let mut ids: Vec<&DeviceId> = devices.iter().map(|device| &device.id).collect();
    ids.sort_unstable();
    let mut twice: Vec<DeviceId> = ids
        .windows(2)
        .filter(|two| two[0] == two[1])
        .map(|two| two[0].clone())
        .collect();
    twice.dedup();
    twice
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
    let mut attempts = Attempts::default();
    authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    let listing = Listing::devices(site_id);
    Ok(list(store, &listing, page, &mut attempts, decode_device).await?)
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
) -> Result<Done, CommandError<RemoveError>> {
    let email = asker.email.clone().ok_or(SiteNotFound)?;
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: format!("remove device {device_id}"),
        also: vec![Key::Device(site_id.clone(), device_id.clone())],
    };
    execute(store, &command, &license_view, |site, known| {
        let item = known.also[0]
            .as_ref()
            .ok_or(CommandError::Refused(RemoveError::NotFound))?;
        let device = decode_device(item).map_err(StoreError::from)?;
        let decided = devices::remove(site, &device, &email, asker.now);
        decided.map_err(|error| CommandError::Refused(error.into()))
    })
    .await
}
