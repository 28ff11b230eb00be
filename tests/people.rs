//! Users and their cards: added, imported, found, changed, removed; issued, paid for, paused, revoked, opened.

use crate::harness::{Answered, CARD_LINK_BASE, Call, System, at, redemption};
use jiff::Timestamp;
use run_local::faults::Fault;
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::BTreeSet;

const NOW: &str = "2026-12-09T12:00:00Z";
const FAULTS: [Fault; 4] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::Conflict,
    Fault::Throttled,
];

fn users(site: &SiteId, rest: &str) -> String {
    format!("/sites/{site}/users{rest}")
}

fn add(site: &SiteId, body: &Value) -> Call {
    Call::post(users(site, ""), body, at(NOW))
}

fn import(site: &SiteId, file: &str) -> Call {
    let mut call = Call::post(users(site, "/import"), &Value::Null, at(NOW));
    call.body = Some(file.to_owned());
    call
}

async fn site(system: &System, site_type: SiteType, credits: u64, maintenance: u64) -> SiteId {
    let now = at(NOW);
    let site = system.site(site_type, "Europe/Vienna", now).await;
    if credits + maintenance > 0 {
        let code = system.codes(credits, maintenance, 1, now).await.remove(0);
        assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
    }
    site
}

async fn regular(system: &System) -> SiteId {
    site(system, SiteType::Regular, 0, 0).await
}

/// The IDs of all users, as they are listed.
async fn ids(system: &System, site: &SiteId, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let call = Call::get(users(site, ""), at(NOW)).query(&format!("{query}{cursor}"));
        let page = system.send(call).await;
        assert_eq!(page.status, 200, "{page:?}");
        ids.extend(
            page.body["users"]
                .as_array()
                .unwrap()
                .iter()
                .map(|u| text(&u["user_id"])),
        );
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every item of the table, as text.
fn table(system: &System) -> Vec<String> {
    let scan = json!({ "TableName": TABLE_NAME });
    let scan = system.engine().call("Scan", scan).unwrap();
    let items = scan["Items"].as_array().unwrap().iter();
    items.map(Value::to_string).collect()
}

/// Sends one request, of which one transaction meets a fault.
async fn send_through(system: &System, fault: Fault, call: Call) -> Answered {
    let mut faults = 1;
    system.wire.plan(move |operation, _| {
        if operation == "TransactWriteItems" && faults > 0 {
            faults -= 1;
            return fault;
        }
        Fault::None
    });
    let answer = system.send(call).await;
    system.wire.quiet();
    answer
}

#[tokio::test(start_paused = true)]
async fn only_an_id_is_needed_and_not_even_that() {
    let system = System::new();
    let site = regular(&system).await;
    let first = system.send(add(&site, &json!({}))).await;
    assert_eq!(first.status, 201, "{first:?}");
    let expected = json!({
        "user_id": "1", "name": null, "kind": null, "email": null, "mobile": null, "added_at": NOW, "card": null,
    });
    assert_eq!(first.body["user"], expected);
    let whole = json!({
        "user_id": "E-7", "name": " Ann Müller ", "kind": "employee", "email": "Ann@Example.com",
        "mobile": "0664 / 123 45 67",
    });
    let added = system.send(add(&site, &whole)).await;
    let expected = json!({
        "user_id": "E-7", "name": "Ann Müller", "kind": "employee", "email": "ann@example.com",
        "mobile": "+436641234567", "added_at": NOW, "card": null,
    });
    assert_eq!(added.body["user"], expected);
    let shown = system.send(Call::get(users(&site, "/E-7"), at(NOW))).await;
    assert_eq!(shown.body["user"], expected);
    // A number that somebody chose is passed by.
    let chosen = system.send(add(&site, &json!({ "user_id": "20" }))).await;
    assert_eq!(chosen.status, 201);
    let next = system.send(add(&site, &json!({}))).await;
    assert_eq!(next.body["user"]["user_id"], "21");
    let again = system.send(add(&site, &json!({ "user_id": "20" }))).await;
    assert_eq!((again.status, again.problem()), (409, "user-exists"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_added_is_refused_and_says_why_without_repeating_it() {
    let system = System::new();
    let site = regular(&system).await;
    for (name, value, what) in [
        ("user_id", json!(""), "user_id must be"),
        ("user_id", json!(".."), "user_id must be"),
        ("user_id", json!("a/b"), "user_id must be"),
        ("user_id", json!("x".repeat(65)), "user_id must be"),
        ("name", json!("=1+1"), "name must be 1 to 100"),
        ("name", json!("x".repeat(101)), "name must be 1 to 100"),
        ("kind", json!("boss"), "unknown variant"),
        ("email", json!("ann"), "email must be"),
        ("mobile", json!("kim"), "mobile must be a phone number"),
        ("mobile", json!("0664 12"), "numbering plan"),
        (
            "mobile",
            json!("+43 1 5880110000"),
            "must be a mobile number",
        ),
        ("mobile", json!("0900 123456"), "must be a mobile number"),
        ("age", json!(7), "unknown field"),
    ] {
        let mut body = json!({});
        body[name] = value.clone();
        let refused = system.send(add(&site, &body)).await;
        assert_eq!(refused.problem(), "malformed-request", "{body}");
        assert!(refused.text.contains(what), "{}", refused.text);
        if name == "mobile" {
            assert!(
                !refused.text.contains(value.as_str().unwrap()),
                "{}",
                refused.text
            );
        }
    }
    assert_eq!(ids(&system, &site, "limit=100").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn users_added_at_once_get_numbers_of_their_own() {
    let system = std::sync::Arc::new(System::new());
    let site = regular(&system).await;
    // Whoever injects faults lets other tasks come in between.
    system.wire.plan(|_, _| Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (system, call) = (system.clone(), add(&site, &json!({})));
        racers.spawn(async move { system.send(call).await });
    }
    let mut numbers = BTreeSet::new();
    while let Some(added) = racers.join_next().await {
        let added = added.unwrap();
        if added.status == 201 {
            assert!(numbers.insert(text(&added.body["user"]["user_id"])));
        } else {
            assert_eq!(added.problem(), "busy", "{added:?}");
        }
    }
    system.wire.quiet();
    let expected: BTreeSet<String> = (1..=numbers.len()).map(|n| n.to_string()).collect();
    assert_eq!(numbers, expected);
    assert!(numbers.len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn users_are_listed_by_number_then_by_id_and_found_by_any_part_of_name_or_id() {
    let system = System::new();
    let site = regular(&system).await;
    for (id, name) in [
        ("10", "Ann Müller"),
        ("9", "Bob"),
        ("x-2", "MÜLLER, Zoe"),
        ("x-10", "Kim"),
        ("100", "Ünal"),
    ] {
        let body = json!({ "user_id": id, "name": name });
        assert_eq!(system.send(add(&site, &body)).await.status, 201);
    }
    let all = ["9", "10", "100", "x-10", "x-2"];
    for limit in 1..=6 {
        assert_eq!(ids(&system, &site, &format!("limit={limit}")).await, all);
    }
    for (search, expected) in [
        ("müller", &["10", "x-2"][..]),
        ("ÜN", &["100"]),
        ("10", &["10", "100", "x-10"]),
        ("X-", &["x-10", "x-2"]),
        ("nobody", &[]),
    ] {
        for limit in [1, 2, 100] {
            let found = ids(&system, &site, &format!("search={search}&limit={limit}")).await;
            assert_eq!(found, expected, "{search}");
        }
    }
    for query in ["search=", "limit=0", "limit=101", "cursor=%20", "name=x"] {
        let refused = system
            .send(Call::get(users(&site, ""), at(NOW)).query(query))
            .await;
        assert_eq!(refused.problem(), "malformed-request", "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_is_changed_in_parts_and_null_clears() {
    let system = System::new();
    let site = regular(&system).await;
    let whole =
        json!({ "user_id": "a", "name": "Ann", "kind": "visitor", "mobile": "06641234567" });
    system.send(add(&site, &whole)).await;
    let change = |body: &Value| Call::patch(users(&site, "/a"), body, at(NOW));
    let changed = system
        .send(change(&json!({ "name": "Anna", "kind": null })).key("k"))
        .await;
    let user = &changed.body["user"];
    assert_eq!(
        (&user["name"], &user["kind"], &user["mobile"]),
        (&json!("Anna"), &Value::Null, &json!("+436641234567"))
    );
    system
        .send(change(
            &json!({ "mobile": "+82 10 1234 5678", "email": "a@b" }),
        ))
        .await;
    // A repetition changes nothing, and shows the user as they are.
    let again = system
        .send(change(&json!({ "name": "Anna", "kind": null })).key("k"))
        .await;
    assert!(again.replayed);
    assert_eq!(again.body["user"]["mobile"], "+821012345678");
    let reused = system
        .send(change(&json!({ "name": null, "kind": null })).key("k"))
        .await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    let nothing = system.send(change(&json!({}))).await;
    assert_eq!(nothing.problem(), "malformed-request");
    let missing = Call::patch(users(&site, "/zoe"), &json!({ "name": "Z" }), at(NOW));
    assert_eq!(system.send(missing).await.problem(), "user-not-found");
}

#[tokio::test(start_paused = true)]
async fn a_removed_user_leaves_nothing_personal_behind() {
    let system = System::new();
    let site = site(&system, SiteType::Regular, 5, 0).await;
    let whole = json!({
        "user_id": "ann", "name": "Annabel", "email": "annabel@example.com", "mobile": "+436641234567",
    });
    let added = system.send(add(&site, &whole).key("add")).await;
    system
        .send(
            Call::patch(
                users(&site, "/ann"),
                &json!({ "name": "Annabella" }),
                at(NOW),
            )
            .key("p"),
        )
        .await;
    let issued = Call::post(users(&site, "/ann/card"), &json!({}), at(NOW)).key("card");
    let issued = system.send(issued).await;
    let link = text(&issued.body["card"]["link"]);
    let token = link.strip_prefix(CARD_LINK_BASE).unwrap();
    // No item has the token, and the number stands on the user alone.
    let holding = |what: &str| {
        table(&system)
            .iter()
            .filter(|item| item.contains(what))
            .count()
    };
    assert_eq!(holding(token), 0);
    assert_eq!(holding("6641234567"), 1);
    assert_eq!(holding("Annabel"), 1);
    let removed = Call::delete(users(&site, "/ann"), at(NOW)).key("remove");
    let done = system.send(removed.clone()).await;
    assert_eq!((done.status, &done.body["user_id"]), (200, &json!("ann")));
    assert_eq!((holding("6641234567"), holding("nnabel")), (0, 0));
    let again = system.send(removed).await;
    assert_eq!((again.status, again.replayed), (200, true));
    let opened = system
        .send(Call::get(format!("/cards/{token}"), at(NOW)))
        .await;
    assert_eq!(opened.problem(), "card-not-found");
    let gone = system
        .send(Call::delete(users(&site, "/ann"), at(NOW)))
        .await;
    assert_eq!(gone.problem(), "user-not-found");
    // The first answer to the addition is given again, made of what the repetition itself says.
    let replayed = system.send(add(&site, &whole).key("add")).await;
    assert_eq!((replayed.replayed, &replayed.body), (true, &added.body));
}

#[tokio::test(start_paused = true)]
async fn one_request_does_its_work_once_whatever_happens_on_the_way() {
    for fault in FAULTS {
        for key in [None, Some("k")] {
            let system = System::new();
            let site = site(&system, SiteType::Regular, 5, 0).await;
            let keyed = |call: Call| match key {
                Some(key) => call.key(key),
                None => call,
            };
            let added = send_through(&system, fault, keyed(add(&site, &json!({})))).await;
            assert_eq!(
                (added.status, added.replayed),
                (201, false),
                "{fault:?} {added:?}"
            );
            assert_eq!(ids(&system, &site, "limit=9").await, ["1"]);
            let change = Call::patch(users(&site, "/1"), &json!({ "name": "A" }), at(NOW));
            let changed = send_through(&system, fault, change).await;
            assert_eq!(
                (changed.status, &changed.body["user"]["name"]),
                (200, &json!("A"))
            );
            let issue = Call::post(users(&site, "/1/card"), &json!({}), at(NOW));
            let issued = send_through(&system, fault, issue).await;
            assert_eq!((issued.status, issued.replayed), (201, false), "{issued:?}");
            assert_eq!(issued.body["license"]["balances"]["credits"], 4);
            let pause = Call::patch(
                users(&site, "/1/card"),
                &json!({ "status": "paused" }),
                at(NOW),
            );
            let paused = send_through(&system, fault, pause).await;
            assert_eq!(paused.body["card"]["status"], "paused", "{paused:?}");
            let revoked = Call::delete(users(&site, "/1/card"), at(NOW));
            let revoked = send_through(&system, fault, revoked).await;
            assert_eq!(
                revoked.body["card"]["status"], "revoked",
                "{fault:?} {revoked:?}"
            );
            let removed = Call::delete(users(&site, "/1"), at(NOW));
            let removed = send_through(&system, fault, removed).await;
            assert_eq!(removed.status, 200, "{fault:?} {removed:?}");
            assert_eq!(ids(&system, &site, "limit=9").await, [""; 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_imported_line_by_line_and_a_bad_line_harms_no_other() {
    let system = System::new();
    let site = regular(&system).await;
    system.send(add(&site, &json!({ "user_id": "b" }))).await;
    let file = "\u{feff}Name;User_ID;mobile;kind;email\r\n\
        Ann;a;0664 1234567;Employee;ann@example.com\r\n\
        Bob;b;;;\r\n\
        ;;;;\r\n\
        \"Two\nlines\";c;;;\r\n\
        Zoe;40;;visitor;\r\n\
        Eve;e;12;;\r\n\
        Fay;a;;;\r\n\
        Gus;g;;boss;\r\n\
        Hal;h;;\r\n\
        Ida;;+82 10 1234 5678;member;\r\n";
    let done = system.send(import(&site, file).key("k")).await;
    assert_eq!(done.status, 200, "{done:?}");
    let lines: Vec<(u64, String, String)> = done.body["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let or_empty = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (
                line["line"].as_u64().unwrap(),
                or_empty("user_id"),
                or_empty("code"),
            )
        })
        .collect();
    let line = |number, id: &str, code: &str| (number, id.to_owned(), code.to_owned());
    let expected = [
        line(2, "a", ""),
        line(3, "", "user-exists"),
        line(4, "41", ""),
        line(5, "", "malformed-request"),
        line(7, "40", ""),
        line(8, "", "malformed-request"),
        line(9, "", "user-exists"),
        line(10, "", "malformed-request"),
        line(11, "", "malformed-request"),
        line(12, "42", ""),
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        (&done.body["added"], &done.body["refused"]),
        (&json!(4), &json!(6))
    );
    assert!(
        !done.text.contains("lines\\\""),
        "no field is repeated: {}",
        done.text
    );
    assert_eq!(
        ids(&system, &site, "limit=9").await,
        ["40", "41", "42", "a", "b"]
    );
    let again = system.send(import(&site, file).key("k")).await;
    assert_eq!((again.replayed, &again.body), (true, &done.body));
    let other = system.send(import(&site, "name\nX\n").key("k")).await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    // What is exported can be imported elsewhere.
    let exported = system
        .send(Call::get(users(&site, ""), at(NOW)).accept("text/csv"))
        .await;
    assert_eq!(exported.headers["content-type"], "text/csv; charset=utf-8");
    let file = exported.text;
    assert!(file.starts_with("user_id,name,kind,email,mobile,card_id,card_status,valid_from,valid_until\r\n40,Zoe,visitor,,,,,,\r\n"), "{file}");
    let elsewhere = regular(&system).await;
    let done = system.send(import(&elsewhere, &file)).await;
    assert_eq!(
        (&done.body["added"], &done.body["refused"]),
        (&json!(5), &json!(0)),
        "{done:?}"
    );
    let exported = system
        .send(Call::get(users(&elsewhere, ""), at(NOW)).accept("text/csv"))
        .await;
    assert_eq!(exported.text, file);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_of_users_is_refused_whole() {
    let system = System::new();
    let site = regular(&system).await;
    let many = format!("name\n{}", "x\n".repeat(1_001));
    let long = format!("name\n{}\n", "x".repeat(512 * 1024));
    for (file, what) in [
        ("", "names columns"),
        ("name\n", "has no users"),
        ("name,age\nx,7\n", "names columns"),
        ("name,name\nx,y\n", "names columns"),
        ("name,card_id\nA,\"\nB,\nC,\n", "a quote that is not closed"),
        (many.as_str(), "at most 1000 users"),
        (long.as_str(), "longer than 524288 bytes"),
    ] {
        let refused = system.send(import(&site, file)).await;
        assert_eq!(refused.problem(), "malformed-request");
        assert!(refused.text.contains(what), "{what}: {}", refused.text);
    }
    assert_eq!(ids(&system, &site, "limit=9").await, [""; 0]);
}

/// The file of 250 users of whom a hundred have an ID.
fn large_file() -> String {
    let lines = (0..250).map(|n| {
        if n % 5 < 2 {
            format!("x{n},User {n}\n")
        } else {
            format!(",User {n}\n")
        }
    });
    format!("user_id,name\n{}", lines.collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn an_import_that_dies_at_any_step_is_finished_by_its_repetition() {
    let file = large_file();
    // Begin, three parts, and the end are five writes; the sixth never comes.
    for after in [false, true] {
        for write in 0..6 {
            let system = System::new();
            let site = regular(&system).await;
            let mut seen = 0;
            system.wire.plan(move |operation, _| {
                seen += usize::from(operation == "TransactWriteItems");
                match (
                    operation == "TransactWriteItems" && seen == write + 1,
                    after,
                ) {
                    (true, true) => Fault::CrashAfter,
                    (true, false) => Fault::CrashBefore,
                    (false, _) => Fault::None,
                }
            });
            let wire = std::sync::Arc::clone(&system.wire);
            let crashed = tokio::select! {
                biased;
                () = wire.crashed.notified() => true,
                _ = system.send(import(&site, &file).key("k")) => false,
            };
            system.wire.quiet();
            assert_eq!(crashed, write < 5);
            let done = system.send(import(&site, &file).key("k")).await;
            assert_eq!(
                (&done.body["added"], &done.body["refused"]),
                (&json!(250), &json!(0))
            );
            assert_eq!(ids(&system, &site, "limit=100").await.len(), 250);
            let again = system.send(import(&site, &file).key("k")).await;
            assert_eq!((again.replayed, &again.body), (true, &done.body));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_survives_faults_and_a_site_that_changes_meanwhile() {
    let system = System::new();
    let site = regular(&system).await;
    let mut count = 0;
    system.wire.plan(move |operation, _| {
        count += usize::from(operation == "TransactWriteItems");
        match (operation, count % 4) {
            ("TransactWriteItems", 1) => Fault::LostAnswer,
            ("TransactWriteItems", 2) => Fault::Conflict,
            ("TransactWriteItems", 3) => Fault::LostRequest,
            _ => Fault::None,
        }
    });
    let (importing, adding) = tokio::join!(
        system.send(import(&site, &large_file()).key("k")),
        system.send(add(&site, &json!({ "user_id": "x5" })))
    );
    system.wire.quiet();
    // One of the two came first, and the other was told so.
    assert_eq!(importing.status, 200, "{importing:?}");
    let refused = importing.body["refused"].as_u64().unwrap();
    assert_eq!(
        refused == 0,
        adding.problem() == "user-exists",
        "{adding:?}"
    );
    assert_eq!(ids(&system, &site, "limit=100").await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_users_are_a_dozen_transactions() {
    let system = System::new();
    let site = regular(&system).await;
    let file = format!("name\n{}", "Somebody\n".repeat(1_000));
    system.wire.take_seen();
    let done = system.send(import(&site, &file)).await;
    assert_eq!(done.body["added"], 1_000);
    let writes = system.wire.take_seen();
    let writes = writes
        .iter()
        .filter(|seen| seen.operation == "TransactWriteItems");
    assert_eq!(writes.count(), 13);
}

fn issue(site: &SiteId, user: &str, body: &Value, now: Timestamp) -> Call {
    Call::post(users(site, &format!("/{user}/card")), body, now)
}

fn reissue(site: &SiteId, user: &str, now: Timestamp) -> Call {
    Call::post(
        users(site, &format!("/{user}/card/reissues")),
        &json!({}),
        now,
    )
}

#[tokio::test(start_paused = true)]
async fn a_regular_site_pays_for_cards_and_for_replaced_ones_by_maintenance_first() {
    let system = System::new();
    let site = site(&system, SiteType::Regular, 2, 1).await;
    let now = at(NOW);
    for user in ["a", "b"] {
        system.send(add(&site, &json!({ "user_id": user }))).await;
    }
    let held = |answer: &Answered| {
        let held = &answer.body["license"]["balances"];
        (
            held["credits"].as_u64().unwrap(),
            held["maintenance_credits"].as_u64().unwrap(),
        )
    };
    let issued = system
        .send(issue(&site, "a", &json!({}), now).key("k"))
        .await;
    assert_eq!((issued.status, held(&issued)), (201, (1, 1)), "{issued:?}");
    assert_eq!(issued.body["entry"]["kind"], "card_issue");
    assert_eq!(issued.body["card"]["valid_from"], "2026-12-09");
    let again = system
        .send(issue(&site, "a", &json!({}), now).key("k"))
        .await;
    assert_eq!((again.replayed, &again.body), (true, &issued.body));
    let second = system.send(issue(&site, "a", &json!({}), now)).await;
    assert_eq!((second.status, second.problem()), (409, "card-exists"));
    let replaced = system.send(reissue(&site, "a", now)).await;
    assert_eq!(
        (replaced.status, held(&replaced)),
        (201, (1, 0)),
        "{replaced:?}"
    );
    assert_eq!(
        replaced.body["entry"]["refers_to"]["replaces"],
        issued.body["card"]["card_id"]
    );
    let replaced = system.send(reissue(&site, "a", now)).await;
    assert_eq!(held(&replaced), (0, 0));
    let refused = system.send(reissue(&site, "a", now)).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (402, "insufficient-credits")
    );
    let refused = system.send(issue(&site, "b", &json!({}), now)).await;
    assert_eq!(refused.problem(), "insufficient-credits");
    let none = system.send(reissue(&site, "b", now)).await;
    assert_eq!((none.status, none.problem()), (404, "card-not-found"));
    let nobody = system.send(issue(&site, "zoe", &json!({}), now)).await;
    assert_eq!(nobody.problem(), "user-not-found");
}

#[tokio::test(start_paused = true)]
async fn cards_of_a_dynamic_site_are_free_and_a_halted_one_issues_none() {
    let system = System::new();
    let site = site(&system, SiteType::Dynamic, 1, 0).await;
    system.send(add(&site, &json!({ "user_id": "a" }))).await;
    system.send(add(&site, &json!({ "user_id": "b" }))).await;
    system.register(&site, &["door"], at(NOW)).await.unwrap();
    let issued = system.send(issue(&site, "a", &json!({}), at(NOW))).await;
    assert_eq!(
        (issued.status, &issued.body["entry"]["changes"]["credits"]),
        (201, &json!(0))
    );
    // What is due today halts the site, also where the schedule has not come by yet.
    let due = at("2027-01-09T12:00:00Z");
    let refused = system.send(issue(&site, "b", &json!({}), due)).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (402, "payment-required")
    );
    system.deduct(due).await;
    for call in [issue(&site, "b", &json!({}), due), reissue(&site, "a", due)] {
        assert_eq!(system.send(call).await.problem(), "payment-required");
    }
    // Taking away is allowed.
    let revoked = system
        .send(Call::delete(users(&site, "/a/card"), due))
        .await;
    assert_eq!(revoked.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_card_is_paused_resumed_and_revoked_and_its_link_shows_it() {
    let system = System::new();
    let site = site(&system, SiteType::Regular, 9, 0).await;
    let now = at(NOW);
    let body = json!({ "user_id": "a", "name": "Ann", "mobile": "06641234567" });
    system.send(add(&site, &body)).await;
    let period = json!({ "valid_from": "2027-01-01", "valid_until": "2027-12-31" });
    let issued = system.send(issue(&site, "a", &period, now)).await;
    let card = issued.body["card"].clone();
    let path = |card: &Value| {
        format!(
            "/cards/{}",
            card["link"]
                .as_str()
                .unwrap()
                .strip_prefix(CARD_LINK_BASE)
                .unwrap()
        )
    };
    let open = async |card: &Value| system.send(Call::get(path(card), now)).await;
    let opened = open(&card).await;
    let expected = json!({ "card": {
        "card_id": card["card_id"], "status": "active", "valid_from": "2027-01-01", "valid_until": "2027-12-31",
        "issued_at": NOW, "site_id": site, "site_name": "Harbour Gym", "name": "Ann",
    } });
    assert_eq!(opened.body, expected, "nothing else of the user is shown");
    let set =
        |status: &str| Call::patch(users(&site, "/a/card"), &json!({ "status": status }), now);
    for (status, version) in [("paused", 1), ("paused", 1), ("active", 2)] {
        let done = system.send(set(status)).await;
        assert_eq!(
            (done.status, &done.body["card"]["status"]),
            (200, &json!(status)),
            "{version}"
        );
        assert_eq!(open(&card).await.body["card"]["status"], status);
    }
    let shown = system.send(Call::get(users(&site, "/a/card"), now)).await;
    assert_eq!(shown.body["card"], card);
    let replaced = system.send(reissue(&site, "a", now)).await.body["card"].clone();
    assert_eq!(open(&card).await.problem(), "card-not-found");
    assert_eq!(
        open(&replaced).await.body["card"]["card_id"],
        replaced["card_id"]
    );
    let revoked = system
        .send(Call::delete(users(&site, "/a/card"), now))
        .await;
    assert_eq!(
        (
            &revoked.body["card"]["status"],
            &revoked.body["card"]["link"]
        ),
        (&json!("revoked"), &Value::Null)
    );
    assert_eq!(open(&replaced).await.problem(), "card-not-found");
    assert_eq!(system.send(set("active")).await.problem(), "card-not-found");
    // A revoked card is gone for good; another one is issued anew.
    let anew = system.send(issue(&site, "a", &json!({}), now)).await;
    assert_eq!(
        (anew.status, &anew.body["entry"]["kind"]),
        (201, &json!("card_issue"))
    );
    for token in ["x", "0000-0000-0000-0000-0000-0000", &"z".repeat(64)] {
        let nothing = system.send(Call::get(format!("/cards/{token}"), now)).await;
        assert_eq!(nothing.problem(), "card-not-found");
    }
    for (body, what) in [
        (
            json!({ "valid_until": "2026-12-08" }),
            "valid_until must not be earlier",
        ),
        (
            json!({ "valid_from": "2027-02-01", "valid_until": "2027-01-31" }),
            "valid_until must not",
        ),
        (json!({ "valid_from": "1.2.2027" }), "must be a date"),
        (json!({ "valid_to": "2027-02-01" }), "unknown field"),
    ] {
        system
            .send(Call::delete(users(&site, "/a/card"), now))
            .await;
        let refused = system.send(issue(&site, "a", &body, now)).await;
        assert_eq!(refused.problem(), "malformed-request");
        assert!(refused.text.contains(what), "{}", refused.text);
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_who_issue_a_card_to_one_user_one_does_and_one_credit_is_taken() {
    let system = std::sync::Arc::new(System::new());
    let site = site(&system, SiteType::Regular, 5, 0).await;
    system.send(add(&site, &json!({ "user_id": "a" }))).await;
    system.wire.plan(|_, _| Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (system, call) = (system.clone(), issue(&site, "a", &json!({}), at(NOW)));
        racers.spawn(async move { system.send(call).await });
    }
    let mut issued = 0;
    while let Some(answer) = racers.join_next().await {
        let answer = answer.unwrap();
        issued += u32::from(answer.status == 201);
        assert!(
            answer.status == 201 || answer.problem() == "card-exists",
            "{answer:?}"
        );
    }
    system.wire.quiet();
    let license = system
        .send(Call::get(format!("/sites/{site}/license"), at(NOW)))
        .await;
    assert_eq!(
        (issued, &license.body["balances"]["credits"]),
        (1, &json!(4))
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_their_role_meanwhile_changes_nothing() {
    let system = System::new();
    let site = regular(&system).await;
    let lee = json!({ "email": "lee@example.com", "role": "site_admin" });
    system
        .send(Call::post(format!("/sites/{site}/admins"), &lee, at(NOW)))
        .await;
    let store = system.quiet();
    let (gone, other) = (
        site.clone(),
        std::sync::Arc::new(std::sync::Mutex::new(false)),
    );
    // Between the read and the write of Lee's command, Kim removes Lee.
    system.wire.plan(move |operation, _| {
        let mut removed = other.lock().unwrap();
        if operation == "TransactWriteItems" && !*removed {
            *removed = true;
            let (store, site) = (store.clone(), gone.clone());
            let removal = async move {
                let lee =
                    site_credits::domain::values::email::Email::parse("lee@example.com").unwrap();
                let kim = crate::harness::kim(at(NOW));
                site_credits::commands::remove_administrator(&store, &site, &lee, &kim)
                    .await
                    .unwrap();
            };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    runtime.unwrap().block_on(removal);
                });
            });
        }
        Fault::None
    });
    let refused = system
        .send(add(&site, &json!({})).by_person("lee@example.com"))
        .await;
    system.wire.quiet();
    assert_eq!(refused.problem(), "site-not-found");
    assert_eq!(ids(&system, &site, "limit=9").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_users_of_a_deleted_site_are_erased_by_the_schedule_also_if_it_dies_half_way() {
    for death in 0..5 {
        let system = System::new();
        let site = site(&system, SiteType::Regular, 9, 0).await;
        let lines = (0..100).map(|n| format!("x{n},Somebody,0664 12345{n:02}\n"));
        let file = format!(
            "user_id,name,mobile\n{}",
            lines.collect::<Vec<_>>().concat()
        );
        assert_eq!(system.send(import(&site, &file)).await.body["added"], 100);
        let issued = system.send(issue(&site, "x7", &json!({}), at(NOW))).await;
        let link = text(&issued.body["card"]["link"]);
        let delete = Call::delete(format!("/sites/{site}"), at(NOW)).query("forfeit=true");
        assert_eq!(system.send(delete).await.status, 200);
        let mut seen = 0;
        system.wire.plan(move |operation, _| {
            seen += usize::from(operation == "TransactWriteItems");
            if operation == "TransactWriteItems" && seen == death {
                return Fault::CrashAfter;
            }
            Fault::None
        });
        let wire = std::sync::Arc::clone(&system.wire);
        let later = at("2026-12-09T12:15:00Z");
        tokio::select! {
            biased;
            () = wire.crashed.notified() => {}
            report = system.deduct(later) => assert_eq!((&report["erased"], &report["left"]), (&json!(100), &json!(0))),
        };
        system.wire.quiet();
        system.deduct(later).await;
        let left = table(&system);
        let personal = left
            .iter()
            .filter(|item| item.contains("Somebody") || item.contains("66412345"));
        assert_eq!(personal.count(), 0, "{death}");
        let path = format!("/cards/{}", link.strip_prefix(CARD_LINK_BASE).unwrap());
        assert_eq!(
            system.send(Call::get(path, at(NOW))).await.problem(),
            "card-not-found"
        );
        assert_eq!(system.deduct(later).await["erased"], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn users_added_and_removed_at_once_are_all_counted() {
    let system = std::sync::Arc::new(System::new());
    let site = regular(&system).await;
    system.send(add(&site, &json!({ "user_id": "gone" }))).await;
    system.wire.plan(|_, _| Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    let remove = Call::delete(users(&site, "/gone"), at(NOW));
    let adding = (0..4).map(|n| add(&site, &json!({ "user_id": format!("x{n}") })));
    for call in adding.chain([remove]) {
        let system = system.clone();
        racers.spawn(async move { system.send(call).await });
    }
    while let Some(done) = racers.join_next().await {
        assert!([200, 201].contains(&done.unwrap().status));
    }
    system.wire.quiet();
    // That the roster counts four is what the harness verifies in the end.
    assert_eq!(
        ids(&system, &site, "limit=9").await,
        ["x0", "x1", "x2", "x3"]
    );
}
