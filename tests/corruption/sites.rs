//! Sites whose item is not what their statement says.

use super::Books;
use crate::harness::at;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_balance_off_by_one_is_found() {
    for (balance, off) in [
        ("credits", "5"),
        ("sms", "501"),
        ("maintenance_credits", "1"),
    ] {
        let books = Books::new().await;
        let mut site = books.site();
        assert_ne!(site[balance]["N"], off);
        site[balance]["N"] = json!(off);
        books.put(&site);
        books.shows(&["and its entries add up to"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_due_date_that_was_skipped_is_found() {
    let books = Books::new().await;
    let mut site = books.site();
    site["charged_through"]["S"] = json!("2027-03-09");
    books.put(&site);
    books
        .shows(&[
            "the due date 2027-03-09 was never charged",
            "its place on the agenda is not that of what comes next",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_forgot_what_was_charged_is_found() {
    let books = Books::new().await;
    let mut site = books.site();
    site["charged_through"]["S"] = json!("2027-01-09");
    books.put(&site);
    books
        .shows(&[
            "it forgot what was charged",
            "its place on the agenda is not that of what comes next",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_without_an_entry_is_found() {
    let books = Books::new().await;
    let mut site = books.site();
    site["status"]["S"] = json!("payment_required");
    books.put(&site);
    books
        .shows(&[
            "its status or time is not that of its last entry",
            "its status is not that of its statement",
            "it is on the agenda, and nothing is to come",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_gone_and_an_item_of_no_kind_are_found() {
    let books = Books::new().await;
    let site = books.site();
    books.delete(&site);
    books.put(&json!({ "PK": { "S": "SITE#x" }, "SK": { "S": "BALANCE" } }));
    let found = books.found().await;
    assert!(
        found[0].contains("SITE#x / BALANCE is of no known kind"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|what| what.contains("there are entries or devices, and no site")),
        "{found:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_missing_from_the_agenda_or_in_a_wrong_place_of_it_is_found() {
    let books = Books::new().await;
    let site = books.site();
    let mut missing = site.clone();
    missing.as_object_mut().unwrap().remove("agenda_at");
    books.put(&missing);
    books
        .shows(&["it has something to come, and is not on the agenda"])
        .await;
    for (name, value) in [("agenda_at", "2027-03-10T23:00:00Z"), ("agenda_shard", "9")] {
        let mut wrong = site.clone();
        wrong[name]["S"] = json!(value);
        books.put(&wrong);
        books
            .shows(&["its place on the agenda is not that of what comes next"])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_that_says_it_was_charged_since_is_found() {
    let books = Books::new().await;
    for month in ["2027-03-09", "2027-04-09", "2027-05-09"] {
        books.system.deduct(at(&format!("{month}T12:00:00Z"))).await;
    }
    let mut site = books.site();
    assert_eq!(site["status"]["S"], "payment_required");
    assert_eq!(books.system.findings().await.violations, []);
    site["charged_through"]["S"] = json!("2027-05-09");
    books.put(&site);
    books
        .shows(&["it is halted, and says that it was charged since"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_that_could_pay_is_found() {
    let books = Books::new().await;
    for month in ["2027-03-09", "2027-04-09", "2027-05-09"] {
        books.system.deduct(at(&format!("{month}T12:00:00Z"))).await;
    }
    let now = at("2027-05-10T12:00:00Z");
    books
        .system
        .remove(&books.site, "door-1", now)
        .await
        .unwrap();
    let halted = books.site();
    assert_eq!(halted["status"]["S"], "payment_required");
    // With the last device nothing is owed, and the site resumes: as if it did not.
    books
        .system
        .remove(&books.site, "door-2", now)
        .await
        .unwrap();
    let mut site = books.site();
    let last = site["sequence"]["N"].as_str().unwrap().parse().unwrap();
    let resume = books.entry(last);
    assert_eq!(resume["kind"]["S"], "resume");
    books.delete(&resume);
    site["last_hash"] = resume["previous_hash"].clone();
    site["sequence"]["N"] = json!((last - 1).to_string());
    for name in ["status", "charged_through"] {
        site[name] = halted[name].clone();
    }
    books.put(&site);
    books
        .shows(&["it is halted, and its balance covers what it owes"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_says_it_was_warned_is_found() {
    let books = Books::new().await;
    let mut site = books.site();
    site["warned"] = json!({ "N": "7" });
    books.put(&site);
    books.shows(&["it was not warned as it says"]).await;
}

#[tokio::test(start_paused = true)]
async fn settings_and_administrators_that_are_not_those_of_the_statement_are_found() {
    for (name, value) in [
        ("name", "Other"),
        ("language", "ko"),
        ("time_zone", "Europe/Berlin"),
        ("country", "DE"),
    ] {
        let books = Books::of_a_partner().await;
        let mut site = books.site();
        site[name]["S"] = json!(value);
        books.put(&site);
        let found = books.found().await;
        assert!(
            found[0].contains("its settings are not those of its statement"),
            "{found:?}"
        );
    }
    let books = Books::of_a_partner().await;
    let mut site = books.site();
    site["administrators"]["L"][1]["M"]["role"]["S"] = json!("master");
    books.put(&site);
    books
        .shows(&["its administrators are not those of its statement"])
        .await;
    let lee = |books: &Books| {
        let items = books.items("SITE#").into_iter();
        let mut found = items.filter(|item| item["PK"]["S"] == "ADMIN#lee@example.com");
        found.next().unwrap()
    };
    let books = Books::of_a_partner().await;
    books.delete(&lee(&books));
    books
        .shows(&["those who find it among their sites are not"])
        .await;
    let books = Books::of_a_partner().await;
    let mut eve = lee(&books);
    eve["PK"]["S"] = json!("ADMIN#eve@example.com");
    books.put(&eve);
    books
        .shows(&["those who find it among their sites are not"])
        .await;
}
