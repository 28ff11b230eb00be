//! A card is paid for one person: what is a correction of them, and what hands the card on to another.

use super::{open, site_with_card};
use crate::harness::{Answered, Call, System, at};
use crate::setup::{now, of, text};
use crate::users::users;
use jiff::{Timestamp, ToSpan};
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

const LATER: &str = "2027-01-05T12:00:00Z";

async fn change(system: &System, site: &SiteId, body: Value, at: Timestamp) -> Answered {
    system.send(Call::patch(users(site, "/a"), &body, at)).await
}

fn hand_on(site: &SiteId, holder: &Value, at: Timestamp) -> Call {
    let body = json!({ "holder": holder });
    Call::post(users(site, "/a/card/reissues"), &body, at)
}

async fn balances(system: &System, site: &SiteId) -> Value {
    let license = Call::get(of(site, "/license"), at(LATER));
    system.send(license).await.body["balances"].clone()
}

#[tokio::test(start_paused = true)]
async fn one_thing_at_a_time_is_a_correction_and_all_of_them_are_another_holder() {
    let later = at(LATER);
    for (first, then) in [
        (
            json!({ "name": "Anna" }),
            json!({ "mobile": "06649999999" }),
        ),
        (json!({ "mobile": "06649999999" }), json!({ "name": "Bob" })),
        (json!({ "mobile": null }), json!({ "name": null })),
        (
            json!({ "email": "bob@example.org", "mobile": null }),
            json!({ "name": "Bob" }),
        ),
    ] {
        let system = System::new();
        let (site, card) = site_with_card(&system).await;
        let corrected = change(&system, &site, first.clone(), later).await;
        assert_eq!(corrected.status, 200, "{first}: {corrected}");
        let refused = change(&system, &site, then.clone(), later).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (409, "another-holder"),
            "{then}"
        );
        // The card is as it was, and so is its link.
        assert_eq!(system.send(open(&card)).await.status, 200);
    }
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    let both = json!({ "name": "Bob", "mobile": "06649999999" });
    assert_eq!(
        change(&system, &site, both, later).await.problem(),
        "another-holder"
    );
    // What was known comes back.
    for body in [
        json!({ "mobile": "06649999999" }),
        json!({ "mobile": "06641234567" }),
        json!({ "name": "Anna" }),
    ] {
        assert_eq!(change(&system, &site, body, later).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn within_an_hour_of_the_issue_everything_is_corrected() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    let both = json!({ "name": "Bob", "mobile": "06649999999" });
    let late = now() + 1.hour() + 1.millisecond();
    assert_eq!(
        change(&system, &site, both.clone(), late).await.problem(),
        "another-holder"
    );
    assert_eq!(
        change(&system, &site, both, now() + 1.hour()).await.status,
        200
    );
    // From then on the card is that person's: they are corrected, and the one before is another holder.
    for (body, status) in [
        (json!({ "name": "Robert" }), 200),
        (json!({ "name": "Ann", "mobile": "06641234567" }), 409),
    ] {
        let answer = change(&system, &site, body, at(LATER)).await;
        assert_eq!(answer.status, status, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_becomes_known_first_is_the_holder_of_a_card_for_nobody_in_particular() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    system.add_users(&site, &["b"]).await;
    let issue = Call::post(users(&site, "/b/card"), &json!({}), now());
    assert_eq!(system.send(issue).await.status, 201);
    let change = |body: Value| system.send(Call::patch(users(&site, "/b"), &body, at(LATER)));
    assert_eq!(change(json!({ "name": "Bea" })).await.status, 200);
    assert_eq!(
        change(json!({ "name": "Cid" })).await.problem(),
        "another-holder"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_card_or_where_cards_are_free_anything_is_changed() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    let revoked = system
        .send(Call::delete(users(&site, "/a/card"), at(LATER)))
        .await;
    assert_eq!(revoked.status, 200);
    let both = json!({ "name": "Bob", "mobile": "06649999999" });
    assert_eq!(
        change(&system, &site, both.clone(), at(LATER)).await.status,
        200
    );
    let site = system.dynamic().await;
    system.add_users(&site, &["a"]).await;
    for (call, status) in [
        (
            Call::patch(users(&site, "/a"), &json!({ "name": "Ann" }), now()),
            200,
        ),
        (Call::post(users(&site, "/a/card"), &json!({}), now()), 201),
        (Call::patch(users(&site, "/a"), &both, at(LATER)), 200),
    ] {
        assert_eq!(system.send(call).await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_that_is_handed_on_is_paid_for_and_has_a_link_of_its_own() {
    let system = System::new();
    let (site, old) = site_with_card(&system).await;
    let later = at(LATER);
    let before = balances(&system, &site).await["credits"].as_u64().unwrap();
    let bob = json!({ "name": "Bob", "email": "bob@example.org", "mobile": "0664 9999999" });
    let call = hand_on(&site, &bob, later).key("hand-on");
    let handed = system.send(call.clone()).await;
    assert_eq!(handed.status, 201, "{handed}");
    assert_eq!(balances(&system, &site).await["credits"], before - 1);
    assert_ne!(handed.body["card"]["link"], old["link"]);
    assert_eq!(system.send(open(&old)).await.status, 404);
    let opened = system.send(open(&handed.body["card"])).await;
    assert_eq!(opened.body["card"]["name"], "Bob");
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &handed.body));
    let other = hand_on(&site, &json!({ "name": "Eve" }), later).key("hand-on");
    assert_eq!(system.send(other).await.problem(), "idempotency-key-reused");

    let shown = system.send(Call::get(users(&site, "/a"), later)).await.body["user"].clone();
    assert_eq!(
        (&shown["name"], &shown["mobile"]),
        (&json!("Bob"), &json!("+436649999999"))
    );
    // The statement says that it was handed on, and by whom it was held before only that they are gone.
    let refers_to = &handed.body["entry"]["refers_to"];
    let (to, from) = (text(&refers_to["person"]), text(&refers_to["from"]));
    let statement = Call::get(of(&site, "/license/statement"), later);
    let users = system.send(statement).await.body["users"].clone();
    let is = |person: &str| {
        let mut users = users.as_array().unwrap().iter();
        users.find(|user| user["person"] == person).unwrap()["user_id"].clone()
    };
    assert_eq!((is(&to), is(&from)), (json!("a"), Value::Null));
    let items = system
        .engine()
        .call("Scan", json!({ "TableName": TABLE_NAME }))
        .unwrap();
    for canary in ["Ann", "1234567"] {
        assert!(!items.to_string().contains(canary), "{canary}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handed_on_is_refused() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    system.add_users(&site, &["b"]).await;
    let bob = json!({ "name": "Bob" });
    let none = Call::post(
        users(&site, "/b/card/reissues"),
        &json!({ "holder": bob }),
        now(),
    );
    assert_eq!(system.send(none).await.problem(), "card-not-found");
    let wrong = hand_on(&site, &json!({ "mobile": "12" }), now());
    assert_eq!(system.send(wrong).await.problem(), "malformed-request");
    let wrong = hand_on(&site, &json!({ "name": "Bob", "card": 1 }), now());
    assert_eq!(system.send(wrong).await.problem(), "malformed-request");
}
