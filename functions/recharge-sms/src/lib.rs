//! `recharge-sms`: applies a code to a site's SMS.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands;
use site_credits::domain::model::code::Recharge;
use site_credits::domain::values::license_code::CodeChecker;
use site_credits::http::{self, Answer, Arrival, Problem, RedemptionBody};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct RechargeSms {
    /// The table.
    pub store: Store,
    /// Recognises codes.
    pub codes: CodeChecker,
}

impl RechargeSms {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "POST /sites/{site_id}/sms/redemptions" => self.recharge(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn recharge(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let RedemptionBody { code } = arrival.body()?;
        let done = commands::redeem(
            &self.store,
            &self.codes,
            &site_id,
            &code,
            Recharge::Sms,
            &asker,
        )
        .await?;
        Ok(http::redemption_answer(&done))
    }
}
