//! `issue-codes`: issues a partner's license codes, accounts for them, and voids them.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands;
use site_credits::domain::values::ids::BatchId;
use site_credits::domain::values::license_code::CodeIssuer;
use site_credits::http::{self, Answer, Arrival, HistoryPage, NewBatchBody, Problem, VoidBody};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct IssueCodes {
    /// The table.
    pub store: Store,
    /// Derives codes: no other function can.
    pub issuer: CodeIssuer,
}

impl IssueCodes {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "POST /partners/{partner_id}/code-batches" => self.issue(&arrival).await,
            "GET /partners/{partner_id}/code-batches" => self.list(&arrival).await,
            "GET /partners/{partner_id}/code-batches/{batch_id}" => self.show(&arrival).await,
            "GET /partners/{partner_id}/code-batches/{batch_id}/codes" => {
                self.fetch(&arrival).await
            }
            "POST /partners/{partner_id}/code-batches/{batch_id}/void" => self.void(&arrival).await,
            "GET /partners/{partner_id}/history" => self.history(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn issue(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        let new = arrival.body::<NewBatchBody>()?.read()?;
        let issued = commands::issue_codes(&self.store, &self.issuer, new, &asker).await?;
        Ok(http::issued_answer(&issued))
    }

    async fn list(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        let page = http::page_of(arrival, BatchId::parse)?;
        let batches = commands::list_batches(&self.store, &page, &asker).await?;
        Ok(http::batches_answer(&batches))
    }

    async fn show(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        arrival.query(&[])?;
        let batch_id = http::batch_id(arrival)?;
        let (batch, complete, sum) =
            commands::batch_sum(&self.store, &self.issuer, &batch_id, &asker).await?;
        Ok(http::batch_answer(&batch, complete, sum))
    }

    async fn fetch(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        arrival.query(&[])?;
        let batch_id = http::batch_id(arrival)?;
        let (batch, codes) =
            commands::fetch_codes(&self.store, &self.issuer, &batch_id, &asker).await?;
        http::codes_answer(&batch, &codes, arrival.prefers_csv())
    }

    async fn void(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        let batch_id = http::batch_id(arrival)?;
        let body: VoidBody = arrival.body()?;
        let voided = commands::void_codes(
            &self.store,
            &self.issuer,
            &batch_id,
            body.codes()?,
            &body.reason,
            &asker,
        )
        .await?;
        Ok(http::voided_answer(voided))
    }

    async fn history(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.partner()?;
        let HistoryPage { from, until, page } = http::history_page(arrival)?;
        let history = commands::history(&self.store, from, until, &page, &asker).await?;
        Ok(http::history_answer(&history))
    }
}
