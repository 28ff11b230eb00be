//! The demonstration: a partner, two sites with their administrator, and codes. Made once, and found again.

use jiff::Timestamp;
use site_credits::commands::{
    self, Asker, BatchError, CommandError, CreateSiteError, DeviceWish, NewBatch, PartnerAsker,
    RegisterError,
};
use site_credits::domain::model::batch::Batch;
use site_credits::domain::model::code::{CodeState, CodeValue, Recharge};
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::values::card_link::CardLinks;
use site_credits::domain::values::country::{Country, NoTimeZone, language_of, time_zone_of};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{BatchId, DeviceId, PartnerId, SiteId};
use site_credits::domain::values::license_code::{
    CodeChecker, CodeIssuer, CodeNotRecognised, LicenseCode,
};
use site_credits::domain::values::names::{SiteName, Subject};
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::domain::values::secret::{InvalidSecrets, SecretMissing, Secrets};
use site_credits::domain::values::text::InvalidName;
use site_credits::http::cards::CardPages;
use site_credits::store::{Attempts, Key, Store, StoreError, decode_code};

/// The secrets of codes that are issued on a developer's machine. They protect nothing, and nothing deployed
/// knows them.
const LOCAL_SECRETS: &str =
    "local:6c6f63616c2d64656d6f6e7374726174696f6e2d6f6e6c792d6e6f2d73656372";

/// The administrator of the demonstration's sites.
pub const ADMINISTRATOR: &str = "kim@example.com";
/// The partner who issues its codes.
pub const PARTNER: &str = "acme";
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
    Zone(#[from] NoTimeZone),
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
    Site(#[from] CommandError<CreateSiteError>),
    /// Devices could not be registered.
    #[error("devices could not be registered")]
    Devices(#[from] CommandError<RegisterError>),
    /// The first code could not be applied.
    #[error("a code could not be applied")]
    Redeem(#[from] CommandError<commands::RedeemError>),
    /// Codes could not be issued.
    #[error("codes could not be issued")]
    Issue(#[from] BatchError),
    /// A code of this machine is not one, which is a defect.
    #[error(transparent)]
    Code(#[from] CodeNotRecognised),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where cards are downloaded from this machine; their links begin with `base`.
///
/// # Errors
/// As [`check_secrets`].
pub fn card_pages(base: &str) -> Result<CardPages, InvalidSecrets> {
    Ok(CardPages {
        links: CardLinks::new(Secrets::parse(LOCAL_SECRETS)?),
        base: Some(base.to_owned()),
    })
}

/// What stands for requests about users and for phone numbers on this machine.
///
/// # Errors
/// As [`check_secrets`].
pub fn pseudonyms() -> Result<Pseudonyms, InvalidSecrets> {
    Ok(Pseudonyms::new(Secrets::parse(LOCAL_SECRETS)?))
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
    /// Codes of a hundred credits that can still be applied.
    pub codes: Vec<LicenseCode>,
    /// Codes of fifty credits and ten maintenance credits that can still be applied.
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
    site(
        store,
        dynamic_site.clone(),
        "Harbour Gym",
        SiteType::Dynamic,
        now,
    )
    .await?;
    equip(store, &dynamic_site, &starter, now).await?;
    Ok(Demonstration {
        codes: outstanding(store, codes).await?,
        maintenance_codes: outstanding(store, maintenance_codes).await?,
        dynamic_site,
        regular_site,
    })
}

/// The gym begins with three devices and one credit left, so that the next month halts it. One that was begun and not
/// finished is finished.
async fn equip(
    store: &Store,
    id: &SiteId,
    starter: &[LicenseCode],
    now: Timestamp,
) -> Result<(), SeedError> {
    let asker = administrator(now)?;
    let codes = CodeChecker::new(check_secrets()?);
    for code in outstanding(store, starter.to_vec()).await? {
        commands::redeem(
            store,
            &codes,
            id,
            &code.to_string(),
            Recharge::Credits,
            &asker,
        )
        .await?;
    }
    let site = store.site_by_id(id, &mut Attempts::default()).await?;
    // Created and recharged, and nothing since.
    if site.is_none_or(|site| site.sequence != 2) {
        return Ok(());
    }
    let devices = (1..=DEVICES).map(|number| {
        Ok(DeviceWish {
            id: Some(DeviceId::parse(&format!("door-{number}"))?),
            name: SiteName::parse(&format!("Door {number}"))?,
        })
    });
    let devices = devices.collect::<Result<Vec<_>, InvalidName>>()?;
    commands::register_devices(store, id, &devices, &asker).await?;
    Ok(())
}

fn administrator(now: Timestamp) -> Result<Asker, InvalidName> {
    Ok(Asker {
        email: Some(Email::parse(ADMINISTRATOR)?),
        now,
        idempotency_key: None,
    })
}

/// Those of the codes that can still be applied.
async fn outstanding(
    store: &Store,
    codes: Vec<LicenseCode>,
) -> Result<Vec<LicenseCode>, SeedError> {
    let checker = CodeChecker::new(check_secrets()?);
    let recognised = codes
        .iter()
        .map(|code| checker.recognise(&code.to_string()));
    let keys = recognised.map(|code| Ok(Key::Code(code?.key)));
    let keys = keys.collect::<Result<Vec<Key>, CodeNotRecognised>>()?;
    let items = store.load(&keys, &mut Attempts::default()).await?;
    let mut left = Vec::new();
    for (code, item) in codes.into_iter().zip(items) {
        let known = item
            .map(|item| decode_code(&item))
            .transpose()
            .map_err(StoreError::from)?;
        if known.is_some_and(|known| known.state == CodeState::Outstanding) {
            left.push(code);
        }
    }
    Ok(left)
}

/// Creates a site, if it is not there.
async fn site(
    store: &Store,
    id: SiteId,
    name: &str,
    site_type: SiteType,
    now: Timestamp,
) -> Result<(), SeedError> {
    let country = Country::parse("AT")?;
    let new = NewSite {
        id,
        name: SiteName::parse(name)?,
        time_zone: time_zone_of(&country, now)?,
        language: language_of(&country),
        country,
        site_type,
        master: Email::parse(ADMINISTRATOR)?,
    };
    match commands::create_site(store, new, &administrator(now)?).await {
        Ok(_) | Err(CommandError::Refused(CreateSiteError::Exists)) => Ok(()),
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
    let asker = PartnerAsker {
        id: PartnerId::parse(PARTNER)?,
        by: Subject::parse("demonstration")?,
        now,
        idempotency_key: None,
    };
    let new = NewBatch {
        value: value.map_err(|error| wrong(error.to_string()))?,
        count,
        expires_on: None,
        bound_to: None,
        note: Some("demonstration".to_owned()),
    };
    let batch = new
        .issued_by(&asker, issuer)
        .map_err(|error| wrong(error.to_string()))?;
    let batch = Batch {
        id: BatchId::parse(&format!("019b0000-0000-7000-8000-{number:012}"))?,
        ..batch
    };
    Ok(commands::issue_batch(store, issuer, &batch, &asker).await?)
}
