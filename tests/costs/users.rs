//! What users, cards and messages cost.

use super::{NOW, measured};
use crate::harness::{Call, System, at, redemption, sms_redemption};
use run_local::sns::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(start_paused = true)]
async fn users_and_messages_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    for (code, sms) in system.codes(5, 0, 2, now).await.iter().zip([false, true]) {
        let apply = if sms { sms_redemption } else { redemption };
        assert_eq!(system.send(apply(&site, code, now)).await.status, 201);
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    system.sns.plan(move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
        Fault::None
    });
    let users = |rest: &str| format!("/sites/{site}/users{rest}");
    let post = |rest: &str, body: Value| Call::post(users(rest), &body, now);
    system.wire.take_seen();
    let ann = json!({ "user_id": "ann", "name": "Ann", "mobile": "+436641234567" });
    let messages = format!("/sites/{site}/sms/messages");
    let text = json!({ "user_id": "ann", "text": "Open" });
    let routes = measured(
        &system,
        vec![
            ("a user with a key", post("", ann).key("a")),
            ("a user without a key", post("", json!({}))),
            ("a user shown", Call::get(users("/ann"), now)),
            ("the users", Call::get(users(""), now)),
            ("a search", Call::get(users(""), now).query("search=an")),
            (
                "a change",
                Call::patch(users("/ann"), &json!({ "name": "Anna" }), now),
            ),
            ("a card", post("/ann/card", json!({}))),
            ("a card again", post("/ann/card/reissues", json!({}))),
            (
                "a pause",
                Call::patch(users("/ann/card"), &json!({ "status": "paused" }), now),
            ),
            (
                "a preview",
                Call::post(format!("{messages}/preview"), &text, now),
            ),
            (
                "a message with a key",
                Call::post(messages.clone(), &text, now).key("m"),
            ),
            (
                "its replay",
                Call::post(messages.clone(), &text, now).key("m"),
            ),
            (
                "a message without a key",
                Call::post(messages.clone(), &text, now),
            ),
            ("the messages", Call::get(messages.clone(), now)),
            ("a removal", Call::delete(users("/ann"), now)),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @"
    a user with a key        201  BatchGetItem 4.0, TransactWriteItems 8.0
    a user without a key     201  BatchGetItem 3.0, TransactWriteItems 8.0
    a user shown             200  BatchGetItem 2.0
    the users                200  GetItem 1.0, Query 1.0
    a search                 200  GetItem 1.0, Query 1.0
    a change                 200  BatchGetItem 3.0, TransactWriteItems 6.0
    a card                   201  BatchGetItem 2.0, TransactWriteItems 10.0
    a card again             201  BatchGetItem 2.0, TransactWriteItems 10.0
    a pause                  200  BatchGetItem 3.0, TransactWriteItems 6.0
    a preview                200  BatchGetItem 2.0, GetItem 1.0
    a message with a key     201  BatchGetItem 2.0, GetItem 1.0, BatchGetItem 4.0, TransactWriteItems 13.0, TransactWriteItems 2.0, TransactWriteItems 5.0, GetItem 1.0
    its replay               201  BatchGetItem 2.0, GetItem 1.0, BatchGetItem 4.0, GetItem 1.0, GetItem 1.0
    a message without a key  201  BatchGetItem 2.0, BatchGetItem 3.0, TransactWriteItems 11.0, TransactWriteItems 2.0, TransactWriteItems 5.0, GetItem 1.0
    the messages             200  GetItem 1.0, Query 1.0, GetItem 1.0, GetItem 1.0
    a removal                200  BatchGetItem 4.0, TransactWriteItems 12.0
    ");
    // Two messages, each with the question whether the number opted out.
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}
