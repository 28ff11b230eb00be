//! Previewing and applying a code.

use super::asker::{Admitted, Asker, CommandError, admitted};
use super::command::Command;
use super::execute::{Done, Step, execute};
use crate::domain::model::change::Write;
use crate::domain::model::code::{Code, Recharge};
use crate::domain::model::limit::LimitReached;
use crate::domain::model::site::Site;
use crate::domain::model::wrong_codes::WrongCodes;
use crate::domain::rules::license::{License, view};
use crate::domain::rules::redeem::{self, CodeRefused, Preview, Redeemer};
use crate::domain::rules::wrong_codes::{MAX_WRONG_CODES, may_try, too_many};
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::license_code::{CodeChecker, CodeNotRecognised};
use crate::store::{Attempts, Committed, Store, StoreError, TypedKey};

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
    TooManyWrong(#[from] LimitReached),
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
    let redeemed = async {
        let email = asker.address()?;
        let recognised = codes.recognise(code);
        let key = recognised.map_err(CommandError::refused)?.key;
        let command = format!("redeem {} {}", recharge.as_str(), key.as_str());
        let command = Command::on_site(site_id, asker, &command);
        let wrong = TypedKey::wrong_codes(email, asker.now);
        let reads = (TypedKey::code(&key), wrong);
        execute(
            store,
            &command,
            &reads,
            |Admitted { site, by }, (code, wrong), _| {
                let by = Redeemer {
                    person: by.person,
                    command_id: command.id.clone(),
                };
                let code = tried(code, wrong, asker)?;
                let change = redeem::redeem(site, &code, recharge, &by, asker.now);
                let change = change.map_err(CommandError::refused)?;
                Ok(Step::change(change, |site| view(site, asker.now)))
            },
        )
        .await
    };
    counted(store, asker, redeemed).await
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
    let previewed = async {
        let email = asker.address()?;
        let recognised = codes.recognise(code);
        let key = recognised.map_err(CommandError::refused)?.key;
        let wrong = TypedKey::wrong_codes(email, asker.now);
        let reads = (TypedKey::site(site_id), TypedKey::code(&key), wrong);
        let (site, code, wrong) = store.read(reads, &mut Attempts::default()).await?;
        let Admitted { site, by } = admitted(site, asker)?;
        let code = tried(code, wrong, asker)?;
        let by = Redeemer {
            person: by.person,
            command_id: CommandId::random(),
        };
        let preview = redeem::preview(&site, &code, recharge, &by, asker.now);
        Ok(PreviewAnswer {
            preview: preview.map_err(CommandError::refused)?,
            site,
            code,
        })
    };
    counted(store, asker, previewed).await
}

/// The code, for those who may try one and if it was issued.
fn tried(
    code: Option<Code>,
    wrong: Option<WrongCodes>,
    asker: &Asker,
) -> Result<Code, CommandError<RedeemError>> {
    may_try(wrong.unwrap_or_default(), asker.now).map_err(CommandError::refused)?;
    code.ok_or_else(|| CommandError::refused(CodeNotRecognised::Unknown))
}

/// Counts a try that tells a genuine code from a forged one, and lets nobody make too many of them. At the limit every
/// answer is the same, whatever the code.
async fn counted<T>(
    store: &Store,
    asker: &Asker,
    tried: impl Future<Output = Result<T, CommandError<RedeemError>>>,
) -> Result<T, CommandError<RedeemError>> {
    let outcome = tried.await;
    let is_counted = matches!(
        &outcome,
        Err(CommandError::SiteNotFound(_)
            | CommandError::Refused(RedeemError::NotRecognised(CodeNotRecognised::Unknown)))
    );
    let Some(by) = asker.email.clone().filter(|_| is_counted) else {
        return outcome;
    };
    let count = Write::WrongCodeCounted {
        by,
        at: asker.now,
        most: MAX_WRONG_CODES,
    };
    let counted = store
        .commit_surely(&[count], &CommandId::random(), &mut Attempts::default())
        .await;
    match counted {
        Ok(Committed::Now) => outcome,
        Ok(Committed::Lost) => Err(CommandError::refused(too_many(asker.now))),
        // Whether it was counted is not known. Of what was asked for, nothing was done.
        Err(StoreError::OutcomeUnknown) => Err(StoreError::Busy(None).into()),
        Err(error) => Err(error.into()),
    }
}
