//! `POST …/users/import`: many users from a file, and `GET …/users` as a file.

use super::{export, import, import_bytes, user_ids};
use crate::harness::{Answered, System};
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

#[tokio::test(start_paused = true)]
async fn a_file_is_imported_line_by_line_and_a_bad_line_harms_no_other() {
    let system = System::new();
    let (site, done) = imported(&system).await;
    assert_snapshot!(done, @r#"
    200
    {
      "added": 3,
      "lines": [
        { "code": null, "detail": null, "line": 2, "user_id": "a" },
        { "code": "user-exists", "detail": "a user of this ID exists", "line": 3, "user_id": null },
        {
          "code": "malformed-request",
          "detail": "a field goes on after the end of its line, from line 5 to 6: it has a line break, or a quote too many",
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
        { "code": null, "detail": null, "line": 12, "user_id": "41" }
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
        ["40", "41", "a", "b"]
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
        "\"user_id\",\"name\",\"kind\",\"email\",\"mobile\",\"card_id\",\"card_status\",\"valid_from\",\"valid_until\"\r\n",
        "\"40\",\"Zoe\",\"visitor\",\"\",\"\",\"\",\"\",\"\",\"\"\r\n",
        "\"41\",\"Ida\",\"member\",\"\",\"'+821012345678\",\"\",\"\",\"\",\"\"\r\n",
        "\"a\",\"Ann\",\"employee\",\"ann@example.com\",\"'+436641234567\",\"\",\"\",\"\",\"\"\r\n",
        "\"b\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\r\n",
    ]
    "#);
    let elsewhere = system.regular().await;
    let done = system.send(import(&elsewhere, &file.text)).await;
    assert_snapshot!(done, @r#"
    200
    {
      "added": 4,
      "lines": [
        { "code": null, "detail": null, "line": 2, "user_id": "40" },
        { "code": null, "detail": null, "line": 3, "user_id": "41" },
        { "code": null, "detail": null, "line": 4, "user_id": "a" },
        { "code": null, "detail": null, "line": 5, "user_id": "b" }
      ],
      "refused": 0
    }
    "#);
    assert_eq!(export(&system, &elsewhere).await.text, file.text);
}

#[tokio::test(start_paused = true)]
async fn a_file_in_another_charset_is_read_as_content_type_says_and_otherwise_refused_whole() {
    let system = System::new();
    let site = system.regular().await;
    let file = b"user_id;name\r\nann;Ann\r\njoerg;J\xf6rg M\xfcller\r\n";
    let sent_as = |content_type: &str| {
        let mut call = import_bytes(&site, file);
        call.content_type = Some(content_type.to_owned());
        call
    };
    let mut in_utf_8 = import(&site, "user_id;name\njoerg;Jörg\n");
    in_utf_8.content_type = Some("text/csv; charset=windows-1252".to_owned());
    let refused = problems(
        &system,
        [
            ("no charset", sent_as("text/csv")),
            ("another", sent_as("text/csv; charset=utf-8")),
            ("an unknown one", sent_as("text/csv; charset=klingon")),
            ("UTF-8 as another", in_utf_8),
            (
                "half lost",
                import(&site, "user_id;name\njoerg;J\u{fffd}rg\n"),
            ),
        ],
    );
    assert_snapshot!(refused.await, @r#"
    no charset → 400 malformed-request: the file is not text in UTF-8: save it as "CSV UTF-8", or send it as application/octet-stream with its charset, such as application/octet-stream; charset=windows-1252
    another → 400 malformed-request: the file is not text in UTF-8: save it as "CSV UTF-8", or send it as application/octet-stream with its charset, such as application/octet-stream; charset=windows-1252
    an unknown one → 400 malformed-request: the charset of Content-Type is unknown: it must be one such as utf-8 or windows-1252
    UTF-8 as another → 400 malformed-request: the file is in UTF-8, and Content-Type names another charset
    half lost → 400 malformed-request: the file has a replacement character (U+FFFD) for one that was lost: save it as "CSV UTF-8"
    "#);
    assert_eq!(user_ids(&system, &site, "limit=9").await, [""; 0]);
    let call = sent_as("application/octet-stream; charset=windows-1252");
    let done = system.send(call).await;
    assert_eq!(done.body["added"], 2, "{done}");
    assert!(
        export(&system, &site)
            .await
            .text
            .contains("\"Jörg Müller\"")
    );
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
    nothing → 400 malformed-request: the file must be CSV, and its first row names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    no users → 400 malformed-request: the file has no users
    an unknown column → 400 malformed-request: the file must be CSV, and its first row names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    a column twice → 400 malformed-request: the file must be CSV, and its first row names columns, each once, of these: user_id, name, kind, email, mobile, card_id, card_status, valid_from, valid_until
    half a quote → 400 malformed-request: the row that begins on line 2 has a quote that is not closed
    too many users → 400 malformed-request: one import has at most 1000 users
    too many bytes → 400 malformed-request: the body is longer than 524288 bytes
    ");
    assert_eq!(user_ids(&system, &site, "limit=9").await, [""; 0]);
}
