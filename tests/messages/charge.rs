//! What a message costs, its preview, and sites that cannot pay.

use super::World;
use crate::harness::at;
use crate::setup::now;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_a_message_is_and_costs_and_sends_nothing() {
    let world = World::new().await;
    // "Harbour Gym: " and 147 characters, and a pair of surrogates.
    let body = json!({ "user_id": "ann", "text": "x".repeat(147) + "😀" });
    let preview = world.post("/sms/messages/preview", &body).await;
    assert_snapshot!(preview, @r#"
    200
    {
      "after": { "sms": 47 },
      "before": { "sms": 50 },
      "encoding": "UCS-2",
      "language": "en",
      "parts": 3,
      "template": "notice",
      "text": "Harbour Gym: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx😀",
      "to": "+43********67",
      "units": 162
    }
    "#);
    assert_eq!(world.arrived_and_left().await, (0, 50));
    let sent = world.post("/sms/messages", &body).await;
    assert_eq!(sent.body["message"]["parts"], 3);
    assert_eq!(world.phone()[0]["text"], preview.body["text"]);
    assert_eq!(world.balance().await, 47);
}

#[tokio::test(start_paused = true)]
async fn the_longest_message_is_eight_parts_of_korean() {
    let world = World::new().await;
    let sent = world.message("ann", &"한".repeat(500), now());
    assert_eq!(world.system.send(sent).await.status, 201);
    assert_eq!(world.balance().await, 42);
}

#[tokio::test(start_paused = true)]
async fn a_site_with_too_few_sms_sends_nothing() {
    let world = World::new().await;
    // A number gets five messages an hour and ten a day; 50 SMS are fewer messages of eight parts.
    let long = "한".repeat(500);
    let mut now = now();
    for _ in 0..6 {
        now += SignedDuration::from_mins(61);
        let sent = world.system.send(world.message("ann", &long, now)).await;
        assert_eq!(sent.status, 201, "{sent}");
    }
    let refused = world.system.send(world.message("ann", &long, now)).await;
    assert_snapshot!(refused, @r#"
    402
    {
      "available": 2,
      "code": "insufficient-sms",
      "detail": "not enough SMS: 8 needed, 2 available",
      "needed": 8,
      "status": 402,
      "title": "There are too few SMS",
      "type": "urn:site-credits:problem:insufficient-sms"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_sends_nothing() {
    let world = World::new().await;
    world.system.recharge(&world.site, 1, 0, now()).await;
    let registered = world.system.register(&world.site, &["door"], now()).await;
    registered.unwrap();
    let refused = world.notice(at("2027-01-09T12:00:00Z"));
    assert_snapshot!(world.system.send(refused).await, @r#"
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
}
