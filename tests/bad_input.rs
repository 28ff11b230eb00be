//! Bad input: each the right problem, none a 500, and nothing changed.

use crate::harness::{ACME, Call, KIM, System, at, batches, license_of, redemption};
use data_encoding::BASE64;
use run_local::engine::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use std::cell::Cell;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

const NOW: &str = "2026-12-09T12:00:00Z";

#[tokio::test(start_paused = true)]
async fn every_unreadable_request_is_a_problem_that_says_what_is_wrong() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let code = system.codes(10, 0, 1, now).await.remove(0);
    let before = system.send(license_of(&site, now)).await;
    let good = redemption(&site, &code, now);
    let long = "A".repeat(site_credits::http::body::MAX_BODY_BYTES);
    let with_body = |body: &str| Call {
        body: Some(body.to_owned()),
        ..good.clone()
    };
    let preview = |body: Value| Call::post(format!("/sites/{site}/license/preview"), &body, now);
    let statement = |query: &str| Call {
        query: query.to_owned(),
        ..Call::get(format!("/sites/{site}/license/statement"), now)
    };
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for (what, call, says) in [
        (
            "no body",
            Call {
                body: None,
                ..good.clone()
            },
            "missing",
        ),
        ("an empty body", with_body(""), "missing"),
        ("white space", with_body(" \n"), "missing"),
        ("no JSON", with_body("code=1"), "must be a JSON object"),
        ("half of JSON", with_body(r#"{"code":"#), "cannot be read"),
        (
            "JSON and more",
            with_body(&format!(r#"{{"code":"{code}"}} x"#)),
            "trailing",
        ),
        ("an array", with_body("[]"), "must be a JSON object"),
        ("null", with_body("null"), "must be a JSON object"),
        ("deep nesting", with_body(&deep), "must be a JSON object"),
        (
            "a number for the code",
            with_body(r#"{"code":12345}"#),
            "expected a string",
        ),
        (
            "null for the code",
            with_body(r#"{"code":null}"#),
            "expected a string",
        ),
        ("no code", with_body("{}"), "missing field `code`"),
        (
            "a field twice",
            with_body(&format!(r#"{{"code":"{code}","code":"{code}"}}"#)),
            "duplicate field",
        ),
        (
            "an unknown field",
            with_body(&format!(r#"{{"code":"{code}","credits":1000}}"#)),
            "unknown field `credits`",
        ),
        (
            "a lone surrogate",
            with_body(r#"{"code":"\ud800"}"#),
            "cannot be read",
        ),
        (
            "a long body",
            with_body(&format!(r#"{{"code":"{long}"}}"#)),
            "longer than 65536 bytes",
        ),
        (
            "binary",
            Call {
                base64: true,
                ..with_body(&BASE64.encode(&[0xff, 0xfe, 0x00]))
            },
            "not UTF-8",
        ),
        (
            "no Base64",
            Call {
                base64: true,
                ..with_body("%%%")
            },
            "not Base64",
        ),
        (
            "a long key",
            good.clone().key(&"k".repeat(101)),
            "Idempotency-Key",
        ),
        ("an empty key", good.clone().key(""), "Idempotency-Key"),
        (
            "a key with a space",
            good.clone().key("a b"),
            "Idempotency-Key",
        ),
        (
            "a key with an umlaut",
            good.clone().key("ä"),
            "Idempotency-Key",
        ),
        (
            "an unknown balance",
            preview(json!({ "code": code, "recharge": "gold" })),
            "unknown variant",
        ),
        (
            "no balance",
            preview(json!({ "code": code })),
            "missing field `recharge`",
        ),
        ("a limit of 0", statement("limit=0"), "limit"),
        ("a limit of 101", statement("limit=101"), "limit"),
        (
            "a limit that is no number",
            statement("limit=many"),
            "limit",
        ),
        ("a negative limit", statement("limit=-1"), "limit"),
        (
            "a huge limit",
            statement("limit=99999999999999999999"),
            "limit",
        ),
        (
            "a cursor that is no cursor",
            statement("cursor=abc"),
            "cursor",
        ),
        ("a date that is none", statement("from=2026-02-30"), "from"),
        ("a date of another form", statement("to=20261209"), "to"),
        (
            "an instant for a date",
            statement("to=2026-12-09T00:00:00Z"),
            "to",
        ),
        (
            "a period that ends before it begins",
            statement("from=2026-12-09&to=2026-12-08"),
            "from",
        ),
        (
            "an unknown parameter",
            statement("form=2026-12-09"),
            "unknown parameter",
        ),
        (
            "a parameter of a license",
            Call {
                query: "a=b".to_owned(),
                ..license_of(&site, now)
            },
            "unknown parameter",
        ),
    ] {
        let answer = system.send(call).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (400, "malformed-request"),
            "{what}: {answer:?}"
        );
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{what}: {detail}");
        assert!(
            answer.body["title"].is_string() && answer.body["type"].is_string(),
            "{what}"
        );
    }
    assert_eq!(system.send(license_of(&site, now)).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_no_code_is_not_recognised_however_it_looks() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    system.wire.take_seen();
    let long = "A".repeat(10_000);
    for code in [
        "",
        "-",
        "1234",
        "UUUUU-UUUUU-UUUUU-UUUUU",
        "💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳💳",
        "\u{0}",
        &long,
        "' OR 1=1 --",
    ] {
        let answer = system.send(redemption(&site, code, now)).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "code-not-recognised"),
            "{code:?}"
        );
    }
    assert!(
        system.wire.take_seen().is_empty(),
        "none of them was looked for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_path_that_names_no_site_is_not_found() {
    let (system, now) = (System::new(), at(NOW));
    for id in [
        "x",
        "K7QP01M",
        "K7QP01MU",
        "..",
        "%2e%2e",
        "a b",
        "site#1",
        &"9".repeat(5_000),
    ] {
        let answer = system
            .send(Call::get(format!("/sites/{id}/license"), now))
            .await;
        assert_eq!(
            (answer.status, answer.problem()),
            (404, "site-not-found"),
            "{id}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn claims_that_are_missing_or_odd_open_nothing() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    for claims in [
        json!({}),
        json!({ "email": "", "email_verified": "true" }),
        json!({ "email": "@", "email_verified": "true" }),
        json!({ "email": "a".repeat(5_000), "email_verified": "true" }),
        json!({ "email": KIM, "email_verified": "TRUE" }),
        json!({ "email": KIM, "email_verified": "1" }),
    ] {
        let mut call = license_of(&site, now);
        call.claims = claims.clone();
        assert_eq!(
            system.send(call).await.problem(),
            "site-not-found",
            "{claims}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_without_its_context_is_answered_too() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let call = license_of(&site, now);
    let mut event = system.event(&call);
    event["requestContext"]["authorizer"] = json!(null);
    assert_eq!(
        system.invoke("get-balance", event.clone()).await.problem(),
        "site-not-found"
    );
    event["requestContext"]["timeEpoch"] = json!(0);
    assert_eq!(
        system.invoke("get-balance", event.clone()).await.problem(),
        "malformed-request"
    );
    event["requestContext"]["routeKey"] = json!("GET /nowhere");
    assert_eq!(
        system.invoke("get-balance", event).await.problem(),
        "internal-error"
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_of_the_schedule_that_cannot_be_read_is_refused() {
    let system = System::new();
    for event in [
        json!({}),
        json!({ "scheduled_time": "now" }),
        json!({ "scheduled_time": 1 }),
        json!([]),
        json!({ "scheduled_time": NOW, "sites": 1 }),
    ] {
        assert!(system.try_deduct(event.clone()).await.is_err(), "{event}");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn logs_hold_no_code_no_token_and_no_address() {
    // One subscriber for all threads, which takes up this one alone: what a thread without a subscriber sees first
    // is never asked for again in another.
    thread_local!(static HERE: Cell<bool> = const { Cell::new(false) });
    HERE.set(true);
    let log = Log::default();
    let here = DynFilterFn::new(|line, _| HERE.get() && *line.level() <= tracing::Level::DEBUG);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(log.clone());
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(here));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(10, 0, 2, now).await;
    let mistyped = codes[0].replace(|c: char| c.is_ascii_digit(), "Z");
    let mut call = redemption(&site, &codes[0], now).key("the-key");
    call.claims["token"] = json!("eyJhbGciOi");
    for call in [
        call.clone(),
        call.clone(),
        redemption(&site, &mistyped, now),
        Call {
            body: Some(format!(r#"{{"code":"{}","x":"{}"}}"#, codes[1], codes[1])),
            ..call.clone()
        },
        call.by_person("eve@example.com"),
    ] {
        system.send(call).await;
    }
    system.wire.plan(|_, _| Fault::Throttled);
    assert_eq!(
        system
            .send(redemption(&site, &codes[1], now))
            .await
            .problem(),
        "busy"
    );
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("answered") && text.contains("refused") && text.contains("failed"),
        "{text}"
    );
    for secret in codes.iter().chain([&mistyped]) {
        for part in secret.split('-') {
            assert!(
                !text.contains(part),
                "a part of a code is in the log: {part}"
            );
        }
    }
    for secret in ["eyJhbGciOi", "example.com", "the-key"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_no_object_and_a_wrong_member_is_named() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let code = system.codes(5, 0, 1, now).await.remove(0);
    let partner = |rest: &str, body: &Value| Call::post(batches(rest), body, now).by_partner(ACME);
    let of_site = |rest: &str, body: &Value| Call::post(format!("/sites/{site}{rest}"), body, now);
    let batch = "/019b0212-0000-7000-8000-000000000000/void";
    for (call, says) in [
        (
            of_site("/license/redemptions", &json!([code])),
            "must be a JSON object",
        ),
        (
            of_site("/license/preview", &json!([code, "sms"])),
            "must be a JSON object",
        ),
        (
            of_site("/devices", &json!([[["d", "n"]]])),
            "must be a JSON object",
        ),
        (
            of_site("/devices", &json!({ "devices": [["d", "n"]] })),
            "devices[0]: ",
        ),
        (
            of_site("/devices", &json!({ "devices": [{ "name": 7 }] })),
            "devices[0].name: ",
        ),
        (
            of_site("/admins", &json!({ "email": "a@b", "role": null })),
            "role: ",
        ),
        (partner("", &json!([5, 2, 1])), "must be a JSON object"),
        (
            partner("", &json!({ "credits": -1, "count": 1 })),
            "credits: ",
        ),
        (partner(batch, &json!(["x", null])), "must be a JSON object"),
        (partner(batch, &json!({ "reason": null })), "reason: "),
        (
            partner(batch, &json!({ "reason": "x", "codes": ["A", 7] })),
            "codes[1]: ",
        ),
    ] {
        let body = call.body.clone();
        let refused = system.send(call).await;
        assert_eq!(refused.problem(), "malformed-request", "{body:?}");
        assert!(refused.text.contains(says), "{body:?}: {}", refused.text);
    }
    let mut twice = of_site("/license/redemptions", &Value::Null);
    twice.body = Some(format!(r#"{{"code":"A","code":"{code}"}}"#));
    assert!(system.send(twice).await.text.contains("duplicate field"));
    let mut more = of_site("/license/redemptions", &Value::Null);
    more.body = Some(format!(r#"{{"code":"{code}"}} {{}}"#));
    assert_eq!(system.send(more).await.problem(), "malformed-request");
    assert_eq!(system.findings().await.applied, 0);
}
