//! Entries that were changed, removed, swapped or forged.

use super::{Books, dynamo};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_changed_amount_is_found() {
    let books = Books::new().await;
    let mut entry = books.entry(2);
    entry["changes"]["M"]["credits"]["N"] = json!("11");
    books.put(&entry);
    books
        .shows(&[
            "entry 2 was changed: its hash is wrong",
            "by entry 2, which does not apply it",
            "by entry 3, which does not apply it",
            // From there on nothing of the statement counts for its partner either.
            "-2, entry of site",
            "-3, entry of site",
            "got None by its statement",
            "leads there from its account and should not",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_entry_is_found() {
    let books = Books::new().await;
    books.delete(&books.entry(5));
    books
        .shows(&["entry 5 is missing: entry 6 stands in its place"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_last_entry_is_found() {
    let books = Books::new().await;
    books.delete(&books.entry(6));
    books
        .shows(&[
            "its balances are",
            "its last entry is 5, and it says 6",
            "its hash is not that of its last entry",
            "its status or time is not that of its last entry",
            "the due date 2027-02-09 was never charged",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_swapped_pair_is_found() {
    let books = Books::new().await;
    let (mut fifth, mut sixth) = (books.entry(5), books.entry(6));
    (fifth["SK"], sixth["SK"]) = (sixth["SK"].clone(), fifth["SK"].clone());
    books.put(&fifth);
    books.put(&sixth);
    books
        .shows(&[
            "holds entry 6",
            "holds entry 5",
            "its balances are",
            "its last entry is 4, and it says 6",
            "its hash is not that of its last entry",
            "its status or time is not that of its last entry",
            "the due date 2027-01-09 was never charged",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_pair_swapped_with_its_numbers_is_found() {
    let books = Books::new().await;
    let (mut fifth, mut sixth) = (books.entry(5), books.entry(6));
    for name in ["SK", "sequence"] {
        (fifth[name], sixth[name]) = (sixth[name].clone(), fifth[name].clone());
    }
    books.put(&fifth);
    books.put(&sixth);
    books
        .shows(&["entry 5 does not follow the entry before it"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_was_forged_whole_is_found_by_its_due_dates() {
    // Whoever can write the whole table can make a chain that verifies: here a deduction that is repeated, with
    // right hashes, right sums and a right balance. What it charges was not due.
    let books = Books::new().await;
    let item = books.entry(6);
    let (mut entry, command_id) = site_credits::store::decode_entry(&dynamo(&item)).unwrap();
    entry.previous_hash = entry.hash;
    entry.sequence = 7;
    entry.balances.credits -= 2;
    entry.hash = entry.computed_hash();
    let mut forged = item;
    forged["SK"]["S"] = json!(format!("ENTRY#{:016}", 7));
    forged["sequence"]["N"] = json!("7");
    forged["balances"]["M"]["credits"]["N"] = json!(entry.balances.credits.to_string());
    forged["previous_hash"]["S"] = json!(entry.previous_hash.to_string());
    forged["hash"]["S"] = json!(entry.hash.to_string());
    books.put(&forged);
    let mut site = books.site();
    site["sequence"]["N"] = json!("7");
    site["last_hash"]["S"] = forged["hash"]["S"].clone();
    site["credits"]["N"] = json!(entry.balances.credits.to_string());
    books.put(&site);
    assert!(!command_id.as_str().is_empty());
    books
        .shows(&["entry 7: a due date was charged twice"])
        .await;
}
