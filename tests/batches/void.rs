//! `POST …/code-batches/{batch_id}/void`.

use super::{batch_id, codes, issued, sum, void};
use crate::harness::{System, redemption};
use crate::setup::now;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// A batch of 250 codes, of which three are applied: its ID, and the codes.
async fn batch_with_three_applied(system: &System) -> (String, Vec<String>) {
    let site = system.dynamic().await;
    let issued = issued(system, 3, 250, now()).await;
    let codes = codes(&issued);
    for code in &codes[..3] {
        let redeemed = system.send(redemption(&site, code, now())).await;
        assert_eq!(redeemed.status, 201, "{redeemed}");
    }
    (batch_id(&issued), codes)
}

/// Voids three codes, of which one is applied and one is named twice.
fn some(codes: &[String]) -> Value {
    json!({ "reason": "stolen", "codes": [codes[2], codes[3], codes[4], codes[3]] })
}

#[tokio::test(start_paused = true)]
async fn voiding_says_how_many_of_each_there_were() {
    let system = System::new();
    let (id, codes) = batch_with_three_applied(&system).await;
    let first = system.send(void(&id, &some(&codes), now())).await;
    assert_snapshot!(first, @r#"
    200
    { "already_voided": 0, "applied": 1, "voided": 2 }
    "#);
    let whole = json!({ "reason": "the rest too" });
    let rest = system.send(void(&id, &whole, now())).await;
    assert_snapshot!(rest, @r#"
    200
    { "already_voided": 2, "applied": 3, "voided": 245 }
    "#);
    let nothing = system.send(void(&id, &whole, now())).await;
    assert_snapshot!(nothing, @r#"
    200
    { "already_voided": 247, "applied": 3, "voided": 0 }
    "#);
    let site = system.dynamic().await;
    let refused = system.send(redemption(&site, &codes[9], now())).await;
    assert_snapshot!(refused, @r#"
    410
    {
      "code": "code-voided",
      "detail": "this code was voided by the partner who issued it",
      "status": 410,
      "title": "The code was voided",
      "type": "urn:site-credits:problem:code-voided"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_repetition_of_a_voiding_is_answered_alike() {
    let system = System::new();
    let (id, codes) = batch_with_three_applied(&system).await;
    let (some, whole) = (some(&codes), json!({ "reason": "the rest too" }));
    let first = system.send(void(&id, &some, now()).key("some")).await;
    let rest = system.send(void(&id, &whole, now()).key("rest")).await;
    for (body, key, answer) in [(&some, "some", &first), (&whole, "rest", &rest)] {
        let again = system.send(void(&id, body, now()).key(key)).await;
        assert_eq!((again.status, again.replayed), (200, true), "{again}");
        assert_eq!(again.body, answer.body);
    }
    // The same codes in another order and spelling are the same request.
    let spelled = json!({
        "reason": "stolen",
        "codes": [codes[4].to_lowercase(), codes[3], codes[2].replace('-', " ")],
    });
    let again = system.send(void(&id, &spelled, now()).key("some")).await;
    assert_eq!((again.status, again.replayed), (200, true), "{again}");
    let other = system.send(void(&id, &whole, now()).key("some")).await;
    assert_eq!(other.problem(), "idempotency-key-reused");
}

#[tokio::test(start_paused = true)]
async fn codes_of_another_batch_and_what_is_not_a_code_void_nothing() {
    let system = System::new();
    let batch = issued(&system, 3, 2, now()).await;
    let other = issued(&system, 3, 2, now()).await;
    let (id, own, foreign) = (batch_id(&batch), &codes(&batch)[0], &codes(&other)[0]);
    for wrong in [foreign.as_str(), "AAAAA-AAAAA-AAAAA-AAAAA", ""] {
        let body = json!({ "reason": "x", "codes": [own, wrong] });
        let refused = system.send(void(&id, &body, now())).await;
        assert_eq!(refused.problem(), "code-not-recognised", "{refused}");
        assert_eq!(refused.body["place"], 1, "{refused}");
    }
    assert_eq!(sum(&system, &id, now()).await["outstanding"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_voiding_that_cannot_be_read_is_refused_with_the_reason() {
    let system = System::new();
    let id = batch_id(&issued(&system, 3, 2, now()).await);
    let bodies = [
        json!({ "reason": "x", "codes": [] }),
        json!({ "reason": "" }),
        json!({}),
        json!({ "reason": "x", "codes": vec!["A"; 1_001] }),
    ]
    .map(|body| (beginning(&body), void(&id, &body, now())));
    assert_snapshot!(problems(&system, bodies).await, @r#"
    {"codes":[],"reason":"x"} → 400 malformed-request: codes must name 1 to 1000 codes, or be left out for the whole batch
    {"reason":""} → 400 malformed-request: reason must be 1 to 100 characters, at least one of them visible, without control characters
    {} → 400 malformed-request: reason is missing
    {"codes":["A","A","A","A","A","A","A","A","A","A","A","A","A… → 400 malformed-request: codes must name 1 to 1000 codes, or be left out for the whole batch
    "#);
    let nowhere = ["019b0212-0000-7000-8000-000000000000", "x"]
        .map(|id| (id, void(id, &json!({ "reason": "x" }), now())));
    assert_snapshot!(problems(&system, nowhere).await, @"
    019b0212-0000-7000-8000-000000000000 → 404 batch-not-found: there is no such batch
    x → 404 batch-not-found: there is no such batch
    ");
    assert_eq!(sum(&system, &id, now()).await["outstanding"], 2);
}
