//! Delivery receipts: CloudWatch hands over what the network logged about messages.

use crate::harness::Answered;
use crate::messages::{NUMBER, World};
use crate::setup::{now, text};
use crate::shown::shown;
use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use run_local::sns::Fault;
use serde_json::{Value, json};
use std::io::Write;

/// An event as CloudWatch sends it: gzip in Base64.
fn event(message_type: &str, lines: &[String]) -> Value {
    let log_event = |(place, line): (usize, &String)| json!({ "id": place.to_string(), "timestamp": 1, "message": line });
    let events: Vec<Value> = lines.iter().enumerate().map(log_event).collect();
    let data = json!({
        "messageType": message_type, "owner": "123456789012",
        "logGroup": "sns/eu-central-1/123456789012/DirectPublishToPhoneNumber",
        "logStream": "c2a1d36d-0b35-4b2c-9d6c-2a1c5b8e5f11", "subscriptionFilters": ["receipts"],
        "logEvents": events,
    });
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(data.to_string().as_bytes()).unwrap();
    json!({ "awslogs": { "data": BASE64.encode(&zipped.finish().unwrap()) } })
}

fn receipts(lines: &[String]) -> Value {
    event("DATA_MESSAGE", lines)
}

/// A receipt as SNS writes it; from its documentation, with the message's own ID.
fn receipt(id: &str, status: &str, says: &str) -> String {
    json!({
        "notification": { "messageId": id, "timestamp": "2016-06-28 00:40:34.558" },
        "delivery": {
            "phoneCarrier": "My Phone Carrier", "mnc": 270, "numberOfMessageParts": 1, "destination": NUMBER,
            "priceInUSD": 0.00645, "smsType": "Transactional", "mcc": 310, "providerResponse": says,
            "dwellTimeMs": 599, "dwellTimeMsUntilDeviceAck": 1344,
        },
        "status": status,
    })
    .to_string()
}

async fn record(world: &World, event: Value) -> Value {
    let recorded = world.system.invoke_raw("record-receipts", event).await;
    recorded.unwrap()
}

/// A message as it is shown after it was sent.
async fn message(world: &World, sent: &Answered) -> Value {
    let id = text(&sent.body["message"]["message_id"]);
    let shown = world.get(&format!("/sms/messages/{id}")).await;
    shown.body["message"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_receipt_says_what_arrived_and_gives_nothing_back() {
    let world = World::new().await;
    let first = world.system.send(world.notice(now())).await;
    let second = world.system.send(world.notice(now())).await;
    let id = |place: usize| text(&world.phone()[place]["id"]);
    let accepted = "Message has been accepted by phone carrier";
    let foreign = "3b2b7b9c-0000-4000-8000-000000000000";
    let event = receipts(&[
        receipt(&id(0), "SUCCESS", accepted),
        "{}".to_owned(),
        receipt(foreign, "SUCCESS", "of another application"),
        receipt(&id(1), "FAILURE", &format!("No such subscriber: {NUMBER}")),
    ]);
    // CloudWatch may hand over the same lines again.
    for _ in 0..2 {
        let report = record(&world, event.clone()).await;
        assert_eq!(
            report,
            json!({ "recorded": 2, "others": 1, "unreadable": 1 })
        );
    }
    assert_snapshot!(shown(&message(&world, &first).await), @r#"
    {
      "country": "AT",
      "encoding": "GSM-7",
      "entry": 4,
      "language": "en",
      "message_id": "[id 1]",
      "not_sent": null,
      "parts": 1,
      "receipt": "Message has been accepted by phone carrier",
      "reserved_at": "2026-12-09T12:00:00Z",
      "state": "delivered",
      "template": "notice",
      "to": "+43********67",
      "units": 17,
      "user_id": "ann"
    }
    "#);
    assert_snapshot!(shown(&message(&world, &second).await), @r#"
    {
      "country": "AT",
      "encoding": "GSM-7",
      "entry": 5,
      "language": "en",
      "message_id": "[id 1]",
      "not_sent": null,
      "parts": 1,
      "receipt": "No such subscriber: …",
      "reserved_at": "2026-12-09T12:00:00Z",
      "state": "undelivered",
      "template": "notice",
      "to": "+43********67",
      "units": 17,
      "user_id": "ann"
    }
    "#);
    assert_eq!(world.balance().await, 48);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_receipt_records_nothing() {
    let world = World::new().await;
    // CloudWatch asks now and then whether anybody listens.
    let control = event("CONTROL_MESSAGE", &["CWL CONTROL MESSAGE".to_owned()]);
    let report = record(&world, control).await;
    assert_eq!(
        report,
        json!({ "recorded": 0, "others": 0, "unreadable": 0 })
    );
    for broken in [json!({}), json!({ "awslogs": { "data": "x" } })] {
        let refused = world.system.invoke_raw("record-receipts", broken).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_failed_or_whose_outcome_is_unknown_gets_no_receipt() {
    let world = World::new().await;
    world.network(&[Fault::InvalidNumber, Fault::LostAnswer]);
    world.system.send(world.notice(now())).await;
    world.system.send(world.notice(now())).await;
    let id = text(&world.phone()[0]["id"]);
    let report = record(&world, receipts(&[receipt(&id, "SUCCESS", "ok")])).await;
    assert_eq!(report["others"], 1);
    let mut states = world.states().await;
    states.sort();
    assert_eq!(states, ["failed", "unknown"]);
}
