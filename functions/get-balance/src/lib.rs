//! `get-balance`: shows a site's license and its statement, a partner what it may see of its sites, and anyone the
//! contract. It can write nothing.

use site_credits::commands::{self, Asker, PartnerAsker, Period};
use site_credits::domain::rules::license::License;
use site_credits::domain::values::ids::SiteId;
use site_credits::http::account::SiteOfPartnerPage;
use site_credits::http::license::StatementPage;
use site_credits::http::{
    Cursors, Declare, File, Function, OPENAPI, PageAfter, Problem, Query, Reply, refusals,
};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct GetBalance {
    /// The table.
    pub store: Store,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<GetBalance>>() -> R {
    R::default()
        .add("GET /sites/{site_id}/license", license, refusals::NONE)
        .add(
            "GET /sites/{site_id}/license/statement",
            statement,
            refusals::NONE,
        )
        .add(
            "GET /partners/{partner_id}/sites",
            sites_of_partner,
            refusals::NONE,
        )
        .add("GET /openapi.yaml", contract, refusals::NONE)
}

async fn license(
    Function(function): Function<GetBalance>,
    site_id: SiteId,
    asker: Asker,
) -> Result<Reply<License>, Problem> {
    let license = commands::license(&function.store, &site_id, &asker).await?;
    Ok(Reply::ok(license))
}

async fn statement(
    Query(period): Query<Period>,
    cursors: Cursors,
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<GetBalance>,
) -> Result<Reply<StatementPage>, Problem> {
    let page = commands::statement(&function.store, &site_id, &period, &asker).await?;
    Ok(Reply::page(page, &cursors))
}

async fn sites_of_partner(
    asker: PartnerAsker,
    Query(PageAfter { page, .. }): Query<PageAfter<SiteId>>,
    cursors: Cursors,
    Function(function): Function<GetBalance>,
) -> Result<Reply<SiteOfPartnerPage>, Problem> {
    let sites = commands::sites_of_partner(&function.store, &page, &asker).await?;
    Ok(Reply::page(sites, &cursors))
}

async fn contract() -> File {
    File {
        media_type: "application/yaml",
        name: None,
        text: OPENAPI.to_owned(),
    }
}
