//! Issues and voids of the same codes at once.

use super::{CODES, NOW, at_once, issue};
use crate::harness::{ACME, Call, System, at, batches, redemption};
use run_local::faults::Fault;
use serde_json::json;
use site_credits::domain::model::site::SiteType;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_voiding_a_code_and_applying_it_one_wins_exactly() {
    let system = Arc::new(System::new());
    let site = system
        .site(SiteType::Regular, "Europe/Vienna", at(NOW))
        .await;
    let (mut applied, mut voided) = (0, 0);
    for round in 0..CODES {
        let made = system
            .send(issue(&json!({ "credits": 1, "count": 2 })))
            .await;
        let id = made.body["batch"]["batch_id"].as_str().unwrap();
        let code = made.body["codes"][0].as_str().unwrap();
        let body = if round % 2 == 0 {
            json!({ "reason": "race" })
        } else {
            json!({ "reason": "race", "codes": [code] })
        };
        let void = Call::post(batches(&format!("/{id}/void")), &body, at(NOW));
        let void = void.by_partner(ACME).key(&format!("void-{round}"));
        let apply = redemption(&site, code, at(NOW)).key(&format!("apply-{round}"));
        // Neither is always the first to be sent.
        let calls = if round % 3 == 0 {
            vec![apply.clone(), void.clone()]
        } else {
            vec![void.clone(), apply.clone()]
        };
        let mut answers = at_once(&system, calls).await;
        if round % 3 == 0 {
            answers.swap(0, 1);
        }
        let (void, apply) = (&answers[0], &answers[1]);
        let codes = if round % 2 == 0 { 2 } else { 1 };
        let won = i64::from(apply.status == 201);
        if won == 0 {
            assert_eq!(apply.problem(), "code-voided", "round {round}");
        }
        let expected = json!({ "voided": codes - won, "already_voided": 0, "applied": won });
        assert_eq!(void.body, expected, "round {round}: {answers:?}");
        applied += won;
        voided += 1 - won;
    }
    assert!(applied > 0 && voided > 0, "{applied} {voided}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_issue_sent_many_times_at_once_is_one_batch_with_the_same_codes() {
    for round in 0..20 {
        let system = Arc::new(System::new());
        if round % 2 == 1 {
            let requests = AtomicU64::new(round);
            system.wire.plan(
                move |_, _| match requests.fetch_add(1, Ordering::Relaxed) % 20 {
                    7 => Fault::LostAnswer,
                    13 => Fault::Throttled,
                    _ => Fault::None,
                },
            );
        }
        let call = issue(&json!({ "credits": 2, "count": 250 })).key("one");
        let answers = at_once(&system, vec![call; 8]).await;
        let first = &answers[0];
        assert_eq!(first.body["codes"].as_array().unwrap().len(), 250);
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (201, &first.body));
        }
        let fresh = answers.iter().filter(|answer| !answer.replayed).count();
        assert_eq!(fresh, 1, "round {round}");
        system.wire.quiet();
        let findings = system.findings().await;
        assert_eq!((findings.batches, findings.codes), (1, 250));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_void_the_same_codes_void_each_once() {
    for round in 0..20 {
        let system = Arc::new(System::new());
        let made = system
            .send(issue(&json!({ "credits": 2, "count": 250 })))
            .await;
        let id = made.body["batch"]["batch_id"].as_str().unwrap();
        let calls = ["a", "b"].map(|key| {
            let body = json!({ "reason": key });
            let call = Call::post(batches(&format!("/{id}/void")), &body, at(NOW));
            call.by_partner(ACME).key(key)
        });
        let answers = at_once(&system, calls.to_vec()).await;
        let of = |place: usize, name: &str| answers[place].body[name].as_u64().unwrap();
        for (one, other) in [(0, 1), (1, 0)] {
            assert_eq!(
                of(one, "voided"),
                of(other, "already_voided"),
                "round {round}"
            );
        }
        assert_eq!(of(0, "voided") + of(1, "voided"), 250);
    }
}
