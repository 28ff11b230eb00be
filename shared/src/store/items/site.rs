//! The item of a site.

use crate::domain::model::account::ReceivedFrom;
use crate::domain::model::agenda;
use crate::domain::model::message::SendWindow;
use crate::domain::model::site::{Administrator, Invitation, Role, Site, SiteType, Status};
use crate::domain::values::amount::Balances;
use crate::domain::values::calendar::{AnchorDay, DaysBefore, Devices};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::{PartnerId, PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use crate::store::conditional::Conditional;
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, PK};
use crate::store::reads::TypedKey;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An administrator; in the first form without an ID.
#[derive(Serialize, Deserialize)]
struct AdministratorAttributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<PersonId>,
    email: Email,
    role: Role,
}

impl AdministratorAttributes {
    fn of(administrator: &Administrator) -> Self {
        let Administrator {
            person,
            email,
            role,
        } = administrator.clone();
        Self {
            person: Some(person),
            email,
            role,
        }
    }

    fn of_site(self, site: &SiteId) -> Administrator {
        let older = || PersonId::of_older(site, self.email.as_str());
        Administrator {
            person: self.person.unwrap_or_else(older),
            email: self.email,
            role: self.role,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SiteAttributes {
    name: SiteName,
    country: Country,
    time_zone: TimeZone,
    language: Language,
    site_type: SiteType,
    status: Status,
    credits: u64,
    maintenance_credits: u64,
    sms: u64,
    administrators: Vec<AdministratorAttributes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    invitations: Vec<Invitation>,
    /// Devices by anchor day; the days without any are left out.
    devices: BTreeMap<String, u32>,
    charged_through: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    warned: Option<DaysBefore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sms_countries: Option<Vec<Country>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    received: BTreeMap<PartnerId, ReceivedFrom>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sms_window: Option<SendWindow>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    users_to_erase: bool,
    sequence: u64,
    last_hash: Hash,
    last_entry_at: Timestamp,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_at: Option<String>,
}

/// An instant as the index sorts it: whole seconds, so that the text sorts as the time does.
pub(crate) fn agenda_instant(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}

fn encode_site(site: &Site) -> Result<Item, CorruptItem> {
    let at = site.agenda_at.map(agenda_instant);
    let devices = site.devices.by_anchor();
    let administrators = site.administrators.iter();
    let attributes = SiteAttributes {
        name: site.name.clone(),
        country: site.country.clone(),
        time_zone: site.time_zone.clone(),
        language: site.language.clone(),
        site_type: site.site_type,
        status: site.status,
        credits: site.balances.credits,
        maintenance_credits: site.balances.maintenance_credits,
        sms: site.balances.sms,
        administrators: administrators.map(AdministratorAttributes::of).collect(),
        invitations: site.invitations.clone(),
        devices: devices
            .map(|(anchor, count)| (anchor.day().to_string(), count))
            .collect(),
        charged_through: site.charged_through,
        warned: site.warned,
        sms_countries: site.sms_countries.clone(),
        received: site.received.clone(),
        sms_window: site.sms_window,
        users_to_erase: site.users_to_erase,
        sequence: site.sequence,
        last_hash: site.last_hash,
        last_entry_at: site.last_entry_at,
        version: site.version,
        agenda_shard: at.as_ref().map(|_| agenda::shard_of(&site.id).to_string()),
        agenda_at: at,
    };
    encode(&Key::Site(site.id.clone()), &attributes)
}

/// Reads a site.
///
/// # Errors
/// The item is corrupt.
pub fn decode_site(item: &Item) -> Result<Site, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: SiteAttributes = decode(item)?;
    let mut devices = Devices::default();
    for (day, count) in &attributes.devices {
        let anchor = day.parse().ok().and_then(AnchorDay::new);
        let anchor = anchor.ok_or_else(|| corrupt("an anchor day is not 1 to 31"))?;
        devices
            .add(anchor, *count)
            .map_err(|_| corrupt("there are too many devices"))?;
    }
    let id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let id = id.ok_or_else(|| corrupt("its key has no site ID"))?;
    let administrators = attributes.administrators.into_iter();
    let administrators = administrators.map(|stored| stored.of_site(&id)).collect();
    Ok(Site {
        id,
        name: attributes.name,
        country: attributes.country,
        time_zone: attributes.time_zone,
        language: attributes.language,
        site_type: attributes.site_type,
        status: attributes.status,
        balances: Balances {
            credits: attributes.credits,
            maintenance_credits: attributes.maintenance_credits,
            sms: attributes.sms,
        },
        administrators,
        invitations: attributes.invitations,
        devices,
        charged_through: attributes.charged_through,
        warned: attributes.warned,
        sms_countries: attributes.sms_countries,
        received: attributes.received,
        sms_window: attributes.sms_window,
        users_to_erase: attributes.users_to_erase,
        sequence: attributes.sequence,
        last_hash: attributes.last_hash,
        last_entry_at: attributes.last_entry_at,
        // A hint of the index: the next write makes it anew.
        agenda_at: attributes.agenda_at.and_then(|at| at.parse().ok()),
        version: attributes.version,
    })
}

impl TypedKey<Site> {
    /// A site.
    #[must_use]
    pub fn site(id: &SiteId) -> Self {
        Self {
            key: Key::Site(id.clone()),
            decode: decode_site,
        }
    }
}

impl TypedKey<Result<Site, CorruptItem>> {
    /// A site, for readers whom one corrupt item must not keep from the others.
    #[must_use]
    pub fn site_or_corrupt(id: &SiteId) -> Self {
        Self {
            key: Key::Site(id.clone()),
            decode: |item| Ok(decode_site(item)),
        }
    }
}

/// Over the version that was read, or where there is no site of this ID.
pub(super) fn written(site: &Site) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put_over(encode_site(site)?, site.version))
}

pub(super) fn unchanged(id: &SiteId, version: u64) -> Conditional {
    Conditional::check(Key::Site(id.clone())).unchanged_since(version)
}
