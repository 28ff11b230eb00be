//! `issue-codes`: issues a partner's license codes, accounts for them, and voids them.

use site_credits::commands::{self, PartnerAsker};
use site_credits::domain::values::ids::BatchId;
use site_credits::domain::values::license_code::CodeIssuer;
use site_credits::http::account::HistoryPage;
use site_credits::http::batches::{
    BatchAndSum, BatchCodes, BatchPage, IssuedBatch, NewBatchBody, VoidBody, Voided,
};
use site_credits::http::query::HistoryPeriod;
use site_credits::http::{
    Changed, Created, Cursors, Declare, Function, JsonObject, JsonOrCsv, PageAfter, PrefersCsv,
    Problem, Query, Reply, refusals,
};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct IssueCodes {
    /// The table.
    pub store: Store,
    /// Derives codes: no other function can.
    pub issuer: CodeIssuer,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<IssueCodes>>() -> R {
    R::default()
        .add(
            "POST /partners/{partner_id}/code-batches",
            issue,
            refusals::NONE,
        )
        .add(
            "GET /partners/{partner_id}/code-batches",
            list,
            refusals::NONE,
        )
        .add(
            "GET /partners/{partner_id}/code-batches/{batch_id}",
            show,
            refusals::NONE,
        )
        .add(
            "GET /partners/{partner_id}/code-batches/{batch_id}/codes",
            fetch,
            refusals::FETCHED_CODES,
        )
        .add(
            "POST /partners/{partner_id}/code-batches/{batch_id}/void",
            void,
            refusals::VOIDED_CODES,
        )
        .add(
            "GET /partners/{partner_id}/history",
            history,
            refusals::NONE,
        )
}

async fn issue(
    asker: PartnerAsker,
    JsonObject(body): JsonObject<NewBatchBody>,
    Function(function): Function<IssueCodes>,
) -> Result<Created<IssuedBatch>, Problem> {
    let IssueCodes { store, issuer } = &*function;
    let issued = commands::issue_codes(store, issuer, body.read()?, &asker).await?;
    Ok(issued.into())
}

async fn list(
    asker: PartnerAsker,
    Query(PageAfter { page, .. }): Query<PageAfter<BatchId>>,
    cursors: Cursors,
    Function(function): Function<IssueCodes>,
) -> Result<Reply<BatchPage>, Problem> {
    let batches = commands::list_batches(&function.store, &page, &asker).await?;
    Ok(Reply::page(batches, &cursors))
}

async fn show(
    asker: PartnerAsker,
    Function(function): Function<IssueCodes>,
    batch_id: BatchId,
) -> Result<Reply<BatchAndSum>, Problem> {
    let IssueCodes { store, issuer } = &*function;
    let shown = commands::batch_sum(store, issuer, &batch_id, &asker).await?;
    Ok(Reply::ok(shown))
}

async fn fetch(
    asker: PartnerAsker,
    Function(function): Function<IssueCodes>,
    batch_id: BatchId,
    PrefersCsv(csv): PrefersCsv,
) -> Result<JsonOrCsv<BatchCodes>, Problem> {
    let IssueCodes { store, issuer } = &*function;
    let (batch, codes) = commands::fetch_codes(store, issuer, &batch_id, &asker).await?;
    BatchCodes::answer(batch, codes, csv)
}

async fn void(
    asker: PartnerAsker,
    batch_id: BatchId,
    JsonObject(body): JsonObject<VoidBody>,
    Function(function): Function<IssueCodes>,
) -> Result<Changed<Voided>, Problem> {
    let IssueCodes { store, issuer } = &*function;
    let (codes, reason) = (body.codes()?, &body.reason);
    let voided = commands::void_codes(store, issuer, &batch_id, codes, reason, &asker).await?;
    Ok(voided.into())
}

async fn history(
    asker: PartnerAsker,
    Query(HistoryPeriod { from, until, page }): Query<HistoryPeriod>,
    cursors: Cursors,
    Function(function): Function<IssueCodes>,
) -> Result<Reply<HistoryPage>, Problem> {
    let history = commands::history(&function.store, from, until, &page, &asker).await?;
    Ok(Reply::page(history, &cursors))
}
