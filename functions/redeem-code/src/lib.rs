//! `redeem-code`: previews a code, and applies it to a site's credits.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands;
use site_credits::domain::model::code::Recharge;
use site_credits::domain::values::license_code::CodeChecker;
use site_credits::http::{self, Answer, Arrival, PreviewBody, Problem, RedemptionBody};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct RedeemCode {
    /// The table.
    pub store: Store,
    /// Recognises codes.
    pub codes: CodeChecker,
}

impl RedeemCode {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "POST /sites/{site_id}/license/preview" => self.preview(&arrival).await,
            "POST /sites/{site_id}/license/redemptions" => self.redeem(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn preview(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let PreviewBody { code, recharge } = arrival.body()?;
        let shown =
            commands::preview(&self.store, &self.codes, &site_id, &code, recharge, &asker).await?;
        Ok(http::preview_answer(&shown, recharge))
    }

    async fn redeem(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let RedemptionBody { code } = arrival.body()?;
        let done = commands::redeem(
            &self.store,
            &self.codes,
            &site_id,
            &code,
            Recharge::Credits,
            &asker,
        )
        .await?;
        Ok(http::redemption_answer(&done))
    }
}
