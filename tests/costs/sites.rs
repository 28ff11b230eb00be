//! What a site, its settings and its administrators cost.

use super::{NOW, measured};
use crate::harness::{ACME, Call, System, at, redemption};
use crate::invitations::{accept, decline};
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
}

#[tokio::test(start_paused = true)]
async fn a_site_and_its_administrators_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let code = system.codes(5, 0, 1, now).await.remove(0);
    let sites_of_partner = Call::get(format!("/partners/{ACME}/sites"), now).by_partner(ACME);
    let path = |rest: &str| format!("/sites/{site}{rest}");
    let invite = json!({ "email": "lee@example.com", "role": "site_admin" });
    let mia = json!({ "email": "mia@example.com", "role": "site_admin" });
    let master = json!({ "role": "master" });
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
            ("its invitations", Call::get(path("/invitations"), now)),
            (
                "a person's invitations",
                Call::get("/invitations".to_owned(), now).by_person("lee@example.com"),
            ),
            ("an acceptance", accept(&site, "lee@example.com", now)),
            (
                "an offer of the site",
                Call::patch(path("/admins/lee@example.com"), &master, now),
            ),
            ("a refusal", decline(&site, "lee@example.com", now)),
            (
                "another offer of the site",
                Call::patch(path("/admins/lee@example.com"), &master, now),
            ),
            (
                "a removal, with that offer",
                Call::delete(path("/admins/lee@example.com"), now),
            ),
            (
                "a second invitation",
                Call::post(path("/admins"), &mia, now),
            ),
            (
                "the site's end, with its one administrator and one invitation",
                Call::delete(path(""), now).query("forfeit=true"),
            ),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @"
    a redemption                                                   201  BatchGetItem 3.0, TransactWriteItems 8.0
    the sites of a partner                                         200  Query 0.5, Query 1.0, GetItem 1.0
    a site                                                         200  GetItem 1.0
    its administrators                                             200  GetItem 1.0
    its devices                                                    200  GetItem 1.0, Query 1.0
    new settings, with a key                                       200  BatchGetItem 2.0, TransactWriteItems 6.0
    an invitation                                                  201  BatchGetItem 2.0, TransactWriteItems 8.0
    its invitations                                                200  GetItem 1.0, GetItem 1.0
    a person's invitations                                         200  Query 1.0, GetItem 1.0
    an acceptance                                                  201  BatchGetItem 2.0, TransactWriteItems 10.0
    an offer of the site                                           200  BatchGetItem 2.0, TransactWriteItems 8.0
    a refusal                                                      200  BatchGetItem 2.0, TransactWriteItems 8.0
    another offer of the site                                      200  BatchGetItem 2.0, TransactWriteItems 8.0
    a removal, with that offer                                     200  GetItem 1.0, TransactWriteItems 10.0
    a second invitation                                            201  BatchGetItem 2.0, TransactWriteItems 8.0
    the site's end, with its one administrator and one invitation  200  GetItem 1.0, BatchGetItem 2.0, TransactWriteItems 11.0
    ");
}
