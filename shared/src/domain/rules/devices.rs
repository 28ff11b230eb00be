//! Registering, replacing, renaming and removing devices (rules 6, 8, 9, 11 and 12).

use crate::domain::model::change::{Change, MAX_ITEMS, Write};
use crate::domain::model::device::{Device, NamedDevice};
use crate::domain::model::entry::Event;
use crate::domain::model::site::{SiteType, Status};
use crate::domain::rules::draft::{ChargeRefused, Draft, Outcome};
use crate::domain::rules::settle::{OTHER_ITEMS, settle};
use crate::domain::values::amount::Changes;
use crate::domain::values::calendar::{AnchorDay, TooManyDevices};
use crate::domain::values::ids::PersonId;
use crate::domain::values::names::SiteName;
use jiff::civil::Date;

/// The most devices that one call registers, so that it fits one transaction.
pub const MAX_DEVICES_A_CALL: usize = 90;

const _: () = assert!(MAX_DEVICES_A_CALL + OTHER_ITEMS < MAX_ITEMS);

/// Why devices cannot be registered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationRefused {
    /// The site is halted, or has too few credits for the first credit of each device.
    #[error(transparent)]
    Charge(#[from] ChargeRefused),
    /// None were named, or more than a call may register.
    #[error("one call registers 1 to {MAX_DEVICES_A_CALL} devices")]
    Count,
    /// The site would have too many.
    #[error(transparent)]
    TooManyDevices(#[from] TooManyDevices),
}

/// Registers devices on the site's date: all or none. On a dynamic site each takes one credit at once.
pub(crate) fn register(
    mut draft: Draft,
    devices: &[NamedDevice],
    by: &PersonId,
) -> Result<Change, RegistrationRefused> {
    let count = u32::try_from(devices.len()).map_err(|_| RegistrationRefused::Count)?;
    if !(1..=MAX_DEVICES_A_CALL).contains(&devices.len()) {
        return Err(RegistrationRefused::Count);
    }
    draft.require_running()?;
    let registered_on = draft.today;
    let event = Event::DeviceRegistration {
        registered_on,
        devices: count,
        registered: devices.to_vec(),
    };
    let price = draft.price_on(SiteType::Dynamic, Changes::take_credits(count.into()));
    draft.charge(by, event, price)?;
    let anchor = AnchorDay::of(registered_on);
    draft.site.devices.add(anchor, count)?;
    let added = devices.iter().map(|device| {
        Write::DeviceAdded(Device {
            site_id: draft.site.id.clone(),
            id: device.id.clone(),
            name: device.name.clone(),
            registered_on,
        })
    });
    let added = added.collect();
    Ok(draft.finish(added))
}

/// Why a device cannot be removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RemovalRefused {
    /// The site's counters and its devices disagree, which is a defect: nothing is changed.
    #[error("the site counts no device of the anchor day of {0}")]
    NotCounted(Date),
}

/// Removes a device. What was due before is charged first; a halted site whose balance covers what is overdue
/// without it pays and resumes (rule 9). Nothing is refunded.
pub(crate) fn remove(
    mut draft: Draft,
    device: &Device,
    by: &PersonId,
) -> Result<Change, RemovalRefused> {
    let registered_on = device.registered_on;
    if !draft.site.devices.remove(AnchorDay::of(registered_on)) {
        return Err(RemovalRefused::NotCounted(registered_on));
    }
    let event = Event::DeviceRemoval {
        device_id: device.id.clone(),
        name: Some(device.name.clone()),
        registered_on,
    };
    draft.record_by(by, event);
    if draft.site.status == Status::PaymentRequired {
        settle(&mut draft);
    }
    let removed = Write::DeviceRemoved {
        site_id: draft.site.id.clone(),
        device_id: device.id.clone(),
    };
    Ok(draft.finish(vec![removed]))
}

/// Puts a device in the place of another, with its date of registration: nothing is paid, and no due date moves.
pub(crate) fn replace(
    mut draft: Draft,
    device: &Device,
    by_device: NamedDevice,
    by: &PersonId,
) -> Result<Change, ChargeRefused> {
    draft.require_running()?;
    let event = Event::DeviceReplacement {
        replaced: device.named(),
        by: by_device.clone(),
        registered_on: device.registered_on,
    };
    draft.record_by(by, event);
    let removed = Write::DeviceRemoved {
        site_id: draft.site.id.clone(),
        device_id: device.id.clone(),
    };
    let added = Write::DeviceAdded(Device {
        id: by_device.id,
        name: by_device.name,
        ..device.clone()
    });
    Ok(draft.finish(vec![removed, added]))
}

/// Gives a device another name, for nothing, also on a halted site.
pub(crate) fn rename(mut draft: Draft, device: &Device, name: &SiteName, by: &PersonId) -> Outcome {
    if device.name == *name {
        return Outcome::Unchanged(draft);
    }
    let event = Event::DeviceRenaming {
        device_id: device.id.clone(),
        name_before: device.name.clone(),
        name: name.clone(),
    };
    draft.record_by(by, event);
    let renamed = Write::DeviceChanged(Device {
        name: name.clone(),
        ..device.clone()
    });
    Outcome::Changed(draft.finish(vec![renamed]))
}
