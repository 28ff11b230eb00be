//! Previewing and applying a code.

use super::asker::{Asker, CommandError, authorized};
use super::command::Command;
use super::execute::{Done, Step, execute};
use crate::domain::model::code::{Code, Recharge};
use crate::domain::model::limit::{LimitReached, WrongCodes};
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
    /// The person tried too many wrong codes, and now waits with right ones too.
    #[error("you have tried {0}")]
    TooManyWrong(LimitReached),
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
/// A code that is mistyped or forged is refused without a read of the table and counted by one write (rule 4); a text that
/// cannot be a code is refused without either. See [`CommandError`] for the rest.
pub async fn redeem(
    store: &Store,
    codes: &CodeChecker,
    site_id: &SiteId,
    code: &str,
    recharge: Recharge,
    asker: &Asker,
) -> Result<Done<License>, CommandError<RedeemError>> {
    let done = apply(store, codes, site_id, code, recharge, asker).await;
    counted(store, asker, done).await
}

/// Counts a try that tells a genuine code from a forged one, and lets nobody make too many of them. At the limit every
/// answer is the same, whatever the code.
async fn counted<T>(
    store: &Store,
    asker: &Asker,
    done: Result<T, CommandError<RedeemError>>,
) -> Result<T, CommandError<RedeemError>> {
    let is_try = matches!(
        &done,
        Err(CommandError::SiteNotFound(_)
            | CommandError::Refused(RedeemError::NotRecognised(CodeNotRecognised::Unknown)))
    );
    let Some(email) = asker.email.as_ref().filter(|_| is_try) else {
        return done;
    };
    match store.count_wrong_code(email, asker.now).await? {
        Ok(()) => done,
        Err(limit) => Err(CommandError::Refused(RedeemError::TooManyWrong(limit))),
    }
}

/// Lets only those try a code who were not wrong too often.
fn may_try(wrong: Option<WrongCodes>, asker: &Asker) -> Result<(), CommandError<RedeemError>> {
    let checked = wrong.unwrap_or_default().check(asker.now);
    checked.map_err(|limit| CommandError::Refused(RedeemError::TooManyWrong(limit)))
}

async fn apply(
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
    let wrong = TypedKey::wrong_codes(&by.email, asker.now);
    let reads = (TypedKey::code(&key), wrong);
    execute(store, &command, &reads, |site, (code, wrong), _| {
        may_try(wrong, asker)?;
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
    let shown = show(store, codes, site_id, code, recharge, asker).await;
    counted(store, asker, shown).await
}

async fn show(
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
    let wrong = TypedKey::wrong_codes(&email, asker.now);
    let reads = (TypedKey::site(site_id), TypedKey::code(&key), wrong);
    let (site, code, wrong) = store.read(reads, &mut Attempts::default()).await?;
    let site = authorized(site, asker)?;
    may_try(wrong, asker)?;
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
