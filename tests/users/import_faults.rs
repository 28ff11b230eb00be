//! Imports that die, meet faults or rivals, and what an import costs.

use super::{add, import, user_ids};
use crate::harness::System;
use run_local::faults::Fault;
use serde_json::json;

/// A file of 250 users, of whom a hundred have an ID.
fn large_file() -> String {
    let line = |n: usize| match n % 5 {
        0 | 1 => format!("x{n},User {n}\n"),
        _ => format!(",User {n}\n"),
    };
    format!("user_id,name\n{}", (0..250).map(line).collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn an_import_that_dies_at_any_step_is_finished_by_its_repetition() {
    let file = large_file();
    // The start, three parts and the end are five writes; the sixth never comes.
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for write in 1..=6 {
            let system = System::new();
            let site = system.regular().await;
            let call = import(&site, &file).key("k");
            system.fault_at_writes(move |number| number == write, fault);
            let answered = system.send_until_crash(call.clone()).await;
            assert_eq!(answered.is_some(), write == 6, "{fault:?} {write}");
            let done = system.send(call.clone()).await;
            assert_eq!(done.body["added"], 250, "{fault:?} {write}");
            assert_eq!(done.body["refused"], 0, "{fault:?} {write}");
            assert_eq!(user_ids(&system, &site, "limit=100").await.len(), 250);
            let again = system.send(call).await;
            assert_eq!((again.replayed, &again.body), (true, &done.body));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_survives_faults_and_a_site_that_changes_meanwhile() {
    let system = System::new();
    let site = system.regular().await;
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
    // One of the two came first, and the other was refused that user.
    assert_eq!(importing.status, 200, "{importing}");
    let refused = importing.body["refused"].as_u64().unwrap();
    assert_eq!(refused == 0, adding.problem() == "user-exists", "{adding}");
    assert_eq!(user_ids(&system, &site, "limit=100").await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_users_are_a_dozen_transactions() {
    let system = System::new();
    let site = system.regular().await;
    let file = format!("name\n{}", "Somebody\n".repeat(1_000));
    system.wire.take_seen();
    let done = system.send(import(&site, &file)).await;
    assert_eq!(done.body["added"], 1_000);
    let requests = system.wire.take_seen();
    let writes = requests
        .iter()
        .filter(|seen| seen.operation == "TransactWriteItems");
    assert_eq!(writes.count(), 13);
}
