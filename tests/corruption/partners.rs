//! A partner's history and sums.

use super::Books;
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
        ("applied", "it is not in the history once"),
    ] {
        let books = Books::of_a_partner().await;
        books.delete(&line(&books, kind));
        books.shows(&[says]).await;
    }
    for (kind, says) in [
        ("issued", "and in the history as [(4,"),
        ("voided", "2 codes are voided, and 4 are in the history"),
        // Its ID is not that of any entry.
        ("applied", "the history has it, and it never happened"),
    ] {
        let books = Books::of_a_partner().await;
        let mut again = line(&books, kind);
        again["SK"]["S"] = json!(format!("{}-again", again["SK"]["S"].as_str().unwrap()));
        books.put(&again);
        books.shows(&[says]).await;
    }
    for (name, value) in [
        ("site_id", json!({ "S": "00000000S" })),
        ("recharge", json!({ "S": "sms" })),
    ] {
        let books = Books::of_a_partner().await;
        let mut elsewhere = line(&books, "applied");
        elsewhere[name] = value;
        books.put(&elsewhere);
        books
            .shows(&[
                "it is not in the history once",
                "the history has it, and it never happened",
            ])
            .await;
    }
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
    for kind in ["issued", "voided", "applied"] {
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
        let sums = books.items("SITE#");
        let mut sum = sums
            .into_iter()
            .find(|item| item["PK"]["S"] == "ACCOUNT#acme")
            .unwrap();
        sum[name]["N"] = json!("7");
        books.put(&sum);
        books.shows(&["by its statement, and"]).await;
    }
}
