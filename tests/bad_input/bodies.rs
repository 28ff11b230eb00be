//! Bodies that cannot be read, and codes that are none.

use super::Untouched;
use crate::harness::redemption;
use crate::setup::now;
use data_encoding::BASE64;
use insta::assert_snapshot;
use serde_json::json;
use site_credits::http::body::MAX_BODY_BYTES;

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_json_is_refused_with_the_reason() {
    let it = Untouched::new().await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let more = format!(r#"{{"code":"{}"}} x"#, it.code);
    let object_more = format!(r#"{{"code":"{}"}} {{}}"#, it.code);
    let long = format!(r#"{{"code":"{}"}}"#, "A".repeat(MAX_BODY_BYTES));
    let mut missing = it.good();
    missing.body = None;
    let encoded = |body: &str| {
        let mut call = it.with_body(body);
        call.base64 = true;
        call
    };
    let calls = [
        ("no body", missing),
        ("an empty body", it.with_body("")),
        ("white space", it.with_body(" \n")),
        ("a form", it.with_body("code=1")),
        ("half of JSON", it.with_body(r#"{"code":"#)),
        ("JSON and more", it.with_body(&more)),
        ("JSON and more JSON", it.with_body(&object_more)),
        ("an array", it.with_body("[]")),
        ("null", it.with_body("null")),
        ("deep nesting", it.with_body(&deep)),
        ("a long body", it.with_body(&long)),
        ("binary", encoded(&BASE64.encode(&[0xff, 0xfe, 0x00]))),
        ("not Base64", encoded("%%%")),
    ];
    assert_snapshot!(it.problems(calls).await, @"
    no body → 400 malformed-request: the body is missing: it must be a JSON object
    an empty body → 400 malformed-request: the body is missing: it must be a JSON object
    white space → 400 malformed-request: the body is missing: it must be a JSON object
    a form → 400 malformed-request: the body is not JSON: see line 1, column 1
    half of JSON → 400 malformed-request: the body ends before its JSON does
    JSON and more → 400 malformed-request: the body is not JSON: see line 1, column 36
    JSON and more JSON → 400 malformed-request: the body is not JSON: see line 1, column 36
    an array → 400 malformed-request: the body must be a JSON object
    null → 400 malformed-request: the body must be a JSON object
    deep nesting → 400 malformed-request: the body is not JSON: see line 1, column 128
    a long body → 400 malformed-request: the body is longer than 65536 bytes
    binary → 400 malformed-request: the body is not UTF-8 text
    not Base64 → 400 malformed-request: the body is not Base64, as the event says
    ");
}

#[tokio::test(start_paused = true)]
async fn an_object_with_wrong_members_is_refused_with_the_reason() {
    let it = Untouched::new().await;
    let twice = format!(r#"{{"code":"{0}","code":"{0}"}}"#, it.code);
    let once_wrong = format!(r#"{{"code":"A","code":"{}"}}"#, it.code);
    let unknown = format!(r#"{{"code":"{}","credits":1000}}"#, it.code);
    let gold = json!({ "code": it.code, "recharge": "gold" });
    let calls = [
        ("a number for the code", it.with_body(r#"{"code":12345}"#)),
        ("null for the code", it.with_body(r#"{"code":null}"#)),
        ("no code", it.with_body("{}")),
        ("a member twice", it.with_body(&twice)),
        ("a member twice, once wrong", it.with_body(&once_wrong)),
        ("an unknown member", it.with_body(&unknown)),
        ("a lone surrogate", it.with_body(r#"{"code":"\ud800"}"#)),
        ("an unknown balance", it.preview(&gold)),
        ("no balance", it.preview(&json!({ "code": it.code }))),
    ];
    assert_snapshot!(it.problems(calls).await, @"
    a number for the code → 400 malformed-request: code must be a text
    null for the code → 400 malformed-request: code must be a text
    no code → 400 malformed-request: code is missing
    a member twice → 400 malformed-request: the body names a member twice: see line 1, column 67
    a member twice, once wrong → 400 malformed-request: the body names a member twice: see line 1, column 45
    an unknown member → 400 malformed-request: credits is not known here: it takes code
    a lone surrogate → 400 malformed-request: the body is not JSON: see line 1, column 16
    an unknown balance → 400 malformed-request: recharge must be credits or sms
    no balance → 400 malformed-request: recharge is missing
    ");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_not_a_code_is_not_recognised_however_it_looks() {
    let it = Untouched::new().await;
    it.system.wire.take_seen();
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
        let answer = it.system.send(redemption(&it.site, code, now())).await;
        assert_eq!(answer.status, 422, "{code:?}");
        assert_eq!(answer.problem(), "code-not-recognised", "{code:?}");
    }
    // None of them was looked for.
    assert_eq!(it.system.wire.take_seen(), []);
}
