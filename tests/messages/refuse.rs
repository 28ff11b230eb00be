//! What is not sent is refused before anything is charged.

use super::{NUMBER, World};
use crate::setup::now;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use run_local::sns::Fault;
use serde_json::{Value, json};

/// The world, with bob who has no number, and kim who has one in Korea and no card.
async fn world_of_three() -> World {
    let world = World::new().await;
    let bob = json!({ "user_id": "bob" });
    let kim = json!({ "user_id": "kim", "mobile": "+82 10 1234 5678" });
    for user in [bob, kim] {
        assert_eq!(world.post("/users", &user).await.status, 201);
    }
    world
}

#[tokio::test(start_paused = true)]
async fn users_who_cannot_be_sent_to_are_refused_in_the_preview_too() {
    let world = world_of_three().await;
    let bodies = [
        json!({ "user_id": "zoe" }),
        json!({ "user_id": "bob", "text": "x" }),
        json!({ "user_id": "kim" }),
        json!({ "user_id": "kim", "text": "x" }),
    ];
    let calls = |path: &str| {
        bodies
            .clone()
            .map(|body| (beginning(&body), world.call(path, &body, now())))
    };
    let refused = problems(&world.system, calls("/sms/messages")).await;
    assert_snapshot!(refused, @r#"
    {"user_id":"zoe"} → 404 user-not-found: there is no such user
    {"text":"x","user_id":"bob"} → 422 no-mobile-number: this user has no mobile number
    {"user_id":"kim"} → 404 card-not-found: this user has no card
    {"text":"x","user_id":"kim"} → 422 sms-country-not-allowed: this site sends no messages to KR: sms_countries of its settings are AT
    "#);
    let previewed = problems(&world.system, calls("/sms/messages/preview")).await;
    assert_eq!(previewed, refused);
    assert_eq!(world.balance().await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_cannot_be_sent_is_refused_with_the_reason() {
    let world = world_of_three().await;
    let bodies = [
        json!({ "user_id": "ann", "text": "" }),
        json!({ "user_id": "ann", "text": "x".repeat(501) }),
        json!({ "user_id": "ann", "text": "\u{7}" }),
        json!({ "user_id": "ann", "to": NUMBER }),
    ]
    .map(|body| (beginning(&body), world.call("/sms/messages", &body, now())));
    assert_snapshot!(problems(&world.system, bodies).await, @r#"
    {"text":"","user_id":"ann"} → 400 malformed-request: text must be 1 to 500 characters, at least one of them visible, without control characters other than new lines
    {"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… → 400 malformed-request: text must be 1 to 500 characters, at least one of them visible, without control characters other than new lines
    {"text":"\u0007","user_id":"ann"} → 400 malformed-request: text must be 1 to 500 characters, at least one of them visible, without control characters other than new lines
    {"to":"+436641234567","user_id":"ann"} → 400 malformed-request: to is not known here: it takes user_id or text
    "#);
    assert_eq!(world.balance().await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_site_sends_to_the_countries_of_its_settings() {
    let world = world_of_three().await;
    for bad in [
        json!([]),
        json!(["XX"]),
        json!(["AT", "AT"]),
        json!(vec!["AT"; 21]),
    ] {
        let refused = world.set(&json!({ "sms_countries": bad })).await;
        assert_eq!(refused.problem(), "malformed-request", "{bad}");
    }
    let changed = world.set(&json!({ "sms_countries": ["kr"] })).await;
    assert_eq!(changed.body["site"]["sms_countries"], json!(["KR"]));
    let sent = world.system.send(world.message("kim", "x", now())).await;
    assert_eq!(sent.status, 201, "{sent}");
    let refused = world.system.send(world.message("ann", "x", now())).await;
    assert_snapshot!(refused, @r#"
    422
    {
      "code": "sms-country-not-allowed",
      "detail": "this site sends no messages to AT: sms_countries of its settings are KR",
      "status": 422,
      "title": "No messages go to this country",
      "type": "urn:site-credits:problem:sms-country-not-allowed"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_same_countries_in_another_order_are_no_change() {
    let world = World::new().await;
    world.set(&json!({ "sms_countries": ["KR", "JP"] })).await;
    let same = world.set(&json!({ "sms_countries": ["JP", "KR"] })).await;
    assert_eq!(same.status, 200, "{same}");
    assert_eq!(same.body["entry"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_network_is_asked_first_whether_a_number_opted_out() {
    let world = World::new().await;
    world.system.sns.opt_out(NUMBER, true);
    let refused = world.system.send(world.notice(now())).await;
    assert_snapshot!(refused, @r#"
    409
    {
      "code": "opted-out",
      "detail": "the owner of this number has opted out of messages",
      "status": 409,
      "title": "The owner of the number wants no messages",
      "type": "urn:site-credits:problem:opted-out"
    }
    "#);
    world.system.sns.plan(|_| Fault::InternalError);
    let busy = world.system.send(world.notice(now())).await;
    assert_snapshot!(busy, @r#"
    503
    {
      "code": "busy",
      "detail": "nothing was changed; try again",
      "status": 503,
      "title": "Too busy just now; nothing was changed",
      "type": "urn:site-credits:problem:busy"
    }
    "#);
    world.system.sns.quiet();
    world.system.sns.opt_out(NUMBER, false);
    assert_eq!(world.balance().await, 50);
    let sent = world.system.send(world.notice(now())).await;
    assert_eq!(sent.status, 201, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn the_network_is_not_asked_about_what_is_refused_anyway() {
    let world = World::new().await;
    world.set(&json!({ "sms_countries": ["KR", "JP"] })).await;
    world.system.sns.plan(|_| Fault::InternalError);
    let refused = world.system.send(world.notice(now())).await;
    assert_eq!(refused.problem(), "sms-country-not-allowed");
}
