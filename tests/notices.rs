//! Warnings before a site falls short, on a halt and on a resume: once each, and told to whom it concerns.

use crate::harness::{System, at, redemption};
use jiff::{SignedDuration, Timestamp};
use run_local::engine::Fault;
use serde_json::{Value, json};
use site_credits::domain::identity::SiteId;
use site_credits::domain::site::SiteType;

async fn recharge(system: &System, site: &SiteId, credits: u64, now: Timestamp) {
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    let done = system.send(redemption(site, &code, now)).await;
    assert_eq!(done.status, 201, "{done:?}");
}

/// A site with one device of the 31st of January, which `credits` pay for so many months more.
async fn equipped(system: &System, zone: &str, credits: u64, now: Timestamp) -> SiteId {
    let site = system.site(SiteType::Dynamic, zone, now).await;
    recharge(system, &site, credits + 1, now).await;
    system.register(&site, &["door"], now).await.unwrap();
    site
}

/// Runs the schedule every quarter of an hour, from one instant until before another.
async fn run_schedule(system: &System, from: &str, until: &str) {
    let (mut now, until) = (at(from), at(until));
    while now < until {
        system.deduct(now).await;
        now += SignedDuration::from_mins(15);
    }
}

/// What the statement says of warnings, halts and resumes: the kind, when, and what it refers to.
async fn told(system: &System, site: &SiteId) -> Vec<(String, String, Value)> {
    let entries = system.statement(site, at("2026-01-01T00:00:00Z")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notices = entries
        .iter()
        .filter(|entry| ["warning", "halt", "resume"].contains(&entry["kind"].as_str().unwrap()));
    notices
        .map(|e| (text(&e["kind"]), text(&e["at"]), e["refers_to"].clone()))
        .collect()
}

fn warning(when: &str, days: u8, on: &str, missing: u64) -> (String, String, Value) {
    let refers_to = json!({ "days_before": days, "falls_short_on": on, "missing": missing });
    ("warning".to_owned(), when.to_owned(), refers_to)
}

#[tokio::test(start_paused = true)]
async fn a_site_is_warned_28_7_and_1_days_before_it_falls_short_from_its_own_midnight_on() {
    let system = System::new();
    // One credit is left, for 28 February; the next due date is 31 March, in Vienna's summer time.
    let site = equipped(&system, "Europe/Vienna", 1, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-04-02T00:00:00Z").await;
    let halt = json!({ "due_on": "2027-03-31", "devices": 1 });
    let expected = [
        warning("2027-03-02T23:00:00Z", 28, "2027-03-31", 1),
        warning("2027-03-23T23:00:00Z", 7, "2027-03-31", 1),
        warning("2027-03-29T22:00:00Z", 1, "2027-03-31", 1),
        ("halt".to_owned(), "2027-03-30T22:00:00Z".to_owned(), halt),
    ];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_recharge_that_moves_the_day_cancels_the_warnings_and_a_later_shortage_warns_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    // It falls short on 28 February. It is warned, and recharged before the last warning.
    run_schedule(&system, "2027-01-31T08:15:00Z", "2027-02-24T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-02-24T10:00:00Z")).await;
    run_schedule(&system, "2027-02-24T10:00:00Z", "2027-03-25T00:00:00Z").await;
    let expected = [
        warning("2027-01-31T08:15:00Z", 28, "2027-02-28", 1),
        warning("2027-02-21T00:00:00Z", 7, "2027-02-28", 1),
        // Now of 31 March: nothing more was said of February.
        warning("2027-03-03T00:00:00Z", 28, "2027-03-31", 1),
        warning("2027-03-24T00:00:00Z", 7, "2027-03-31", 1),
    ];
    assert_eq!(told(&system, &site).await, expected);
    // Another credit moves the day to April, and a device that takes it brings the day back: that is a later shortage.
    recharge(&system, &site, 1, at("2027-03-25T10:00:00Z")).await;
    system
        .register(&site, &["late"], at("2027-03-25T10:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-03-25T10:15:00Z", "2027-03-31T00:00:00Z").await;
    let all = told(&system, &site).await;
    let expected = [
        warning("2027-03-25T10:15:00Z", 7, "2027-03-31", 1),
        warning("2027-03-30T00:00:00Z", 1, "2027-03-31", 1),
    ];
    assert_eq!(all[4..], expected);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_moves_the_day_cancels_the_warnings_too() {
    let system = System::new();
    let site = equipped(&system, "UTC", 1, at("2027-01-31T08:00:00Z")).await;
    recharge(&system, &site, 1, at("2027-01-31T08:00:00Z")).await;
    system
        .register(&site, &["other"], at("2027-01-31T08:00:00Z"))
        .await
        .unwrap();
    // Two are due on 28 February, and one is there.
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-02-22T00:00:00Z").await;
    system
        .remove(&site, "other", at("2027-02-22T10:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-02-22T10:00:00Z", "2027-03-04T00:00:00Z").await;
    let expected = [
        warning("2027-02-20T00:00:00Z", 28, "2027-02-28", 1),
        warning("2027-02-21T00:00:00Z", 7, "2027-02-28", 1),
        warning("2027-03-03T00:00:00Z", 28, "2027-03-31", 1),
    ];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_shortage_that_comes_near_at_once_is_warned_of_once_by_the_nearest_warning() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-26T08:00:00Z")).await;
    // The scheduler was down until the 20th of February, six days before the shortage.
    run_schedule(&system, "2027-02-20T08:00:00Z", "2027-02-21T00:00:00Z").await;
    let expected = [warning("2027-02-20T08:00:00Z", 7, "2027-02-26", 1)];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_resumes_with_too_little_is_warned_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-27T23:00:00Z", "2027-03-01T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-03-29T10:00:00Z")).await;
    run_schedule(&system, "2027-03-29T10:15:00Z", "2027-03-30T12:00:00Z").await;
    let kinds: Vec<_> = told(&system, &site).await;
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(kind, when, _)| (kind.as_str(), when.as_str()))
        .collect();
    let expected = [
        ("warning", "2027-02-27T23:00:00Z"),
        ("halt", "2027-02-28T00:00:00Z"),
        ("resume", "2027-03-29T10:00:00Z"),
        ("warning", "2027-03-29T10:15:00Z"), // two days before: a week's warning
        ("warning", "2027-03-30T00:00:00Z"),
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_never_falls_short_within_the_calendar_is_not_warned_and_costs_nothing() {
    let system = System::new();
    let now = at("2027-01-31T08:00:00Z");
    let site = equipped(&system, "UTC", 5, now).await;
    for at_once in ["2027-02-01T00:00:00Z", "2027-02-27T00:00:00Z"] {
        system.wire.take_seen();
        assert_eq!(system.deduct(at(at_once)).await["sites"], 0);
        let reads = system.wire.take_seen();
        assert!(
            reads.iter().all(|seen| seen.operation == "Query"),
            "{reads:?}"
        );
    }
    assert_eq!(told(&system, &site).await, []);
    let regular = system.site(SiteType::Regular, "UTC", now).await;
    run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-28T00:00:00Z").await;
    assert_eq!(told(&system, &regular).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_written_once_whatever_happens_on_the_way() {
    for fault in [
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Conflict,
        Fault::Throttled,
    ] {
        let system = System::new();
        let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
        let mut faults = 1;
        system.wire.plan(move |operation, _| {
            if operation == "TransactWriteItems" && faults > 0 {
                faults -= 1;
                return fault;
            }
            Fault::None
        });
        system.deduct(at("2027-02-27T00:00:00Z")).await;
        system.deduct(at("2027-02-27T00:00:00Z")).await;
        system.wire.quiet();
        assert_eq!(told(&system, &site).await.len(), 1, "{fault:?}");
    }
}
