//! Files as spreadsheets write them, in `tests/data/spreadsheets`. The end of a file's name is the language of its
//! program and of its users. No program saved them: they were made after what each is known to write.
//!
//! | program | separator | lines end in | charset | quotes |
//! |---|---|---|---|---|
//! | Excel for Windows, "CSV UTF-8" | `;` in de and fr, else `,` | CRLF | UTF-8 with a mark | where needed |
//! | the same, padded | as above, with empty rows and columns | CRLF | UTF-8 with a mark | where needed |
//! | the same, with `sep=` | the one that the first line announces | CRLF | UTF-8 with a mark | where needed |
//! | Excel for Windows, "Unicode Text" | tab | CRLF | UTF-16LE with a mark | where needed, also for a comma |
//! | Excel for Mac | `;` in de and fr, else `,` | CR | UTF-8 with a mark | where needed |
//! | Numbers | `;` in de, else `,` | CRLF or LF | UTF-8 | where needed |
//! | Calc, "Quote all text cells" | as chosen | LF | UTF-8 | all |
//! | Google Sheets | `,` | CRLF, but for the last | UTF-8 | where needed |

use super::{export, import, import_bytes, users};
use crate::harness::{Call, System};
use crate::setup::{now, text};
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;
use std::fs;
use std::path::{Path, PathBuf};

/// The names in the files of a language, by the IDs 1 to 4.
fn names_in(language: &str) -> [&'static str; 4] {
    match language {
        "de" => [
            "Jörg Müller",
            "Zoë Groß; Graz",
            "Eva \"Ev\" Huber",
            "Ann;=1+1",
        ],
        "fr" => [
            "Élodie Lefèvre",
            "Anaïs d’Aÿ; Lyon",
            "Noël \"No\" Œuvré",
            "Ann;=1+1",
        ],
        "en" => ["Ann O'Neil", "Smith, Jo", "Lee \"Bo\" King", "Ann;=1+1"],
        "ja" => ["山田 太郎", "ｱﾝ ﾐｷ", "髙橋, \"𠮷\"", "Ann;＝1+1"],
        "ko" => ["김영희", "이, 수", "펲시 \"콜라\"", "Ann;@sum"],
        _ => panic!("no file is in {language}"),
    }
}

/// The profile of the first user of every file, but for the name.
fn first_profile() -> Value {
    json!({ "kind": "employee", "email": "a@example.com", "mobile": "+436641234567" })
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/spreadsheets");
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The users of a site, as JSON.
async fn listed(system: &System, site: &SiteId) -> Vec<Value> {
    let listing = Call::get(users(site, ""), now()).query("limit=100");
    system.pages(listing, "users").await.concat()
}

#[tokio::test(start_paused = true)]
async fn what_a_spreadsheet_writes_is_imported_exported_and_imported_again_without_a_change() {
    let system = System::new();
    let files = files();
    assert_eq!(files.len(), 24);
    for path in files {
        let file = path.file_stem().unwrap().to_str().unwrap();
        let (_, language) = file.rsplit_once('-').unwrap();
        let site = system.regular().await;
        let content = fs::read(&path).unwrap();
        let done = system.send(import_bytes(&site, &content)).await;
        let outcome = (&done.body["added"], &done.body["refused"]);
        assert_eq!(outcome, (&json!(4), &json!(0)), "{file}: {done}");
        let users = listed(&system, &site).await;
        let names: Vec<String> = users.iter().map(|user| text(&user["name"])).collect();
        assert_eq!(names, names_in(language), "{file}");
        for (member, expected) in first_profile().as_object().unwrap() {
            assert_eq!(&users[0][member], expected, "{file}");
        }

        let exported = export(&system, &site).await.text;
        let elsewhere = system.regular().await;
        let again = system.send(import(&elsewhere, &exported)).await;
        assert_eq!(again.body["refused"], 0, "{file}: {again}");
        let users = listed(&system, &elsewhere).await;
        let again: Vec<String> = users.iter().map(|user| text(&user["name"])).collect();
        assert_eq!(again, names, "{file}");
        assert_eq!(export(&system, &elsewhere).await.text, exported, "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lines_of_a_file_are_numbered_as_an_editor_does() {
    let system = System::new();
    for (file, expected) in [
        (
            "user_id,name\rok1,Kim\rbad id,Lee\rok2,Ann\r",
            [2_u64, 3, 4],
        ),
        (
            "\r\nuser_id;name\r\nok1;Kim\r\n;\r\nbad id;Lee\r\nok2;Ann",
            [3, 5, 6],
        ),
        (
            "sep=\t\nuser_id\tname\nok1\tKim\n\"bad\nid\"\tLee\nok2\tAnn\n",
            [3, 4, 6],
        ),
    ] {
        let site = system.regular().await;
        let done = system.send(import(&site, file)).await;
        let lines = done.body["lines"].as_array().unwrap();
        let numbers: Vec<_> = lines.iter().map(|line| line["line"].as_u64()).collect();
        assert_eq!(numbers, expected.map(Some), "{file:?}: {done}");
        let refused: Vec<_> = lines.iter().map(|line| line["code"].as_str()).collect();
        assert_eq!(
            refused,
            [None, Some("malformed-request"), None],
            "{file:?}: {done}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_spreadsheet_would_run_is_exported_as_text() {
    let system = System::new();
    let site = system.regular().await;
    let body = json!({ "user_id": "ann", "name": "Ann;=1+1", "email": "+ann@example.com" });
    assert_eq!(system.send(super::add(&site, &body)).await.status, 201);
    let exported = export(&system, &site).await.text;
    let (_, users) = exported.split_once("\r\n").unwrap();
    let expected = "\"ann\",\"Ann;'=1+1\",\"\",\"'+ann@example.com\",\"\",\"\",\"\",\"\",\"\"\r\n";
    assert_eq!(users, expected);
}
