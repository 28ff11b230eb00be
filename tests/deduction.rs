//! The monthly deduction: each due date once, in the site's own date, whatever happens.

use crate::harness::{System, at, license_of, redemption};
use jiff::Timestamp;
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::commands;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A dynamic site with credits and devices that are registered at an instant.
async fn equipped(
    system: &System,
    zone: &str,
    credits: u64,
    devices: usize,
    now: Timestamp,
) -> SiteId {
    let site = system.site(SiteType::Dynamic, zone, now).await;
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
    let ids: Vec<String> = (0..devices)
        .map(|n| format!("d{n}-{}", now.as_second()))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    system.register(&site, &ids, now).await.unwrap();
    site
}

/// The due dates that were charged, with the credits that each took.
async fn charged(system: &System, site: &SiteId) -> Vec<(String, i64)> {
    let entries = system.statement(site, at("2026-01-01T00:00:00Z")).await;
    let deductions = entries.iter().filter(|entry| entry["kind"] == "deduction");
    deductions
        .map(|e| {
            (
                text(&e["refers_to"]["due_on"]),
                e["changes"]["credits"].as_i64().unwrap(),
            )
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn dates(list: &[&str], credits: i64) -> Vec<(String, i64)> {
    list.iter()
        .map(|date| ((*date).to_owned(), credits))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_31st_falls_on_the_last_day_of_a_shorter_month_and_comes_back() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 100, 2, at("2028-01-31T10:00:00Z")).await;
    for month in ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"] {
        let noon = at(&format!("{month}T10:00:00Z"));
        let before = Timestamp::from_second(noon.as_second() - 86_400).unwrap();
        assert_eq!(system.deduct(before).await["sites"], 0, "{month}");
        assert_eq!(system.deduct(noon).await["credits"], 2, "{month}");
        assert_eq!(system.deduct(noon).await["sites"], 0, "{month}");
    }
    let expected = dates(
        &["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"],
        -2,
    );
    assert_eq!(charged(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn each_site_is_charged_from_its_own_midnight_on() {
    let system = System::new();
    // The same instant, registered on the 10th in the east and on the 9th in the west.
    let registered = at("2026-12-09T12:00:00Z");
    let east = equipped(&system, "Pacific/Kiritimati", 10, 1, registered).await;
    let west = equipped(&system, "Pacific/Pago_Pago", 10, 1, registered).await;
    for (instant, expected) in [
        ("2027-01-09T09:59:59Z", 0), // 23:59:59 on the 9th in the east, 22:59:59 on the 8th in the west
        ("2027-01-09T10:00:00Z", 1), // midnight in the east
        ("2027-01-09T10:59:59Z", 0),
        ("2027-01-09T11:00:00Z", 1), // midnight in the west
    ] {
        assert_eq!(
            system.deduct(at(instant)).await["sites"],
            expected,
            "{instant}"
        );
    }
    assert_eq!(charged(&system, &east).await, dates(&["2027-01-10"], -1));
    assert_eq!(charged(&system, &west).await, dates(&["2027-01-09"], -1));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_clocks_neither_skips_nor_doubles_a_due_date() {
    // Beirut's summer time skips midnight of 28 March 2027; Havana's ends by repeating midnight of 7 November.
    for (zone, registered, day, first_instant) in [
        (
            "Asia/Beirut",
            "2027-02-28T10:00:00Z",
            "2027-03-28",
            "2027-03-27T22:00:00Z",
        ),
        (
            "Europe/Vienna",
            "2027-02-28T10:00:00Z",
            "2027-03-28",
            "2027-03-27T23:00:00Z",
        ),
        (
            "America/Havana",
            "2027-10-07T16:00:00Z",
            "2027-11-07",
            "2027-11-07T04:00:00Z",
        ),
    ] {
        let system = System::new();
        let site = equipped(&system, zone, 10, 1, at(registered)).await;
        let first = at(first_instant);
        assert_eq!(
            system
                .deduct(Timestamp::from_second(first.as_second() - 1).unwrap())
                .await["sites"],
            0,
            "{zone}"
        );
        for quarter in 0..100 {
            system
                .deduct(Timestamp::from_second(first.as_second() + quarter * 900).unwrap())
                .await;
        }
        assert_eq!(charged(&system, &site).await, dates(&[day], -1), "{zone}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_of_three_days_or_three_months_is_charged_date_by_date_until_it_falls_short() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 5, 1, at("2027-01-09T12:00:00Z")).await;
    system
        .register(&site, &["late"], at("2027-01-10T12:00:00Z"))
        .await
        .unwrap();
    system
        .register(&site, &["later"], at("2027-01-11T12:00:00Z"))
        .await
        .unwrap();
    // Two credits are left for three due dates, 9, 10 and 11 February, and the scheduler slept over all three.
    let report = system.deduct(at("2027-02-12T12:00:00Z")).await;
    assert_eq!(
        report,
        json!({ "sites": 1, "credits": 2, "due_dates": 2, "halted": 1, "warned": 0, "messages": 0, "erased": 0, "left": 0, "failed": 0 })
    );
    assert_eq!(
        charged(&system, &site).await,
        dates(&["2027-02-09", "2027-02-10"], -1)
    );
    let license = system
        .send(license_of(&site, at("2027-02-12T12:00:00Z")))
        .await
        .body;
    assert_eq!(
        (&license["status"], &license["overdue"]["credits"]),
        (&json!("payment_required"), &json!(1))
    );
    assert_eq!(license["forecast"]["covered_until"], "2027-02-10");
    // A month later each of the three owes one credit, once.
    let later = at("2027-03-31T12:00:00Z");
    assert_eq!(
        system.deduct(later).await["sites"],
        0,
        "while halted nothing accrues, and it is on no agenda"
    );
    assert_eq!(
        system.send(license_of(&site, later)).await.body["overdue"]["credits"],
        3
    );
    let codes = system.codes(2, 0, 2, later).await;
    let short = system.send(redemption(&site, &codes[0], later)).await;
    assert_eq!(
        short.body["license"]["status"], "payment_required",
        "two credits do not pay three"
    );
    assert_eq!(short.body["license"]["balances"]["credits"], 2);
    let enough = system.send(redemption(&site, &codes[1], later)).await;
    assert_eq!(enough.body["license"]["status"], "activated");
    assert_eq!(enough.body["license"]["balances"]["credits"], 1);
    assert_eq!(
        enough.body["license"]["next_deduction"],
        json!({ "on": "2027-04-09", "credits": 1, "sufficient": true })
    );
}

#[tokio::test(start_paused = true)]
async fn a_removal_after_which_the_balance_covers_what_is_overdue_resumes_the_site() {
    let system = System::new();
    let now = at("2027-01-09T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 3, 1, now).await;
    system.register(&site, &["second"], now).await.unwrap();
    let due = at("2027-02-09T12:00:00Z");
    // One credit for two devices. The removal finds the due date uncharged: it halts the site, then resumes it.
    let done = system.remove(&site, "second", due).await.unwrap();
    assert_eq!(done.answer.balances.credits, 0);
    let kinds: Vec<String> = system
        .statement(&site, due)
        .await
        .iter()
        .map(|entry| text(&entry["kind"]))
        .collect();
    assert_eq!(
        kinds[4..],
        ["halt", "device_removal", "overdue_deduction", "resume"]
    );
    let refused = system.register(&site, &["third"], due).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "registering needs 1 credits, and there are 0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_charges_what_is_due_first_and_a_recharge_adds_its_value_before() {
    let system = System::new();
    let now = at("2027-01-09T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 2, 2, now).await;
    let due = at("2027-02-09T12:00:00Z");
    let refused = system.register(&site, &["third"], due).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the site is halted until it is recharged"
    );
    let code = system.codes(5, 0, 1, now).await.remove(0);
    let answer = system.send(redemption(&site, &code, due)).await;
    assert_eq!(answer.body["entry"]["kind"], "redemption");
    assert_eq!(
        answer.body["license"]["balances"]["credits"], 3,
        "added before it was charged: never halted"
    );
    let kinds: Vec<String> = system
        .statement(&site, due)
        .await
        .iter()
        .map(|entry| text(&entry["kind"]))
        .collect();
    assert_eq!(kinds[3..], ["redemption", "deduction"]);
    assert_eq!(system.deduct(due).await["sites"], 0);
}

#[tokio::test(start_paused = true)]
async fn years_of_daily_due_dates_are_charged_in_several_transactions() {
    let system = System::new();
    let mut now = at("2027-01-01T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 2_000, 1, now).await;
    for day in 1..31 {
        now = Timestamp::from_second(now.as_second() + 86_400).unwrap();
        system
            .register(&site, &[&format!("day-{day}")], now)
            .await
            .unwrap();
    }
    let later = at("2028-12-31T12:00:00Z");
    // A registration with so much due settles it on its own first.
    system.register(&site, &["at-last"], later).await.unwrap();
    let taken = charged(&system, &site).await;
    let total: i64 = taken.iter().map(|(_, credits)| credits).sum();
    assert_eq!(total, -31 * 23, "31 devices for 23 months");
    assert!(taken.len() > 600);
    assert_eq!(system.deduct(later).await["sites"], 0);
    // And so does the schedule, in one run.
    let much_later = at("2029-12-31T12:00:00Z");
    assert_eq!(system.deduct(much_later).await["credits"], 32 * 12);
}

#[tokio::test(start_paused = true)]
async fn an_old_event_charges_nothing_that_a_newer_one_has_charged() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 10, 1, at("2027-01-09T12:00:00Z")).await;
    assert_eq!(
        system.deduct(at("2027-02-09T12:00:00Z")).await["credits"],
        1
    );
    for old in [
        "2027-02-09T00:00:00Z",
        "2027-02-08T12:00:00Z",
        "2026-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ] {
        assert_eq!(system.deduct(at(old)).await["sites"], 0, "{old}");
    }
    // A command whose event is older than the last entry is dated with it: time never runs backwards.
    let code = system
        .codes(1, 0, 1, at("2027-01-01T00:00:00Z"))
        .await
        .remove(0);
    let answer = system
        .send(redemption(&site, &code, at("2027-02-01T00:00:00Z")))
        .await;
    assert_eq!(answer.body["entry"]["at"], "2027-02-09T12:00:00Z");
    assert_eq!(charged(&system, &site).await, dates(&["2027-02-09"], -1));
}

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
