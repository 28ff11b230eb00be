//! `PATCH /sites/{site_id}`: what may change, and changes that change nothing.

use super::{change, create, gym, site_id};
use crate::administrators::set_role;
use crate::harness::{KIM, System, at};
use crate::setup::now;
use crate::shown::{beginning, problems, shown};
use insta::assert_snapshot;
use run_local::faults::Fault;
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn settings_change_and_a_repetition_is_answered_alike() {
    let system = System::new();
    let site = site_id(&system.send(create(&gym())).await);
    let body = json!({ "name": " Harbour Gym 2 ", "time_zone": "Asia/Seoul", "language": "ko" });
    let call = change(&site, &body, now()).key("settings");
    let changed = system.send(call.clone()).await;
    assert_snapshot!(changed, @r#"
    200
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "settings_change",
        "previous_hash": "[hash 2]",
        "refers_to": { "language": "ko", "name": "Harbour Gym 2", "time_zone": "Asia/Seoul" },
        "sequence": 2,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "site": {
        "administrators": [{ "email": "kim@example.com", "person": "[person 1]", "role": "master" }],
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "country": "AT",
        "devices": 0,
        "language": "ko",
        "name": "Harbour Gym 2",
        "role": "master",
        "site_id": "[site 1]",
        "site_type": "dynamic",
        "sms_countries": ["AT"],
        "status": "activated",
        "time_zone": "Asia/Seoul"
      }
    }
    "#);
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &changed.body));
}

#[tokio::test(start_paused = true)]
async fn what_a_site_is_never_changes() {
    let system = System::new();
    let site = system.dynamic().await;
    let changes = [
        json!({}),
        json!({ "site_id": "GYM7QP2MR" }),
        json!({ "site_type": "regular" }),
        json!({ "country": "DE" }),
    ]
    .map(|body| (beginning(&body), change(&site, &body, now())));
    assert_snapshot!(problems(&system, changes).await, @r#"
    {} → 400 malformed-request: nothing is to be changed: name, time_zone, language and sms_countries can be
    {"site_id":"GYM7QP2MR"} → 400 malformed-request: site_id is not known here: it takes name, time_zone, language or sms_countries
    {"site_type":"regular"} → 400 malformed-request: site_type is not known here: it takes name, time_zone, language or sms_countries
    {"country":"DE"} → 400 malformed-request: country is not known here: it takes name, time_zone, language or sms_countries
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_is_already_so_is_answered_without_an_entry() {
    let system = System::new();
    let site = system.regular().await;
    let lee = "lee@example.com";
    system.admit(&site, lee, "site_admin", now()).await;
    let same = json!({ "name": "Harbour Gym", "time_zone": "europe/vienna" });
    for call in [
        change(&site, &same, now()),
        set_role(&site, lee, "site_admin", now()),
        set_role(&site, KIM, "master", now()),
    ] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.body["entry"], Value::Null, "{answer}");
    }
    assert_eq!(system.statement(&site, now()).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_change_that_changed_nothing_is_kept() {
    let system = System::new();
    let site = system.regular().await;
    let same = json!({ "name": "Harbour Gym", "time_zone": "europe/vienna" });
    let first = change(&site, &same, now()).key("same");
    let nothing = system.send(first.clone()).await;
    assert_eq!(nothing.body["entry"], Value::Null, "{nothing}");
    let other = json!({ "name": "Other" });
    let renamed = system.send(change(&site, &other, now())).await;
    assert_eq!(renamed.status, 200, "{renamed}");
    // A repetition never does what the first request did not.
    let again = system.send(first).await;
    assert!(again.replayed, "{again}");
    assert_eq!(again.body["site"]["name"], "Harbour Gym");
    let reused = system.send(change(&site, &other, now()).key("same")).await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    assert_eq!(system.statement(&site, now()).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_entry_says_only_what_changed() {
    let system = System::new();
    let site = system.regular().await;
    let body = json!({ "name": "Harbour Gym", "language": "ko" });
    let changed = system.send(change(&site, &body, now())).await;
    assert_snapshot!(shown(&changed.body["entry"]["refers_to"]), @r#"{ "language": "ko" }"#);
    assert_eq!(system.statement(&site, now()).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_changes_nothing_is_answered_alike_after_a_lost_answer() {
    let system = System::new();
    let site = system.regular().await;
    let same = json!({ "name": "Harbour Gym" });
    let call = change(&site, &same, now()).key("same");
    let first = system.send_through(Fault::LostAnswer, call.clone()).await;
    assert_eq!((first.status, first.replayed), (200, false), "{first}");
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_changes_nothing_still_charges_what_is_due() {
    let system = System::new();
    let site = system.dynamic().await;
    system.recharge(&site, 5, 0, now()).await;
    system.register(&site, &["door"], now()).await.unwrap();
    let due = at("2027-01-09T12:00:00Z");
    let same = json!({ "name": "Harbour Gym" });
    let answer = system.send(change(&site, &same, due).key("same")).await;
    assert_eq!(answer.body["site"]["balances"]["credits"], 3);
    assert_eq!(answer.body["entry"], Value::Null);
    assert_eq!(system.deduct(due).await["sites"], 0);
}
