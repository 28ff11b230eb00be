//! `POST …/users/{user_id}/card/deliveries`: a card's link is sent to its user.

use super::{NUMBER, World};
use crate::faults::meanwhile;
use crate::harness::CARD_LINK_BASE;
use crate::setup::{now, text};
use crate::shown::shown;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_card_is_delivered_by_a_message_that_does_not_show_the_number() {
    let world = World::new().await;
    let card = world.get("/users/ann/card").await;
    let link = text(&card.body["card"]["link"]);
    assert!(link.starts_with(CARD_LINK_BASE), "{link}");
    let sent = world.post("/users/ann/card/deliveries", &json!({})).await;
    assert_snapshot!(sent, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 49 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": -1 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "sms_reservation",
        "previous_hash": "[hash 2]",
        "refers_to": { "message_id": "[id 1]", "parts": 1, "person": "[person 2]" },
        "sequence": 4,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "message": {
        "country": "AT",
        "encoding": "GSM-7",
        "entry": 4,
        "language": "en",
        "message_id": "[id 1]",
        "not_sent": null,
        "parts": 1,
        "receipt": null,
        "reserved_at": "2026-12-09T12:00:00Z",
        "state": "sent",
        "template": "card",
        "to": "+43********67",
        "units": 103,
        "user_id": "ann"
      }
    }
    "#);
    assert!(!sent.text.contains("1234567"), "{sent}");
    let phone = world.phone();
    assert_eq!(phone.len(), 1);
    assert_eq!(phone[0]["to"], NUMBER);
    assert_eq!(phone[0]["from"], "SiteCredits");
    assert_eq!(
        phone[0]["text"],
        format!("Harbour Gym: your access card is ready. Get it here: {link}")
    );
    assert_eq!(world.balance().await, 49);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_written_in_the_language_of_the_site_and_costs_what_that_costs() {
    let world = World::new().await;
    world.set(&json!({ "language": "ko" })).await;
    // Korean is written in UCS-2.
    let sent = world.post("/users/ann/card/deliveries", &json!({})).await;
    assert_snapshot!(shown(&sent.body["message"]), @r#"
    {
      "country": "AT",
      "encoding": "UCS-2",
      "entry": 5,
      "language": "ko",
      "message_id": "[id 1]",
      "not_sent": null,
      "parts": 2,
      "receipt": null,
      "reserved_at": "2026-12-09T12:00:00Z",
      "state": "sent",
      "template": "card",
      "to": "+43********67",
      "units": 86,
      "user_id": "ann"
    }
    "#);
    assert_eq!(world.balance().await, 48);
}

#[tokio::test(start_paused = true)]
async fn messages_are_listed_and_shown_one_by_one() {
    let world = World::new().await;
    world.post("/users/ann/card/deliveries", &json!({})).await;
    let sent = world.post("/users/ann/card/deliveries", &json!({})).await;
    let listed = world.get("/sms/messages").await;
    assert_eq!(listed.body["messages"].as_array().unwrap().len(), 2);
    let id = text(&sent.body["message"]["message_id"]);
    let message = world.get(&format!("/sms/messages/{id}")).await;
    assert_eq!(message.body["message"], sent.body["message"]);
    let nowhere = "/sms/messages/01a36ac2-1000-7c3c-a1e3-75e429969fa7";
    assert_snapshot!(world.get(nowhere).await, @r#"
    404
    {
      "code": "message-not-found",
      "detail": "there is no such message",
      "status": 404,
      "title": "There is no such message",
      "type": "urn:site-credits:problem:message-not-found"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_card_that_is_issued_again_meanwhile_is_not_delivered_by_its_dead_link() {
    let world = World::new().await;
    let reissue = world.call("/users/ann/card/reissues", &json!({}), now());
    meanwhile(&world.system, &reissue);
    let deliver = world.call("/users/ann/card/deliveries", &json!({}), now());
    let deliver = deliver.key("k");
    let refused = world.system.send(deliver.clone()).await;
    world.system.wire.quiet();
    assert_snapshot!(refused, @r#"
    503
    {
      "code": "busy",
      "detail": "nothing was changed; try again",
      "status": 503,
      "title": "Too busy just now; nothing was changed",
      "type": "urn:site-credits:problem:busy"
    }
    "#);
    assert_eq!(world.arrived_and_left().await, (0, 50));
    let sent = world.system.send(deliver).await;
    assert_eq!(sent.body["message"]["state"], "sent");
    let card = world.get("/users/ann/card").await;
    let (told, link) = (
        text(&world.phone()[0]["text"]),
        text(&card.body["card"]["link"]),
    );
    assert!(told.ends_with(&link), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_number_is_kept_with_its_user_alone_and_in_no_message_or_entry() {
    let world = World::new().await;
    world.send_keyed().await;
    world.post("/users/ann/card/deliveries", &json!({})).await;
    let items = world.system.items();
    let holding = items
        .iter()
        .filter(|item| item.to_string().contains("6641234567"));
    let holding: Vec<String> = holding.map(|item| text(&item["SK"]["S"])).collect();
    assert_eq!(holding, ["USER#99#ann"]);
}
