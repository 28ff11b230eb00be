//! Which warnings a statement has, and when.

use super::{equipped, history, recharge, run_schedule};
use crate::harness::{System, at};
use run_local::faults::Fault;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_site_is_warned_28_7_and_1_days_before_it_falls_short_from_its_own_midnight_on() {
    let system = System::new();
    // One credit is left, for 28 February; the next due date is 31 March, in Vienna's summer time.
    let site = equipped(&system, "Europe/Vienna", 1, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-04-02T00:00:00Z").await;
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-03-02T23:00:00Z warning {"days_before":28,"falls_short_on":"2027-03-31","missing":1}
    2027-03-23T23:00:00Z warning {"days_before":7,"falls_short_on":"2027-03-31","missing":1}
    2027-03-29T22:00:00Z warning {"days_before":1,"falls_short_on":"2027-03-31","missing":1}
    2027-03-30T22:00:00Z halt {"anchor_days":{"31":1},"devices":1,"due_on":"2027-03-31"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_recharge_that_moves_the_day_cancels_the_warnings_and_a_later_shortage_warns_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    // It falls short on 28 February. It is warned, and recharged before the last warning.
    run_schedule(&system, "2027-01-31T08:15:00Z", "2027-02-24T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-02-24T10:00:00Z")).await;
    run_schedule(&system, "2027-02-24T10:00:00Z", "2027-03-25T00:00:00Z").await;
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-01-31T08:15:00Z warning {"days_before":28,"falls_short_on":"2027-02-28","missing":1}
    2027-02-21T00:00:00Z warning {"days_before":7,"falls_short_on":"2027-02-28","missing":1}
    2027-03-03T00:00:00Z warning {"days_before":28,"falls_short_on":"2027-03-31","missing":1}
    2027-03-24T00:00:00Z warning {"days_before":7,"falls_short_on":"2027-03-31","missing":1}
    "#);
    // Another credit moves the day to April, and a device that takes it brings the day back: that is a later shortage.
    recharge(&system, &site, 1, at("2027-03-25T10:00:00Z")).await;
    system
        .register(&site, &["late"], at("2027-03-25T10:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-03-25T10:15:00Z", "2027-03-31T00:00:00Z").await;
    let all = history(&system, &site).await;
    insta::assert_snapshot!(all[4..].join("\n"), @r#"
    2027-03-25T10:15:00Z warning {"days_before":7,"falls_short_on":"2027-03-31","missing":1}
    2027-03-30T00:00:00Z warning {"days_before":1,"falls_short_on":"2027-03-31","missing":1}
    "#);
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
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-02-20T00:00:00Z warning {"days_before":28,"falls_short_on":"2027-02-28","missing":1}
    2027-02-21T00:00:00Z warning {"days_before":7,"falls_short_on":"2027-02-28","missing":1}
    2027-03-03T00:00:00Z warning {"days_before":28,"falls_short_on":"2027-03-31","missing":1}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_shortage_that_comes_near_at_once_is_warned_of_once_by_the_nearest_warning() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-26T08:00:00Z")).await;
    // The scheduler was down until the 20th of February, six days before the shortage.
    run_schedule(&system, "2027-02-20T08:00:00Z", "2027-02-21T00:00:00Z").await;
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-02-20T08:00:00Z warning {"days_before":7,"falls_short_on":"2027-02-26","missing":1}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_resumes_with_too_little_is_warned_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-27T23:00:00Z", "2027-03-01T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-03-29T10:00:00Z")).await;
    run_schedule(&system, "2027-03-29T10:15:00Z", "2027-03-30T12:00:00Z").await;
    // The warning of 29 March comes two days before the shortage: it is that of a week.
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-02-27T23:00:00Z warning {"days_before":1,"falls_short_on":"2027-02-28","missing":1}
    2027-02-28T00:00:00Z halt {"anchor_days":{"31":1},"devices":1,"due_on":"2027-02-28"}
    2027-03-29T10:00:00Z resume {"because_of":6,"resumed_on":"2027-03-29"}
    2027-03-29T10:15:00Z warning {"days_before":7,"falls_short_on":"2027-03-31","missing":1}
    2027-03-30T00:00:00Z warning {"days_before":1,"falls_short_on":"2027-03-31","missing":1}
    "#);
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
    assert!(history(&system, &site).await.is_empty());
    let regular = system.site(SiteType::Regular, "UTC", now).await;
    run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-28T00:00:00Z").await;
    assert!(history(&system, &regular).await.is_empty());
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
        assert_eq!(history(&system, &site).await.len(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_halted_and_resumes_in_one_change_is_warned_of_the_next_shortage() {
    let system = System::new();
    let registered = at("2027-03-31T08:00:00Z");
    let site = system.site(SiteType::Dynamic, "UTC", registered).await;
    recharge(&system, &site, 3, registered).await;
    system
        .register(&site, &["a", "b"], registered)
        .await
        .unwrap();
    run_schedule(&system, "2027-04-03T00:00:00Z", "2027-04-03T00:15:00Z").await;
    // Two are due on 30 April and one is there: removing a device halts the site and resumes it.
    system
        .remove(&site, "a", at("2027-04-30T08:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-05-03T00:00:00Z", "2027-05-03T00:15:00Z").await;
    insta::assert_snapshot!(history(&system, &site).await.join("\n"), @r#"
    2027-04-03T00:00:00Z warning {"days_before":28,"falls_short_on":"2027-04-30","missing":1}
    2027-04-30T08:00:00Z halt {"anchor_days":{"31":2},"devices":2,"due_on":"2027-04-30"}
    2027-04-30T08:00:00Z resume {"because_of":6,"resumed_on":"2027-04-30"}
    2027-05-03T00:00:00Z warning {"days_before":28,"falls_short_on":"2027-05-31","missing":1}
    "#);
}
