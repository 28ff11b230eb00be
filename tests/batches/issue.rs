//! `POST …/code-batches`: issuing, and issuing again under the same key.

use super::{batch_id, codes, issue, issued, sum};
use crate::harness::{System, at};
use crate::history::lines;
use crate::setup::now;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn spring() -> Value {
    json!({
        "credits": 20, "maintenance_credits": 0, "count": 120, "expires_on": "2027-12-31", "note": "spring",
    })
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_with_its_codes() {
    let system = System::new();
    let body = json!({ "credits": 20, "count": 2, "expires_on": "2027-12-31", "note": "spring" });
    assert_snapshot!(system.send(issue(&body, now())).await, @r#"
    201
    {
      "batch": {
        "batch_id": "[id 1]",
        "complete": true,
        "count": 2,
        "credits": 20,
        "expires_at": "2028-01-01T12:00:00Z",
        "expires_on": "2027-12-31",
        "issued_at": "2026-12-09T12:00:00Z",
        "maintenance_credits": 0,
        "note": "spring",
        "partner_id": "acme",
        "site_id": null
      },
      "codes": ["[code 1]", "[code 2]"]
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_same_key_gives_the_same_codes_and_another_body_is_refused() {
    let (system, now) = (System::new(), now());
    let first = system.send(issue(&spring(), now).key("spring-1")).await;
    assert_eq!((first.status, first.replayed), (201, false), "{first}");
    assert_eq!(codes(&first).len(), 120);
    let tomorrow = at("2026-12-10T12:00:00Z");
    let again = system
        .send(issue(&spring(), tomorrow).key("spring-1"))
        .await;
    assert_eq!((again.status, again.replayed), (201, true));
    assert_eq!(again.body, first.body);
    let mut other = spring();
    other["credits"] = json!(21);
    let refused = system.send(issue(&other, now).key("spring-1")).await;
    assert_snapshot!(refused, @r#"
    422
    {
      "code": "idempotency-key-reused",
      "detail": "this Idempotency-Key was used for another request",
      "status": 422,
      "title": "The idempotency key was used before",
      "type": "urn:site-credits:problem:idempotency-key-reused"
    }
    "#);
    let unkeyed = system.send(issue(&spring(), now)).await;
    assert_ne!(batch_id(&unkeyed), batch_id(&first));
    // The codes were handed out a second time, and the history says so.
    assert_eq!(
        lines(&system, "", now).await,
        ["issued 120", "issued 120", "fetched 120"]
    );
    // The key is forgotten after two days, and then it is a new request.
    let later = issue(&other, at("2026-12-12T12:00:01Z")).key("spring-1");
    let later = system.send(later).await;
    assert_eq!((later.status, later.replayed), (201, false), "{later}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_issued_is_refused_with_the_reason() {
    let (system, now) = (System::new(), now());
    let issuing = [
        json!({ "credits": 0, "count": 1 }),
        json!({ "credits": 1_000_001, "count": 1 }),
        json!({ "credits": 1, "count": 0 }),
        json!({ "credits": 1, "count": 10_001 }),
        json!({ "credits": 1, "count": 1, "expires_on": "2026-12-08" }),
        json!({ "credits": 1, "count": 1, "site_id": "nowhere" }),
        json!({ "credits": 1, "count": 1, "note": "a\nb" }),
        json!({ "credits": -1, "count": 1 }),
        json!({ "credits": 1, "count": 1, "value": 2 }),
    ]
    .map(|body| (beginning(&body), issue(&body, now)));
    assert_snapshot!(problems(&system, issuing).await, @r#"
    {"count":1,"credits":0} → 400 malformed-request: a code carries 0 to 1000000 credits and 0 to 1000000 maintenance credits, and not zero of both
    {"count":1,"credits":1000001} → 400 malformed-request: a code carries 0 to 1000000 credits and 0 to 1000000 maintenance credits, and not zero of both
    {"count":0,"credits":1} → 400 malformed-request: a batch has 1 to 10000 codes
    {"count":10001,"credits":1} → 400 malformed-request: a batch has 1 to 10000 codes
    {"count":1,"credits":1,"expires_on":"2026-12-08"} → 400 malformed-request: expires_on must not be over: the codes could never be applied
    {"count":1,"credits":1,"site_id":"nowhere"} → 400 malformed-request: site_id must be 9 letters and digits, none of them U
    {"count":1,"credits":1,"note":"a\nb"} → 400 malformed-request: a note has at most 200 characters and no control characters
    {"count":1,"credits":-1} → 400 malformed-request: credits must be a whole number, 0 or more
    {"count":1,"credits":1,"value":2} → 400 malformed-request: value is not known here: it takes credits, maintenance_credits, count, expires_on, site_id or note
    "#);
    assert_eq!(system.findings().await.batches, 0);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_codes_are_a_hundred_transactions_and_two() {
    let (system, now) = (System::new(), now());
    let issued = issued(&system, 5, 10_000, now).await;
    // One starts, a hundred write codes, one completes.
    assert_eq!(system.wire.take_seen().len(), 102);
    let mut all = codes(&issued);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10_000);
    let sum = sum(&system, &batch_id(&issued), now).await;
    assert_eq!(sum["outstanding"], 10_000);
    assert_eq!(system.wire.take_seen().len(), 101);
}
