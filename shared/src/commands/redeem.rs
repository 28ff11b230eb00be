//! Previewing and applying a code.

use super::{
    Asker, CommandError, Done, SiteCommand, SiteNotFound, authorized, execute, license_view,
};
use crate::domain::model::change::Decision;
use crate::domain::model::code::{Code, Recharge};
use crate::domain::model::site::Site;
use crate::domain::rules::redeem;
use crate::domain::rules::redeem::{CodeRefused, Preview, Redeemer};
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::license_code::{CodeChecker, CodeNotRecognised};
use crate::store::{Attempts, Item, Key, Store, StoreError, decode_code, decode_site};

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
) -> Result<Done, CommandError<RedeemError>> {
    let email = asker.email.clone().ok_or(SiteNotFound)?;
    let code = codes.recognise(code).map_err(not_recognised)?;
    let by = Redeemer {
        email,
        command_id: CommandId::random(),
    };
    let balance = match recharge {
        Recharge::Credits => "credits",
        Recharge::Sms => "sms",
    };
    let command = SiteCommand {
        site_id,
        asker,
        command_id: by.command_id.clone(),
        wish: format!("redeem {balance} {}", code.key.as_str()),
        also: vec![Key::Code(code.key)],
    };
    execute(store, &command, &license_view, |site, known| {
        let code = issued(known.also[0].as_ref())?;
        let change = redeem::redeem(site, &code, recharge, &by, asker.now).map_err(refused)?;
        Ok(Decision::Done {
            change,
            own_entry: 0,
        })
    })
    .await
}

/// Shows what applying a code would do, in one round trip. It changes nothing.
///
/// # Errors
/// As [`redeem`].
pub async fn preview(
    store: &Store,
    codes: &CodeChecker,
    site_id: &SiteId,
    code: &str,
    recharge: Recharge,
    asker: &Asker,
) -> Result<PreviewAnswer, CommandError<RedeemError>> {
    let email = asker.email.clone().ok_or(SiteNotFound)?;
    let code = codes.recognise(code).map_err(not_recognised)?;
    let keys = [Key::Site(site_id.clone()), Key::Code(code.key)];
    let mut items = store
        .load(&keys, &mut Attempts::default())
        .await?
        .into_iter();
    let site = items.next().flatten();
    let site = site
        .map(|item| decode_site(&item))
        .transpose()
        .map_err(StoreError::from)?;
    let site = authorized(site, asker)?;
    let code = issued(items.next().flatten().as_ref())?;
    let by = Redeemer {
        email,
        command_id: CommandId::random(),
    };
    let preview = redeem::preview(&site, &code, recharge, &by, asker.now).map_err(refused)?;
    Ok(PreviewAnswer {
        site,
        code,
        preview,
    })
}

fn issued(item: Option<&Item>) -> Result<Code, CommandError<RedeemError>> {
    let item = item.ok_or_else(|| not_recognised(CodeNotRecognised))?;
    Ok(decode_code(item).map_err(StoreError::from)?)
}

fn not_recognised(error: CodeNotRecognised) -> CommandError<RedeemError> {
    CommandError::Refused(error.into())
}

fn refused(error: CodeRefused) -> CommandError<RedeemError> {
    CommandError::Refused(error.into())
}
