//! `redeem-code`: previews a code, and applies it to a site's credits.

use site_credits::commands::{self, Asker};
use site_credits::domain::model::code::Recharge;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::license_code::CodeChecker;
use site_credits::http::license::{Preview, PreviewBody, Redemption, RedemptionBody};
use site_credits::http::{Created, Declare, Function, JsonObject, Problem, Reply, refusals};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct RedeemCode {
    /// The table.
    pub store: Store,
    /// Recognises codes.
    pub codes: CodeChecker,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<RedeemCode>>() -> R {
    R::default()
        .add(
            "POST /sites/{site_id}/license/preview",
            preview,
            refusals::PREVIEW,
        )
        .add(
            "POST /sites/{site_id}/license/redemptions",
            redeem,
            refusals::REDEMPTION,
        )
}

async fn preview(
    site_id: SiteId,
    asker: Asker,
    JsonObject(PreviewBody { code, recharge }): JsonObject<PreviewBody>,
    Function(function): Function<RedeemCode>,
) -> Result<Reply<Preview>, Problem> {
    let RedeemCode { store, codes } = &*function;
    let shown = commands::preview(store, codes, &site_id, &code, recharge, &asker).await?;
    Ok(Reply::ok(Preview::of(shown, recharge)))
}

async fn redeem(
    site_id: SiteId,
    asker: Asker,
    JsonObject(RedemptionBody { code }): JsonObject<RedemptionBody>,
    Function(function): Function<RedeemCode>,
) -> Result<Created<Redemption>, Problem> {
    let RedeemCode { store, codes } = &*function;
    let balance = Recharge::Credits;
    let done = commands::redeem(store, codes, &site_id, &code, balance, &asker).await?;
    Ok(done.into())
}
