//! Applying, previewing and repeating.

use crate::harness::{Call, KIM, System, at, license_of, redemption, sms_redemption};
use run_local::faults::Fault;
use serde_json::json;
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::SiteType;

const NOON: &str = "2026-12-09T12:00:00Z";

#[tokio::test(start_paused = true)]
async fn a_code_is_applied_once_and_moves_the_balances() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let codes = system.codes(100, 7, 1, now).await;
    let applied = system.send(redemption(&site, &codes[0], now)).await;
    assert_eq!(applied.status, 201, "{applied:?}");
    assert_eq!(applied.body["entry"]["kind"], "redemption");
    assert_eq!(applied.body["entry"]["sequence"], 2);
    assert_eq!(
        applied.body["entry"]["changes"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body, applied.body["license"]);
    assert_eq!(
        license.body["balances"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    let again = system.send(redemption(&site, &codes[0], now)).await;
    assert_eq!(
        (again.status, again.problem()),
        (409, "code-already-applied")
    );
    assert_eq!(again.body["entry"], 2);
    assert_eq!(again.body["applied_at"], NOON);
}

#[tokio::test(start_paused = true)]
async fn each_credit_is_worth_fifty_sms() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(3, 0, 1, now).await;
    let applied = system.send(sms_redemption(&site, &codes[0], now)).await;
    assert_eq!(applied.status, 201, "{applied:?}");
    assert_eq!(applied.body["entry"]["kind"], "sms_redemption");
    assert_eq!(
        applied.body["license"]["balances"],
        json!({ "credits": 0, "maintenance_credits": 0, "sms": 150 })
    );
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_would_happen_and_changes_nothing() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let codes = system.codes(100, 7, 1, now).await;
    let before = system.send(license_of(&site, now)).await;
    let path = format!("/sites/{site}/license/preview");
    let body = json!({ "code": codes[0].to_lowercase(), "recharge": "credits" });
    let preview = system
        .send(Call::post(path.clone(), &body, now).key("p-1"))
        .await;
    assert_eq!(preview.status, 200, "{preview:?}");
    assert_eq!(preview.body["site_id"], site.as_str());
    assert_eq!(
        (&preview.body["site_name"], &preview.body["country"]),
        (&json!("Harbour Gym"), &json!("AT"))
    );
    assert_eq!(
        preview.body["before"]["balances"],
        json!({ "credits": 0, "maintenance_credits": 0, "sms": 0 })
    );
    assert_eq!(
        preview.body["after"]["balances"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    assert_eq!(system.send(license_of(&site, now)).await, before);
    let sms = system
        .send(Call::post(
            path,
            &json!({ "code": codes[0], "recharge": "sms" }),
            now,
        ))
        .await;
    assert_eq!((sms.status, sms.problem()), (422, "code-not-for-sms"));
}

#[tokio::test(start_paused = true)]
async fn every_refusal_says_which() {
    let (system, now) = (System::new(), at(NOON));
    let regular = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let dynamic = system
        .site(SiteType::Dynamic, "Pacific/Kiritimati", now)
        .await;
    let value = CodeValue::new(5, 0).unwrap();
    let maintenance = system.codes(5, 1, 1, now).await.remove(0);
    let bound_to = regular.clone();
    let bound = system
        .codes_like(value, 1, now, |new| new.bound_to = Some(bound_to))
        .await
        .remove(0);
    let expiring = system
        .codes_like(value, 1, now, |new| {
            new.expires_on = Some("2026-12-09".parse().unwrap());
        })
        .await
        .remove(0);
    let unissued = {
        // A code of the right form that no batch has: of an issuer's, never written.
        let issuer = run_local::seed::issuer().unwrap();
        let batch = site_credits::domain::values::ids::BatchId::parse(
            "00000000-0000-0000-0000-000000000000",
        )
        .unwrap();
        issuer
            .code(issuer.newest(), &batch, 0)
            .unwrap()
            .0
            .to_string()
    };
    for (call, status, problem) in [
        (
            redemption(&regular, "AAAAA-AAAAA-AAAAA-AAAAA", now),
            422,
            "code-not-recognised",
        ),
        (
            redemption(&regular, &unissued, now),
            422,
            "code-not-recognised",
        ),
        (redemption(&regular, "", now), 422, "code-not-recognised"),
        (
            redemption(&dynamic, &maintenance, now),
            422,
            "code-not-for-dynamic-sites",
        ),
        (
            sms_redemption(&regular, &maintenance, now),
            422,
            "code-not-for-sms",
        ),
        (
            redemption(&dynamic, &bound, now),
            422,
            "code-not-for-this-site",
        ),
        // On Kiritimati the 10th has begun; in Vienna it is still the 9th.
        (redemption(&dynamic, &expiring, now), 410, "code-expired"),
        (
            redemption(&regular, &expiring, at("2026-12-09T23:00:00Z")),
            410,
            "code-expired",
        ),
    ] {
        let answer = system.send(call).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (status, problem),
            "{answer:?}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!(
        system
            .send(redemption(&regular, &expiring, at("2026-12-09T22:59:59Z")))
            .await
            .status,
        201
    );
    let elsewhere = system.send(redemption(&dynamic, &expiring, now)).await;
    assert_eq!(
        (elsewhere.status, elsewhere.problem()),
        (409, "code-already-applied")
    );
    assert_eq!(
        (&elsewhere.body["entry"], &elsewhere.body["applied_at"]),
        (&json!(null), &json!(null))
    );
}

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
    assert_eq!(
        (other.status, other.problem()),
        (422, "idempotency-key-reused")
    );
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
        assert_eq!((busy.status, busy.problem()), (503, "busy"), "{busy:?}");
        assert_eq!(busy.headers["retry-after"], "1");
    }
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
async fn a_stranger_cannot_tell_that_a_site_exists() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let nowhere = site_credits::domain::values::ids::SiteId::parse("00000000").unwrap();
    let codes = system.codes(10, 0, 1, now).await;
    let strangers = [
        json!({ "sub": "eve", "email": "eve@example.com", "email_verified": "true" }),
        json!({ "sub": "eve", "email": KIM, "email_verified": "false" }),
        json!({ "sub": "eve", "email": KIM }),
        json!({ "sub": "acme", "partner_id": "acme" }),
        json!({}),
    ];
    for claims in strangers {
        for call in [
            redemption(&site, &codes[0], now),
            sms_redemption(&site, &codes[0], now),
            license_of(&site, now),
            Call::get(format!("/sites/{site}/license/statement"), now),
            Call::post(
                format!("/sites/{site}/license/preview"),
                &json!({ "code": codes[0], "recharge": "credits" }),
                now,
            ),
        ] {
            let mut there = call.clone();
            there.claims = claims.clone();
            let mut nowhere_call = there.clone();
            nowhere_call.path = there.path.replace(site.as_str(), nowhere.as_str());
            let (there, elsewhere) = (system.send(there).await, system.send(nowhere_call).await);
            assert_eq!(
                (there.status, there.problem()),
                (404, "site-not-found"),
                "{claims} {call:?}"
            );
            assert_eq!(there, elsewhere);
        }
    }
    let loud = system
        .send(license_of(&site, now).by_person("KIM@Example.COM"))
        .await;
    assert_eq!(loud.status, 200, "addresses are compared without case");
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
