//! `POST …/users`: one user.

use super::{add, user_ids, users};
use crate::harness::{Call, System};
use crate::setup::now;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn nothing_about_a_user_is_required() {
    let system = System::new();
    let site = system.regular().await;
    let first = system.send(add(&site, &json!({}))).await;
    assert_snapshot!(first, @r#"
    201
    {
      "user": {
        "added_at": "2026-12-09T12:00:00Z",
        "card": null,
        "email": null,
        "kind": null,
        "mobile": null,
        "name": null,
        "user_id": "1"
      }
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_of_a_user_is_kept_in_its_normal_form() {
    let system = System::new();
    let site = system.regular().await;
    let whole = json!({
        "user_id": "E-7", "name": " Ann Müller ", "kind": "employee", "email": "Ann@Example.com",
        "mobile": "0664 / 123 45 67",
    });
    let added = system.send(add(&site, &whole)).await;
    assert_snapshot!(added, @r#"
    201
    {
      "user": {
        "added_at": "2026-12-09T12:00:00Z",
        "card": null,
        "email": "ann@example.com",
        "kind": "employee",
        "mobile": "+436641234567",
        "name": "Ann Müller",
        "user_id": "E-7"
      }
    }
    "#);
    let shown = system.send(Call::get(users(&site, "/E-7"), now())).await;
    assert_eq!(shown.body["user"], added.body["user"]);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_somebody_chose_is_not_given_to_another() {
    let system = System::new();
    let site = system.regular().await;
    system.add_users(&site, &["20"]).await;
    let next = system.send(add(&site, &json!({}))).await;
    assert_eq!(next.body["user"]["user_id"], "21");
    let again = system.send(add(&site, &json!({ "user_id": "20" }))).await;
    assert_snapshot!(again, @r#"
    409
    {
      "code": "user-exists",
      "detail": "a user of this ID exists",
      "status": 409,
      "title": "The user exists",
      "type": "urn:site-credits:problem:user-exists"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_added_is_refused_with_the_reason() {
    let system = System::new();
    let site = system.regular().await;
    let bodies = [
        json!({ "user_id": "" }),
        json!({ "user_id": ".." }),
        json!({ "user_id": "a/b" }),
        json!({ "user_id": "x".repeat(65) }),
        json!({ "name": "=1+1" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "kind": "boss" }),
        json!({ "email": "ann" }),
        json!({ "age": 7 }),
    ];
    let refused = problems(
        &system,
        bodies
            .iter()
            .map(|body| (beginning(body), add(&site, body))),
    );
    assert_snapshot!(refused.await, @r#"
    {"user_id":""} → 400 malformed-request: user_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores and dots more
    {"user_id":".."} → 400 malformed-request: user_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores and dots more
    {"user_id":"a/b"} → 400 malformed-request: user_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores and dots more
    {"user_id":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… → 400 malformed-request: user_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores and dots more
    {"name":"=1+1"} → 400 malformed-request: name must be 1 to 100 characters, at least one of them visible, without control characters, the first none of = + - @
    {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… → 400 malformed-request: name must be 1 to 100 characters, at least one of them visible, without control characters, the first none of = + - @
    {"kind":"boss"} → 400 malformed-request: kind must be employee, visitor or member
    {"email":"ann"} → 400 malformed-request: email must be one e-mail address such as kim@example.com, of at most 254 bytes, without spaces, invisible characters and / ? # % \
    {"age":7} → 400 malformed-request: age is not known here: it takes user_id, name, kind, email or mobile
    "#);
    assert_eq!(user_ids(&system, &site, "limit=100").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_mobile_number_is_refused_with_the_reason_and_without_repeating_it() {
    let system = System::new();
    let site = system.regular().await;
    let mobiles = ["kim", "0664 12", "+43 1 5880110000", "0900 123456"];
    let adding = mobiles.map(|mobile| (mobile, add(&site, &json!({ "mobile": mobile }))));
    assert_snapshot!(problems(&system, adding.clone()).await, @"
    kim → 400 malformed-request: mobile must be a phone number such as +43 664 1234567, at most 32 characters; without + it is read as one of the site's country
    0664 12 → 400 malformed-request: mobile is no number of its country's numbering plan
    +43 1 5880110000 → 400 malformed-request: mobile must be a mobile number, and this is another kind of number
    0900 123456 → 400 malformed-request: mobile must be a mobile number, and this is another kind of number
    ");
    for (mobile, call) in adding {
        let refused = system.send(call).await;
        assert!(!refused.text.contains(mobile), "{refused}");
    }
    assert_eq!(user_ids(&system, &site, "limit=100").await, [""; 0]);
}
