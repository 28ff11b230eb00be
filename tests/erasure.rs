//! Users who were erased are in no file of the folder any more, not even in the gaps of one.

use crate::harness::KIM;
use crate::server::{Server, post, token};
use run_local::seed::REGULAR_SITE;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How many users there are, and how many of them a file has.
const USERS: usize = 5_000;
const A_FILE: usize = 1_000;

/// The part of a user's number after the code of its network, 664.
fn number(user: usize) -> String {
    (1_000_000 + 137 * user).to_string()
}

/// How many of the numbers are found anywhere in the files of a folder, as they are stored or as they were written.
fn found(folder: &Path) -> usize {
    let mut found = HashSet::new();
    let numbers: HashSet<String> = (0..USERS).map(number).collect();
    for file in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for (at, network) in bytes.windows(3).enumerate() {
            if network != b"664" {
                continue;
            }
            let rest = bytes[at + 3..]
                .strip_prefix(b" ")
                .unwrap_or(&bytes[at + 3..]);
            let number = rest
                .get(..7)
                .and_then(|number| std::str::from_utf8(number).ok());
            found.extend(
                number
                    .filter(|number| numbers.contains(*number))
                    .map(str::to_owned),
            );
        }
    }
    found.len()
}

#[test]
fn nobody_who_was_erased_is_in_any_file_of_the_folder_after_the_server_stopped() {
    let folder = std::env::temp_dir().join(format!("site-credits-erasure-{}", std::process::id()));
    let server = Server::start(&folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(5)));
    let agent: ureq::Agent = config.build().into();
    let kim = token(&agent, &server.address, KIM);
    let site = format!("{}/sites/{REGULAR_SITE}", server.address);
    let bearer = format!("Bearer {kim}");

    for part in 0..USERS / A_FILE {
        let users = part * A_FILE..(part + 1) * A_FILE;
        let lines = users.map(|user| format!("u{user},Somebody,0664 {}\n", number(user)));
        let file = format!("user_id,name,mobile\n{}", lines.collect::<String>());
        let import = agent
            .post(format!("{site}/users/import"))
            .header("authorization", &bearer)
            .header("content-type", "text/csv");
        let report: Value = import.send(file).unwrap().body_mut().read_json().unwrap();
        assert_eq!(report["added"], A_FILE);
    }
    // Nearly all, as a page may end within a number.
    let before = found(&folder);
    assert!(before > USERS * 9 / 10, "the search finds {before}");

    let delete = agent
        .delete(format!("{site}?forfeit=true"))
        .header("authorization", &bearer);
    assert_eq!(delete.call().unwrap().status(), 200);
    let deduct = "2015-03-31/functions/deduct-monthly/invocations";
    let deduct = format!("{}/{deduct}", server.address);
    let event = json!({ "scheduled_time": "2027-01-31T08:00:30Z" });
    let report = post(&agent, &deduct, "", "x", &event).unwrap().2;
    assert_eq!(report["erased"], USERS, "{report}");

    drop(agent);
    assert_eq!(server.stop().1, Some(0));
    assert_eq!(found(&folder), 0);
    fs::remove_dir_all(&folder).unwrap();
}
