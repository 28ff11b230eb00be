//! A partner's history and sums.

use super::Books;
use crate::harness::ACME;
use serde_json::{Value, json};

/// The line of the history of a kind.
fn line(books: &Books, kind: &str) -> Value {
    let mut lines = books.items("HISTORY#");
    lines.retain(|line| line["kind"]["S"] == kind);
    lines.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_history_that_is_missing_or_invented_is_found() {
    for (kind, says) in [
        ("issued", "and in the history as []"),
        ("voided", "2 codes are voided, and 0 are in the history"),
    ] {
        let books = Books::of_a_partner().await;
        books.delete(&line(&books, kind));
        books.shows(&[says]).await;
    }
    for (kind, says) in [
        ("issued", "and in the history as [(4,"),
        ("voided", "2 codes are voided, and 4 are in the history"),
    ] {
        let books = Books::of_a_partner().await;
        let mut again = line(&books, kind);
        again["SK"]["S"] = json!(format!("{}-again", again["SK"]["S"].as_str().unwrap()));
        books.put(&again);
        books.shows(&[says]).await;
    }
    // A line of the first form that tells of what a code tells of, too.
    let books = Books::of_a_partner().await;
    let code = books.code(true);
    let mut again = line(&books, "issued");
    let place = code["account_at"]["S"].as_str().unwrap();
    again["SK"] = json!({ "S": place.replace("APPLIED#", "HISTORY#") });
    again["at"] = code["applied_at"].clone();
    again["kind"] = json!({ "S": "applied" });
    again["site_id"] = code["applied_to"].clone();
    again["code_last_four"] = code["last_four"].clone();
    for (name, of) in [
        ("codes", json!({ "N": "1" })),
        ("credits", code["credits"].clone()),
        ("recharge", code["recharge"].clone()),
    ] {
        again[name] = of;
    }
    books.put(&again);
    books.shows(&["it is not in the history once"]).await;
    let books = Books::of_a_partner().await;
    let mut by_another = line(&books, "issued");
    by_another["by"]["S"] = json!("eve");
    books.put(&by_another);
    books.shows(&["and in the history as [(4,"]).await;
    let books = Books::of_a_partner().await;
    let mut late = line(&books, "voided");
    late["at"]["S"] = json!("2027-02-11T12:00:00Z");
    books.put(&late);
    books
        .shows(&[
            "holds the line of another instant",
            "2 codes are voided, and 0 are in the history",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_history_with_another_amount_is_found() {
    for kind in ["issued", "voided"] {
        let books = Books::of_a_partner().await;
        let mut wrong = line(&books, kind);
        wrong["credits"]["N"] = json!("11");
        books.put(&wrong);
        books.shows(&["tells of another value"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sum_of_a_partner_that_is_not_that_of_the_statement_is_found() {
    for name in ["codes", "credits", "maintenance_credits", "sms"] {
        let books = Books::of_a_partner().await;
        let mut site = books.site();
        site["received"]["M"][ACME]["M"][name]["N"] = json!("7");
        books.put(&site);
        books.shows(&["by its statement, and"]).await;
    }
    // An item of the first form counts, too.
    let books = Books::of_a_partner().await;
    let number = |number: &str| json!({ "N": number });
    books.put(&json!({
        "PK": { "S": format!("ACCOUNT#{ACME}") },
        "SK": { "S": format!("SITE#{}", books.site) },
        "codes": number("1"), "credits": number("0"), "maintenance_credits": number("0"), "sms": number("0"),
        "last_applied_at": { "S": "2026-12-09T12:00:00Z" },
    }));
    books.shows(&["by its statement, and"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_not_on_its_partners_account_is_found() {
    for place in [None, Some("APPLIED#2026-12-09T12:00:00.000000001Z#x-1")] {
        let books = Books::of_a_partner().await;
        let mut code = books.code(true);
        match place {
            Some(place) => code["account_at"] = json!({ "S": place }),
            None => drop(code.as_object_mut().unwrap().remove("account_at")),
        }
        books.put(&code);
        books
            .shows(&["is not on the index of accounts as it should be"])
            .await;
    }
    let books = Books::of_a_partner().await;
    let mut code = books.code(true);
    code["recharge"] =
        json!({ "S": if code["recharge"]["S"] == "sms" { "credits" } else { "sms" } });
    books.put(&code);
    books
        .shows(&[
            "it is not in the history once",
            "the history has it, and it never happened",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_leads_to_no_site_or_twice_is_found() {
    let books = Books::of_a_partner().await;
    let mut first = books.entry(2);
    assert_eq!(first["account_at"]["S"], format!("SITE#{}", books.site));
    for name in ["account_at", "partner_id"] {
        first.as_object_mut().unwrap().remove(name);
    }
    books.put(&first);
    books.shows(&["entry 2 of site"]).await;
    let books = Books::of_a_partner().await;
    let (first, mut second) = (books.entry(2), books.entry(3));
    for name in ["account_at", "partner_id"] {
        second[name] = first[name].clone();
    }
    books.put(&second);
    books.shows(&["entry 3 of site"]).await;
    second["account_at"] = json!({ "S": "SITE#00000000S" });
    books.put(&second);
    books
        .shows(&["leads to another site", "entry 3 of site"])
        .await;
}
