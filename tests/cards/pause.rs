//! `PATCH …/card`: pausing and resuming.

use super::{card_of, open, revoke, set_status, site_with_card};
use crate::harness::{Call, System};
use crate::setup::now;
use insta::assert_snapshot;

#[tokio::test(start_paused = true)]
async fn a_card_is_paused_and_resumed_and_its_link_shows_it() {
    let system = System::new();
    let (site, card) = site_with_card(&system).await;
    for status in ["paused", "paused", "active"] {
        let done = system.send(set_status(&site, "a", status)).await;
        assert_eq!(done.status, 200, "{done}");
        assert_eq!(done.body["card"]["status"], status, "{done}");
        let opened = system.send(open(&card)).await;
        assert_eq!(opened.body["card"]["status"], status, "{opened}");
    }
    let shown = system.send(Call::get(card_of(&site, "a"), now())).await;
    assert_eq!(shown.body["card"], card);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_card_is_not_resumed() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    assert_eq!(system.send(revoke(&site, "a", now())).await.status, 200);
    assert_snapshot!(system.send(set_status(&site, "a", "active")).await, @r#"
    404
    {
      "code": "card-not-found",
      "detail": "this user has no card",
      "status": 404,
      "title": "There is no such card",
      "type": "urn:site-credits:problem:card-not-found"
    }
    "#);
}
