//! A store as an older form wrote it goes through every command, and verifies.
//!
//! `tests/data/stores/` has such stores, an item a line, as a scan of the table gave them after [`fill`] had filled a system
//! of the time. When a form changes, the store of the form before is added to them.

mod commands;
mod fill;

use crate::harness::System;
use commands::every_command;
use fill::fill;
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The items of a system's table, an item a line.
fn items_of(system: &System) -> String {
    let scan = json!({ "TableName": TABLE_NAME });
    let scan = system.engine().call("Scan", scan).unwrap();
    let items = scan["Items"].as_array().unwrap();
    let mut lines: Vec<String> = items.iter().map(ToString::to_string).collect();
    lines.sort_unstable();
    lines.join("\n") + "\n"
}

/// A system over a table with the items of a file.
fn system_with(file: &Path) -> System {
    let system = System::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let put = json!({ "TableName": TABLE_NAME, "Item": item });
        system.engine().call("PutItem", put).unwrap();
    }
    system
}

/// The stores of the forms before this one.
fn older_stores() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/stores");
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_command_works_on_a_store_of_this_form() {
    let system = System::new();
    fill(&system).await;
    // What is kept of this form when there is a next one.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store.jsonl");
    fs::write(kept, items_of(&system)).unwrap();
    assert_eq!(system.findings().await.violations, []);
    every_command(&system).await;
}

#[tokio::test(start_paused = true)]
async fn every_command_works_on_a_store_of_each_older_form() {
    let stores = older_stores();
    assert!(!stores.is_empty());
    for file in stores {
        let system = system_with(&file);
        let found = system.findings().await;
        assert_eq!(found.violations, [], "{}", file.display());
        every_command(&system).await;
    }
}
