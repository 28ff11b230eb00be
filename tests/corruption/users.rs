//! Devices, users, cards and messages.

use super::Books;
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn a_device_that_nobody_registered_and_one_that_is_gone_are_found() {
    let books = Books::new().await;
    let device = books.items("DEVICE#").remove(0);
    books.delete(&device);
    books
        .shows(&["its devices are not those of its statement"])
        .await;
    books.put(&device);
    let mut more = device;
    more["SK"]["S"] = json!("DEVICE#door-3");
    books.put(&more);
    books
        .shows(&["its devices are not those of its statement"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_roster_that_does_not_count_its_users_or_gives_out_a_number_again_is_found() {
    let books = Books::with_people().await;
    let roster = books.one("ROSTER");
    for (name, value, what) in [
        ("users", "2", "it counts 2 users, and has 1"),
        ("next_number", "7", "its next user's number was used before"),
    ] {
        let mut wrong = roster.clone();
        wrong[name]["N"] = json!(value);
        books.put(&wrong);
        books.shows(&[what]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_that_nobody_issued_and_links_that_lead_nowhere_are_found() {
    let books = Books::with_people().await;
    let (user, link) = (books.one("USER#"), books.one("CARD"));
    let mut other = user.clone();
    other["card"]["M"]["id"]["S"] = json!("00000000-0000-4000-8000-000000000001");
    books.put(&other);
    books
        .shows(&["the card of user 7 was issued by no entry"])
        .await;
    books.put(&user);
    books.delete(&link);
    books
        .shows(&["the link of the card of user 7 is not what it should be"])
        .await;
    books.put(&link);
    let mut stray = link;
    stray["PK"]["S"] = json!("CARD#00112233445566778899aabbccddeeff");
    books.put(&stray);
    books.shows(&["it leads to no card"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_its_entry_does_not_tell_of_is_found() {
    let books = Books::with_people().await;
    let message = books.one("MESSAGE#");
    let changed = |name: &str, value: Value| {
        let mut changed = message.clone();
        changed[name] = value;
        changed
    };
    let mut failed = changed("state", json!({ "S": "failed" }));
    failed["not_sent"] = json!({ "S": "throttled" });
    for (wrong, what) in [
        (
            changed("parts", json!({ "N": "2" })),
            "it was not charged by the entry that it names",
        ),
        (
            changed("entry", json!({ "N": "2" })),
            "it was not charged by the entry that it names",
        ),
        (failed, "it failed and was not given back"),
        (
            changed("not_sent", json!({ "S": "throttled" })),
            "it failed without a reason, or has one and did not",
        ),
        (
            changed("agenda_at", json!({ "S": "2027-02-10T12:05:00Z" })),
            "its place on the agenda is not that of its state",
        ),
    ] {
        books.put(&wrong);
        books.shows(&[what]).await;
    }
    books.delete(&message);
    books.shows(&["was charged, and is not there"]).await;
}
