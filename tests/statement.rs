//! The statement: its pages and periods, and its chain, verified as a stranger would who has nothing but the JSON.

use crate::harness::{Call, System, at, license_of, redemption};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};
use site_credits::domain::model::site::SiteType;
use std::collections::BTreeMap;

const NOON: &str = "2026-12-09T12:00:00Z";

/// RFC 8785, for what entries hold: members sorted by name, no white space.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

pub(crate) fn hash_of(entry: &Value) -> String {
    let mut entry = entry.clone();
    entry.as_object_mut().unwrap().remove("hash");
    data_encoding::HEXLOWER.encode(&Sha256::digest(canonical(&entry).as_bytes()))
}

/// Whether the license's head is the last of these entries or one before it, as the page of Python in the docs sees it.
fn reaches(entries: &[Value], license: &Value) -> bool {
    let head = [&license["sequence"], &license["last_hash"]];
    let mut entries = entries.iter();
    entries.any(|entry| [&entry["sequence"], &entry["hash"]] == head)
}

#[tokio::test(start_paused = true)]
async fn a_statement_whose_end_was_cut_off_is_seen_by_the_license() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    for code in system.codes(2, 0, 3, now).await {
        let redeemed = system.send(redemption(&site, &code, now)).await;
        // The answer to a redemption has the license too.
        let license = system.send(license_of(&site, now)).await;
        assert_eq!(redeemed.body["license"], license.body);
        assert_eq!(license.body["sequence"], redeemed.body["entry"]["sequence"]);
        assert_eq!(license.body["last_hash"], redeemed.body["entry"]["hash"]);
    }
    let before = system.send(license_of(&site, now)).await.body;
    system.register(&site, &["door"], now).await.unwrap();
    let license = system.send(license_of(&site, now)).await.body;
    let entries = system.statement(&site, now).await;
    assert!(reaches(&entries, &license));
    assert!(
        reaches(&entries, &before),
        "a license can be older than the statement"
    );
    for length in 0..entries.len() {
        assert!(!reaches(&entries[..length], &license), "{length} entries");
    }
}

#[tokio::test(start_paused = true)]
async fn anyone_can_verify_a_chain_from_the_statement_alone() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    for code in system.codes(5, 0, 3, now).await {
        assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
    }
    system
        .register(&site, &["free-1", "door-2"], now)
        .await
        .unwrap();
    system.deduct(at("2027-01-09T12:00:00Z")).await;
    let entries = system.statement(&site, now).await;
    assert_eq!(entries.len(), 6);
    let mut previous = "0".repeat(64);
    let mut credits = 0;
    for (place, entry) in entries.iter().enumerate() {
        assert_eq!(entry["sequence"], place + 1);
        assert_eq!(entry["previous_hash"], previous);
        assert_eq!(entry["hash"], hash_of(entry));
        credits += entry["changes"]["credits"].as_i64().unwrap();
        assert_eq!(entry["balances"]["credits"], credits);
        previous = entry["hash"].as_str().unwrap().to_owned();
    }
}

#[test]
fn the_example_of_the_docs_is_right() {
    let docs = include_str!("../docs/DATA_MODEL.md");
    let example = docs.split("<!-- hashed form -->").nth(1).unwrap();
    let mut blocks = example
        .split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').unwrap().1.trim());
    let (form, hash) = (blocks.next().unwrap(), blocks.next().unwrap());
    assert_eq!(
        data_encoding::HEXLOWER.encode(&Sha256::digest(form.as_bytes())),
        hash
    );
    let entry: Value = serde_json::from_str(form).unwrap();
    assert_eq!(canonical(&entry), form);
}

/// The entries among the examples of the contract.
fn examples<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) if members.contains_key("previous_hash") => found.push(value),
        Value::Object(members) => members.values().for_each(|value| examples(value, found)),
        Value::Array(items) => items.iter().for_each(|value| examples(value, found)),
        _ => {}
    }
}

#[test]
fn the_examples_of_the_contract_are_hashed_as_entries_are() {
    let contract: Value = serde_saphyr::from_str(site_credits::http::OPENAPI).unwrap();
    let mut found = Vec::new();
    examples(&contract["paths"], &mut found);
    assert!(found.len() > 15, "{}", found.len());
    for entry in found {
        assert_eq!(entry["hash"], hash_of(entry), "{entry}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    for code in system.codes(1, 0, 24, now).await {
        assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
    }
    for limit in [1, 7, 24, 25, 26, 100] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut call = Call::get(format!("/sites/{site}/license/statement"), now);
            call.query = format!("limit={limit}{cursor}");
            let page = system.send(call).await.body;
            let entries = page["entries"].as_array().unwrap();
            assert!((1..=limit).contains(&entries.len()));
            seen.extend(
                entries
                    .iter()
                    .map(|entry| entry["sequence"].as_u64().unwrap()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, (1..=25).collect::<Vec<u64>>(), "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_period_is_in_the_dates_of_the_site_and_both_its_ends_belong_to_it() {
    let (system, first) = (System::new(), at("2026-12-01T12:00:00Z"));
    // Noon in Kiritimati's UTC+14 is 02:00 of the next day there.
    let site = system
        .site(SiteType::Regular, "Pacific/Kiritimati", first)
        .await;
    let mut now = first;
    for code in system.codes(1, 0, 60, first).await {
        assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
        now += SignedDuration::from_hours(12);
    }
    let all = system.statement(&site, now).await;
    let zone = jiff::tz::TimeZone::get("Pacific/Kiritimati").unwrap();
    let date_of = |entry: &Value| {
        zone.to_datetime(entry["at"].as_str().unwrap().parse::<Timestamp>().unwrap())
            .date()
            .to_string()
    };
    for (from, to) in [
        ("2026-12-01", "2026-12-01"),
        ("2026-12-02", "2026-12-02"),
        ("2026-12-05", "2026-12-09"),
        ("2026-12-30", "2027-01-31"),
        ("2020-01-01", "2020-12-31"),
        ("2030-01-01", "2030-12-31"),
        ("0001-01-01", "9999-12-31"),
        ("2026-12-03", "2026-12-03"),
    ] {
        let mut call = Call::get(format!("/sites/{site}/license/statement"), now);
        call.query = format!("from={from}&to={to}&limit=100");
        let page = system.send(call).await;
        let expected: Vec<&Value> = all
            .iter()
            .filter(|entry| (from..=to).contains(&date_of(entry).as_str()))
            .collect();
        let found: Vec<&Value> = page.body["entries"].as_array().unwrap().iter().collect();
        assert_eq!(found, expected, "{from} to {to}");
    }
    // The 5th begins with entry 8, and the 9th ends with entry 17.
    let mut cursor = String::new();
    for expected in [vec![8, 9, 10, 11], vec![12, 13, 14, 15], vec![16, 17]] {
        let mut call = Call::get(format!("/sites/{site}/license/statement"), now);
        call.query = format!("from=2026-12-05&to=2026-12-09&limit=4{cursor}");
        let page = system.send(call).await.body;
        let entries = page["entries"].as_array().unwrap().iter();
        let sequences: Vec<u64> = entries.map(|e| e["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, expected, "{cursor}");
        let next = page["next_cursor"].as_str();
        assert_eq!(next.is_none(), expected.contains(&17), "{cursor}");
        cursor = next.map_or_else(String::new, |next| format!("&cursor={next}"));
    }
}
