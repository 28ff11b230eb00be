//! Warnings before a site falls short, on a halt and on a resume: once each, and told to whom it concerns.

use crate::harness::{Call, System, at, redemption};
use jiff::{SignedDuration, Timestamp};
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

async fn recharge(system: &System, site: &SiteId, credits: u64, now: Timestamp) {
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    let done = system.send(redemption(site, &code, now)).await;
    assert_eq!(done.status, 201, "{done:?}");
}

/// A site with one device of the 31st of January, which `credits` pay for so many months more.
async fn equipped(system: &System, zone: &str, credits: u64, now: Timestamp) -> SiteId {
    let site = system.site(SiteType::Dynamic, zone, now).await;
    recharge(system, &site, credits + 1, now).await;
    system.register(&site, &["door"], now).await.unwrap();
    site
}

/// Runs the schedule every quarter of an hour, from one instant until before another.
async fn run_schedule(system: &System, from: &str, until: &str) {
    let (mut now, until) = (at(from), at(until));
    while now < until {
        system.deduct(now).await;
        now += SignedDuration::from_mins(15);
    }
}

/// What the statement says of warnings, halts and resumes: the kind, when, and what it refers to.
async fn told(system: &System, site: &SiteId) -> Vec<(String, String, Value)> {
    let entries = system.statement(site, at("2026-01-01T00:00:00Z")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notices = entries
        .iter()
        .filter(|entry| ["warning", "halt", "resume"].contains(&entry["kind"].as_str().unwrap()));
    notices
        .map(|e| (text(&e["kind"]), text(&e["at"]), e["refers_to"].clone()))
        .collect()
}

fn warning(when: &str, days: u8, on: &str, missing: u64) -> (String, String, Value) {
    let refers_to = json!({ "days_before": days, "falls_short_on": on, "missing": missing });
    ("warning".to_owned(), when.to_owned(), refers_to)
}

#[tokio::test(start_paused = true)]
async fn a_site_is_warned_28_7_and_1_days_before_it_falls_short_from_its_own_midnight_on() {
    let system = System::new();
    // One credit is left, for 28 February; the next due date is 31 March, in Vienna's summer time.
    let site = equipped(&system, "Europe/Vienna", 1, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-04-02T00:00:00Z").await;
    let halt = json!({ "due_on": "2027-03-31", "devices": 1 });
    let expected = [
        warning("2027-03-02T23:00:00Z", 28, "2027-03-31", 1),
        warning("2027-03-23T23:00:00Z", 7, "2027-03-31", 1),
        warning("2027-03-29T22:00:00Z", 1, "2027-03-31", 1),
        ("halt".to_owned(), "2027-03-30T22:00:00Z".to_owned(), halt),
    ];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_recharge_that_moves_the_day_cancels_the_warnings_and_a_later_shortage_warns_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    // It falls short on 28 February. It is warned, and recharged before the last warning.
    run_schedule(&system, "2027-01-31T08:15:00Z", "2027-02-24T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-02-24T10:00:00Z")).await;
    run_schedule(&system, "2027-02-24T10:00:00Z", "2027-03-25T00:00:00Z").await;
    let expected = [
        warning("2027-01-31T08:15:00Z", 28, "2027-02-28", 1),
        warning("2027-02-21T00:00:00Z", 7, "2027-02-28", 1),
        // Now of 31 March: nothing more was said of February.
        warning("2027-03-03T00:00:00Z", 28, "2027-03-31", 1),
        warning("2027-03-24T00:00:00Z", 7, "2027-03-31", 1),
    ];
    assert_eq!(told(&system, &site).await, expected);
    // Another credit moves the day to April, and a device that takes it brings the day back: that is a later shortage.
    recharge(&system, &site, 1, at("2027-03-25T10:00:00Z")).await;
    system
        .register(&site, &["late"], at("2027-03-25T10:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-03-25T10:15:00Z", "2027-03-31T00:00:00Z").await;
    let all = told(&system, &site).await;
    let expected = [
        warning("2027-03-25T10:15:00Z", 7, "2027-03-31", 1),
        warning("2027-03-30T00:00:00Z", 1, "2027-03-31", 1),
    ];
    assert_eq!(all[4..], expected);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_moves_the_day_cancels_the_warnings_too() {
    let system = System::new();
    let site = equipped(&system, "UTC", 1, at("2027-01-31T08:00:00Z")).await;
    recharge(&system, &site, 1, at("2027-01-31T08:00:00Z")).await;
    system
        .register(&site, &["other"], at("2027-01-31T08:00:00Z"))
        .await
        .unwrap();
    // Two are due on 28 February, and one is there.
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-02-22T00:00:00Z").await;
    system
        .remove(&site, "other", at("2027-02-22T10:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-02-22T10:00:00Z", "2027-03-04T00:00:00Z").await;
    let expected = [
        warning("2027-02-20T00:00:00Z", 28, "2027-02-28", 1),
        warning("2027-02-21T00:00:00Z", 7, "2027-02-28", 1),
        warning("2027-03-03T00:00:00Z", 28, "2027-03-31", 1),
    ];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_shortage_that_comes_near_at_once_is_warned_of_once_by_the_nearest_warning() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-26T08:00:00Z")).await;
    // The scheduler was down until the 20th of February, six days before the shortage.
    run_schedule(&system, "2027-02-20T08:00:00Z", "2027-02-21T00:00:00Z").await;
    let expected = [warning("2027-02-20T08:00:00Z", 7, "2027-02-26", 1)];
    assert_eq!(told(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_resumes_with_too_little_is_warned_again() {
    let system = System::new();
    let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-27T23:00:00Z", "2027-03-01T00:00:00Z").await;
    recharge(&system, &site, 1, at("2027-03-29T10:00:00Z")).await;
    run_schedule(&system, "2027-03-29T10:15:00Z", "2027-03-30T12:00:00Z").await;
    let kinds: Vec<_> = told(&system, &site).await;
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(kind, when, _)| (kind.as_str(), when.as_str()))
        .collect();
    let expected = [
        ("warning", "2027-02-27T23:00:00Z"),
        ("halt", "2027-02-28T00:00:00Z"),
        ("resume", "2027-03-29T10:00:00Z"),
        ("warning", "2027-03-29T10:15:00Z"), // two days before: a week's warning
        ("warning", "2027-03-30T00:00:00Z"),
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_never_falls_short_within_the_calendar_is_not_warned_and_costs_nothing() {
    let system = System::new();
    let now = at("2027-01-31T08:00:00Z");
    let site = equipped(&system, "UTC", 5, now).await;
    for at_once in ["2027-02-01T00:00:00Z", "2027-02-27T00:00:00Z"] {
        system.wire.take_seen();
        assert_eq!(system.deduct(at(at_once)).await["sites"], 0);
        let reads = system.wire.take_seen();
        assert!(
            reads.iter().all(|seen| seen.operation == "Query"),
            "{reads:?}"
        );
    }
    assert_eq!(told(&system, &site).await, []);
    let regular = system.site(SiteType::Regular, "UTC", now).await;
    run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-28T00:00:00Z").await;
    assert_eq!(told(&system, &regular).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_written_once_whatever_happens_on_the_way() {
    for fault in [
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Conflict,
        Fault::Throttled,
    ] {
        let system = System::new();
        let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
        let mut faults = 1;
        system.wire.plan(move |operation, _| {
            if operation == "TransactWriteItems" && faults > 0 {
                faults -= 1;
                return fault;
            }
            Fault::None
        });
        system.deduct(at("2027-02-27T00:00:00Z")).await;
        system.deduct(at("2027-02-27T00:00:00Z")).await;
        system.wire.quiet();
        assert_eq!(told(&system, &site).await.len(), 1, "{fault:?}");
    }
}

/// The notices that were published, each as its entry's ID and its kind.
fn published(system: &System) -> Vec<(String, String)> {
    let messages = system.sns.messages();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notices = messages["notices"].as_array().unwrap().iter();
    notices
        .map(|notice| {
            let attributes = &notice["attributes"];
            (text(&attributes["entry_id"]), text(&attributes["kind"]))
        })
        .collect()
}

/// Hands out what is new in the statements until nothing is left.
async fn hand_out(system: &System) {
    while system.hand_out().await {}
}

#[tokio::test(start_paused = true)]
async fn warnings_halts_and_resumes_are_published_in_order_with_what_to_filter_by() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 0, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-03-01T00:00:00Z").await;
    recharge(&system, &site, 5, at("2027-03-03T08:00:00Z")).await;
    hand_out(&system).await;
    let ids: Vec<String> = published(&system).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [4, 5, 6, 7, 10].map(|entry| format!("{site}-{entry}")));
    let messages = system.sns.messages();
    let notices = messages["notices"].as_array().unwrap();
    let expected = [
        format!(
            "Harbour Gym ({site}): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (28-day warning)"
        ),
        format!(
            "Harbour Gym ({site}): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (7-day warning)"
        ),
        format!(
            "Harbour Gym ({site}): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (1-day warning)"
        ),
        format!(
            "Harbour Gym ({site}): on 2027-02-28 the balance did not do (credits due: 1, missing: 1). The site is halted until it is recharged."
        ),
        format!("Harbour Gym ({site}): the site runs again since 2027-03-03."),
    ];
    for (notice, expected) in notices.iter().zip(&expected) {
        assert_eq!(notice["text"], *expected);
    }
    let halt = &notices[3];
    assert_eq!(halt["subject"], format!("Site halted: {site}"));
    let attributes = json!({
        "site_id": site, "kind": "halt", "language": "en", "entry_id": format!("{site}-7"), "at": "2027-02-27T23:00:00Z",
    });
    assert_eq!(halt["attributes"], attributes);
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_in_the_language_of_its_site() {
    for (language, part) in [
        ("ko", "크레딧 1개가 부족"),
        ("de", "fehlende Credits: 1"),
        ("fr", "crédits manquants : 1"),
        ("es", "créditos que faltan: 1"),
        ("ja", "クレジットが 1 不足"),
        ("it", "credits missing: 1"),
    ] {
        let system = System::new();
        let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
        let body = json!({ "language": language });
        let settings = Call::patch(format!("/sites/{site}"), &body, at("2027-01-31T08:00:00Z"));
        assert_eq!(system.send(settings).await.status, 200);
        run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-27T00:15:00Z").await;
        hand_out(&system).await;
        let notice = system.sns.messages()["notices"][0].clone();
        let text = notice["text"].as_str().unwrap();
        assert!(text.contains(part) && text.contains("2027-02-28"), "{text}");
        assert!(
            text.contains(site.as_str()) && text.contains("Harbour Gym"),
            "{text}"
        );
        let told = if language == "it" { "en" } else { language };
        assert_eq!(notice["attributes"]["language"], told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_is_asked_again_and_nothing_is_left_out_or_out_of_order() {
    use run_local::sns::Fault;
    for fault in [
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Throttled,
        Fault::InternalError,
    ] {
        let system = System::new();
        let sites = [
            equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await,
            equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await,
        ];
        run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-28T00:15:00Z").await;
        let mut count = 0;
        system.sns.plan(move |_| {
            count += 1;
            if [1, 5, 6].contains(&count) {
                fault
            } else {
                Fault::None
            }
        });
        hand_out(&system).await;
        let all = published(&system);
        for site in &sites {
            let mut own: Vec<&(String, String)> = Vec::new();
            for notice in all.iter().filter(|(id, _)| id.starts_with(site.as_str())) {
                // At least once: repeats are told by their IDs, and come in order.
                if !own.contains(&notice) {
                    own.push(notice);
                }
            }
            let kinds: Vec<&str> = own.iter().map(|(_, kind)| kind.as_str()).collect();
            assert_eq!(kinds, ["warning", "halt"], "{fault:?} {all:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_record_is_held_back_and_stops_neither_other_sites_nor_for_ever() {
    let system = System::new();
    let poisoned = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    let other = equipped(&system, "UTC", 0, at("2027-01-31T09:00:00Z")).await;
    let event: Value = serde_json::from_str(include_str!("data/stream-event.json")).unwrap();
    let record = |site: &SiteId, number: u64, image: Value| {
        let mut record = event["Records"][0].clone();
        record["dynamodb"]["SequenceNumber"] = json!(number.to_string());
        record["dynamodb"]["Keys"]["PK"]["S"] = json!(format!("SITE#{site}"));
        record["dynamodb"]["NewImage"] = image;
        record
    };
    let image = |site: &SiteId| {
        let mut image = event["Records"][0]["dynamodb"]["NewImage"].clone();
        image["PK"]["S"] = json!(format!("SITE#{site}"));
        image["site_id"]["S"] = json!(site);
        image
    };
    let mut broken = image(&poisoned);
    broken["sequence"] = json!({ "S": "seven" });
    let mut later = image(&other);
    later["sequence"]["N"] = json!("8");
    let nobody = SiteId::parse("ZZZZZZZZ").unwrap();
    let batch = json!({ "Records": [
        record(&poisoned, 1, broken),
        record(&other, 2, image(&other)),
        record(&poisoned, 3, image(&poisoned)),
        record(&nobody, 4, image(&nobody)),
        record(&other, 5, later),
    ] });
    let answer = system
        .invoke_raw("publish-notices", batch.clone())
        .await
        .unwrap();
    let failed =
        json!({ "batchItemFailures": [{ "itemIdentifier": "1" }, { "itemIdentifier": "4" }] });
    assert_eq!(answer, failed);
    let sites: Vec<String> = published(&system)
        .into_iter()
        .map(|(id, _)| id[..8].to_owned())
        .collect();
    assert_eq!(
        sites,
        [other.as_str(), other.as_str()],
        "nothing of the poisoned site is out of order"
    );
    // Handed out again, what was published is not published again by the same process.
    let again = system.invoke_raw("publish-notices", batch).await.unwrap();
    assert_eq!(again, failed);
    assert_eq!(published(&system).len(), 2);
    // What is of no concern is passed by.
    let mut changed = record(&poisoned, 6, image(&poisoned));
    changed["eventName"] = json!("MODIFY");
    let mut site = record(
        &poisoned,
        7,
        json!({ "PK": { "S": "SITE#x" }, "SK": { "S": "SITE" } }),
    );
    site["dynamodb"]["Keys"]["SK"]["S"] = json!("SITE");
    let mut deduction = image(&poisoned);
    deduction["kind"]["S"] = json!("deduction");
    let batch = json!({ "Records": [changed, site, record(&poisoned, 8, deduction)] });
    let answer = system.invoke_raw("publish-notices", batch).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_halted_and_resumes_in_one_change_is_warned_of_the_next_shortage() {
    let system = System::new();
    let registered = at("2027-03-31T08:00:00Z");
    let site = system.site(SiteType::Dynamic, "UTC", registered).await;
    recharge(&system, &site, 3, registered).await;
    system
        .register(&site, &["a", "b"], registered)
        .await
        .unwrap();
    run_schedule(&system, "2027-04-03T00:00:00Z", "2027-04-03T00:15:00Z").await;
    // Two are due on 30 April and one is there: removing a device halts the site and resumes it.
    system
        .remove(&site, "a", at("2027-04-30T08:00:00Z"))
        .await
        .unwrap();
    run_schedule(&system, "2027-05-03T00:00:00Z", "2027-05-03T00:15:00Z").await;
    let kinds: Vec<String> = told(&system, &site)
        .await
        .into_iter()
        .map(|(kind, ..)| kind)
        .collect();
    assert_eq!(kinds, ["warning", "halt", "resume", "warning"]);
}
