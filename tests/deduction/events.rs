//! What sets the deduction off: our schedule, a rule of EventBridge, and nothing from the future.

use super::equipped;
use crate::harness::{System, at};
use insta::assert_snapshot;
use serde_json::{Value, json};
use site_credits::telemetry::causes;

#[tokio::test(start_paused = true)]
async fn the_event_of_a_rule_is_taken_like_that_of_the_schedule() {
    let system = System::new();
    equipped(&system, "Europe/Vienna", 10, 2, at("2026-12-09T12:00:00Z")).await;
    let mut event: Value =
        serde_json::from_str(include_str!("../data/eventbridge-scheduled-event.json")).unwrap();
    event["time"] = json!("2027-01-09T12:00:00Z");
    system.clock.set(Some(at("2027-01-09T12:00:03Z")));
    let report = system.invoke_raw("deduct-monthly", event).await.unwrap();
    assert_eq!(
        (&report["sites"], &report["credits"]),
        (&json!(1), &json!(2)),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_event_moves_a_site_into_the_future() {
    let system = System::new();
    let then = at("2026-12-09T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 10, 2, then).await;
    system.clock.set(Some(then));
    let before = system.statement(&site, then).await;
    for time in [
        "2099-01-01T00:00:00Z",
        "2027-01-09T12:00:00Z",
        "2026-12-09T12:01:01Z",
    ] {
        let event = json!({ "scheduled_time": time });
        let refused = system
            .invoke_raw("deduct-monthly", event)
            .await
            .unwrap_err();
        assert!(
            causes(&refused).contains("nothing is charged before its day"),
            "{time}"
        );
    }
    // The clocks of the schedule and of the function differ by less than a minute.
    let event = json!({ "scheduled_time": "2026-12-09T12:00:59Z" });
    system.invoke_raw("deduct-monthly", event).await.unwrap();
    assert_eq!(system.statement(&site, then).await, before);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_something_else_is_refused_with_what_is_expected() {
    let system = System::new();
    let event = json!({ "source": "aws.s3", "detail-type": "Object Created", "time": "2026-12-09T12:00:00Z" });
    let refused = system
        .invoke_raw("deduct-monthly", event)
        .await
        .unwrap_err();
    assert_snapshot!(causes(&refused), @r#"the event cannot be read: the event must be {"scheduled_time": "2027-03-31T12:00:00Z"}, or a scheduled event of EventBridge: the event must be {"scheduled_time": "2027-03-31T12:00:00Z"}, or a scheduled event of EventBridge"#);
}
