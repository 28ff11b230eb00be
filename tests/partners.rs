//! Partners: batches, their codes, voiding, the sites that applied them, and the history.

use crate::harness::{ACME, Answered, Call, System, at, batches, redemption, sms_redemption};
use jiff::Timestamp;
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

const NOW: &str = "2026-12-09T12:00:00Z";

fn issue(body: &Value, now: Timestamp) -> Call {
    Call::post(batches(""), body, now).by_partner(ACME)
}

fn get(path: String, now: Timestamp) -> Call {
    Call::get(path, now).by_partner(ACME)
}

fn void(batch: &str, body: &Value, now: Timestamp) -> Call {
    Call::post(batches(&format!("/{batch}/void")), body, now).by_partner(ACME)
}

fn batch_id(issued: &Answered) -> String {
    issued.body["batch"]["batch_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn codes(issued: &Answered) -> Vec<String> {
    let codes = issued.body["codes"].as_array().unwrap();
    codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

async fn issued(system: &System, credits: u64, count: u32, now: Timestamp) -> Answered {
    let body = json!({ "credits": credits, "count": count });
    let issued = system.send(issue(&body, now)).await;
    assert_eq!(issued.status, 201, "{issued:?}");
    issued
}

async fn sum(system: &System, batch: &str, now: Timestamp) -> Value {
    let shown = system.send(get(batches(&format!("/{batch}")), now)).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let sum = &shown.body["sum"];
    let of = |name: &str| sum[name].as_u64().unwrap();
    assert_eq!(
        of("issued"),
        of("applied") + of("voided") + of("expired") + of("outstanding")
    );
    sum.clone()
}

/// The kinds of a partner's history, and how many codes each line tells of.
async fn told(system: &System, query: &str, now: Timestamp) -> Vec<(String, u64)> {
    let path = format!("/partners/{ACME}/history");
    let history = system.send(get(path, now).query(query)).await;
    let lines = history.body["history"].as_array().unwrap().iter();
    lines
        .map(|line| {
            (
                line["kind"].as_str().unwrap().to_owned(),
                line["codes"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn kind(kind: &str, codes: u64) -> (String, u64) {
    (kind.to_owned(), codes)
}

#[tokio::test(start_paused = true)]
async fn the_same_key_gives_the_same_codes_and_another_body_is_refused() {
    let (system, now) = (System::new(), at(NOW));
    let body = json!({
        "credits": 20, "maintenance_credits": 0, "count": 120, "expires_on": "2027-12-31", "note": "spring",
    });
    let first = system.send(issue(&body, now).key("spring-1")).await;
    assert_eq!((first.status, first.replayed), (201, false), "{first:?}");
    assert_eq!(codes(&first).len(), 120);
    let again = system
        .send(issue(&body, at("2026-12-10T12:00:00Z")).key("spring-1"))
        .await;
    assert_eq!((again.status, again.replayed), (201, true));
    assert_eq!(again.body, first.body);
    let mut other = body.clone();
    other["credits"] = json!(21);
    let refused = system.send(issue(&other, now).key("spring-1")).await;
    assert_eq!(refused.problem(), "idempotency-key-reused");
    let unkeyed = system.send(issue(&body, now)).await;
    assert_ne!(
        unkeyed.body["batch"]["batch_id"],
        first.body["batch"]["batch_id"]
    );
    // The codes were handed out a second time, and that is told.
    assert_eq!(
        told(&system, "", now).await,
        [
            kind("issued", 120),
            kind("issued", 120),
            kind("fetched", 120)
        ]
    );
    // The key is forgotten after two days, and then it is a new request.
    let later = system
        .send(issue(&other, at("2026-12-12T12:00:01Z")).key("spring-1"))
        .await;
    assert_eq!((later.status, later.replayed), (201, false), "{later:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_issued_is_refused_and_says_why() {
    let (system, now) = (System::new(), at(NOW));
    for (body, what) in [
        (json!({ "credits": 0, "count": 1 }), "not zero of both"),
        (json!({ "credits": 1_000_001, "count": 1 }), "0 to 1000000"),
        (json!({ "credits": 1, "count": 0 }), "1 to 10000 codes"),
        (json!({ "credits": 1, "count": 10_001 }), "1 to 10000 codes"),
        (
            json!({ "credits": 1, "count": 1, "expires_on": "2026-12-08" }),
            "expires_on must not be over",
        ),
        (
            json!({ "credits": 1, "count": 1, "site_id": "nowhere" }),
            "site_id must be 8 symbols",
        ),
        (
            json!({ "credits": 1, "count": 1, "note": "a\nb" }),
            "no control characters",
        ),
        (json!({ "credits": -1, "count": 1 }), "credits"),
        (
            json!({ "credits": 1, "count": 1, "value": 2 }),
            "unknown field `value`",
        ),
    ] {
        let refused = system.send(issue(&body, now)).await;
        assert_eq!(refused.problem(), "malformed-request", "{body}");
        assert!(refused.text.contains(what), "{body}: {}", refused.text);
    }
    assert_eq!(system.findings().await.batches, 0);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_codes_are_a_hundred_transactions_and_two() {
    let (system, now) = (System::new(), at(NOW));
    let issued = issued(&system, 5, 10_000, now).await;
    let writes = system.wire.take_seen();
    assert_eq!(
        writes.len(),
        102,
        "one begins, a hundred write, one completes"
    );
    let mut all = codes(&issued);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10_000);
    let sum = sum(&system, &batch_id(&issued), now).await;
    assert_eq!(sum["outstanding"], 10_000);
    assert_eq!(system.wire.take_seen().len(), 101);
}

#[tokio::test(start_paused = true)]
async fn an_issue_that_died_after_any_request_is_finished_by_its_repetition() {
    for last in 0..6 {
        let (system, now) = (System::new(), at(NOW));
        let body = json!({ "credits": 5, "count": 230 });
        let call = issue(&body, now).key("one");
        let mut seen = 0;
        system.wire.plan(move |_, _| {
            seen += 1;
            if seen > last {
                Fault::CrashAfter
            } else {
                Fault::None
            }
        });
        let crashed = tokio::select! {
            biased;
            () = system.wire.crashed.notified() => true,
            _ = system.send(call.clone()) => false,
        };
        assert!(crashed, "{last}");
        system.wire.quiet();
        let again = system.send(call.clone()).await;
        assert_eq!((again.status, codes(&again).len()), (201, 230));
        let third = system.send(call).await;
        assert_eq!(third.body, again.body);
        let findings = system.findings().await;
        assert_eq!((findings.codes, findings.batches), (230, 1), "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issue_without_a_key_that_died_is_finished_by_whoever_fetches_or_voids_it() {
    for fetch in [true, false] {
        let (system, now) = (System::new(), at(NOW));
        let mut seen = 0;
        system.wire.plan(move |_, _| {
            seen += 1;
            if seen == 2 {
                Fault::CrashBefore
            } else {
                Fault::None
            }
        });
        let body = json!({ "credits": 5, "count": 230 });
        tokio::select! {
            biased;
            () = system.wire.crashed.notified() => {}
            answer = system.send(issue(&body, now)) => panic!("{answer:?}"),
        }
        system.wire.quiet();
        let listed = system.send(get(batches(""), now)).await;
        let batch = &listed.body["batches"][0];
        assert_eq!(batch["complete"], false);
        let id = batch["batch_id"].as_str().unwrap();
        let begun = sum(&system, id, now).await["issued"].as_u64().unwrap();
        assert!(begun < 230, "{begun}");
        if fetch {
            let path = batches(&format!("/{id}/codes"));
            let fetched = system.send(get(path, now)).await;
            assert_eq!(fetched.body["codes"].as_array().unwrap().len(), 230);
            assert_eq!(
                told(&system, "", now).await,
                [kind("issued", 230), kind("fetched", 230)]
            );
        } else {
            let voided = system
                .send(void(id, &json!({ "reason": "lost" }), now))
                .await;
            assert_eq!(voided.body["voided"], 230, "{voided:?}");
        }
        let listed = system.send(get(batches(""), now)).await;
        assert_eq!(listed.body["batches"][0]["complete"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_says_that_the_request_is_to_be_repeated() {
    let (system, now) = (System::new(), at(NOW));
    let mut writes = 0;
    system.wire.plan(move |_, _| {
        writes += 1;
        if writes > 2 {
            Fault::Throttled
        } else {
            Fault::None
        }
    });
    let body = json!({ "credits": 5, "count": 500 });
    let call = issue(&body, now).key("one");
    let busy = system.send(call.clone()).await;
    assert_eq!(busy.problem(), "outcome-unknown", "{busy:?}");
    system.wire.quiet();
    assert_eq!(codes(&system.send(call).await).len(), 500);
}

#[tokio::test(start_paused = true)]
async fn batches_are_listed_the_newest_first_and_page_by_page() {
    let (system, now) = (System::new(), at(NOW));
    let mut made = Vec::new();
    for minute in 0..5 {
        let now = now + jiff::SignedDuration::from_mins(minute);
        made.insert(0, batch_id(&issued(&system, 1, 1, now).await));
    }
    let mut listed = Vec::new();
    let mut query = "limit=2".to_owned();
    for page in [2, 2, 1] {
        let answer = system.send(get(batches(""), now).query(&query)).await;
        let batches = answer.body["batches"].as_array().unwrap();
        assert_eq!(batches.len(), page);
        listed.extend(
            batches
                .iter()
                .map(|batch| batch["batch_id"].as_str().unwrap().to_owned()),
        );
        match answer.body["next_cursor"].as_str() {
            Some(next) => query = format!("limit=2&cursor={next}"),
            None => query.clear(),
        }
    }
    assert_eq!((listed, query), (made, String::new()));
    let wrong = system.send(get(batches(""), now).query("cursor=x")).await;
    assert_eq!(wrong.problem(), "malformed-request");
}

#[tokio::test(start_paused = true)]
async fn a_batch_adds_up_and_shows_plain_codes_of_what_is_outstanding_alone() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let body = json!({ "credits": 3, "count": 5, "expires_on": "2026-12-31" });
    let issued = system.send(issue(&body, now)).await;
    let (id, all) = (batch_id(&issued), codes(&issued));
    let now = at("2026-12-09T12:00:01Z");
    assert_eq!(
        system.send(redemption(&site, &all[1], now)).await.status,
        201
    );
    let now = at("2026-12-09T12:00:02Z");
    let body = json!({ "reason": "=misprint", "codes": [all[3].to_lowercase()] });
    assert_eq!(system.send(void(&id, &body, now)).await.body["voided"], 1);
    let expected =
        json!({ "issued": 5, "applied": 1, "voided": 1, "expired": 0, "outstanding": 3 });
    assert_eq!(sum(&system, &id, now).await, expected);
    // The last day ends last at twelve hours west: until then a site there can apply a code.
    let last = at("2027-01-01T11:59:59Z");
    assert_eq!(sum(&system, &id, last).await, expected);
    let over = at("2027-01-01T12:00:00Z");
    let expected =
        json!({ "issued": 5, "applied": 1, "voided": 1, "expired": 3, "outstanding": 0 });
    assert_eq!(sum(&system, &id, over).await, expected);
    let path = batches(&format!("/{id}/codes"));
    let fetched = system.send(get(path.clone(), last)).await;
    let states: Vec<_> = fetched.body["codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| (code["state"].as_str().unwrap(), code["code"].as_str()))
        .collect();
    assert_eq!(
        states,
        [
            ("outstanding", Some(all[0].as_str())),
            ("applied", None),
            ("outstanding", Some(all[2].as_str())),
            ("voided", None),
            ("outstanding", Some(all[4].as_str())),
        ]
    );
    assert_eq!(fetched.body["codes"][1]["site_id"], site.as_str());
    assert_eq!(fetched.body["codes"][3]["void_reason"], "=misprint");
    let csv = system
        .send(get(path.clone(), over).accept("text/csv, application/json;q=0.5"))
        .await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(
        lines[0],
        "index,code,last_four,state,applied_at,site_id,voided_at,void_reason"
    );
    let last_four = &all[0][19..];
    assert_eq!(lines[1], format!("0,,{last_four},expired,,,,"));
    assert_eq!(lines.len(), 6);
    assert!(
        lines[4].ends_with(",'=misprint"),
        "no formula: {}",
        lines[4]
    );
    let json = system
        .send(get(path.clone(), over).accept("text/csv;q=0.5, application/json"))
        .await;
    for accept in [
        "text/*;q=0.9, text/csv;q=0.1, application/json;q=0.5",
        "*/*",
        "text/csv;q=0",
    ] {
        let other = system.send(get(path.clone(), over).accept(accept)).await;
        assert_eq!(
            other.headers["content-type"], "application/json",
            "{accept}"
        );
    }
    assert_eq!(json.headers["content-type"], "application/json");
    // Who fetched, when, and how many plain codes there were.
    let lines = told(&system, "", now).await;
    assert_eq!(
        lines,
        [
            kind("issued", 5),
            kind("applied", 1),
            kind("voided", 1),
            kind("fetched", 3),
            kind("fetched", 0),
            kind("fetched", 0),
            kind("fetched", 0),
            kind("fetched", 0),
            kind("fetched", 0)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn voiding_says_how_many_of_each_and_answers_a_repetition_alike() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let issued = issued(&system, 3, 250, now).await;
    let (id, all) = (batch_id(&issued), codes(&issued));
    for code in &all[..3] {
        assert_eq!(system.send(redemption(&site, code, now)).await.status, 201);
    }
    let some = json!({ "reason": "stolen", "codes": [all[2], all[3], all[4], all[3]] });
    let first = system.send(void(&id, &some, now).key("some")).await;
    let expected = json!({ "voided": 2, "already_voided": 0, "applied": 1 });
    assert_eq!((first.status, &first.body), (200, &expected), "{first:?}");
    let whole = json!({ "reason": "the rest too" });
    let rest = system.send(void(&id, &whole, now).key("rest")).await;
    let expected_rest = json!({ "voided": 245, "already_voided": 2, "applied": 3 });
    assert_eq!(rest.body, expected_rest);
    for (body, key, expected) in [(&some, "some", expected), (&whole, "rest", expected_rest)] {
        let again = system.send(void(&id, body, now).key(key)).await;
        assert_eq!((again.body, again.replayed), (expected, true));
    }
    let spelled = json!({
        "reason": "stolen",
        "codes": [all[4].to_lowercase(), all[3], all[2].replace('-', " ")],
    });
    let again = system.send(void(&id, &spelled, now).key("some")).await;
    assert_eq!((again.status, again.replayed), (200, true), "{again:?}");
    let other = system.send(void(&id, &whole, now).key("some")).await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    let nothing = system.send(void(&id, &whole, now)).await;
    assert_eq!(
        nothing.body,
        json!({ "voided": 0, "already_voided": 247, "applied": 3 })
    );
    let refused = system.send(redemption(&site, &all[9], now)).await;
    assert_eq!((refused.status, refused.problem()), (410, "code-voided"));
}

#[tokio::test(start_paused = true)]
async fn a_voiding_that_died_after_any_request_is_finished_by_its_repetition() {
    for last in 0..10 {
        let (system, now) = (System::new(), at(NOW));
        let issued = issued(&system, 3, 250, now).await;
        let call = void(&batch_id(&issued), &json!({ "reason": "stolen" }), now).key("all");
        let mut seen = 0;
        system.wire.plan(move |_, _| {
            seen += 1;
            if seen > last {
                Fault::CrashAfter
            } else {
                Fault::None
            }
        });
        tokio::select! {
            biased;
            () = system.wire.crashed.notified() => {}
            answer = system.send(call.clone()) => panic!("{last}: {answer:?}"),
        }
        system.wire.quiet();
        let again = system.send(call).await;
        assert_eq!(again.body["voided"], 250, "{last}: {again:?}");
        assert_eq!(system.findings().await.voided, 250);
    }
}

#[tokio::test(start_paused = true)]
async fn codes_that_are_not_of_the_batch_void_nothing() {
    let (system, now) = (System::new(), at(NOW));
    let (one, other) = (
        issued(&system, 3, 2, now).await,
        issued(&system, 3, 2, now).await,
    );
    let foreign = codes(&other).remove(0);
    for wrong in [foreign.as_str(), "AAAAA-AAAAA-AAAAA-AAAAA", ""] {
        let body = json!({ "reason": "x", "codes": [codes(&one)[0], wrong] });
        let refused = system.send(void(&batch_id(&one), &body, now)).await;
        assert_eq!(refused.problem(), "code-not-recognised");
        assert_eq!(refused.body["place"], 1);
    }
    let id = batch_id(&one);
    for body in [
        json!({ "reason": "x", "codes": [] }),
        json!({ "reason": "" }),
        json!({}),
        json!({ "reason": "x", "codes": vec!["A"; 1_001] }),
    ] {
        let refused = system.send(void(&id, &body, now)).await;
        assert_eq!(refused.problem(), "malformed-request", "{body}");
    }
    let nowhere = "019b0212-0000-7000-8000-000000000000";
    for id in [nowhere, "x"] {
        let refused = system.send(void(id, &json!({ "reason": "x" }), now)).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (404, "batch-not-found")
        );
    }
    assert_eq!(sum(&system, &id, now).await["outstanding"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_largest_answer_fits_what_a_function_may_answer() {
    // The quota of a synchronous answer of Lambda, in bytes.
    const MOST: usize = 6_291_556;
    let (system, now) = (System::new(), at(NOW));
    let id = batch_id(&issued(&system, 1_000_000, 10_000, now).await);
    let body = json!({ "reason": "\"".repeat(100) });
    assert_eq!(
        system.send(void(&id, &body, now)).await.body["voided"],
        10_000
    );
    for media_type in ["application/json", "text/csv"] {
        let path = batches(&format!("/{id}/codes"));
        let fetched = system.send(get(path, now).accept(media_type)).await;
        // As Lambda counts it: the answer is itself a text within JSON.
        let answer = json!({ "body": fetched.text, "headers": fetched.headers });
        let size = answer.to_string().len();
        assert!(size < MOST, "{media_type}: {size}");
    }
    let long = json!({ "reason": "가".repeat(101) });
    assert_eq!(
        system.send(void(&id, &long, now)).await.problem(),
        "malformed-request"
    );
}

async fn sites_of(system: &System, query: &str, now: Timestamp) -> Answered {
    let path = format!("/partners/{ACME}/sites");
    system.send(get(path, now).query(query)).await
}

#[tokio::test(start_paused = true)]
async fn a_partner_sees_the_sites_that_applied_its_codes_and_whom_to_call() {
    let (system, now) = (System::new(), at("2026-12-31T12:00:00Z"));
    let gym = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let library = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let all = codes(&issued(&system, 4, 4, now).await);
    let both = json!({ "credits": 5, "maintenance_credits": 2, "count": 1 });
    let maintenance = codes(&system.send(issue(&both, now)).await);
    let other = json!({ "credits": 9, "count": 1 });
    let path = "/partners/globex/code-batches".to_owned();
    let other = codes(
        &system
            .send(Call::post(path, &other, now).by_partner("globex"))
            .await,
    );
    for (call, site, code) in [
        (
            redemption as fn(&SiteId, &str, Timestamp) -> Call,
            &gym,
            &all[0],
        ),
        (sms_redemption, &gym, &all[1]),
        (redemption, &library, &maintenance[0]),
        (redemption, &library, &other[0]),
    ] {
        assert_eq!(system.send(call(site, code, now)).await.status, 201);
    }
    system.register(&gym, &["a", "b", "c"], now).await.unwrap();
    let listed = sites_of(&system, "", now).await;
    let mut sites = listed.body["sites"].as_array().unwrap().clone();
    sites.sort_by_key(|site| site["site_type"].to_string());
    assert_eq!(
        sites,
        [
            json!({
                "site_id": gym, "site_name": "Harbour Gym", "country": "AT", "site_type": "dynamic",
                "status": "activated", "devices": 3, "monthly_cost": 3, "covered_until": "2027-01-30",
                "received": { "codes": 2, "credits": 4, "maintenance_credits": 0, "sms": 200 },
                "last_applied_at": "2026-12-31T12:00:00Z",
            }),
            json!({
                "site_id": library, "site_name": "Harbour Gym", "country": "AT", "site_type": "regular",
                "status": "activated", "devices": 0, "monthly_cost": 0, "covered_until": null,
                "received": { "codes": 1, "credits": 5, "maintenance_credits": 2, "sms": 0 },
                "last_applied_at": "2026-12-31T12:00:00Z",
            }),
        ]
    );
    let later = at("2027-01-31T12:00:00Z");
    system.deduct(later).await;
    let page = sites_of(&system, "limit=1", later).await;
    let next = page.body["next_cursor"].as_str().unwrap().to_owned();
    let rest = sites_of(&system, &format!("limit=1&cursor={next}"), later).await;
    assert_eq!(rest.body["next_cursor"], Value::Null);
    let halted = [&page, &rest].map(|page| page.body["sites"][0]["status"].clone());
    assert!(halted.contains(&json!("payment_required")), "{halted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_history_is_read_by_dates_of_utc_and_page_by_page() {
    let system = System::new();
    let days = [
        "2026-12-09T23:59:59Z",
        "2026-12-10T00:00:00Z",
        "2026-12-11T00:00:00Z",
    ];
    for day in days {
        issued(&system, 1, 2, at(day)).await;
    }
    let now = at("2026-12-31T00:00:00Z");
    for (query, lines) in [
        ("", 3),
        ("from=2026-12-10", 2),
        ("to=2026-12-10", 2),
        ("from=2026-12-10&to=2026-12-10", 1),
        ("from=2027-01-01", 0),
        ("to=9999-12-31", 3),
        ("from=9999-12-31", 0),
    ] {
        assert_eq!(told(&system, query, now).await.len(), lines, "{query}");
    }
    let path = format!("/partners/{ACME}/history");
    let first = system.send(get(path.clone(), now).query("limit=2")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let query = format!("limit=2&cursor={cursor}");
    assert_eq!(told(&system, &query, now).await.len(), 1);
    // A cursor of one period in another: what lies outside is not shown, and nothing fails.
    for (period, lines) in [("from=2026-12-11", 1), ("to=2026-12-09", 0)] {
        let query = format!("{period}&cursor={cursor}");
        assert_eq!(told(&system, &query, now).await.len(), lines, "{query}");
    }
    for wrong in [
        "cursor=%",
        "cursor=",
        "from=2026-13-01",
        "limit=0",
        "from=2026-12-11&to=2026-12-10",
    ] {
        let refused = system.send(get(path.clone(), now).query(wrong)).await;
        assert_eq!(refused.problem(), "malformed-request", "{wrong}");
    }
}
