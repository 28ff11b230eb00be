//! `PATCH …/users/{user_id}`: what is given changes, and `null` clears.

use super::{add, change};
use crate::harness::System;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

async fn site_of_ann(system: &System) -> SiteId {
    let site = system.regular().await;
    let ann = json!({ "user_id": "a", "name": "Ann", "kind": "visitor", "mobile": "06641234567" });
    assert_eq!(system.send(add(&site, &ann)).await.status, 201);
    site
}

#[tokio::test(start_paused = true)]
async fn a_user_is_changed_in_parts_and_null_clears() {
    let system = System::new();
    let site = site_of_ann(&system).await;
    let changed = change(&site, "a", &json!({ "name": "Anna", "kind": null }));
    assert_snapshot!(system.send(changed).await, @r#"
    200
    {
      "user": {
        "added_at": "2026-12-09T12:00:00Z",
        "card": null,
        "email": null,
        "kind": null,
        "mobile": "+436641234567",
        "name": "Anna",
        "user_id": "a"
      }
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_repetition_changes_nothing_and_shows_the_user_as_they_are() {
    let system = System::new();
    let site = site_of_ann(&system).await;
    let first = change(&site, "a", &json!({ "name": "Anna", "kind": null })).key("k");
    system.send(first.clone()).await;
    let other = json!({ "mobile": "+82 10 1234 5678", "email": "a@b" });
    system.send(change(&site, "a", &other)).await;
    assert_snapshot!(system.send(first).await, @r#"
    200, replayed
    {
      "user": {
        "added_at": "2026-12-09T12:00:00Z",
        "card": null,
        "email": "a@b",
        "kind": null,
        "mobile": "+821012345678",
        "name": "Anna",
        "user_id": "a"
      }
    }
    "#);
    let reused = change(&site, "a", &json!({ "name": null, "kind": null })).key("k");
    assert_eq!(
        system.send(reused).await.problem(),
        "idempotency-key-reused"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_to_change_and_nobody_to_change_are_refused() {
    let system = System::new();
    let site = site_of_ann(&system).await;
    let changes = [("a", json!({})), ("zoe", json!({ "name": "Z" }))]
        .map(|(user, body)| (beginning(&body), change(&site, user, &body)));
    assert_snapshot!(problems(&system, changes).await, @r#"
    {} → 400 malformed-request: nothing is to be changed: name, kind, email and mobile can be
    {"name":"Z"} → 404 user-not-found: there is no such user
    "#);
}
