//! What a deduction costs, and what leads to one.

use super::{NOW, costs};
use crate::harness::{System, at, redemption};
use serde_json::json;
use site_credits::domain::model::agenda::shard_of;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_deduction_of_fifty_sites_is_one_transaction_and_reads_nothing_that_is_not_due() {
    let (system, now) = (System::new(), at(NOW));
    let mut due = Vec::new();
    while due.len() < 50 {
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        if shard_of(&site) == 0 {
            due.push(site);
        }
    }
    for (site, code) in due.iter().zip(system.codes(100, 0, 50, now).await) {
        assert_eq!(system.send(redemption(site, &code, now)).await.status, 201);
        system.register(site, &["door-1"], now).await.unwrap();
    }
    system.wire.take_seen();
    let nothing = system.deduct(at("2027-01-08T12:00:00Z")).await;
    assert_eq!(nothing["sites"], 0);
    assert_eq!(
        costs(&system.wire.take_seen()),
        vec!["Query 0.5"; 8],
        "an agenda without anything due"
    );
    let report = system.deduct(at("2027-01-09T12:00:00Z")).await;
    assert_eq!(
        (&report["sites"], &report["credits"]),
        (&json!(50), &json!(50))
    );
    let mut seen = costs(&system.wire.take_seen());
    seen.retain(|cost| !cost.starts_with("Query"));
    // Fifty sites and fifty entries, two units each, and the move of each on the index: a delete and a put.
    assert_eq!(seen, ["BatchGetItem 50.0", "TransactWriteItems 300.0"]);
}

#[tokio::test(start_paused = true)]
async fn registering_halting_and_resuming_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at("2027-01-31T12:00:00Z"));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(4, 0, 2, now).await;
    assert_eq!(
        system.send(redemption(&site, &codes[0], now)).await.status,
        201
    );
    system.wire.take_seen();
    system
        .register(&site, &["door-1", "door-2", "door-3"], now)
        .await
        .unwrap();
    // The site, the entry, three devices, and a new place on the index.
    let registered = ["GetItem 1.0", "TransactWriteItems 11.0"];
    assert_eq!(costs(&system.wire.take_seen()), registered);
    let due = at("2027-02-28T12:00:00Z");
    assert_eq!(system.deduct(due).await["halted"], 1);
    let mut halted = costs(&system.wire.take_seen());
    halted.retain(|cost| !cost.starts_with("Query"));
    // One site alone is read by `GetItem`; it leaves the index.
    assert_eq!(halted, ["GetItem 1.0", "TransactWriteItems 5.0"]);
    let resumed = system
        .send(redemption(&site, &codes[1], due).key("a-key"))
        .await;
    assert_eq!(resumed.body["license"]["status"], "activated");
    let resumed = costs(&system.wire.take_seen());
    assert_eq!(resumed, ["BatchGetItem 4.0", "TransactWriteItems 14.0"]);
}
