//! Previewing and applying a code.

use super::asker::{Asker, CommandError, authorized};
use super::command::Command;
use super::execute::{Done, Step, execute};
use crate::domain::model::code::{Code, Recharge};
use crate::domain::model::site::Site;
use crate::domain::rules::license::{License, view};
use crate::domain::rules::redeem::{self, CodeRefused, Preview, Redeemer};
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::license_code::{CodeChecker, CodeNotRecognised};
use crate::store::{Attempts, Store, TypedKey};

/// Why a code is not applied.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RedeemError {
    /// Mistyped, forged, or never issued.
    #[error(transparent)]
    NotRecognised(#[from] CodeNotRecognised),
    /// It cannot be applied to this site.
    #[error(transparent)]
    Refused(#[from] CodeRefused),
}

/// What a preview shows (rule 3).
#[derive(Debug)]
pub struct PreviewAnswer {
    /// The site as it is.
    pub site: Site,
    /// The code.
    pub code: Code,
    /// What applying it would do.
    pub preview: Preview,
}

/// Applies a code to a site: two round trips, the second of them one transaction.
///
/// # Errors
/// A code that is mistyped or forged is refused without a read of the table; see [`CommandError`] for the rest.
pub async fn redeem(
    store: &Store,
    codes: &CodeChecker,
    site_id: &SiteId,
    code: &str,
    recharge: Recharge,
    asker: &Asker,
) -> Result<Done<License>, CommandError<RedeemError>> {
    let email = asker.address()?.clone();
    let recognised = codes.recognise(code);
    let key = recognised.map_err(CommandError::refused)?.key;
    let balance = match recharge {
        Recharge::Credits => "credits",
        Recharge::Sms => "sms",
    };
    let command = format!("redeem {balance} {}", key.as_str());
    let command = Command::on_site(site_id, asker, &command);
    let by = Redeemer {
        email,
        command_id: command.id.clone(),
    };
    execute(store, &command, &TypedKey::code(&key), |site, code, _| {
        let code = code.ok_or_else(|| CommandError::refused(CodeNotRecognised::Unknown))?;
        let change = redeem::redeem(site, &code, recharge, &by, asker.now);
        let change = change.map_err(CommandError::refused)?;
        Ok(Step::change(change, |site| view(site, asker.now)))
    })
    .await
}

/// Shows what applying a code would do, in one round trip. It changes nothing.
///
/// # Errors
/// As [`redeem()`].
pub async fn preview(
    store: &Store,
    codes: &CodeChecker,
    site_id: &SiteId,
    code: &str,
    recharge: Recharge,
    asker: &Asker,
) -> Result<PreviewAnswer, CommandError<RedeemError>> {
    let email = asker.address()?.clone();
    let recognised = codes.recognise(code);
    let key = recognised.map_err(CommandError::refused)?.key;
    let reads = (TypedKey::site(site_id), TypedKey::code(&key));
    let (site, code) = store.read(reads, &mut Attempts::default()).await?;
    let site = authorized(site, asker)?;
    let code = code.ok_or_else(|| CommandError::refused(CodeNotRecognised::Unknown))?;
    let by = Redeemer {
        email,
        command_id: CommandId::random(),
    };
    let preview = redeem::preview(&site, &code, recharge, &by, asker.now);
    Ok(PreviewAnswer {
        preview: preview.map_err(CommandError::refused)?,
        site,
        code,
    })
}
