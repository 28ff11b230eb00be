//! `docs/STORY.md` and the lines to try of the README, run in bash against a server.

use crate::server::{BINARY, Server};
use regex::{Captures, Regex};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Command;

const STORY: &str = include_str!("../docs/STORY.md");
const README: &str = include_str!("../README.md");

/// What is random in a page: UUIDs, hashes, codes, the tokens of links, and the IDs of people, sites and devices.
const RANDOM: &str = r#"(?x)
      [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
    | \b[0-9a-f]{64}\b | \b[0-9a-f]{32}\b
    | [0-9A-Z]{5}(?:-[0-9A-Z]{5}){3}
    | \b[0-9A-Z]{24}\b | \b[0-9A-Z]{16}\b | \b[0-9A-Z]{9,10}\b
    | (?P<last_four>last_four":")[0-9A-Z]{4}
"#;

/// The page on as few lines as it needs, each random value replaced by the number of its first appearance, so that one
/// which appears twice must do so in both runs.
fn normalised(page: &str) -> String {
    let mut numbers = HashMap::new();
    let numbered = |found: &Captures<'_>| {
        let next = numbers.len();
        let number = numbers.entry(found[0].to_owned()).or_insert(next);
        let name = found.name("last_four").map_or("", |name| name.as_str());
        format!("{name}<{number}>")
    };
    let page = page.replace(",\n  ", ",");
    Regex::new(RANDOM)
        .unwrap()
        .replace_all(&page, numbered)
        .into_owned()
}

#[test]
fn the_story_is_told_as_it_is_written() {
    let told = Command::new(BINARY).arg("demo").output().unwrap();
    let found = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    let (expected, found) = (normalised(STORY), normalised(&found));
    // Line by line, since a difference of two whole pages says little. `cargo run -- demo > docs/STORY.md` renews it.
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
    assert!(expected.contains("No violation."));
}

#[test]
fn the_lines_of_the_readme_can_be_pasted_and_are_what_the_server_prints() {
    let folder = std::env::temp_dir().join(format!("site-credits-readme-{}", std::process::id()));
    let server = Server::start(&folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let lines = README.split("```sh\n").nth(1).unwrap();
    let lines = lines.split("```").next().unwrap();
    let lines = lines.replace("http://127.0.0.1:3000", &server.address);
    let run = Command::new("bash").args(["-c", &lines]).output().unwrap();
    let answers = String::from_utf8(run.stdout).unwrap();
    let answers: Vec<Value> = answers
        .lines()
        .map(|answer| serde_json::from_str(answer).unwrap())
        .collect();
    let [preview, redemption] = &answers[..] else {
        panic!("{answers:?}")
    };
    let after = &preview["after"]["balances"]["credits"];
    let license = &redemption["license"]["balances"]["credits"];
    assert_eq!((after, license), (&json!(11), &json!(11)), "{answers:?}");
    let (printed, _) = server.stop();
    assert!(printed.contains(&lines), "{printed}");
    std::fs::remove_dir_all(&folder).unwrap();
}
