//! Registering and removing devices.

use super::{Asker, CommandError, Done, SiteCommand, SiteNotFound, execute};
use crate::domain::change::Guard;
use crate::domain::device::{self, NewDevice, RegistrationRefused, RemovalRefused};
use crate::domain::identity::{CommandId, DeviceId, SiteId};
use crate::store::{Key, Store, StoreError, decode_device};
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
    Exists,
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
    devices: &[NewDevice],
    asker: &Asker,
) -> Result<Done, CommandError<RegisterError>> {
    let email = asker.email.clone().ok_or(SiteNotFound)?;
    let mut ids: Vec<&DeviceId> = devices.iter().map(|device| &device.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|two| two[0] == two[1]) {
        return Err(CommandError::Refused(RegisterError::Exists));
    }
    let mut hash = Sha256::new();
    for device in devices {
        hash.update(format!("{}\n{}\n", device.id, device.name));
    }
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: format!("register devices {}", HEXLOWER.encode(&hash.finalize())),
        also: None,
    };
    execute(store, &command, |site, known| {
        // The devices are not read: that one of them exists shows when it is to be written.
        if known
            .failed
            .iter()
            .any(|guard| matches!(guard, Guard::DeviceAdded(_)))
        {
            return Err(CommandError::Refused(RegisterError::Exists));
        }
        let decided = device::register(site, devices, &email, asker.now);
        decided.map_err(|error| CommandError::Refused(error.into()))
    })
    .await
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
        also: Some(Key::Device(site_id.clone(), device_id.clone())),
    };
    execute(store, &command, |site, known| {
        let item = known
            .also
            .ok_or(CommandError::Refused(RemoveError::NotFound))?;
        let device = decode_device(item).map_err(StoreError::from)?;
        let decided = device::remove(site, &device, &email, asker.now);
        decided.map_err(|error| CommandError::Refused(error.into()))
    })
    .await
}
