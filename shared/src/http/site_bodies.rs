//! The bodies of requests and answers about sites, their administrators and their devices.

use super::answer::Answer;
use super::arrival::Arrival;
use super::bodies::entry_and_license;
use super::problem::Problem;
use crate::commands::{DeviceToRegister, Done, Page, Registered, RemoveError, SiteView};
use crate::domain::model::device::Device;
use crate::domain::model::site::{NewSite, Role, SiteType};
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::rules::license::License;
use crate::domain::rules::sites::NewSettings;
use crate::domain::values::country::{Country, Language, is_known, language_of, time_zone_of};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{DeviceId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The body of `POST /sites`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSiteBody {
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// How it pays.
    pub site_type: SiteType,
    /// Its time zone; that of the country where it is left out.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Its language; that of the country where it is left out.
    #[serde(default)]
    pub language: Option<Language>,
}

impl NewSiteBody {
    /// The site that is asked for.
    ///
    /// # Errors
    /// There is no such country, or it has several time zones and none is named.
    pub fn read(self, id: SiteId, master: Email, now: Timestamp) -> Result<NewSite, Problem> {
        let time_zone = match self.time_zone {
            // A country that nobody lives in is a typing error all the same.
            Some(zone) if is_known(&self.country) => zone,
            Some(_) | None => time_zone_of(&self.country, now)?,
        };
        Ok(NewSite {
            id,
            name: self.name,
            time_zone,
            language: self.language.unwrap_or_else(|| language_of(&self.country)),
            country: self.country,
            site_type: self.site_type,
            master,
        })
    }
}

/// The body of `PATCH /sites/{site_id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// Another name.
    #[serde(default)]
    pub name: Option<SiteName>,
    /// Another time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Another language.
    #[serde(default)]
    pub language: Option<Language>,
    /// Other countries that messages may be sent to.
    #[serde(default)]
    pub sms_countries: Option<Vec<Country>>,
}

impl SettingsBody {
    /// What is to be changed.
    #[must_use]
    pub fn read(self) -> NewSettings {
        NewSettings {
            name: self.name,
            time_zone: self.time_zone,
            language: self.language,
            sms_countries: self.sms_countries,
        }
    }
}

/// The body of `POST …/admins`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdministratorBody {
    /// Who.
    pub email: Email,
    /// As what.
    pub role: Role,
}

/// The body of `PATCH …/admins/{email}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// As what.
    pub role: Role,
}

/// The body of `POST …/devices`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevicesBody {
    /// The devices.
    #[serde(deserialize_with = "objects")]
    pub devices: Vec<DeviceBody>,
}

/// Reads a list of objects. By itself Serde would read each from a list of its members, too.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DeviceBody>, D::Error> {
    let objects: Vec<Object> = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(device)| device).collect())
}

/// A device that is read from an object and from nothing else.
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// Its ID; one is made where it is left out.
    #[serde(default)]
    pub device_id: Option<DeviceId>,
    /// What people call it.
    pub name: SiteName,
}

impl DevicesBody {
    /// The devices that are asked for.
    #[must_use]
    pub fn read(self) -> Vec<DeviceToRegister> {
        let wishes = self.devices.into_iter().map(|device| DeviceToRegister {
            id: device.device_id,
            name: device.name,
        });
        wishes.collect()
    }
}

/// The device of the path.
///
/// # Errors
/// A text that is no device ID names no device.
pub fn device_id(arrival: &Arrival) -> Result<DeviceId, Problem> {
    let id = arrival.parameter("device_id");
    id.and_then(|id| DeviceId::parse(id).ok())
        .ok_or_else(|| RemoveError::NotFound.into())
}

/// The administrator of the path.
///
/// # Errors
/// A text that is no e-mail address names no administrator.
pub fn email_of_path(arrival: &Arrival) -> Result<Email, Problem> {
    let email = arrival.parameter("email");
    email
        .and_then(|email| Email::parse(email).ok())
        .ok_or_else(|| AdministratorRefused::NotFound.into())
}

/// Reads `forfeit`.
///
/// # Errors
/// It is neither `true` nor `false`.
pub fn forfeit(arrival: &Arrival) -> Result<bool, Problem> {
    match arrival
        .query(&["forfeit"])?
        .get("forfeit")
        .map(String::as_str)
    {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(_) => Err(Problem::malformed(
            "the parameter forfeit must be true or false",
        )),
    }
}

/// The answer to a creation (201), to a change of settings, and to a deletion: the site as it is now.
#[must_use]
pub fn changed_site_answer(status_code: u16, done: &Done<SiteView>) -> Answer {
    let body = json!({ "entry": done.entry, "site": done.answer });
    Answer::json(status_code, &body).replayed(done.replayed)
}

/// The answer to a request for a site.
#[must_use]
pub fn site_answer(site: &SiteView) -> Answer {
    Answer::json(200, &json!({ "site": site }))
}

/// The answer to a request for a person's sites.
#[must_use]
pub fn sites_answer(page: &Page<SiteView>) -> Answer {
    let body = json!({ "sites": page.items, "next_cursor": page.next });
    Answer::json(200, &body)
}

/// The answer to a request for a site's administrators.
#[must_use]
pub fn administrators_answer(site: &SiteView) -> Answer {
    Answer::json(200, &json!({ "administrators": site.administrators }))
}

/// The answer to an invitation (201), to a change of role, and to a removal: the administrators as they are now.
#[must_use]
pub fn administrator_answer(status_code: u16, done: &Done<SiteView>) -> Answer {
    let body = json!({ "entry": done.entry, "administrators": done.answer.administrators });
    Answer::json(status_code, &body).replayed(done.replayed)
}

/// The answer to a registration: 201 with the devices, the entry and the license.
#[must_use]
pub fn registered_answer(done: &Done<Registered>) -> Answer {
    let Registered { devices, license } = &done.answer;
    let devices: Vec<Value> = devices.iter().map(shown).collect();
    let body = json!({ "devices": devices, "entry": done.entry, "license": license });
    Answer::json(201, &body).replayed(done.replayed)
}

/// The answer to a removal of a device.
#[must_use]
pub fn removed_answer(done: &Done<License>) -> Answer {
    entry_and_license(200, done)
}

/// The answer to a request for a site's devices.
#[must_use]
pub fn devices_answer(page: &Page<Device>) -> Answer {
    let devices: Vec<Value> = page.items.iter().map(shown).collect();
    Answer::json(
        200,
        &json!({ "devices": devices, "next_cursor": page.next }),
    )
}

fn shown(device: &Device) -> Value {
    json!({
        "device_id": device.id,
        "name": device.name,
        "registered_on": device.registered_on,
    })
}
