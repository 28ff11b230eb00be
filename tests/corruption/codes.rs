//! Codes that are not what the entries and the history say.

use super::Books;
use serde_json::json;

/// The attributes of a code that was applied.
const APPLICATION: [&str; 6] = [
    "applied_at",
    "applied_to",
    "applied_entry",
    "recharge",
    "account_at",
    "command_id",
];

#[tokio::test(start_paused = true)]
async fn a_code_marked_applied_with_no_entry_is_found() {
    let books = Books::new().await;
    let (mut code, applied) = (books.code(false), books.code(true));
    for name in APPLICATION {
        code[name] = applied[name].clone();
    }
    books.put(&code);
    books
        .shows(&[
            "which does not apply it",
            "the history has it, and it never happened",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_with_no_code_is_found() {
    let books = Books::new().await;
    books.delete(&books.code(true));
    books
        .shows(&[
            "which does not exist",
            "it has 3 codes, and 4 were issued",
            "it is not in the history once",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_applied_and_is_outstanding_again_is_found() {
    let books = Books::new().await;
    let mut code = books.code(true);
    for name in APPLICATION {
        code.as_object_mut().unwrap().remove(name);
    }
    books.put(&code);
    books
        .shows(&[
            "applies it, and it is not marked as applied",
            "it is not in the history once",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_carries_more_than_it_added_is_found() {
    let books = Books::new().await;
    let mut code = books.code(true);
    code["credits"]["N"] = json!("1000");
    books.put(&code);
    books
        .shows(&[
            "does not add what it carries",
            "one of its codes is not as it was issued",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_applied_against_its_rules_is_found() {
    for (name, value, says) in [
        (
            "expires_on",
            json!({ "S": "2026-12-08" }),
            "applies it after its last date",
        ),
        (
            "bound_to",
            json!({ "S": "00000000S" }),
            "it is bound to another site",
        ),
        ("last_four", json!({ "S": "0000" }), "tells of another"),
        (
            "applied_at",
            json!({ "S": "2026-12-09T12:00:01Z" }),
            "it names another",
        ),
        ("applied_entry", json!({ "N": "9" }), "it names another"),
        (
            "command_id",
            json!({ "S": "00000000-0000-4000-8000-000000000000" }),
            "it names another",
        ),
    ] {
        let books = Books::new().await;
        let mut code = books.code(true);
        code[name] = value;
        books.put(&code);
        let found = books.found().await;
        assert!(
            found.iter().any(|found| found.contains(says)),
            "{name}: {found:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_half_voided_and_one_that_was_voided_by_nobody_are_found() {
    let books = Books::of_a_partner().await;
    let mut code = books.code(false);
    code.as_object_mut().unwrap().remove("void_reason");
    books.put(&code);
    books
        .shows(&[
            "it is neither outstanding, nor applied, nor voided",
            "1 codes are voided, and 2 are in the history",
            "it has 3 codes, and 4 were issued",
        ])
        .await;
    let books = Books::of_a_partner().await;
    let mut code = books.code(false);
    for name in ["voided_at", "voided_by", "void_reason", "command_id"] {
        code.as_object_mut().unwrap().remove(name);
    }
    books.put(&code);
    books
        .shows(&["1 codes are voided, and 2 are in the history"])
        .await;
}
