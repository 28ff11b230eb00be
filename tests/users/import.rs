//! `POST …/users/import`: many users from a file, and `GET …/users` as a file.

use super::{import, user_ids, users};
use crate::harness::{Answered, Call, System};
use crate::setup::now;
use crate::shown::problems;
use insta::assert_snapshot;
use site_credits::domain::values::ids::SiteId;

const FILE: &str = "\u{feff}Name;User_ID;mobile;kind;email\r\n\
    Ann;a;0664 1234567;Employee;ann@example.com\r\n\
    Bob;b;;;\r\n\
    ;;;;\r\n\
    \"Two\nlines\";c;;;\r\n\
    Zoe;40;;visitor;\r\n\
    Eve;e;12;;\r\n\
    Fay;a;;;\r\n\
    Gus;g;;boss;\r\n\
    Hal;h;;\r\n\
    Ida;;+82 10 1234 5678;member;\r\n";

/// A site that has a user b, and the answer to the import of the file.
async fn imported(system: &System) -> (SiteId, Answered) {
    let site = system.regular().await;
    system.add_users(&site, &["b"]).await;
    let done = system.send(import(&site, FILE).key("k")).await;
    (site, done)
}

async fn export(system: &System, site: &SiteId) -> Answered {
    let exported = Call::get(users(site, ""), now()).accept("text/csv");
    let exported = system.send(exported).await;
    assert_eq!(exported.headers["content-type"], "text/csv; charset=utf-8");
    exported
}

#[tokio::test(start_paused = true)]
async fn a_file_is_imported_line_by_line_and_a_bad_line_harms_no_other() {
    let system = System::new();
    let (site, done) = imported(&system).await;
    assert_snapshot!(done, @r#"
    200
    {
      "added": 4,
      "lines": [
        { "code": null, "detail": null, "line": 2, "user_id": "a" },
        { "code": "user-exists", "detail": "a user of this ID exists", "line": 3, "user_id": null },
        { "code": null, "detail": null, "line": 4, "user_id": "41" },
        {
          "code": "malformed-request",
          "detail": "name must be 1 to 100 characters, at least one of them visible, without control characters, the first none of = + - @",
          "line": 5,
          "user_id": null
        },
        { "code": null, "detail": null, "line": 7, "user_id": "40" },
        {
          "code": "malformed-request",
          "detail": "mobile is no number of its country's numbering plan",
          "line": 8,
          "user_id": null
        },
        { "code": "user-exists", "detail": "a user of this ID exists", "line": 9, "user_id": null },
        {
          "code": "malformed-request",
          "detail": "kind must be employee, visitor or member",
          "line": 10,
          "user_id": null
        },
        {
          "code": "malformed-request",
          "detail": "the line has 4 fields, and there are 5 columns",
          "line": 11,
          "user_id": null
        },
        { "code": null, "detail": null, "line": 12, "user_id": "42" }
      ],
      "refused": 6
    }
    "#);
    assert!(
        !done.text.contains("lines\\\""),
        "no field is repeated: {done}"
    );
    assert_eq!(
        user_ids(&system, &site, "limit=9").await,
        ["40", "41", "42", "a", "b"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_import_is_answered_again_and_its_key_is_good_for_no_other_file() {
    let system = System::new();
    let (site, done) = imported(&system).await;
    let again = system.send(import(&site, FILE).key("k")).await;
    assert_eq!((again.replayed, &again.body), (true, &done.body));
    let other = system.send(import(&site, "name\nX\n").key("k")).await;
    assert_eq!(other.problem(), "idempotency-key-reused");
}

#[tokio::test(start_paused = true)]
async fn what_is_exported_can_be_imported_elsewhere() {
    let system = System::new();
    let (site, _) = imported(&system).await;
    let file = export(&system, &site).await;
    assert_snapshot!(format!("{:#?}", file.text.split_inclusive('\n').collect::<Vec<_>>()), @r#"
    [
        "user_id,name,kind,email,mobile,card_id,card_status,valid_from,valid_until\r\n",
        "40,Zoe,visitor,,,,,,\r\n",
        "41,,,,,,,,\r\n",
        "42,Ida,member,,'+821012345678,,,,\r\n",
        "a,Ann,employee,ann@example.com,'+436641234567,,,,\r\n",
        "b,,,,,,,,\r\n",
    ]
    "#);
    let elsewhere = system.regular().await;
    let done = system.send(import(&elsewhere, &file.text)).await;
    assert_snapshot!(done, @r#"
    200
    {
      "added": 5,
      "lines": [
        { "code": null, "detail": null, "line": 2, "user_id": "40" },
        { "code": null, "detail": null, "line": 3, "user_id": "41" },
        { "code": null, "detail": null, "line": 4, "user_id": "42" },
        { "code": null, "detail": null, "line": 5, "user_id": "a" },
        { "code": null, "detail": null, "line": 6, "user_id": "b" }
      ],
      "refused": 0
    }
    "#);
    assert_eq!(export(&system, &elsewhere).await.text, file.text);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_file_of_users_is_refused_whole() {
    let system = System::new();
    let site = system.regular().await;
    let many = format!("name\n{}", "x\n".repeat(1_001));
    let long = format!("name\n{}\n", "x".repeat(512 * 1024));
    let files = [
        ("nothing", ""),
        ("no users", "name\n"),
        ("an unknown column", "name,age\nx,7\n"),
        ("a column twice", "name,name\nx,y\n"),
        ("half a quote", "name,card_id\nA,\"\nB,\nC,\n"),
        ("too many users", &many),
        ("too many bytes", &long),
    ];
    let refused = problems(
        &system,
        files.map(|(what, file)| (what, import(&site, file))),
    );
    assert_snapshot!(refused.await, @"
    nothing → 400 malformed-request: the file must be CSV in UTF-8, and its first line names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    no users → 400 malformed-request: the file has no users
    an unknown column → 400 malformed-request: the file must be CSV in UTF-8, and its first line names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    a column twice → 400 malformed-request: the file must be CSV in UTF-8, and its first line names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    half a quote → 400 malformed-request: the file has a quote that is not closed
    too many users → 400 malformed-request: one import has at most 1000 users
    too many bytes → 400 malformed-request: the body is longer than 524288 bytes
    ");
    assert_eq!(user_ids(&system, &site, "limit=9").await, [""; 0]);
}
