//! The folder of the data: one server at a time, and no data file that is not whole.

use crate::harness::{KIM, acme};
use crate::server::{BINARY, Server, agent, post, token};
use insta::assert_snapshot;
use regex::Regex;
use run_local::engine::Engine;
use run_local::seed::{self, REGULAR_SITE};
use run_local::template::TABLE_NAME;
use serde_json::json;
use site_credits::commands::{self, PageOf};
use site_credits::domain::model::account::PartnerEvent;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The data file and the files beside it.
const FILE: &str = "table.sqlite";
const WAL: &str = "table.sqlite-wal";
const LOCK: &str = "lock";

/// Folders of one test, which are removed with it.
pub(crate) struct Folders(PathBuf);

impl Folders {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("site-credits-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A folder with the demonstration, closed.
    pub(crate) async fn demonstration(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let engine = Engine::on_file(&path).unwrap();
        let now = "2027-01-31T08:00:00Z".parse().unwrap();
        seed::demonstration(&engine.store(), now).await.unwrap();
        path
    }

    /// A copy of some files of a folder.
    fn copy(&self, from: &Path, files: &[&str], name: &str) -> PathBuf {
        let to = self.path(name);
        fs::create_dir_all(&to).unwrap();
        for file in files {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
        to
    }

    /// What a command says of a folder that it refuses, with `DATA` in place of the folder and N of numbers.
    pub(crate) fn refusal(&self, command: &[&str], folder: &Path) -> String {
        let mut child = Command::new(BINARY)
            .args(command)
            .arg("--data")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A server that starts after all says so at once, and would never end.
        let mut said = [0];
        let output = child.stdout.as_mut().unwrap();
        if output.read(&mut said).unwrap() > 0 {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} took {}", folder.display());
        }
        let ended = child.wait_with_output().unwrap();
        let text = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{text}");
        let text = text.replace(&folder.display().to_string(), "DATA");
        let text = text.replace(&self.0.display().to_string(), "TEST");
        let numbers = Regex::new(r"\d+").unwrap();
        numbers.replace_all(text.trim_end(), "N").into_owned()
    }

    /// What `backup` says, with `TEST` in place of the folder of the test.
    fn back_up(&self, folder: &Path, to: &Path) -> String {
        let done = Command::new(BINARY)
            .args(["backup", "--data"])
            .arg(folder)
            .arg("--to")
            .arg(to)
            .output()
            .unwrap();
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{error}");
        let text = String::from_utf8(done.stdout).unwrap();
        text.replace(&self.0.display().to_string(), "TEST")
    }

    /// What `serve` and `verify` say alike of a folder that they refuse.
    fn refused(&self, folder: &Path) -> String {
        let serve = self.refusal(&["serve", "--port", "0"], folder);
        assert_eq!(self.refusal(&["verify"], folder), serve);
        // Nothing was made of it meanwhile.
        assert_eq!(self.refusal(&["serve", "--port", "0"], folder), serve);
        serve
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether `verify` proves the books of a folder.
pub(crate) fn verified(folder: &Path) -> bool {
    let proof = Command::new(BINARY)
        .args(["verify", "--data"])
        .arg(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&proof.stdout).contains("No violation.") && proof.status.success()
}

#[test]
fn a_second_server_on_a_folder_is_refused_and_verify_reads_beside_the_first() {
    let folders = Folders::new("second");
    let folder = folders.path("data");
    let first = Server::start(&folder, &[]);
    let refusal = folders.refusal(&["serve", "--port", "0"], &folder);
    assert_snapshot!(refusal, @"error: DATA is in use by another server, or is being copied: stop that, or name another folder with --data");
    assert!(verified(&folder), "verify beside a server");
    assert_eq!(first.stop().1, Some(0));
    // What is closed is one file.
    assert!(!folder.join(WAL).exists());
    let second = Server::start(&folder, &[]);
    // The lock of a server that was killed is gone with it.
    drop(second);
    assert!(folder.join(WAL).exists());
    assert!(verified(&folder), "verify after a kill");
    assert!(folder.join(WAL).exists(), "verify changes nothing");
    assert_eq!(Server::start(&folder, &[]).stop().1, Some(0));
    assert!(verified(&folder), "verify after the end");
}

#[tokio::test]
async fn a_data_file_that_is_not_whole_is_an_error_and_never_a_new_store() {
    let folders = Folders::new("whole");
    let whole = folders.demonstration("whole").await;
    let bytes = fs::read(whole.join(FILE)).unwrap();
    let mut told = Vec::new();
    let mut broken = |name: &str, bytes: &[u8]| {
        let folder = folders.copy(&whole, &[LOCK], name);
        fs::write(folder.join(FILE), bytes).unwrap();
        told.push(format!("{name} → {}", folders.refused(&folder)));
    };
    broken("empty", b"");
    broken("half", &bytes[..bytes.len() / 2]);
    broken("a page less", &bytes[..bytes.len() - 4096]);
    broken("half a header", &bytes[..50]);
    broken("another file", &b"Not a data file. ".repeat(1_000));
    let missing = folders.copy(&whole, &[LOCK], "missing");
    told.push(format!("missing → {}", folders.refused(&missing)));
    // Without its lock file, too, an empty file is not a beginning.
    let alone = folders.copy(&whole, &[], "empty and alone");
    fs::write(alone.join(FILE), "").unwrap();
    told.push(format!("empty and alone → {}", folders.refused(&alone)));
    assert_snapshot!(told.join("\n"), @r"
    empty → error: DATA/table.sqlite is empty (N bytes), which a data file never is: restore a backup
    half → error: DATA/table.sqlite is cut short: it has N bytes of N; restore a backup
    a page less → error: DATA/table.sqlite is cut short: it has N bytes of N; restore a backup
    half a header → error: DATA/table.sqlite is not a data file, or is cut short within its header: restore a backup
    another file → error: DATA/table.sqlite is not a data file, or is cut short within its header: restore a backup
    missing → error: DATA/table.sqlite is missing, although its folder had data: restore a backup
    empty and alone → error: DATA/table.sqlite is empty (N bytes), which a data file never is: restore a backup
    ");

    // Pages of zeros are told in the engine's words.
    let damaged = folders.copy(&whole, &[LOCK], "damaged");
    let mut zeros = bytes.clone();
    zeros[bytes.len() / 2..].fill(0);
    fs::write(damaged.join(FILE), &zeros).unwrap();
    for command in [&["verify"][..], &["serve", "--port", "0"]] {
        let refusal = folders.refusal(command, &damaged);
        assert!(
            refusal.starts_with("error: DATA/table.sqlite is damaged or cut short ("),
            "{refusal}"
        );
    }

    // The whole file is data with and without its lock file, and nothing at all is none.
    assert!(verified(&folders.copy(&whole, &[FILE], "without lock")));
    let nothing = folders.copy(&whole, &[], "nothing");
    let refusal = folders.refusal(&["verify"], &nothing);
    assert_snapshot!(refusal, @"error: there is no data in DATA");
}

#[test]
fn a_copy_that_left_the_newest_changes_behind_is_an_error() {
    let folders = Folders::new("wal");
    let folder = folders.path("data");
    let server = Server::start(&folder, &[]);
    let live = folders.copy(&folder, &[FILE], "of a live server");
    // After a kill nothing folds the changes in.
    drop(server);
    let killed = folders.copy(&folder, &[FILE, LOCK], "of a killed server");
    let refused = [live, killed].map(|copy| folders.refused(&copy));
    assert_eq!(refused[0], refused[1]);
    assert_snapshot!(refused[0], @"error: DATA/table.sqlite was in use and its -wal file, which has the newest changes, is missing: copy both, or make the copy with `cargo run -- backup`");
    let both = folders.copy(&folder, &[FILE, WAL], "with both files");
    assert!(verified(&both));
    assert_eq!(Server::start(&both, &[]).stop().1, Some(0));
    let closed = folders.copy(&both, &[FILE], "of a closed server");
    assert!(verified(&closed));
}

#[test]
fn a_server_that_died_while_it_made_its_folder_makes_it_again() {
    let folders = Folders::new("made");
    let folder = folders.copy(Path::new(""), &[], "data");
    fs::write(
        folder.join(LOCK),
        "The data of this folder is being made.\n",
    )
    .unwrap();
    fs::write(folder.join(FILE), "").unwrap();
    assert_eq!(Server::start(&folder, &[]).stop().1, Some(0));
    assert!(verified(&folder));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_as_what_it_is() {
    let folders = Folders::new("read-only");
    // Nobody can write there, not even root.
    let refusal = folders.refusal(&["serve", "--port", "0"], Path::new("/sys/site-credits"));
    assert_snapshot!(refusal, @"error: DATA is read-only, or this user may not write it");
    let file = folders.path("a file");
    fs::write(&file, "").unwrap();
    let refusal = folders.refusal(&["serve", "--port", "0"], &file);
    assert_snapshot!(refusal, @"error: DATA cannot be used: File exists (os error N)");
}

#[test]
fn a_backup_is_made_beside_a_server_and_is_proved_and_started_on() {
    let folders = Folders::new("backup");
    let (folder, backup) = (folders.path("data"), folders.path("backups/first"));
    let server = Server::start(&folder, &[]);
    let agent = agent();
    let kim = token(&agent, &server.address, KIM);
    let add = |user: &str| {
        let users = format!("{}/sites/{REGULAR_SITE}/users", server.address);
        post(&agent, &users, &kim, user, &json!({ "user_id": user }))
            .unwrap()
            .0
    };
    assert_eq!(add("before"), 201);
    assert_snapshot!(folders.back_up(&folder, &backup), @"The data is in TEST/backups/first. `cargo run -- verify --data TEST/backups/first` proves its books.");
    assert_eq!(add("after"), 201);
    let to = backup.display().to_string();
    let refusal = folders.refusal(&["backup", "--to", &to], &folder);
    assert_snapshot!(refusal, @"error: TEST/backups/first is not empty: a backup needs a folder of its own");
    assert!(verified(&backup));

    // It has what was there at its instant, and a server starts on it.
    let restored = Server::start(&backup, &[]);
    let kim = token(&agent, &restored.address, KIM);
    let users = format!("{}/sites/{REGULAR_SITE}/users", restored.address);
    let users = agent
        .get(users)
        .header("authorization", &format!("Bearer {kim}"));
    let users = users.call().unwrap().body_mut().read_to_string().unwrap();
    assert!(
        users.contains(r#""before""#) && !users.contains(r#""after""#),
        "{users}"
    );
    drop(restored);

    // A folder that a server was killed on, one that was closed, and one without data.
    drop(server);
    folders.back_up(&folder, &folders.path("of a killed server"));
    assert!(verified(&folders.path("of a killed server")));
    assert_eq!(Server::start(&folder, &[]).stop().1, Some(0));
    folders.back_up(&folder, &folders.path("of a closed server"));
    assert!(verified(&folders.path("of a closed server")));
    let nothing = folders.path("nothing");
    let to = folders.path("of nothing").display().to_string();
    let refusal = folders.refusal(&["backup", "--to", &to], &nothing);
    assert_snapshot!(refusal, @"error: there is no data in DATA");
}

#[tokio::test]
async fn a_data_file_of_a_release_without_an_index_gets_it_with_everything_that_belongs_there() {
    let folders = Folders::new("index");
    let folder = folders.demonstration("data").await;
    let index = |engine: &Engine| {
        let table = json!({ "TableName": TABLE_NAME });
        let described = engine.call("DescribeTable", table).unwrap();
        let indices = described["Table"]["GlobalSecondaryIndexes"].clone();
        let mut indices = indices.as_array().unwrap().iter();
        indices.any(|index| index["IndexName"] == "account")
    };
    let engine = Engine::on_file(&folder).unwrap();
    assert!(index(&engine));
    let without = json!({
        "TableName": TABLE_NAME,
        "GlobalSecondaryIndexUpdates": [{ "Delete": { "IndexName": "account" } }],
    });
    engine.call("UpdateTable", without).unwrap();
    assert!(!index(&engine));
    drop(engine);
    let engine = Engine::on_file(&folder).unwrap();
    assert!(index(&engine));
    // The demonstration's one applied code is listed again, and the site that applied it.
    let now = "2027-01-31T08:00:00Z".parse().unwrap();
    let page = PageOf {
        after: None,
        limit: 10,
    };
    let (store, acme) = (engine.store(), acme(now));
    let history = commands::history(&store, None, None, &page, &acme);
    let history = history.await.unwrap();
    let applied = history.items.iter();
    let applied = applied.filter(|line| matches!(line.content.event, PartnerEvent::Applied { .. }));
    assert_eq!(applied.count(), 1);
    let sites = commands::sites_of_partner(&store, &page, &acme);
    assert_eq!(sites.await.unwrap().items.len(), 1);
}
