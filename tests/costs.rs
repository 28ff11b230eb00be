//! Round trips and capacity units of each route, counted. `docs/DATA_MODEL.md` carries the table.

use crate::harness::{
    ACME, Call, Seen, System, at, batches, license_of, redemption, sms_redemption,
};
use serde_json::json;
use site_credits::domain::model::site::SiteType;

const NOW: &str = "2026-12-09T12:00:00Z";

/// What a request did to the table, as `Operation units` in order.
fn costs(seen: &[Seen]) -> Vec<String> {
    seen.iter()
        .map(|seen| {
            format!(
                "{} {}.{}",
                seen.operation,
                seen.tenths / 10,
                seen.tenths % 10
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_route_makes_the_round_trips_and_uses_the_capacity_that_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let regular = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(100, 0, 8, now).await;
    assert_eq!(
        system.send(redemption(&site, &codes[0], now)).await.status,
        201
    );
    system
        .register(&site, &["door-1", "door-2"], now)
        .await
        .unwrap();
    system.wire.take_seen();
    let preview = |code: &str| {
        let body = json!({ "code": code, "recharge": "credits" });
        Call::post(format!("/sites/{site}/license/preview"), &body, now).key("a-key")
    };
    let statement = Call::get(format!("/sites/{site}/license/statement"), now);
    let mut period = statement.clone();
    period.query = "from=2026-12-09&to=2026-12-09".to_owned();
    let key = "8d3c0f5a-0a39-4c0e-9d3f-6a5d1c0f7b21";
    for (what, call, status, expected) in [
        (
            "a preview",
            preview(&codes[1]),
            200,
            vec!["BatchGetItem 2.0"],
        ),
        (
            "a redemption with a key",
            redemption(&site, &codes[1], now).key(key),
            201,
            vec!["BatchGetItem 3.0", "TransactWriteItems 12.0"],
        ),
        (
            "its replay",
            redemption(&site, &codes[1], now).key(key),
            201,
            vec!["BatchGetItem 3.0", "GetItem 1.0"],
        ),
        (
            "a redemption without a key",
            redemption(&regular, &codes[2], now),
            201,
            vec!["BatchGetItem 2.0", "TransactWriteItems 10.0"],
        ),
        (
            "an SMS recharge with a key",
            sms_redemption(&regular, &codes[3], now).key(key),
            201,
            vec!["BatchGetItem 3.0", "TransactWriteItems 12.0"],
        ),
        (
            "a code that was applied",
            redemption(&site, &codes[1], now),
            409,
            vec!["BatchGetItem 2.0"],
        ),
        (
            "a code that was applied, with a key",
            redemption(&site, &codes[1], now).key("another"),
            409,
            vec!["BatchGetItem 3.0", "BatchGetItem 3.0"],
        ),
        (
            "a balance",
            license_of(&site, now),
            200,
            vec!["GetItem 1.0"],
        ),
        (
            "a statement",
            statement,
            200,
            vec!["GetItem 1.0", "Query 1.0"],
        ),
        (
            "a statement of a day",
            period,
            200,
            vec!["GetItem 1.0", "BatchGetItem 4.0", "Query 1.0"],
        ),
        (
            "a forged code",
            redemption(&site, "AAAAA-AAAAA-AAAAA-AAAAA", now).key("other"),
            422,
            vec![],
        ),
        (
            "a forged code's preview",
            preview("AAAAA-AAAAA-AAAAA-AAAAA"),
            422,
            vec![],
        ),
    ] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(costs(&system.wire.take_seen()), expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deduction_of_fifty_sites_is_one_transaction_and_reads_nothing_that_is_not_due() {
    let (system, now) = (System::new(), at(NOW));
    let shard = |site: &site_credits::domain::values::ids::SiteId| {
        site_credits::domain::model::agenda::shard_of(site)
    };
    let mut due = Vec::new();
    while due.len() < 50 {
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        if shard(&site) == 0 {
            due.push(site);
        }
    }
    for (site, code) in due.iter().zip(system.codes(100, 0, 50, now).await) {
        assert_eq!(system.send(redemption(site, &code, now)).await.status, 201);
        system.register(site, &["door-1"], now).await.unwrap();
    }
    system.wire.take_seen();
    let nothing = system.deduct(at("2027-01-08T12:00:00Z")).await;
    assert_eq!(nothing["sites"], 0);
    assert_eq!(
        costs(&system.wire.take_seen()),
        vec!["Query 0.5"; 8],
        "an agenda without anything due"
    );
    let report = system.deduct(at("2027-01-09T12:00:00Z")).await;
    assert_eq!(
        (&report["sites"], &report["credits"]),
        (&json!(50), &json!(50))
    );
    let mut seen = costs(&system.wire.take_seen());
    seen.retain(|cost| !cost.starts_with("Query"));
    // Fifty sites and fifty entries, two units each, and the move of each on the index: a delete and a put.
    assert_eq!(seen, ["BatchGetItem 50.0", "TransactWriteItems 300.0"]);
}

#[tokio::test(start_paused = true)]
async fn registering_halting_and_resuming_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at("2027-01-31T12:00:00Z"));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(4, 0, 2, now).await;
    assert_eq!(
        system.send(redemption(&site, &codes[0], now)).await.status,
        201
    );
    system.wire.take_seen();
    system
        .register(&site, &["door-1", "door-2", "door-3"], now)
        .await
        .unwrap();
    // The site, the entry, three devices, and a new place on the index.
    let registered = ["GetItem 1.0", "TransactWriteItems 11.0"];
    assert_eq!(costs(&system.wire.take_seen()), registered);
    let due = at("2027-02-28T12:00:00Z");
    assert_eq!(system.deduct(due).await["halted"], 1);
    let mut halted = costs(&system.wire.take_seen());
    halted.retain(|cost| !cost.starts_with("Query"));
    // One site alone is read by `GetItem`; it leaves the index.
    assert_eq!(halted, ["GetItem 1.0", "TransactWriteItems 5.0"]);
    let resumed = system
        .send(redemption(&site, &codes[1], due).key("a-key"))
        .await;
    assert_eq!(resumed.body["license"]["status"], "activated");
    let resumed = costs(&system.wire.take_seen());
    assert_eq!(resumed, ["BatchGetItem 3.0", "TransactWriteItems 17.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_partner_and_a_site_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let partner = |path: String| Call::get(path, now).by_partner(ACME);
    let issue = Call::post(batches(""), &json!({ "credits": 5, "count": 250 }), now);
    let issue = issue.by_partner(ACME).key("issue");
    let issued = system.send(issue.clone()).await;
    let seen = costs(&system.wire.take_seen());
    let (ends, codes) = ([&seen[..2], &seen[5..]].concat(), &seen[2..5]);
    assert_eq!(
        ends,
        [
            "GetItem 1.0",
            "TransactWriteItems 4.0",
            "TransactWriteItems 4.0"
        ]
    );
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    let hundreds = [
        "TransactWriteItems 100.0",
        "TransactWriteItems 200.0",
        "TransactWriteItems 200.0",
    ];
    assert_eq!(codes, hundreds);
    assert_eq!(issued.status, 201);
    let few = Call::post(batches(""), &json!({ "credits": 5, "count": 100 }), now);
    let few = system.send(few.by_partner(ACME)).await;
    system.wire.take_seen();
    let id = few.body["batch"]["batch_id"].as_str().unwrap();
    let code = |place: usize| few.body["codes"][place].as_str().unwrap();
    let void = json!({ "reason": "x", "codes": [code(9), code(8)] });
    let void = Call::post(batches(&format!("/{id}/void")), &void, now);
    let site = Call::post(
        "/sites".to_owned(),
        &json!({ "name": "A", "country": "AT", "site_type": "regular" }),
        now,
    );
    for (what, call, status, expected) in [
        (
            "an issue again",
            issue,
            201,
            vec!["GetItem 1.0", "GetItem 1.0", "TransactWriteItems 2.0"],
        ),
        ("the batches", partner(batches("")), 200, vec!["Query 1.0"]),
        (
            "a batch",
            partner(batches(&format!("/{id}"))),
            200,
            vec!["GetItem 1.0", "BatchGetItem 100.0"],
        ),
        (
            "its codes",
            partner(batches(&format!("/{id}/codes"))),
            200,
            vec![
                "GetItem 1.0",
                "BatchGetItem 100.0",
                "TransactWriteItems 2.0",
            ],
        ),
        (
            "voiding two codes",
            void.by_partner(ACME).key("void"),
            200,
            // The request, the batch, the codes, the request again and its writing; then the codes and the line.
            vec![
                "GetItem 1.0",
                "GetItem 1.0",
                "BatchGetItem 2.0",
                "GetItem 1.0",
                "TransactWriteItems 2.0",
                "BatchGetItem 2.0",
                "TransactWriteItems 6.0",
            ],
        ),
        (
            "the history",
            partner(format!("/partners/{ACME}/history")),
            200,
            vec!["Query 1.0"],
        ),
        (
            "no sites of a partner",
            partner(format!("/partners/{ACME}/sites")),
            200,
            vec!["Query 1.0"],
        ),
        (
            "creating a site",
            site.key("site"),
            201,
            vec!["GetItem 1.0", "TransactWriteItems 8.0"],
        ),
        (
            "a person's sites",
            Call::get("/sites".to_owned(), now),
            200,
            vec!["Query 1.0", "GetItem 1.0"],
        ),
        (
            "the contract",
            Call::get("/openapi.yaml".to_owned(), now),
            200,
            vec![],
        ),
    ] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(costs(&system.wire.take_seen()), expected, "{what}");
    }
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let path = |rest: &str| format!("/sites/{site}{rest}");
    let invite = json!({ "email": "lee@example.com", "role": "site_admin" });
    for (what, call, status, expected) in [
        (
            "a redemption",
            redemption(&site, code(0), now),
            201,
            vec!["BatchGetItem 2.0", "TransactWriteItems 10.0"],
        ),
        (
            "the sites of a partner",
            partner(format!("/partners/{ACME}/sites")),
            200,
            vec!["Query 1.0", "GetItem 1.0"],
        ),
        ("a site", Call::get(path(""), now), 200, vec!["GetItem 1.0"]),
        (
            "its administrators",
            Call::get(path("/admins"), now),
            200,
            vec!["GetItem 1.0"],
        ),
        (
            "its devices",
            Call::get(path("/devices"), now),
            200,
            vec!["GetItem 1.0", "Query 1.0"],
        ),
        (
            "new settings, with a key",
            Call::patch(path(""), &json!({ "name": "B" }), now).key("settings"),
            200,
            vec!["BatchGetItem 2.0", "TransactWriteItems 6.0"],
        ),
        (
            "an invitation",
            Call::post(path("/admins"), &invite, now),
            201,
            vec!["GetItem 1.0", "TransactWriteItems 6.0"],
        ),
        (
            "a removal",
            Call::delete(path("/admins/lee@example.com"), now),
            200,
            vec!["GetItem 1.0", "TransactWriteItems 6.0"],
        ),
        (
            "the site's end, with its one administrator",
            Call::delete(path(""), now).query("forfeit=true"),
            200,
            vec!["GetItem 1.0", "TransactWriteItems 7.0"],
        ),
    ] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(costs(&system.wire.take_seen()), expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn people_and_messages_cost_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    for (code, sms) in system.codes(5, 0, 2, now).await.iter().zip([false, true]) {
        let apply = if sms { sms_redemption } else { redemption };
        assert_eq!(system.send(apply(&site, code, now)).await.status, 201);
    }
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counting = asked.clone();
    system.sns.plan(move |_| {
        counting.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        run_local::sns::Fault::None
    });
    let users = |rest: &str| format!("/sites/{site}/users{rest}");
    let post = |rest: &str, body: serde_json::Value| Call::post(users(rest), &body, now);
    system.wire.take_seen();
    let ann = json!({ "user_id": "ann", "name": "Ann", "mobile": "+436641234567" });
    let messages = format!("/sites/{site}/sms/messages");
    let text = json!({ "user_id": "ann", "text": "Open" });
    for (what, call, status, expected) in [
        (
            "a user with a key",
            post("", ann).key("a"),
            201,
            vec!["BatchGetItem 4.0", "TransactWriteItems 8.0"],
        ),
        (
            "a user without a key",
            post("", json!({})),
            201,
            vec!["BatchGetItem 3.0", "TransactWriteItems 8.0"],
        ),
        (
            "a user shown",
            Call::get(users("/ann"), now),
            200,
            vec!["BatchGetItem 2.0"],
        ),
        (
            "the users",
            Call::get(users(""), now),
            200,
            vec!["GetItem 1.0", "Query 1.0"],
        ),
        (
            "a search",
            Call::get(users(""), now).query("search=an"),
            200,
            vec!["GetItem 1.0", "Query 1.0"],
        ),
        (
            "a change",
            Call::patch(users("/ann"), &json!({ "name": "Anna" }), now),
            200,
            vec!["BatchGetItem 4.0", "TransactWriteItems 6.0"],
        ),
        (
            "a card",
            post("/ann/card", json!({})),
            201,
            vec!["BatchGetItem 2.0", "TransactWriteItems 8.0"],
        ),
        (
            "a card again",
            post("/ann/card/reissues", json!({})),
            201,
            vec!["BatchGetItem 2.0", "TransactWriteItems 10.0"],
        ),
        (
            "a pause",
            Call::patch(users("/ann/card"), &json!({ "status": "paused" }), now),
            200,
            vec!["BatchGetItem 4.0", "TransactWriteItems 6.0"],
        ),
        (
            "a preview",
            Call::post(format!("{messages}/preview"), &text, now),
            200,
            vec!["BatchGetItem 2.0", "GetItem 1.0"],
        ),
        (
            "a message with a key",
            Call::post(messages.clone(), &text, now).key("m"),
            201,
            vec![
                "BatchGetItem 2.0",
                "GetItem 1.0",
                "BatchGetItem 4.0",
                "TransactWriteItems 13.0",
                "TransactWriteItems 2.0",
                "TransactWriteItems 5.0",
                "GetItem 1.0",
            ],
        ),
        (
            "its replay",
            Call::post(messages.clone(), &text, now).key("m"),
            201,
            vec![
                "BatchGetItem 2.0",
                "GetItem 1.0",
                "BatchGetItem 4.0",
                "GetItem 1.0",
                "GetItem 1.0",
            ],
        ),
        (
            "a message without a key",
            Call::post(messages.clone(), &text, now),
            201,
            vec![
                "BatchGetItem 2.0",
                "BatchGetItem 3.0",
                "TransactWriteItems 11.0",
                "TransactWriteItems 2.0",
                "TransactWriteItems 5.0",
                "GetItem 1.0",
            ],
        ),
        (
            "the messages",
            Call::get(messages.clone(), now),
            200,
            vec!["GetItem 1.0", "Query 1.0"],
        ),
        (
            "a removal",
            Call::delete(users("/ann"), now),
            200,
            vec!["BatchGetItem 4.0", "TransactWriteItems 10.0"],
        ),
    ] {
        let answer = system.send(call).await;
        let seen = costs(&system.wire.take_seen());
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(seen, expected, "{what}");
    }
    // Two messages, each with the question whether the number opted out.
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 4);
}
