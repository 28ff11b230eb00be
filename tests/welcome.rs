//! What a start prints: what is there, and lines that work with it.

use crate::harness::KIM;
use crate::server::{Server, agent, token};
use insta::assert_snapshot;
use run_local::seed::{DYNAMIC_SITE, REGULAR_SITE};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Starts a server and returns it, the sites that it prints, and the lines to paste.
fn start(folder: &Path) -> (Server, String, String) {
    let mut server = Server::start(folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let printed = server.printed("proves the books.");
    let (sites, rest) = printed
        .split_once("\n\nPaste this into another terminal:\n\n")
        .unwrap();
    let (lines, _) = rest.split_once("\n\ndocs/STORY.md").unwrap();
    (server, sites.trim().to_owned(), lines.to_owned())
}

/// Pastes the lines, and returns the credits that the preview foretells and the redemption shows.
fn paste(lines: &str) -> (Value, Value) {
    let run = Command::new("bash").args(["-c", lines]).output().unwrap();
    let answers = String::from_utf8(run.stdout).unwrap();
    let mut answers = answers
        .lines()
        .map(|answer| serde_json::from_str::<Value>(answer).unwrap());
    let (preview, redemption) = (answers.next().unwrap(), answers.next().unwrap());
    let credits = |license: &Value| license["balances"]["credits"].clone();
    (credits(&preview["after"]), credits(&redemption["license"]))
}

/// Deletes a site with all that it holds.
fn delete(server: &Server, site: &str) {
    let agent = agent();
    let kim = token(&agent, &server.address, KIM);
    let answer = agent
        .delete(format!("{}/sites/{site}?forfeit=true", server.address))
        .header("authorization", &format!("Bearer {kim}"))
        .call()
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[test]
fn every_start_shows_the_sites_that_are_there_and_lines_that_work() {
    let folder = std::env::temp_dir().join(format!("site-credits-welcome-{}", std::process::id()));
    let (server, sites, lines) = start(&folder);
    assert_snapshot!(sites, @r"
    City Library (BRARY5X9S) pays by card. It is activated, with 0 devices, 0 credits, 0 maintenance credits, 0 SMS.
    Harbour Gym (GYM7QP2MR) pays by device. It is activated, with 3 devices, 1 credit, 0 SMS.
    ");
    assert_eq!(paste(&lines), (11.into(), 11.into()));
    assert_eq!(server.stop().1, Some(0));

    // Codes that were applied are not offered again.
    let (server, sites, lines) = start(&folder);
    assert_snapshot!(sites, @r"
    City Library (BRARY5X9S) pays by card. It is activated, with 0 devices, 0 credits, 0 maintenance credits, 0 SMS.
    Harbour Gym (GYM7QP2MR) pays by device. It is activated, with 3 devices, 11 credits, 0 SMS.
    ");
    assert_eq!(paste(&lines), (21.into(), 21.into()));
    delete(&server, DYNAMIC_SITE);
    assert_eq!(server.stop().1, Some(0));

    // Without the gym they are for the library, and without either for a new site.
    let (server, sites, lines) = start(&folder);
    assert_snapshot!(sites, @"City Library (BRARY5X9S) pays by card. It is activated, with 0 devices, 0 credits, 0 maintenance credits, 0 SMS.");
    assert_eq!(paste(&lines), (10.into(), 10.into()));
    delete(&server, REGULAR_SITE);
    assert_eq!(server.stop().1, Some(0));
    let (server, sites, lines) = start(&folder);
    assert_snapshot!(sites, @"kim@example.com has no site here any more: the lines create one.");
    assert_eq!(paste(&lines), (10.into(), 10.into()));
    assert_eq!(server.stop().1, Some(0));
    std::fs::remove_dir_all(&folder).unwrap();
}
