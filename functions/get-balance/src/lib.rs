//! `get-balance`: shows a site's license and its statement, a partner what it may see of its sites, and anyone the
//! contract. It can write nothing.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands;
use site_credits::domain::values::ids::SiteId;
use site_credits::http::{self, Answer, Arrival, OPENAPI, Problem};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct GetBalance {
    /// The table.
    pub store: Store,
}

impl GetBalance {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "GET /sites/{site_id}/license" => self.license(&arrival).await,
            "GET /sites/{site_id}/license/statement" => self.statement(&arrival).await,
            "GET /partners/{partner_id}/sites" => self.sites_of_partner(&arrival).await,
            "GET /openapi.yaml" => Ok(Answer::text(200, "application/yaml", OPENAPI.to_owned())),
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn license(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        arrival.query(&[])?;
        let license =
            commands::license(&self.store, &arrival.site_id()?, &arrival.asker()?).await?;
        Ok(http::license_answer(&license))
    }

    async fn statement(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let period = http::page(arrival)?;
        let page =
            commands::statement(&self.store, &arrival.site_id()?, &period, &arrival.asker()?)
                .await?;
        Ok(http::statement_answer(&page))
    }

    async fn sites_of_partner(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        let page = http::page_of(arrival, SiteId::parse)?;
        let sites = commands::sites_of_partner(&self.store, &page, &asker).await?;
        Ok(http::sites_of_partner_answer(&sites))
    }
}
