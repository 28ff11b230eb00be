//! Events that neither the gateway nor the schedule would send.

use crate::harness::{System, license_of};
use crate::setup::{NOW, now};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn an_event_without_its_context_is_answered_too() {
    let system = System::new();
    let site = system.dynamic().await;
    let mut event = system.event(&license_of(&site, now()));
    event["requestContext"]["authorizer"] = json!(null);
    let anonymous = system.invoke("get-balance", event.clone()).await;
    assert_eq!(anonymous.problem(), "site-not-found");
    event["requestContext"]["timeEpoch"] = json!(0);
    let timeless = system.invoke("get-balance", event.clone()).await;
    assert_eq!(timeless.problem(), "malformed-request");
    event["requestContext"]["routeKey"] = json!("GET /nowhere");
    let nowhere = system.invoke("get-balance", event).await;
    assert_eq!(nowhere.problem(), "internal-error");
}

#[tokio::test(start_paused = true)]
async fn an_event_of_the_schedule_that_cannot_be_read_is_refused() {
    let system = System::new();
    for event in [
        json!({}),
        json!({ "scheduled_time": "now" }),
        json!({ "scheduled_time": 1 }),
        json!([]),
        json!({ "scheduled_time": NOW, "sites": 1 }),
    ] {
        assert!(system.try_deduct(event.clone()).await.is_err(), "{event}");
    }
}
