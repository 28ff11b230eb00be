//! The demonstration: a partner, two sites with their administrator, and codes. Made once, and found again.

use jiff::Timestamp;
use site_credits::commands::{self, Asker, CommandError, CreateSiteError, NewBatch, RegisterError};
use site_credits::domain::code::{
    Batch, CodeIssuer, CodeValue, InvalidSecrets, LicenseCode, SecretMissing, Secrets,
};
use site_credits::domain::device::NewDevice;
use site_credits::domain::identity::{
    BatchId, Country, DeviceId, Email, InvalidName, PartnerId, SiteId, SiteName, TimeZone,
};
use site_credits::domain::site::{NewSite, SiteType};
use site_credits::store::{IssueError, Store};

/// The secrets of codes that are issued on a developer's machine. They protect nothing, and nothing deployed
/// knows them.
const LOCAL_SECRETS: &str =
    "local:6c6f63616c2d64656d6f6e7374726174696f6e2d6f6e6c792d6e6f2d73656372";

/// The administrator of the demonstration's sites.
pub const ADMINISTRATOR: &str = "kim@example.com";
/// The site that pays by device.
pub const DYNAMIC_SITE: &str = "GYM7QP2M";
/// The site that pays by card.
pub const REGULAR_SITE: &str = "BRARY5X9";
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
    Secrets(#[from] InvalidSecrets),
    /// As above.
    #[error(transparent)]
    SecretMissing(#[from] SecretMissing),
    /// As above.
    #[error("the demonstration is wrong: {0}")]
    Wrong(String),
    /// A site could not be made.
    #[error("a site could not be made")]
    Site(#[from] CreateSiteError),
    /// Devices could not be registered.
    #[error("devices could not be registered")]
    Devices(#[from] CommandError<RegisterError>),
    /// The first code could not be applied.
    #[error("a code could not be applied")]
    Redeem(#[from] CommandError<commands::RedeemError>),
    /// Codes could not be issued.
    #[error("codes could not be issued")]
    Issue(#[from] IssueError),
}

/// The check secrets of this machine.
///
/// # Errors
/// Never: they are a literal of the right form, which a test reads.
pub fn check_secrets() -> Result<Secrets, InvalidSecrets> {
    Secrets::parse(LOCAL_SECRETS)
}

/// What derives the codes of this machine.
///
/// # Errors
/// As [`check_secrets`].
pub fn issuer() -> Result<CodeIssuer, SeedError> {
    Ok(CodeIssuer::new(
        Secrets::parse(LOCAL_SECRETS)?,
        check_secrets()?,
    )?)
}

/// What the demonstration has.
#[derive(Debug)]
pub struct Demonstration {
    /// The site that pays by device.
    pub dynamic_site: SiteId,
    /// The site that pays by card.
    pub regular_site: SiteId,
    /// Codes of a hundred credits; some may have been applied since.
    pub codes: Vec<LicenseCode>,
    /// Codes of fifty credits and ten maintenance credits.
    pub maintenance_codes: Vec<LicenseCode>,
}

/// Makes the demonstration, or finds what was made before.
///
/// # Errors
/// See [`SeedError`].
pub async fn demonstration(store: &Store, now: Timestamp) -> Result<Demonstration, SeedError> {
    let issuer = issuer()?;
    let codes = issue(store, &issuer, 1, CodeValue::new(100, 0), 20, now).await?;
    let maintenance_codes = issue(store, &issuer, 2, CodeValue::new(50, 10), 5, now).await?;
    let starter = issue(store, &issuer, 3, CodeValue::new(4, 0), 1, now).await?;
    let dynamic_site = SiteId::parse(DYNAMIC_SITE)?;
    let regular_site = SiteId::parse(REGULAR_SITE)?;
    site(
        store,
        regular_site.clone(),
        "City Library",
        SiteType::Regular,
        now,
    )
    .await?;
    if site(
        store,
        dynamic_site.clone(),
        "Harbour Gym",
        SiteType::Dynamic,
        now,
    )
    .await?
    {
        equip(store, &dynamic_site, &starter, now).await?;
    }
    Ok(Demonstration {
        dynamic_site,
        regular_site,
        codes,
        maintenance_codes,
    })
}

/// The gym begins with three devices and one credit left, so that the next month halts it.
async fn equip(
    store: &Store,
    site: &SiteId,
    starter: &[LicenseCode],
    now: Timestamp,
) -> Result<(), SeedError> {
    let asker = Asker {
        email: Some(Email::parse(ADMINISTRATOR)?),
        now,
        idempotency_key: None,
    };
    let codes = site_credits::domain::code::CodeChecker::new(check_secrets()?);
    let recharge = site_credits::domain::redemption::Recharge::Credits;
    for code in starter {
        commands::redeem(store, &codes, site, &code.to_string(), recharge, &asker).await?;
    }
    let devices = (1..=DEVICES).map(|number| {
        Ok(NewDevice {
            id: DeviceId::parse(&format!("door-{number}"))?,
            name: SiteName::parse(&format!("Door {number}"))?,
        })
    });
    let devices = devices.collect::<Result<Vec<_>, InvalidName>>()?;
    commands::register_devices(store, site, &devices, &asker).await?;
    Ok(())
}

/// Creates a site; `false` where it was there.
async fn site(
    store: &Store,
    id: SiteId,
    name: &str,
    site_type: SiteType,
    now: Timestamp,
) -> Result<bool, SeedError> {
    let new = NewSite {
        id,
        name: SiteName::parse(name)?,
        country: Country::parse("AT")?,
        time_zone: TimeZone::parse("Europe/Vienna")?,
        site_type,
        master: Email::parse(ADMINISTRATOR)?,
    };
    match commands::create_site(store, new, now).await {
        Ok(_) => Ok(true),
        Err(CreateSiteError::Exists) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Issues a batch of the demonstration: its ID is fixed, so its codes are the same each time.
async fn issue(
    store: &Store,
    issuer: &CodeIssuer,
    number: u32,
    value: Result<CodeValue, impl std::fmt::Display>,
    count: u32,
    now: Timestamp,
) -> Result<Vec<LicenseCode>, SeedError> {
    let wrong = |reason: String| SeedError::Wrong(reason);
    let new = NewBatch {
        partner_id: PartnerId::parse("acme")?,
        value: value.map_err(|error| wrong(error.to_string()))?,
        count,
        expires_on: None,
        bound_to: None,
        note: Some("demonstration".to_owned()),
    };
    let batch = new
        .issued_at(now, issuer)
        .map_err(|error| wrong(error.to_string()))?;
    let batch = Batch {
        id: BatchId::parse(&format!("019b0000-0000-7000-8000-{number:012}"))?,
        ..batch
    };
    Ok(commands::issue_codes(store, &batch, issuer).await?)
}
