//! A cursor belongs to its listing, its filters and its site.

use super::post;
use crate::harness::{Call, System, batches};
use crate::setup::{now, of, text};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_listing_is_refused_by_every_listing() {
    let system = System::new();
    let site = system.dynamic().await;
    let other = system.dynamic().await;
    for name in ["a", "b"] {
        assert_eq!(
            post(&system, &site, "/users", &json!({ "name": name }))
                .await
                .status,
            201
        );
        let batch = json!({ "credits": 1, "count": 1 });
        let issue = Call::post(batches(""), &batch, now()).by_partner("acme");
        assert_eq!(system.send(issue).await.status, 201);
    }
    let listings = [
        Call::get("/sites".to_owned(), now()),
        Call::get(of(&site, "/devices"), now()),
        Call::get(of(&site, "/users"), now()),
        Call::get(of(&site, "/sms/messages"), now()),
        Call::get(of(&site, "/license/statement"), now()),
        Call::get(batches(""), now()).by_partner("acme"),
        Call::get("/partners/acme/sites".to_owned(), now()).by_partner("acme"),
        Call::get("/partners/acme/history".to_owned(), now()).by_partner("acme"),
    ];
    let users = system.send(listings[2].clone().query("limit=1")).await;
    let cursor = text(&users.body["next_cursor"]);
    for listing in &listings {
        let own = listing.path == listings[2].path;
        for wrong in [
            "null",
            "",
            "1",
            "abc",
            "undefined",
            "MQ",
            &cursor[1..],
            &"A".repeat(400),
        ] {
            let refused = system
                .send(listing.clone().query(&format!("cursor={wrong}")))
                .await;
            assert_eq!(
                refused.problem(),
                "malformed-request",
                "{} {wrong}",
                listing.path
            );
        }
        let page = system
            .send(listing.clone().query(&format!("cursor={cursor}")))
            .await;
        assert_eq!(page.status == 200, own, "{}: {page}", listing.path);
    }
    for (path, query) in [
        (of(&other, "/users"), format!("cursor={cursor}")),
        (of(&site, "/users"), format!("cursor={cursor}&search=b")),
    ] {
        let refused = system.send(Call::get(path, now()).query(&query)).await;
        assert_eq!(refused.problem(), "malformed-request", "{query}");
    }
    // The size of a page may change, and the spelling of the site's ID.
    let path = of(&site, "/users").to_lowercase();
    let rest = Call::get(path, now()).query(&format!("limit=5&cursor={cursor}"));
    let rest = system.send(rest).await;
    assert_eq!(
        rest.body["users"].as_array().map(Vec::len),
        Some(1),
        "{rest}"
    );
}
