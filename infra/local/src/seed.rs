//! The demonstration: a partner and two sites with their administrator, made at the first start. Also the secrets of this
//! machine.

use jiff::Timestamp;
use site_credits::commands::{
    self, Asker, BatchError, CommandError, CreateSiteError, DeviceToRegister, NewBatch, PageOf,
    PartnerAsker, ReadError, RedeemError, RegisterError,
};
use site_credits::domain::model::batch::{Batch, InvalidBatch};
use site_credits::domain::model::code::{CodeValue, InvalidCodeValue, Recharge};
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::rules::license::License;
use site_credits::domain::values::card_link::CardLinks;
use site_credits::domain::values::country::{Country, NoTimeZone, language_of, time_zone_of};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{
    BatchId, DeviceId, InvalidSiteId, PartnerId, PersonId, SiteId,
};
use site_credits::domain::values::license_code::{CodeChecker, CodeIssuer, LicenseCode};
use site_credits::domain::values::names::{SiteName, Subject};
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::domain::values::secret::{InvalidSecrets, SecretMissing, Secrets};
use site_credits::domain::values::text::InvalidName;
use site_credits::http::cards::CardPages;
use site_credits::store::{Attempts, Store, StoreError, TypedKey};

/// The secrets of a developer's machine. They protect nothing, and nothing deployed knows them.
const LOCAL_SECRETS: &str =
    "local:6c6f63616c2d64656d6f6e7374726174696f6e2d6f6e6c792d6e6f2d73656372";

/// The administrator of the demonstration's sites.
pub const ADMINISTRATOR: &str = "kim@example.com";
/// The partner who issues its codes.
pub const PARTNER: &str = "acme";
/// The site that pays by device.
pub const DYNAMIC_SITE: &str = "GYM7QP2MR";
/// The site that pays by card.
pub const REGULAR_SITE: &str = "BRARY5X9S";
/// How many of the administrator's sites are shown at a start.
pub const MAX_SITES: u16 = 10;
/// How many devices the dynamic site has.
const DEVICES: usize = 3;

/// The demonstration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A literal of this file is wrong.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// As above.
    #[error(transparent)]
    SiteId(#[from] InvalidSiteId),
    /// As above.
    #[error(transparent)]
    Zone(#[from] NoTimeZone),
    /// As above.
    #[error(transparent)]
    Secrets(#[from] InvalidSecrets),
    /// As above.
    #[error(transparent)]
    SecretMissing(#[from] SecretMissing),
    /// As above.
    #[error(transparent)]
    Value(#[from] InvalidCodeValue),
    /// As above.
    #[error(transparent)]
    Batch(#[from] InvalidBatch),
    /// A site could not be made.
    #[error("a site could not be made")]
    Site(#[from] CommandError<CreateSiteError>),
    /// Devices could not be registered.
    #[error("devices could not be registered")]
    Devices(#[from] CommandError<RegisterError>),
    /// The first code could not be applied.
    #[error("a code could not be applied")]
    Redeem(#[from] CommandError<RedeemError>),
    /// Codes could not be issued.
    #[error("codes could not be issued")]
    Issue(#[from] BatchError),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// As above.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Where cards are downloaded from this machine: their links start with `base`.
///
/// # Errors
/// As [`check_secrets`].
pub fn card_pages(base: &str) -> Result<CardPages, InvalidSecrets> {
    Ok(CardPages {
        links: CardLinks::new(Secrets::parse(LOCAL_SECRETS)?),
        base: Some(base.to_owned()),
    })
}

/// The keyed hashes of phone numbers and of requests about users on this machine.
///
/// # Errors
/// As [`check_secrets`].
pub fn pseudonyms() -> Result<Pseudonyms, InvalidSecrets> {
    Ok(Pseudonyms::new(Secrets::parse(LOCAL_SECRETS)?))
}

/// The check secrets of this machine.
///
/// # Errors
/// Never: they are a valid literal, which every test reads.
pub fn check_secrets() -> Result<Secrets, InvalidSecrets> {
    Secrets::parse(LOCAL_SECRETS)
}

/// The secrets that derive the codes of this machine.
///
/// # Errors
/// As [`check_secrets`].
pub fn issuer() -> Result<CodeIssuer, SeedError> {
    Ok(CodeIssuer::new(
        Secrets::parse(LOCAL_SECRETS)?,
        check_secrets()?,
    )?)
}

/// Makes the demonstration, or completes what was made before: two sites, one of which has three devices and one credit
/// left, so that the next month halts it.
///
/// # Errors
/// See [`SeedError`].
pub async fn demonstration(store: &Store, now: Timestamp) -> Result<(), SeedError> {
    let asker = administrator(now)?;
    site(
        store,
        REGULAR_SITE,
        "City Library",
        SiteType::Regular,
        &asker,
    )
    .await?;
    site(
        store,
        DYNAMIC_SITE,
        "Harbour Gym",
        SiteType::Dynamic,
        &asker,
    )
    .await?;
    let id = SiteId::parse(DYNAMIC_SITE)?;
    let entries = async || {
        let site = store
            .read(TypedKey::site(&id), &mut Attempts::default())
            .await?;
        Ok::<_, StoreError>(site.map(|site| site.sequence))
    };
    if entries().await? == Some(1) {
        let codes = CodeChecker::new(check_secrets()?);
        for code in issue(store, now).await? {
            let code = code.to_string();
            commands::redeem(store, &codes, &id, &code, Recharge::Credits, &asker).await?;
        }
    }
    if entries().await? == Some(2) {
        let devices = (1..=DEVICES).map(|number| {
            Ok(DeviceToRegister {
                id: Some(DeviceId::parse(&format!("door-{number}"))?),
                name: SiteName::parse(&format!("Door {number}"))?,
            })
        });
        let devices = devices.collect::<Result<Vec<_>, InvalidName>>()?;
        commands::register_devices(store, &id, &devices, &asker).await?;
    }
    Ok(())
}

/// The licenses of the administrator's sites: of the demonstration's, as far as they are still there, and of others. At
/// most [`MAX_SITES`].
///
/// # Errors
/// The table cannot be read.
pub async fn sites(store: &Store, now: Timestamp) -> Result<Vec<License>, SeedError> {
    let asker = administrator(now)?;
    let first = PageOf {
        limit: MAX_SITES,
        after: None,
    };
    let mut licenses = Vec::new();
    for site in commands::list_sites(store, &first, &asker).await?.items {
        licenses.push(commands::license(store, &site.site_id, &asker).await?);
    }
    Ok(licenses)
}

fn administrator(now: Timestamp) -> Result<Asker, InvalidName> {
    Ok(Asker {
        email: Some(Email::parse(ADMINISTRATOR)?),
        now,
        idempotency_key: None,
        known_as: commands::KnownAs::default(),
    })
}

/// Creates a site, if it is not there.
async fn site(
    store: &Store,
    id: &str,
    name: &str,
    site_type: SiteType,
    asker: &Asker,
) -> Result<(), SeedError> {
    let country = Country::parse("AT")?;
    let new = NewSite {
        id: SiteId::parse(id)?,
        name: SiteName::parse(name)?,
        time_zone: time_zone_of(&country, asker.now)?,
        language: language_of(&country),
        country,
        site_type,
        master: Email::parse(ADMINISTRATOR)?,
        person: PersonId::random(),
    };
    match commands::create_site(store, new, asker).await {
        Ok(_) | Err(CommandError::Refused(CreateSiteError::Exists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Issues the code of four credits that the gym starts with. The ID of its batch is fixed, so the code is the same each
/// time. (Data of before site IDs had nine symbols has a gym that applied the code of the batch before it.)
async fn issue(store: &Store, now: Timestamp) -> Result<Vec<LicenseCode>, SeedError> {
    let asker = PartnerAsker {
        id: PartnerId::parse(PARTNER)?,
        by: Subject::parse("demonstration")?,
        now,
        idempotency_key: None,
    };
    let new = NewBatch {
        value: CodeValue::new(4, 0)?,
        count: 1,
        expires_on: None,
        bound_to: None,
        note: Some("demonstration".to_owned()),
    };
    let issuer = issuer()?;
    let batch = Batch {
        id: BatchId::parse("019b0000-0000-7000-8000-000000000004")?,
        ..new.issued_by(&asker, &issuer)?
    };
    Ok(commands::issue_batch(store, &issuer, &batch, &asker).await?)
}
