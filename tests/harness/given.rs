//! Fixtures: sites, codes and devices, created by the commands themselves.

use super::{ACME, KIM, System};
use jiff::Timestamp;
use run_local::seed;
use site_credits::commands::{self, Asker, DeviceToRegister, Done, NewBatch, PartnerAsker};
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::rules::license::License;
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{DeviceId, PartnerId, PersonId, SiteId};
use site_credits::domain::values::names::{SiteName, Subject};
use site_credits::domain::values::time_zone::TimeZone;

impl System {
    /// Creates a site whose master is Kim.
    pub(crate) async fn site(
        &self,
        site_type: SiteType,
        time_zone: &str,
        now: Timestamp,
    ) -> SiteId {
        let id = SiteId::from_random(getrandom::u64().unwrap());
        let new = NewSite {
            id: id.clone(),
            name: SiteName::parse("Harbour Gym").unwrap(),
            country: Country::parse("AT").unwrap(),
            time_zone: TimeZone::parse(time_zone).unwrap(),
            language: Language::default(),
            site_type,
            master: Email::parse(KIM).unwrap(),
            person: PersonId::random(),
        };
        commands::create_site(&self.quiet(), new, &kim(now))
            .await
            .unwrap();
        id
    }

    /// Issues codes that all have the same value.
    pub(crate) async fn codes(
        &self,
        credits: u64,
        maintenance_credits: u64,
        count: u32,
        now: Timestamp,
    ) -> Vec<String> {
        let value = CodeValue::new(credits, maintenance_credits).unwrap();
        self.codes_like(value, count, now, |_| ()).await
    }

    /// Issues codes. `set` can change their batch first.
    pub(crate) async fn codes_like(
        &self,
        value: CodeValue,
        count: u32,
        now: Timestamp,
        set: impl FnOnce(&mut NewBatch),
    ) -> Vec<String> {
        let issuer = seed::issuer().unwrap();
        let mut new = NewBatch {
            value,
            count,
            expires_on: None,
            bound_to: None,
            note: None,
        };
        set(&mut new);
        let batch = commands::issue_codes(&self.quiet(), &issuer, new, &acme(now))
            .await
            .unwrap();
        batch.codes.iter().map(ToString::to_string).collect()
    }

    /// Registers devices with these IDs.
    pub(crate) async fn register(
        &self,
        site: &SiteId,
        ids: &[&str],
        now: Timestamp,
    ) -> Result<Done<commands::Registered>, commands::CommandError<commands::RegisterError>> {
        let devices: Vec<DeviceToRegister> = ids.iter().map(|id| device(id)).collect();
        let (store, kim) = (self.store(), kim(now));
        commands::register_devices(&store, site, &devices, &kim).await
    }

    /// Removes a device.
    pub(crate) async fn remove(
        &self,
        site: &SiteId,
        id: &str,
        now: Timestamp,
    ) -> Result<Done<License>, commands::CommandError<commands::RemoveError>> {
        commands::remove_device(
            &self.store(),
            site,
            &DeviceId::parse(id).unwrap(),
            &kim(now),
        )
        .await
    }
}

/// Kim, asking without an idempotency key.
pub(crate) fn kim(now: Timestamp) -> Asker {
    Asker {
        email: Some(Email::parse(KIM).unwrap()),
        now,
        idempotency_key: None,
        known_as: commands::KnownAs::default(),
    }
}

/// The partner acme, asking without an idempotency key.
pub(crate) fn acme(now: Timestamp) -> PartnerAsker {
    PartnerAsker {
        id: PartnerId::parse(ACME).unwrap(),
        by: Subject::parse("ada").unwrap(),
        now,
        idempotency_key: None,
    }
}

fn device(id: &str) -> DeviceToRegister {
    DeviceToRegister {
        id: Some(DeviceId::parse(id).unwrap()),
        name: SiteName::parse(id).unwrap(),
    }
}
