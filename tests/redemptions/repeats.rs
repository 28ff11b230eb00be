//! Requests that are repeated, and answers that are lost.

use super::NOON;
use crate::harness::{System, at, redemption, sms_redemption};
use insta::assert_json_snapshot;
use run_local::faults::Fault;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_repeated_request_gets_the_first_answer_word_for_word() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(10, 0, 2, now).await;
    let first = system
        .send(redemption(&site, &codes[0], now).key("k-1"))
        .await;
    assert_eq!((first.status, first.replayed), (201, false), "{first:?}");
    system.register(&site, &["door-1"], now).await.unwrap();
    let later = at("2026-12-10T11:59:59Z");
    let again = system
        .send(redemption(&site, &codes[0].to_lowercase(), later).key("k-1"))
        .await;
    assert_eq!((again.status, again.replayed), (201, true));
    assert_eq!(again.body, first.body);
    let other = system
        .send(redemption(&site, &codes[1], later).key("k-1"))
        .await;
    assert_json_snapshot!(other.shown(), @r#"
    {
      "body": {
        "code": "idempotency-key-reused",
        "detail": "this Idempotency-Key was used for another request",
        "status": 422,
        "title": "The idempotency key was used before",
        "type": "urn:site-credits:problem:idempotency-key-reused"
      },
      "status": 422
    }
    "#);
    let sms = system
        .send(sms_redemption(&site, &codes[0], later).key("k-1"))
        .await;
    assert_eq!(
        sms.problem(),
        "idempotency-key-reused",
        "the same body on another route is another request"
    );
    let stranger = system
        .send(
            redemption(&site, &codes[0], later)
                .key("k-1")
                .by_person("eve@example.com"),
        )
        .await;
    assert_eq!(
        stranger.problem(),
        "site-not-found",
        "a stranger learns nothing of keys"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_may_be_used_again_once_it_is_forgotten_whether_or_not_ttl_removed_it() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(10, 0, 3, now).await;
    assert_eq!(
        system
            .send(redemption(&site, &codes[0], now).key("k-1"))
            .await
            .status,
        201
    );
    let a_day_later = at("2026-12-10T12:00:00Z");
    assert_eq!(
        system
            .send(redemption(&site, &codes[1], a_day_later).key("k-1"))
            .await
            .problem(),
        "idempotency-key-reused"
    );
    let later = at("2026-12-12T00:00:00Z");
    assert_eq!(
        system
            .send(redemption(&site, &codes[1], later).key("k-1"))
            .await
            .status,
        201
    );
    let replay = system
        .send(redemption(&site, &codes[1], later).key("k-1"))
        .await;
    assert!(replay.replayed);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_again_with_and_without_a_key() {
    for key in [None, Some("k-1")] {
        let (system, now) = (System::new(), at(NOON));
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        let codes = system.codes(10, 0, 1, now).await;
        let mut lose = 1;
        system.wire.plan(move |operation, _| {
            let now = operation == "TransactWriteItems" && lose > 0;
            lose -= i32::from(now);
            if now { Fault::LostAnswer } else { Fault::None }
        });
        let mut call = redemption(&site, &codes[0], now);
        call.key = key.map(str::to_owned);
        let answer = system.send(call).await;
        assert_eq!(
            (answer.status, answer.replayed),
            (201, false),
            "{key:?} {answer:?}"
        );
        assert_eq!(answer.body["license"]["balances"]["credits"], 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_leaves_the_outcome_open_and_one_that_refuses_changes_nothing() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(10, 0, 1, now).await;
    let mut refused = Vec::new();
    for fault in [Fault::Throttled, Fault::Conflict] {
        system.wire.plan(move |operation, _| {
            if operation == "TransactWriteItems" {
                fault
            } else {
                Fault::None
            }
        });
        let busy = system
            .send(redemption(&site, &codes[0], now).key("k-1"))
            .await;
        assert_eq!(busy.headers["retry-after"], "1");
        refused.push(busy);
    }
    assert_eq!(refused[0].shown(), refused[1].shown());
    assert_json_snapshot!(refused[0].shown(), @r#"
    {
      "body": {
        "code": "busy",
        "detail": "nothing was changed; try again",
        "status": 503,
        "title": "Too busy just now; nothing was changed",
        "type": "urn:site-credits:problem:busy"
      },
      "status": 503
    }
    "#);
    system.wire.plan(|_, _| Fault::LostRequest);
    assert_eq!(
        system
            .send(redemption(&site, &codes[0], now).key("k-1"))
            .await
            .problem(),
        "busy"
    );
    let mut written = false;
    system.wire.plan(move |operation, _| {
        let write = operation == "TransactWriteItems";
        written |= write;
        if write {
            Fault::LostAnswer
        } else if written {
            Fault::LostRequest
        } else {
            Fault::None
        }
    });
    let open = system
        .send(redemption(&site, &codes[0], now).key("k-1"))
        .await;
    assert_eq!(
        (open.status, open.problem()),
        (503, "outcome-unknown"),
        "{open:?}"
    );
    system.wire.quiet();
    let repeated = system
        .send(redemption(&site, &codes[0], now).key("k-1"))
        .await;
    assert_eq!((repeated.status, repeated.replayed), (201, true));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_read_across_the_first_request_of_its_key_is_a_replay() {
    // The second of two requests with one key reads the request before the first commits, and the code after.
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    for (round, code) in system.codes(10, 0, 40, now).await.iter().enumerate() {
        let mut split = true;
        system.wire.plan(move |operation, _| {
            let now = std::mem::take(&mut split) && operation == "BatchGetItem";
            if now { Fault::Partial } else { Fault::None }
        });
        let key = format!("k-{round}");
        let call = || system.send(redemption(&site, code, now).key(&key));
        let (one, other) = tokio::join!(call(), call());
        assert_eq!((one.status, other.status), (201, 201), "{one:?} {other:?}");
        assert_ne!(one.replayed, other.replayed);
        assert_eq!(one.body, other.body);
    }
}
