//! Files as a whole: what is exported is what is imported, and nothing makes an import panic.

use super::*;
use crate::domain::model::user::{NewProfile, Profile};
use crate::domain::values::country::Country;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::phone::Mobile;
use encoding_rs::{EUC_KR, SHIFT_JIS, WINDOWS_1252};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Characters that mean something to a spreadsheet, a reader of CSV or a person.
const TEXT: &str = "[-=+@＝＋－＠,;'\" \u{a0}\u{200b}a-cü山김]{1,12}|\\PC{1,30}";

/// What an import takes of each line: its number, and the user or what is wrong.
fn imported(file: &str) -> Vec<(u64, Result<NewUser, String>)> {
    let lines = lines_to_import(file).unwrap_or_default();
    lines
        .into_iter()
        .map(|line| (line.line, line.user))
        .collect()
}

/// Each line's number, and the user's ID and name.
fn names(file: &str) -> Vec<(u64, Option<String>, Option<String>)> {
    let lines = imported(file).into_iter();
    let lines = lines.map(|(line, user)| {
        let user = user.unwrap_or_default();
        let name = user.profile.name.map(|name| name.to_string());
        (line, user.id.map(|id| id.to_string()), name)
    });
    lines.collect()
}

fn named(line: u64, id: &str, name: &str) -> (u64, Option<String>, Option<String>) {
    (line, Some(id.to_owned()), Some(name.to_owned()))
}

fn kind() -> impl Strategy<Value = UserKind> {
    prop_oneof![
        Just(UserKind::Employee),
        Just(UserKind::Visitor),
        Just(UserKind::Member)
    ]
}

prop_compose! {
    fn profile()(
        name in option::of(TEXT),
        kind in option::of(kind()),
        email in option::of("[-=+＝',;a-c]{1,8}"),
        mobile in option::of(Just("+436641234567")),
    ) -> Profile {
        let country = Country::parse("AT").unwrap();
        // A replacement character is refused, as it stands for one that was lost.
        let name = name.filter(|name| !name.contains(char::REPLACEMENT_CHARACTER));
        Profile {
            name: name.and_then(|name| PersonName::parse(&name).ok()),
            kind,
            email: email.and_then(|email| Email::parse(&format!("{email}@example.com")).ok()),
            mobile: mobile.and_then(|mobile| Mobile::parse(mobile, &country).ok()),
        }
    }
}

fn user((id, profile): (String, Profile)) -> User {
    let (site, id) = (SiteId::from_random(1), UserId::parse(&id).unwrap());
    User::added(
        &site,
        id,
        profile,
        Timestamp::UNIX_EPOCH,
        &CommandId::random(),
    )
}

/// What an import should take of a user.
fn as_new(user: &User) -> NewUser {
    let profile = user.profile.clone();
    let mobile = profile.mobile.as_ref();
    NewUser {
        id: Some(user.id.clone()),
        profile: NewProfile {
            name: profile.name,
            kind: profile.kind,
            email: profile.email,
            mobile: mobile.map(|mobile| SpelledNumber::new(mobile.as_str())),
        },
    }
}

#[test]
fn what_a_spreadsheet_leaves_empty_is_no_user() {
    for file in [
        "user_id,name\r\nkim,Kim\r\n,\r\n,\r\n",
        "user_id;name;;\r\nkim;Kim;;\r\n;;;\r\n;;\r\n",
        "user_id;name\r\nkim;Kim;;\r\n;;;\r\n",
        "user_id\tname\t\r\nkim\tKim\r\n\t\t\r\n",
        "user_id;;name\r\nkim;;Kim\r\n\" \";\u{a0};\r\n",
    ] {
        assert_eq!(names(file), [named(2, "kim", "Kim")], "{file:?}");
    }
    let ghosts = format!(
        "user_id;name;\r\nkim;Kim;\r\n{}lee;Lee;\r\n",
        ";;\r\n".repeat(5_000)
    );
    assert_eq!(
        names(&ghosts),
        [named(2, "kim", "Kim"), named(5_003, "lee", "Lee")]
    );
    assert!(lines_to_import("user_id;name;\r\n;;\r\n;;\r\n").is_err());
}

#[test]
fn a_field_that_belongs_to_no_column_is_an_error_of_its_line() {
    for (file, expected) in [
        (
            "user_id;name;;\nkim;Kim;x;\n",
            "the line has 3 fields, and there are 2 columns",
        ),
        (
            "user_id;name\nkim;Kim;;x\n",
            "the line has 4 fields, and there are 2 columns",
        ),
        (
            "user_id;name;kind\nkim;Kim\n",
            "the line has 2 fields, and there are 3 columns",
        ),
        (
            "user_id;;name\nkim;x;Kim\n",
            "the line has a field in a column without a name",
        ),
        (
            "user_id;card_id\nkim;\"\nlee;\"\n",
            "a field goes on after the end of its line, from line 2 to 3: it has a line break, or a quote too many",
        ),
    ] {
        assert_eq!(imported(file), [(2, Err(expected.to_owned()))], "{file:?}");
    }
}

#[test]
fn a_name_that_begins_a_formula_is_refused_and_one_that_has_been_protected_is_not() {
    for (name, expected) in [
        ("=1+1", None),
        ("＝1+1", None),
        ("'＝1+1", None),
        ("\"Ann;=1+1\"", Some("Ann;=1+1")),
        ("\"Ann;'=1+1\"", Some("Ann;=1+1")),
        ("'t Hart", Some("'t Hart")),
    ] {
        let user = imported(&format!("name\n{name}\n")).remove(0).1;
        let read = user.ok().and_then(|user| user.profile.name);
        let read = read.as_ref().map(PersonName::as_str);
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn a_name_in_the_charset_of_its_country_is_read_where_content_type_says_so() {
    for (charset, name) in [
        (WINDOWS_1252, "Jörg Müller"),
        (SHIFT_JIS, "山田 太郎"),
        (EUC_KR, "김영희"),
        (EUC_KR, "펲시"),
    ] {
        let (bytes, _, is_lossy) = charset.encode(name);
        let file = [b"user_id,name\r\nx,", &*bytes, b"\r\n"].concat();
        assert!(!is_lossy && charset::text_of(&file, None).is_err());
        let text = charset::text_of(&file, Some(charset)).unwrap();
        assert_eq!(names(&text), [named(2, "x", name)]);
    }
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_again(users in vec(("[a-c0-9][-_.a-c]{0,3}", profile()), 1..8)) {
        let users: Vec<User> = users.into_iter().map(user).collect();
        let file = csv_of(&users).unwrap();
        let expected: Vec<_> = (2..).zip(users.iter().map(|user| Ok(as_new(user)))).collect();
        prop_assert_eq!(imported(&file), expected);
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula(users in vec(("[a-c0-9]{1,3}", profile()), 1..4)) {
        let users: Vec<User> = users.into_iter().map(user).collect();
        let file = csv_of(&users).unwrap();
        for cell in file.split([',', ';', '\t', '\r', '\n']) {
            let cell = cell.trim_start_matches(['"', ' ', '\u{a0}', '\u{200b}']);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{:?}", cell);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in vec(any::<u8>(), 0..60),
        header in prop_oneof![Just(""), Just("name;mobile\n"), Just("sep=\t\n"), Just("\u{feff}user_id,\"name\"\r")],
        charset in prop_oneof![Just(None), Just(Some(WINDOWS_1252)), Just(Some(SHIFT_JIS)), Just(Some(EUC_KR))],
    ) {
        let file = [header.as_bytes(), &bytes].concat();
        for file in [&file, &bytes] {
            if let Ok(text) = charset::text_of(file, charset) {
                let _ = lines_to_import(&text);
            }
            let _ = lines_to_import(&String::from_utf8_lossy(file));
        }
    }
}
