//! The guard before `lambda_http`: whatever an event says, the function answers it, and never panics.

use crate::harness::{Call, System, at, license_of};
use proptest::prelude::*;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::fmt::Write;
use tokio::runtime::Runtime;

const NOW: &str = "2026-12-09T12:00:00Z";

/// A system with one site, and the event of a request for its license.
async fn event(system: &System) -> (SiteId, Value) {
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", at(NOW))
        .await;
    let event = system.event(&license_of(&site, at(NOW)));
    (site, event)
}

/// The status of the answer to an event, and what its problem says.
async fn answer(system: &System, event: Value) -> (u64, String) {
    let answer = system.invoke_raw("get-balance", event).await.unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let detail = body["detail"].as_str().unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().unwrap(), detail)
}

#[tokio::test(start_paused = true)]
async fn what_no_uri_can_be_made_of_is_refused() {
    let system = System::new();
    let (_, event) = event(&system).await;
    let long = format!("/{}", "a".repeat(70_000));
    for (place, text) in [
        ("/headers/host", "bad host"),
        ("/headers/host", "[::1"),
        ("/headers/host", "a:99999"),
        ("/headers/x-forwarded-proto", "ht tp"),
        ("/headers/x-forwarded-proto", ""),
        ("/headers/x-forwarded-proto", "1"),
        ("/rawPath", &long),
        ("/rawQueryString", &long),
    ] {
        let mut event = event.clone();
        *event.pointer_mut(place).unwrap() = json!(text);
        let (status, detail) = answer(&system, event).await;
        assert_eq!(status, 400, "{place} {text:.20}");
        assert!(
            detail.contains("is not valid"),
            "{place} {text:.20}: {detail}"
        );
    }
    let mut no_host = event.clone();
    no_host["headers"] = json!({});
    no_host["requestContext"]["domainName"] = json!("bad host");
    assert_eq!(answer(&system, no_host.clone()).await.0, 400);
    no_host["requestContext"]["domainName"] = Value::Null;
    assert_eq!(answer(&system, no_host).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_query_is_read_as_if_a_gateway_had_encoded_it() {
    let system = System::new();
    let (site, _) = event(&system).await;
    let path = format!("/sites/{site}/license/statement");
    let event = system.event(&Call::get(path, at(NOW)));
    for (query, status) in [
        ("", 200),
        ("limit=5", 200),
        ("limit=%35", 200),
        ("l%69mit=5", 200),
        ("limit=5&limit=5", 400),
        ("limit= 5", 400),
        ("limit=ü", 400),
        ("a=ü&b= c", 400),
        (r#"a={"x"}"#, 400),
        ("\u{0}\u{1f}\u{7f}", 400),
        ("limit=5#a", 400),
        ("%", 400),
        ("%ff", 400),
    ] {
        let mut event = event.clone();
        event["rawQueryString"] = json!(query);
        assert_eq!(answer(&system, event).await.0, status, "{query:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_the_one_text_of_its_bytes_in_base64_is_refused() {
    let system = System::new();
    let (_, mut event) = event(&system).await;
    event["isBase64Encoded"] = json!(true);
    for (body, status) in [
        ("", 200),
        ("aGk=", 200),
        ("aGk", 400),
        ("aGl=", 400),
        ("aGk=aGk=", 400),
        ("aGk=\n", 400),
        ("ü", 400),
    ] {
        event["body"] = json!(body);
        assert_eq!(answer(&system, event.clone()).await.0, status, "{body:?}");
    }
}

/// A router of our own would have to take paths apart as the gateway does. The route and the parameters are the
/// gateway's, whatever the path looks like.
#[tokio::test(start_paused = true)]
async fn the_route_is_the_one_that_the_gateway_matched() {
    let system = System::new();
    let (site, event) = event(&system).await;
    for path in [
        format!("/sites/{site}/license/../license"),
        format!("/./sites//{site}/license/"),
        format!("/sites%2F{site}%2Flicense"),
        format!("/sites/{site}/license/statement"),
        "/cards/x".to_owned(),
        "//".to_owned(),
        String::new(),
    ] {
        let mut event = event.clone();
        event["rawPath"] = json!(path);
        event["requestContext"]["http"]["path"] = json!(path);
        assert_eq!(answer(&system, event).await.0, 200, "{path}");
    }
    for id in ["a/b", "a+b", "a%2Bb", "a%2Fb", "..", "ü", ""] {
        let mut event = event.clone();
        event["pathParameters"]["site_id"] = json!(id);
        let (status, detail) = answer(&system, event).await;
        assert_eq!(
            (status, detail.as_str()),
            (404, "there is no such site"),
            "{id}"
        );
    }
    // Parameters are not decoded twice.
    let mut encoded = String::new();
    for byte in site.as_str().bytes() {
        write!(encoded, "%{byte:02X}").unwrap();
    }
    let mut event = event;
    event["pathParameters"]["site_id"] = json!(encoded);
    assert_eq!(answer(&system, event.clone()).await.0, 404);
    event["requestContext"]["routeKey"] = json!("GET /nowhere");
    assert_eq!(answer(&system, event).await.0, 500);
}

/// A text of everything that URIs trip over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[/.%?#\\[\\]:@&=+ü{}\"<>\\\\^`|0-9a-f]{0,40}",
        "(%[0-9a-fA-F]{0,2}){0,9}",
        (60_000_usize..70_000).prop_map(|length| "a".repeat(length)),
    ]
}

/// A value of a header, as far as an event can have one.
fn header() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "[a-z0-9.:@/\\[\\]%_-]{0,30}",
        "[^\u{0}-\u{1f}\u{7f}]{0,20}"
    ]
}

#[test]
fn no_event_is_left_without_an_answer() {
    let runtime = Runtime::new().unwrap();
    let system = System::new();
    let (_, event) = runtime.block_on(event(&system));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(3_000)
    };
    let strategy = (
        (text(), text(), text(), text(), text()),
        (header(), header(), header()),
        (any::<u8>(), any::<bool>(), any::<i64>()),
    );
    proptest!(config, |(((path, query, stage, domain, id), (host, proto, key), (which, base64, at)) in strategy)| {
        let mut event = event.clone();
        let mut set = |bit: u8, place: &str, value: Value| {
            if which & (1 << bit) != 0 {
                *event.pointer_mut(place).unwrap() = value;
            }
        };
        set(0, "/rawPath", json!(path));
        set(1, "/rawQueryString", json!(query));
        set(2, "/requestContext/stage", json!(stage));
        set(3, "/requestContext/domainName", json!(domain));
        set(4, "/headers/host", json!(host));
        set(5, "/headers/x-forwarded-proto", json!(proto));
        set(6, "/pathParameters/site_id", json!(id));
        set(7, "/requestContext/timeEpoch", json!(at));
        event["headers"]["idempotency-key"] = json!(key);
        event["body"] = json!(query);
        event["isBase64Encoded"] = json!(base64);
        let (status, _) = runtime.block_on(answer(&system, event));
        prop_assert!([200, 400, 404].contains(&status), "{status}");
    });
}
