//! What a site, its settings and its administrators cost.

use super::{NOW, measured};
use crate::harness::{ACME, Call, System, at, redemption};
use serde_json::json;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_site_costs_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let new = json!({ "name": "A", "country": "AT", "site_type": "regular" });
    let create = Call::post("/sites".to_owned(), &new, now).key("site");
    let routes = measured(
        &system,
        vec![
            ("creating a site", create),
            ("a person's sites", Call::get("/sites".to_owned(), now)),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @r"
    creating a site   201  GetItem 1.0, TransactWriteItems 8.0
    a person's sites  200  Query 1.0, GetItem 1.0
    ");
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let code = system.codes(5, 0, 1, now).await.remove(0);
    let sites_of_partner = Call::get(format!("/partners/{ACME}/sites"), now).by_partner(ACME);
    let path = |rest: &str| format!("/sites/{site}{rest}");
    let invite = json!({ "email": "lee@example.com", "role": "site_admin" });
    let routes = measured(
        &system,
        vec![
            ("a redemption", redemption(&site, &code, now)),
            ("the sites of a partner", sites_of_partner),
            ("a site", Call::get(path(""), now)),
            ("its administrators", Call::get(path("/admins"), now)),
            ("its devices", Call::get(path("/devices"), now)),
            (
                "new settings, with a key",
                Call::patch(path(""), &json!({ "name": "B" }), now).key("settings"),
            ),
            ("an invitation", Call::post(path("/admins"), &invite, now)),
            (
                "a removal",
                Call::delete(path("/admins/lee@example.com"), now),
            ),
            (
                "the site's end, with its one administrator",
                Call::delete(path(""), now).query("forfeit=true"),
            ),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @"
    a redemption                                201  BatchGetItem 3.0, TransactWriteItems 8.0
    the sites of a partner                      200  Query 0.5, Query 1.0, GetItem 1.0
    a site                                      200  GetItem 1.0
    its administrators                          200  GetItem 1.0
    its devices                                 200  GetItem 1.0, Query 1.0
    new settings, with a key                    200  BatchGetItem 2.0, TransactWriteItems 6.0
    an invitation                               201  GetItem 1.0, TransactWriteItems 6.0
    a removal                                   200  GetItem 1.0, TransactWriteItems 6.0
    the site's end, with its one administrator  200  GetItem 1.0, TransactWriteItems 7.0
    ");
}
