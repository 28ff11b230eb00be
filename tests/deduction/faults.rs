//! Runs at the same time, runs that are killed, and sites that cannot be charged.

use super::{charged, dates, equipped};
use crate::harness::{System, at, license_of, redemption};
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::commands;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_the_same_time_among_redemptions_charge_each_due_date_once() {
    let system = Arc::new(System::new());
    let now = at("2027-01-31T12:00:00Z");
    let mut sites = Vec::new();
    for number in 0..120 {
        let zone = ["Pacific/Kiritimati", "Europe/Vienna", "Pacific/Pago_Pago"][number % 3];
        sites.push(equipped(&system, zone, 10, 1 + number % 3, now).await);
    }
    let due = at("2027-02-28T23:59:00Z");
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let system = Arc::clone(&system);
        workers.spawn(async move {
            system.deduct(due).await;
        });
    }
    for (site, code) in sites.iter().zip(system.codes(7, 0, 120, now).await) {
        let (system, site) = (Arc::clone(&system), site.clone());
        workers.spawn(async move {
            assert_eq!(system.send(redemption(&site, &code, due)).await.status, 201);
        });
    }
    workers.join_all().await;
    system.deduct(at("2027-03-02T00:00:00Z")).await;
    for (number, site) in sites.iter().enumerate() {
        let credits = -i64::try_from(1 + number % 3).unwrap();
        // On Kiritimati the sites were registered on 1 February already.
        let day = ["2027-03-01", "2027-02-28", "2027-02-28"][number % 3];
        assert_eq!(
            charged(&system, site).await,
            dates(&[day], credits),
            "site {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_or_after_any_request_the_next_run_charges_what_is_left() {
    let due = at("2027-02-28T12:00:00Z");
    let mut stopped_at = 0_u32;
    loop {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let system = System::new();
            let mut sites = Vec::new();
            for number in 0..12 {
                let credits = if number % 4 == 0 { 2 } else { 10 };
                sites.push(
                    equipped(
                        &system,
                        "Europe/Vienna",
                        credits,
                        2,
                        at("2027-01-31T12:00:00Z"),
                    )
                    .await,
                );
            }
            let mut request = 0;
            system.wire.plan(move |_, _| {
                request += 1;
                if request == stopped_at + 1 {
                    fault
                } else {
                    Fault::None
                }
            });
            let killed = tokio::select! {
                biased;
                () = system.wire.crashed.notified() => true,
                _ = system.deduct(due) => false,
            };
            system.wire.quiet();
            system.deduct(due).await;
            for (number, site) in sites.iter().enumerate() {
                let license = system.send(license_of(site, due)).await.body;
                let (status, credits) = if number % 4 == 0 {
                    ("payment_required", 0)
                } else {
                    ("activated", 6)
                };
                assert_eq!(
                    (&license["status"], &license["balances"]["credits"]),
                    (&json!(status), &json!(credits))
                );
            }
            if !killed {
                assert!(
                    stopped_at > 10,
                    "a run makes more requests than {stopped_at}"
                );
                return;
            }
        }
        stopped_at += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_site_that_refuses_does_not_keep_the_others_from_being_charged() {
    let system = System::new();
    let mut sites = Vec::new();
    for _ in 0..40 {
        sites.push(equipped(&system, "Europe/Vienna", 10, 1, at("2027-01-09T12:00:00Z")).await);
    }
    let poisoned = format!("SITE#{}", sites[7]);
    system.wire.plan(move |operation, request| {
        let hit = operation == "TransactWriteItems" && request.to_string().contains(&poisoned);
        if hit { Fault::Conflict } else { Fault::None }
    });
    let report = system.deduct(at("2027-02-09T12:00:00Z")).await;
    assert_eq!(
        (&report["sites"], &report["left"], &report["failed"]),
        (&json!(39), &json!(1), &json!(0))
    );
    system.wire.quiet();
    assert_eq!(system.deduct(at("2027-02-09T12:15:00Z")).await["sites"], 1);
}

#[tokio::test(start_paused = true)]
async fn it_stops_before_its_deadline_and_says_what_is_left() {
    let system = System::new();
    for _ in 0..10 {
        equipped(&system, "Europe/Vienna", 10, 1, at("2027-01-09T12:00:00Z")).await;
    }
    let due = at("2027-02-09T12:00:00Z");
    let report = commands::deduct_due(&system.store(), due, Instant::now())
        .await
        .unwrap();
    assert_eq!((report.sites, report.left), (0, 10));
    let deadline = Instant::now() + Duration::from_mins(1);
    let report = commands::deduct_due(&system.store(), due, deadline)
        .await
        .unwrap();
    assert_eq!((report.sites, report.left), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn an_agenda_that_lags_is_read_as_a_hint() {
    // An index that still names a site that was charged leads to nothing: the site itself is read first.
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 10, 1, at("2027-01-09T12:00:00Z")).await;
    let due = at("2027-02-09T12:00:00Z");
    assert_eq!(system.deduct(due).await["sites"], 1);
    // Nothing that is not due is charged even by an agenda that says so.
    let item = system.engine().call("GetItem", json!({
        "TableName": "site-credits", "Key": { "PK": { "S": format!("SITE#{site}") }, "SK": { "S": "SITE" } },
    })).unwrap();
    let right = item["Item"].clone();
    let mut item = right.clone();
    item["agenda_at"] = json!({ "S": "2027-01-01T00:00:00Z" });
    system
        .engine()
        .call(
            "PutItem",
            json!({ "TableName": "site-credits", "Item": item }),
        )
        .unwrap();
    assert_eq!(system.deduct(due).await["sites"], 0);
    assert_eq!(charged(&system, &site).await, dates(&["2027-02-09"], -1));
    let put = json!({ "TableName": "site-credits", "Item": right });
    system.engine().call("PutItem", put).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_site_that_cannot_be_read_fails_the_run_after_the_others_were_charged() {
    let system = System::new();
    let now = at("2027-01-09T12:00:00Z");
    let broken = equipped(&system, "Europe/Vienna", 10, 1, now).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(equipped(&system, "Europe/Vienna", 10, 1, now).await);
    }
    let key = json!({ "PK": { "S": format!("SITE#{broken}") }, "SK": { "S": "SITE" } });
    let get = json!({ "TableName": "site-credits", "Key": key });
    let right = system.engine().call("GetItem", get).unwrap()["Item"].clone();
    let put = |item: &Value| {
        let put = json!({ "TableName": "site-credits", "Item": item });
        system.engine().call("PutItem", put).unwrap();
    };
    let mut wrong = right.clone();
    wrong["status"]["S"] = json!("broken");
    put(&wrong);
    let due = at("2027-02-09T12:00:00Z");
    let failed = system
        .try_deduct(json!({ "scheduled_time": due }))
        .await
        .unwrap_err();
    let causes = site_credits::telemetry::causes(&failed);
    assert!(causes.contains("1 sites could not be charged"), "{causes}");
    for site in &others {
        assert_eq!(charged(&system, site).await, dates(&["2027-02-09"], -1));
    }
    put(&right);
    assert_eq!(system.deduct(due).await["sites"], 1);
}
