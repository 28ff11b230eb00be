//! Users who are added, changed and removed at once, or through faults.

use super::{add, change, remove, user_ids, users};
use crate::faults::{FAULTS, meanwhile, race};
use crate::harness::{Call, System};
use crate::setup::{now, of, text};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn users_added_at_once_get_numbers_of_their_own() {
    let system = Arc::new(System::new());
    let site = system.regular().await;
    let mut numbers = BTreeSet::new();
    for added in race(&system, vec![add(&site, &json!({})); 8]).await {
        if added.status == 201 {
            assert!(numbers.insert(text(&added.body["user"]["user_id"])));
        } else {
            assert_eq!(added.problem(), "busy", "{added}");
        }
    }
    let expected: BTreeSet<String> = (1..=numbers.len()).map(|n| n.to_string()).collect();
    assert_eq!(numbers, expected);
    assert!(numbers.len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn users_added_and_removed_at_once_are_all_counted() {
    let system = Arc::new(System::new());
    let site = system.regular().await;
    system.add_users(&site, &["gone"]).await;
    let adding = (0..4).map(|n| add(&site, &json!({ "user_id": format!("x{n}") })));
    for done in race(&system, adding.chain([remove(&site, "gone")])).await {
        assert!([200, 201].contains(&done.status), "{done}");
    }
    // The harness verifies in the end that the roster counts four.
    assert_eq!(
        user_ids(&system, &site, "limit=9").await,
        ["x0", "x1", "x2", "x3"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_does_its_work_once_whatever_happens_on_the_way() {
    for fault in FAULTS {
        for key in [None, Some("k")] {
            let system = System::new();
            let site = system.regular().await;
            system.recharge(&site, 5, 0, now()).await;
            let send = async |call: Call| system.send_through(fault, call).await;
            let mut adding = add(&site, &json!({}));
            adding.key = key.map(str::to_owned);
            let added = send(adding).await;
            assert_eq!(
                (added.status, added.replayed),
                (201, false),
                "{fault:?} {added}"
            );
            assert_eq!(user_ids(&system, &site, "limit=9").await, ["1"]);
            let changed = send(change(&site, "1", &json!({ "name": "A" }))).await;
            assert_eq!(changed.status, 200, "{fault:?} {changed}");
            assert_eq!(changed.body["user"]["name"], "A", "{fault:?} {changed}");
            let card = users(&site, "/1/card");
            let issued = send(Call::post(card.clone(), &json!({}), now())).await;
            assert_eq!(
                (issued.status, issued.replayed),
                (201, false),
                "{fault:?} {issued}"
            );
            assert_eq!(issued.body["license"]["balances"]["credits"], 4);
            let pause = json!({ "status": "paused" });
            let paused = send(Call::patch(card.clone(), &pause, now())).await;
            assert_eq!(
                paused.body["card"]["status"], "paused",
                "{fault:?} {paused}"
            );
            let revoked = send(Call::delete(card, now())).await;
            assert_eq!(
                revoked.body["card"]["status"], "revoked",
                "{fault:?} {revoked}"
            );
            let removed = send(remove(&site, "1")).await;
            assert_eq!(removed.status, 200, "{fault:?} {removed}");
            assert_eq!(user_ids(&system, &site, "limit=9").await, [""; 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_administrator_who_is_removed_meanwhile_adds_nobody() {
    let system = Arc::new(System::new());
    let site = system.regular().await;
    system
        .admit(&site, "lee@example.com", "site_admin", now())
        .await;
    meanwhile(
        &system,
        &Call::delete(of(&site, "/admins/lee@example.com"), now()),
    );
    let refused = add(&site, &json!({})).by_person("lee@example.com");
    let refused = system.send(refused).await;
    system.wire.quiet();
    assert_eq!(refused.problem(), "site-not-found");
    assert_eq!(user_ids(&system, &site, "limit=9").await, [""; 0]);
}
