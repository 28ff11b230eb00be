//! `GET /cards/{token}`: what its holder sees of a card, without signing in.

use super::{open, reissue, revoke, site_with_card};
use crate::harness::{Call, System};
use crate::setup::now;
use insta::assert_snapshot;

#[tokio::test(start_paused = true)]
async fn a_link_shows_its_card_and_nothing_else_of_the_user() {
    let system = System::new();
    let (site, card) = site_with_card(&system).await;
    let opened = system.send(open(&card)).await;
    assert_snapshot!(opened, @r#"
    200
    {
      "card": {
        "card_id": "[id 1]",
        "issued_at": "2026-12-09T12:00:00Z",
        "name": "Ann",
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "status": "active",
        "valid_from": "2027-01-01",
        "valid_until": "2027-12-31"
      }
    }
    "#);
    assert_eq!(opened.body["card"]["card_id"], card["card_id"]);
    assert_eq!(opened.body["card"]["site_id"], site.as_str());
}

#[tokio::test(start_paused = true)]
async fn the_link_of_a_replaced_or_revoked_card_shows_nothing() {
    let system = System::new();
    let (site, card) = site_with_card(&system).await;
    let replaced = system.send(reissue(&site, "a", now())).await.body["card"].clone();
    assert_eq!(system.send(open(&card)).await.problem(), "card-not-found");
    let opened = system.send(open(&replaced)).await;
    assert_eq!(opened.body["card"]["card_id"], replaced["card_id"]);
    assert_eq!(system.send(revoke(&site, "a", now())).await.status, 200);
    assert_snapshot!(system.send(open(&replaced)).await, @r#"
    404
    {
      "code": "card-not-found",
      "detail": "this link leads to no card",
      "status": 404,
      "title": "There is no such card",
      "type": "urn:site-credits:problem:card-not-found"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_never_issued_shows_nothing() {
    let system = System::new();
    for token in ["x", "0000-0000-0000-0000-0000-0000", &"z".repeat(64)] {
        let nothing = system
            .send(Call::get(format!("/cards/{token}"), now()))
            .await;
        assert_eq!(nothing.problem(), "card-not-found", "{token}");
    }
}
