//! Issues that die half-way or lose their answers.

use super::{codes, codes_of, get, issue, sum, void};
use crate::harness::{System, batches};
use crate::history::lines;
use crate::setup::{now, text};
use insta::assert_snapshot;
use run_local::faults::Fault;
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn an_issue_that_died_after_any_request_is_finished_by_its_repetition() {
    for last in 1..=6 {
        let system = System::new();
        let call = issue(&json!({ "credits": 5, "count": 230 }), now()).key("one");
        system.fault_at_requests(move |number| number >= last, Fault::CrashAfter);
        let answered = system.send_until_crash(call.clone()).await;
        assert!(answered.is_none(), "{last}");
        let again = system.send(call.clone()).await;
        assert_eq!((again.status, codes(&again).len()), (201, 230), "{last}");
        let third = system.send(call).await;
        assert_eq!(third.body, again.body);
        let findings = system.findings().await;
        assert_eq!((findings.codes, findings.batches), (230, 1), "{last}");
    }
}

/// A batch of 230 codes whose issue died at its second request: as it is listed.
async fn begun(system: &System) -> Value {
    let call = issue(&json!({ "credits": 5, "count": 230 }), now());
    system.fault_at_requests(|number| number == 2, Fault::CrashBefore);
    let answered = system.send_until_crash(call).await;
    assert!(answered.is_none(), "{answered:?}");
    let batch = listed(system).await;
    assert_eq!(batch["complete"], false);
    let written = sum(system, batch["batch_id"].as_str().unwrap(), now()).await;
    let number = |name: &str| written[name].as_u64().unwrap();
    assert!(number("issued") < 230, "{written}");
    assert_eq!(number("issued") + number("not_issued"), 230, "{written}");
    batch
}

/// The one batch, as it is listed.
async fn listed(system: &System) -> Value {
    let listed = system.send(get(batches(""), now())).await;
    listed.body["batches"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn an_issue_without_a_key_that_died_is_finished_by_whoever_fetches_it() {
    let system = System::new();
    let id = text(&begun(&system).await["batch_id"]);
    let fetched = system.send(codes_of(&id, now())).await;
    assert_eq!(fetched.body["codes"].as_array().unwrap().len(), 230);
    assert_eq!(
        lines(&system, "", now()).await,
        ["issued 230", "fetched 230"]
    );
    assert_eq!(listed(&system).await["complete"], true);
}

#[tokio::test(start_paused = true)]
async fn an_issue_without_a_key_that_died_is_finished_by_whoever_voids_it() {
    let system = System::new();
    let id = text(&begun(&system).await["batch_id"]);
    let voided = void(&id, &json!({ "reason": "lost" }), now());
    assert_snapshot!(system.send(voided).await, @r#"
    200
    { "already_voided": 0, "applied": 0, "voided": 230 }
    "#);
    assert_eq!(listed(&system).await["complete"], true);
}

#[tokio::test(start_paused = true)]
async fn an_issue_whose_outcome_is_unknown_is_to_be_repeated() {
    let system = System::new();
    system.fault_at_requests(|number| number > 2, Fault::Throttled);
    let call = issue(&json!({ "credits": 5, "count": 500 }), now()).key("one");
    assert_snapshot!(system.send(call.clone()).await, @r#"
    503
    {
      "code": "outcome-unknown",
      "detail": "the request may have been carried out: repeat it with the same Idempotency-Key",
      "status": 503,
      "title": "Repeat the request with the same idempotency key",
      "type": "urn:site-credits:problem:outcome-unknown"
    }
    "#);
    system.wire.quiet();
    assert_eq!(codes(&system.send(call).await).len(), 500);
}
