//! Registering and removing devices (rules 6, 8, 9, 11 and 12).

use crate::domain::model::change::{Decision, Guard, MAX_ITEMS};
use crate::domain::model::device::{Device, NewDevice};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::settle::{
    Begun, DUE_DATES_A_CHANGE, OTHER_ITEMS, begin, begin_with, settle,
};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::calendar::{AnchorDay, TooManyDevices};
use crate::domain::values::email::Email;
use jiff::Timestamp;
use jiff::civil::Date;

/// The most devices that one call registers, so that it fits one transaction.
pub const MAX_DEVICES_A_CALL: usize = 90;

const _: () = assert!(MAX_DEVICES_A_CALL + OTHER_ITEMS < MAX_ITEMS);

/// Why devices cannot be registered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationRefused {
    /// The site is halted, or is by what is due today.
    #[error("the site is halted until it is recharged")]
    PaymentRequired,
    /// The first credit of each device is not there.
    #[error("registering needs {needed} credits, and there are {available}")]
    InsufficientCredits {
        /// One for each device.
        needed: u64,
        /// The balance, after what is due today.
        available: u64,
    },
    /// None were named, or more than a call may register.
    #[error("one call registers 1 to {MAX_DEVICES_A_CALL} devices")]
    Count,
    /// The site would have too many.
    #[error(transparent)]
    TooManyDevices(#[from] TooManyDevices),
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Registers devices on the site's date: all or none. On a dynamic site each takes one credit at once.
///
/// # Errors
/// [`RegistrationRefused`] says why, and nothing changes.
pub fn register(
    site: Site,
    devices: &[NewDevice],
    by: &Email,
    now: Timestamp,
) -> Result<Decision, RegistrationRefused> {
    let count = u32::try_from(devices.len()).map_err(|_| RegistrationRefused::Count)?;
    if !(1..=MAX_DEVICES_A_CALL).contains(&devices.len()) {
        return Err(RegistrationRefused::Count);
    }
    let most = DUE_DATES_A_CHANGE.min(MAX_ITEMS - OTHER_ITEMS - devices.len());
    let mut draft = match begin_with(site.clone(), most, now)? {
        Begun::Draft(draft) => draft,
        // A change of its own has room for more due dates than one beside so many devices.
        Begun::SettleFirst(_) => {
            return Ok(Decision::SettleFirst(match begin(site, now)? {
                Begun::Draft(draft) => draft.finish(Vec::new()),
                Begun::SettleFirst(change) => change,
            }));
        }
    };
    if draft.site.status == Status::PaymentRequired {
        return Err(RegistrationRefused::PaymentRequired);
    }
    let price = match draft.site.site_type {
        SiteType::Dynamic => u64::from(count),
        SiteType::Regular => 0,
    };
    if draft.site.balances.credits < price {
        return Err(RegistrationRefused::InsufficientCredits {
            needed: price,
            available: draft.site.balances.credits,
        });
    }
    let registered_on = draft.today;
    draft
        .site
        .devices
        .add(AnchorDay::of(registered_on), count)?;
    let event = Event::DeviceRegistration {
        registered_on,
        devices: count,
    };
    let actor = Actor::Administrator { email: by.clone() };
    let own_entry = draft.entries();
    draft.record(actor, event, Changes::take_credits(price)?)?;
    let site_id = draft.site.id.clone();
    let added = devices.iter().map(|device| {
        Guard::DeviceAdded(Device {
            site_id: site_id.clone(),
            id: device.id.clone(),
            name: device.name.clone(),
            registered_on,
        })
    });
    Ok(Decision::Done {
        change: draft.finish(added.collect()),
        own_entry,
    })
}

/// Why a device cannot be removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RemovalRefused {
    /// The site's counters and its devices disagree, which is a defect: nothing is changed.
    #[error("the site counts no device of the anchor day of {0}")]
    NotCounted(Date),
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Removes a device. What was due before is charged first; a halted site whose balance covers what is overdue
/// without it pays and resumes (rule 9). Nothing is refunded.
///
/// # Errors
/// [`RemovalRefused`] says why, and nothing changes.
pub fn remove(
    site: Site,
    device: &Device,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, RemovalRefused> {
    let mut draft = match begin(site, now)? {
        Begun::Draft(draft) => draft,
        Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
    };
    if !draft
        .site
        .devices
        .remove(AnchorDay::of(device.registered_on))
    {
        return Err(RemovalRefused::NotCounted(device.registered_on));
    }
    let event = Event::DeviceRemoval {
        device_id: device.id.clone(),
        registered_on: device.registered_on,
    };
    let actor = Actor::Administrator { email: by.clone() };
    let own_entry = draft.entries();
    draft.record(actor, event, Changes::NONE)?;
    if draft.site.status == Status::PaymentRequired {
        settle(&mut draft, DUE_DATES_A_CHANGE)?;
    }
    Ok(Decision::Done {
        change: draft.finish(vec![Guard::DeviceRemoved(device.id.clone())]),
        own_entry,
    })
}
