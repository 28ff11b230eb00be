//! The devices that a statement tells of by their IDs and names (rule 16: an entry explains itself for good).

use super::ledger::{Ledger, expect, is_free};
use jiff::civil::Date;
use site_credits::domain::model::device::{Device, NamedDevice};
use site_credits::domain::model::entry::Entry;
use site_credits::domain::values::ids::DeviceId;
use site_credits::domain::values::names::SiteName;
use std::collections::BTreeMap;

impl Ledger {
    /// The devices of a registration.
    pub(super) fn devices_named(
        &mut self,
        entry: &Entry,
        registered_on: Date,
        count: u32,
        registered: &[NamedDevice],
    ) -> Result<(), String> {
        if entry.form.is_first() {
            return Ok(());
        }
        expect(
            usize::try_from(count) == Ok(registered.len()),
            "it counts other devices than it names",
        )?;
        for device in registered {
            self.add(device, registered_on)?;
        }
        Ok(())
    }

    fn add(&mut self, device: &NamedDevice, registered_on: Date) -> Result<(), String> {
        let there = (device.name.clone(), registered_on);
        let before = self.named.insert(device.id.clone(), there);
        expect(before.is_none(), "a device was registered that was there")
    }

    /// The device of a removal.
    pub(super) fn device_gone(
        &mut self,
        entry: &Entry,
        id: &DeviceId,
        name: Option<&SiteName>,
        registered_on: Date,
    ) -> Result<(), String> {
        let Some((was_named, was_registered)) = self.named.remove(id) else {
            // The first form registered it, and named none.
            return Ok(());
        };
        expect(
            was_registered == registered_on && (entry.form.is_first() || name == Some(&was_named)),
            "a device was removed that was another",
        )
    }

    /// One device in the place of another.
    pub(super) fn replacement(
        &mut self,
        entry: &Entry,
        replaced: &NamedDevice,
        by: &NamedDevice,
        registered_on: Date,
    ) -> Result<(), String> {
        expect(is_free(entry), "replacing a device changes no balance")?;
        expect(
            self.halted.is_none(),
            "a device was replaced while the site was halted",
        )?;
        self.up_to_date(entry)?;
        expect(
            self.devices
                .get(&registered_on)
                .is_some_and(|count| *count > 0),
            "a device was replaced that was never registered",
        )?;
        self.device_gone(entry, &replaced.id, Some(&replaced.name), registered_on)?;
        self.add(by, registered_on)
    }

    /// Another name.
    pub(super) fn renaming(
        &mut self,
        entry: &Entry,
        id: &DeviceId,
        before: &SiteName,
        name: &SiteName,
    ) -> Result<(), String> {
        expect(is_free(entry), "renaming a device changes no balance")?;
        self.up_to_date(entry)?;
        let Some((known, _)) = self.named.get_mut(id) else {
            return Ok(());
        };
        let was = std::mem::replace(known, name.clone());
        expect(was == *before, "a device was renamed that had another name")
    }

    /// Every device that the statement names is there, as it says.
    pub(super) fn names_those(&self, devices: &[Device]) -> Result<(), String> {
        let devices: BTreeMap<_, _> = devices.iter().map(|device| (&device.id, device)).collect();
        let there = |(id, (name, registered_on)): (&DeviceId, &(SiteName, Date))| {
            let found = devices.get(id);
            found.is_some_and(|device| {
                (&device.name, &device.registered_on) == (name, registered_on)
            })
        };
        expect(
            self.named.iter().all(there),
            "its devices are not those that its statement names",
        )
    }
}
