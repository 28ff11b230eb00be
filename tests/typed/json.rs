//! JSON as every client library may write it, and bodies with several mistakes.

use crate::harness::{Answered, Call, System, batches};
use crate::setup::{now, of};
use insta::assert_snapshot;
use serde_json::json;

/// Issues a batch with this text as the body.
async fn issue(system: &System, body: &str) -> Answered {
    let mut call = Call::post(batches(""), &json!({}), now()).by_partner("acme");
    call.body = Some(body.to_owned());
    system.send(call).await
}

#[tokio::test(start_paused = true)]
async fn whole_numbers_may_be_written_in_any_way_that_json_has() {
    let system = System::new();
    for body in [
        r#"{"credits":4,"count":1}"#,
        r#"{"credits":4.0,"count":1}"#,
        r#"{"credits":40e-1,"count":1e0}"#,
        "\u{feff}{\"credits\":4,\"count\":1}",
    ] {
        let issued = issue(&system, body).await;
        assert_eq!(
            (issued.status, &issued.body["batch"]["credits"]),
            (201, &json!(4)),
            "{body}: {issued}"
        );
    }
    for body in [
        r#"{"credits":4.5,"count":1}"#,
        r#"{"credits":-1,"count":1}"#,
        r#"{"credits":1e300,"count":1}"#,
        r#"{"credits":"4","count":1}"#,
        r#"{"credits":9007199254740993,"count":1}"#,
        r#"{"credits":4,"count":4294967297}"#,
    ] {
        let refused = issue(&system, body).await;
        assert_eq!(refused.problem(), "malformed-request", "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_with_a_body_is_told_at_once() {
    let system = System::new();
    let body = json!({
        "name": "\u{200b}", "country": "Austria", "type": "regular", "site_type": "Dynamic", "language": 7,
        "colour": "blue",
    });
    let refused = system
        .send(Call::post("/sites".to_owned(), &body, now()))
        .await;
    assert_snapshot!(refused, @r##"
    400
    {
      "code": "malformed-request",
      "detail": "name must be 1 to 100 characters, at least one of them visible, without control characters; country must be a two-letter ISO 3166-1 code; site_type must be dynamic or regular: did you mean dynamic?; language must be a text; colour is not known here: it takes name, country, site_type, time_zone or language; type is not known here: did you mean site_type?",
      "errors": [
        {
          "detail": "name must be 1 to 100 characters, at least one of them visible, without control characters",
          "pointer": "#/name"
        },
        { "detail": "country must be a two-letter ISO 3166-1 code", "pointer": "#/country" },
        {
          "detail": "site_type must be dynamic or regular: did you mean dynamic?",
          "pointer": "#/site_type"
        },
        { "detail": "language must be a text", "pointer": "#/language" },
        {
          "detail": "colour is not known here: it takes name, country, site_type, time_zone or language",
          "pointer": "#/colour"
        },
        { "detail": "type is not known here: did you mean site_type?", "pointer": "#/type" }
      ],
      "status": 400,
      "title": "The request cannot be read",
      "type": "urn:site-credits:problem:malformed-request"
    }
    "##);
    let site = system.dynamic().await;
    let body = json!({ "devices": [{ "name": "Front door" }, { "nam": "Back door" }, [], { "name": "\u{7}" }] });
    let refused = system
        .send(Call::post(of(&site, "/devices"), &body, now()))
        .await;
    assert_snapshot!(refused, @r##"
    400
    {
      "code": "malformed-request",
      "detail": "devices/1/name is missing; devices/1/nam is not known here: did you mean name?; devices/2 must be a JSON object; devices/3: name must be 1 to 100 characters, at least one of them visible, without control characters",
      "errors": [
        { "detail": "devices/1/name is missing", "pointer": "#/devices/1/name" },
        {
          "detail": "devices/1/nam is not known here: did you mean name?",
          "pointer": "#/devices/1/nam"
        },
        { "detail": "devices/2 must be a JSON object", "pointer": "#/devices/2" },
        {
          "detail": "devices/3: name must be 1 to 100 characters, at least one of them visible, without control characters",
          "pointer": "#/devices/3/name"
        }
      ],
      "status": 400,
      "title": "The request cannot be read",
      "type": "urn:site-credits:problem:malformed-request"
    }
    "##);
}
