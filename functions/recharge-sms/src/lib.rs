//! `recharge-sms`: applies a code to a site's SMS.

use site_credits::commands::{self, Asker};
use site_credits::domain::model::code::Recharge;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::license_code::CodeChecker;
use site_credits::http::license::{RedemptionBody, SmsRedemption};
use site_credits::http::{Created, Declare, Function, JsonObject, Problem, refusals};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct RechargeSms {
    /// The table.
    pub store: Store,
    /// Recognises codes.
    pub codes: CodeChecker,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<RechargeSms>>() -> R {
    R::default().add(
        "POST /sites/{site_id}/sms/redemptions",
        recharge,
        refusals::SMS_REDEMPTION,
    )
}

async fn recharge(
    site_id: SiteId,
    asker: Asker,
    JsonObject(RedemptionBody { code }): JsonObject<RedemptionBody>,
    Function(function): Function<RechargeSms>,
) -> Result<Created<SmsRedemption>, Problem> {
    let RechargeSms { store, codes } = &*function;
    let done = commands::redeem(store, codes, &site_id, &code, Recharge::Sms, &asker).await?;
    Ok(done.into())
}
