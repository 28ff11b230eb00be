//! What the items of a site say agrees with what its statement says.

use super::ledger::{Ledger, expect};
use super::sorted::AgendaPlace;
use jiff::civil::Date;
use site_credits::domain::model::agenda::shard_of;
use site_credits::domain::model::device::Device;
use site_credits::domain::model::site::{Role, Site, Status};
use site_credits::domain::rules::agenda;
use site_credits::domain::values::calendar::AnchorDay;
use site_credits::domain::values::ids::PersonId;
use std::collections::{BTreeMap, BTreeSet};

/// The site item, its device items and its counters agree with the statement.
pub(super) fn of_devices(ledger: &Ledger, site: &Site, devices: &[Device]) -> Result<(), String> {
    let halted = site.status == Status::PaymentRequired;
    expect(
        ledger.site_type == Some(site.site_type),
        "its type is not the one that it was created with",
    )?;
    expect(
        ledger.halted.is_some() == halted && !ledger.paid,
        "its status is not that of its statement",
    )?;
    expect(
        site.warned.map(u8::from) == ledger.warned,
        "it was not warned as it says",
    )?;
    let mut registered: BTreeMap<Date, u32> = BTreeMap::new();
    let mut anchors: BTreeMap<AnchorDay, u32> = BTreeMap::new();
    for device in devices {
        *registered.entry(device.registered_on).or_default() += 1;
        *anchors
            .entry(AnchorDay::of(device.registered_on))
            .or_default() += 1;
    }
    let counted = ledger.devices.iter().filter(|(_, count)| **count > 0);
    expect(
        counted.eq(&registered),
        "its devices are not those of its statement",
    )?;
    expect(
        site.devices.by_anchor().eq(anchors),
        "its counters are not those of its devices",
    )?;
    ledger.names_those(devices)?;
    if !ledger.is_dynamic() || ledger.deleted {
        return Ok(());
    }
    expect(
        site.charged_through >= ledger.settled,
        "it forgot what was charged",
    )?;
    if halted {
        let today = site.today(site.last_entry_at);
        expect(
            u64::from(ledger.overdue(today)) > site.balances.credits,
            "it is halted, and its balance covers what it owes",
        )?;
        return expect(
            site.charged_through == ledger.settled,
            "it is halted, and says that it was charged since",
        );
    }
    ledger.nothing_due(site.charged_through)
}

/// The site item and the items by which its administrators find it agree with the statement.
pub(super) fn of_settings(
    ledger: &Ledger,
    site: &Site,
    findable_by: &[String],
) -> Result<(), String> {
    expect(
        ledger.name.as_ref() == Some(&site.name)
            && ledger.time_zone.as_ref() == Some(&site.time_zone)
            && ledger.language.as_ref() == Some(&site.language)
            && ledger.country.as_ref() == Some(&site.country)
            && ledger.sms_countries == site.sms_countries,
        "its settings are not those of its statement",
    )?;
    let administrators = site.administrators.iter();
    let own: BTreeMap<PersonId, Role> = administrators
        .clone()
        .map(|administrator| (administrator.person.clone(), administrator.role))
        .collect();
    let addresses: BTreeSet<String> = administrators
        .map(|administrator| administrator.email.to_string())
        .collect();
    expect(
        own == ledger.administrators && own.len() == site.administrators.len(),
        "its administrators are not those of its statement",
    )?;
    let masters = own.values().filter(|&&role| role == Role::Master).count();
    expect(
        masters == usize::from(!ledger.deleted),
        "it has not one master",
    )?;
    expect(
        addresses.iter().eq(findable_by) && addresses.len() == own.len(),
        "those who find it among their sites are not its administrators",
    )
}

/// A site with a due date or a warning to come is on the agenda at its instant, and no other site is.
pub(super) fn of_agenda(site: &Site, place: &AgendaPlace) -> Result<(), String> {
    let Some(next) = agenda::next(site) else {
        return expect(
            place.at.is_empty() && place.shard.is_empty(),
            "it is on the agenda, and nothing is to come",
        );
    };
    expect(
        !place.at.is_empty(),
        "it has something to come, and is not on the agenda",
    )?;
    expect(
        place.at.parse().ok() == Some(next) && place.shard == shard_of(&site.id).to_string(),
        "its place on the agenda is not that of what comes next",
    )
}
