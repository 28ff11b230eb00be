//! What a card costs, and when none is issued for want of credits.

use super::{issue, reissue, revoke};
use crate::harness::{Answered, System, at};
use crate::setup::now;
use insta::assert_snapshot;
use serde_json::json;

/// The credits and the maintenance credits after a command.
fn balances(answer: &Answered) -> (u64, u64) {
    let balances = &answer.body["license"]["balances"];
    let of = |name: &str| balances[name].as_u64().unwrap();
    (of("credits"), of("maintenance_credits"))
}

#[tokio::test(start_paused = true)]
async fn the_first_card_of_a_user_takes_a_credit_once() {
    let system = System::new();
    let site = system.regular().await;
    system.recharge(&site, 2, 1, now()).await;
    system.add_users(&site, &["a"]).await;
    let call = issue(&site, "a", &json!({}), now()).key("k");
    let issued = system.send(call.clone()).await;
    assert_snapshot!(issued, @r#"
    201
    {
      "card": {
        "card_id": "[id 1]",
        "issued_at": "2026-12-09T12:00:00Z",
        "link": "[link 1]",
        "status": "active",
        "valid_from": "2026-12-09",
        "valid_until": null
      },
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 1, "maintenance_credits": 1, "sms": 0 },
        "changes": { "credits": -1, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "card_issue",
        "previous_hash": "[hash 2]",
        "refers_to": { "card_id": "[id 1]", "person": "[person 2]" },
        "sequence": 3,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "license": {
        "balances": { "credits": 1, "maintenance_credits": 1, "sms": 0 },
        "country": "AT",
        "devices": 0,
        "forecast": { "covered_until": null, "credits_due_30_days": 0, "falls_short": null },
        "last_hash": "[hash 1]",
        "next_deduction": null,
        "overdue": { "credits": 0 },
        "sequence": 3,
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "regular",
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &issued.body));
    let second = system.send(issue(&site, "a", &json!({}), now())).await;
    assert_snapshot!(second, @r#"
    409
    {
      "code": "card-exists",
      "detail": "this user has a card already, which can be re-issued or revoked",
      "status": 409,
      "title": "The user has a card",
      "type": "urn:site-credits:problem:card-exists"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_card_takes_maintenance_credits_first() {
    let system = System::new();
    let site = system.regular().await;
    system.recharge(&site, 2, 1, now()).await;
    system.add_users(&site, &["a", "b"]).await;
    let issued = system.send(issue(&site, "a", &json!({}), now())).await;
    assert_eq!(balances(&issued), (1, 1), "{issued}");
    let replaced = system.send(reissue(&site, "a", now())).await;
    assert_eq!(
        (replaced.status, balances(&replaced)),
        (201, (1, 0)),
        "{replaced}"
    );
    assert_eq!(
        replaced.body["entry"]["refers_to"]["replaces"],
        issued.body["card"]["card_id"]
    );
    let replaced = system.send(reissue(&site, "a", now())).await;
    assert_eq!(balances(&replaced), (0, 0), "{replaced}");
    assert_snapshot!(system.send(reissue(&site, "a", now())).await, @r#"
    402
    {
      "available": 0,
      "code": "insufficient-credits",
      "detail": "not enough credits: 1 needed, 0 available",
      "needed": 1,
      "status": 402,
      "title": "There are too few credits",
      "type": "urn:site-credits:problem:insufficient-credits"
    }
    "#);
    let refused = system.send(issue(&site, "b", &json!({}), now())).await;
    assert_eq!(refused.problem(), "insufficient-credits");
}

#[tokio::test(start_paused = true)]
async fn without_a_card_nothing_is_replaced_and_without_a_user_nothing_is_issued() {
    let system = System::new();
    let site = system.regular().await;
    system.add_users(&site, &["b"]).await;
    assert_snapshot!(system.send(reissue(&site, "b", now())).await, @r#"
    404
    {
      "code": "card-not-found",
      "detail": "this user has no card",
      "status": 404,
      "title": "There is no such card",
      "type": "urn:site-credits:problem:card-not-found"
    }
    "#);
    let nobody = system.send(issue(&site, "zoe", &json!({}), now())).await;
    assert_snapshot!(nobody, @r#"
    404
    {
      "code": "user-not-found",
      "detail": "there is no such user",
      "status": 404,
      "title": "There is no such user",
      "type": "urn:site-credits:problem:user-not-found"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn cards_of_a_dynamic_site_are_free_and_a_halted_one_issues_none() {
    let system = System::new();
    let site = system.dynamic().await;
    system.recharge(&site, 1, 0, now()).await;
    system.add_users(&site, &["a", "b"]).await;
    system.register(&site, &["door"], now()).await.unwrap();
    let issued = system.send(issue(&site, "a", &json!({}), now())).await;
    assert_eq!(issued.status, 201, "{issued}");
    assert_eq!(issued.body["entry"]["changes"]["credits"], 0);
    // What is due today halts the site, also before the schedule has come by.
    let due = at("2027-01-09T12:00:00Z");
    let refused = system.send(issue(&site, "b", &json!({}), due)).await;
    assert_snapshot!(refused, @r#"
    402
    {
      "available": 0,
      "code": "payment-required",
      "detail": "the site is halted until it is recharged: it owes 1 credits and has 0",
      "needed": 1,
      "status": 402,
      "title": "The site is halted",
      "type": "urn:site-credits:problem:payment-required"
    }
    "#);
    system.deduct(due).await;
    for call in [issue(&site, "b", &json!({}), due), reissue(&site, "a", due)] {
        assert_eq!(system.send(call).await.problem(), "payment-required");
    }
    // A halted site may still revoke cards.
    assert_eq!(system.send(revoke(&site, "a", due)).await.status, 200);
}
