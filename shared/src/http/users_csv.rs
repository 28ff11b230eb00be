//! The users of a site as a CSV file: export and import.

use super::body::bytes;
use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use super::reply::File;
use crate::commands::{LineToImport, MAX_IMPORTED, NewUser};
use crate::domain::model::user::{User, UserKind};
use crate::domain::values::email::Email;
use crate::domain::values::ids::UserId;
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::SpelledNumber;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

/// The largest file that can be imported, in bytes.
const MAX_IMPORT_BYTES: usize = 512 * 1024;
/// The columns of a file, in the order of an export. An import ignores the last four.
const COLUMNS: [&str; 9] = [
    "user_id",
    "name",
    "kind",
    "email",
    "mobile",
    "card_id",
    "card_status",
    "valid_from",
    "valid_until",
];

/// The lines of an imported file.
#[derive(Debug)]
pub struct UsersCsv(pub Vec<LineToImport>);

impl<S: Send + Sync> FromRequestParts<S> for UsersCsv {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        lines_to_import(bytes(parts, MAX_IMPORT_BYTES)?).map(Self)
    }
}

/// The answer to a request for a site's users as CSV.
///
/// # Errors
/// The CSV cannot be written, which is a defect.
pub fn users_file(users: &[User]) -> Result<File, Problem> {
    Ok(File {
        media_type: "text/csv; charset=utf-8",
        name: Some("users.csv".to_owned()),
        text: csv_of(users).map_err(Problem::defect)?,
    })
}

/// Escapes a text that a spreadsheet would run as a formula (OWASP, "CSV Injection").
pub(super) fn no_formula(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

/// Users as CSV, escaped so that opening it in a spreadsheet runs no formula.
fn csv_of(users: &[User]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for user in users {
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let card = user.card.as_ref();
        let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let email = user.profile.email.as_ref();
        writer.write_record([
            user.id.to_string(),
            word(json!(user.profile.name)),
            word(json!(user.profile.kind)),
            email
                .map(|email| no_formula(email.to_string()))
                .unwrap_or_default(),
            // A spreadsheet would read it as a number, and drop the plus sign.
            no_formula(word(json!(user.profile.mobile))),
            card.map(|card| card.id.to_string()).unwrap_or_default(),
            word(json!(card.map(|card| card.status))),
            date(card.map(|card| card.validity.valid_from)),
            date(card.and_then(|card| card.validity.valid_until)),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

/// Reads the file of `POST …/users/import`: a header line, then one line for each user. An error in a line is reported
/// for that line.
///
/// # Errors
/// The file as a whole cannot be read, or it has no users or too many.
fn lines_to_import(bytes: &[u8]) -> Result<Vec<LineToImport>, Problem> {
    // Spreadsheets mark UTF-8 with a byte order mark, and use semicolons where the decimal separator is a comma.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    // Otherwise an unclosed quote would silently swallow every line after it.
    if bytes.split(|&byte| byte == b'"').count() % 2 == 0 {
        return Err(Problem::malformed(
            "the file has a quote that is not closed",
        ));
    }
    let first = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let delimiter = if first.contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let columns = columns(&mut reader)?;
    let mut lines = Vec::new();
    let mut lines_before = LineNumbers {
        bytes,
        counted: 0,
        line: 1,
    };
    for record in reader.byte_records() {
        let record = record.map_err(|_| Problem::malformed("the file is no CSV"))?;
        let line = lines_before.line_of(&record);
        if lines.len() == MAX_IMPORTED {
            let rule = format!("one import has at most {MAX_IMPORTED} users");
            return Err(Problem::malformed(rule));
        }
        lines.push(LineToImport {
            line,
            user: user_of_line(&columns, &record),
        });
    }
    if lines.is_empty() {
        return Err(Problem::malformed("the file has no users"));
    }
    Ok(lines)
}

/// Counts the lines of a file. The reader's own count is one short where lines end in CRLF.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl LineNumbers<'_> {
    /// The number of the line on which a record begins. Must be called for the records in order.
    fn line_of(&mut self, record: &csv::ByteRecord) -> u64 {
        let at = record.position().map_or(0, csv::Position::byte);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let ends = rest
            .iter()
            .take_while(|&&byte| byte == b'\r' || byte == b'\n');
        let begins = at + ends.count();
        let passed = self.bytes.get(self.counted..begins).unwrap_or_default();
        let newlines = passed.split(|&byte| byte == b'\n').count().max(1) - 1;
        self.counted = begins;
        self.line += u64::try_from(newlines).unwrap_or_default();
        self.line
    }
}

/// The columns of a file in its own order, from its header line.
fn columns(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<&'static str>, Problem> {
    let rule = || {
        let names = COLUMNS.join(", ");
        Problem::malformed(format!(
            "the file must be CSV in UTF-8, and its first line names columns, each once, of these: {names}"
        ))
    };
    let names = reader.headers().map_err(|_| rule())?;
    let mut columns = Vec::new();
    for name in names {
        let name = name.to_ascii_lowercase();
        let known = COLUMNS.into_iter().find(|known| *known == name);
        let known = known
            .filter(|known| !columns.contains(known))
            .ok_or_else(rule)?;
        columns.push(known);
    }
    if columns.is_empty() {
        return Err(rule());
    }
    Ok(columns)
}

/// The user of one line, or what is wrong with it. The text never repeats the line's content.
fn user_of_line(columns: &[&'static str], record: &csv::ByteRecord) -> Result<NewUser, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "the line has {} fields, and there are {} columns",
            record.len(),
            columns.len()
        ));
    }
    let mut user = NewUser::default();
    let said = |error: crate::domain::values::text::InvalidName| error.to_string();
    for (column, field) in columns.iter().zip(record) {
        let text = std::str::from_utf8(field).map_err(|_| "the line is not UTF-8 text")?;
        if text.is_empty() {
            continue;
        }
        // Undoes the escaping of an export.
        let text = match text.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
            _ => text,
        };
        let profile = &mut user.profile;
        match *column {
            "user_id" => user.id = Some(UserId::parse(text).map_err(said)?),
            "name" => profile.name = Some(PersonName::parse(text).map_err(said)?),
            "email" => profile.email = Some(Email::parse(text).map_err(said)?),
            "mobile" => profile.mobile = Some(SpelledNumber::new(text)),
            "kind" => {
                let kind = UserKind::deserialize(json!(text.to_ascii_lowercase()));
                let rule = "kind must be employee, visitor or member";
                profile.kind = Some(kind.map_err(|_| rule)?);
            }
            // The columns of the card are exported but not imported.
            _ => {}
        }
    }
    Ok(user)
}

impl Extracted for UsersCsv {
    fn describe(operation: &mut Operation) {
        // Its `Content-Type` is not checked: some client generators do not support CSV.
        operation.request.push(("text/csv", None));
        operation.request.push(("application/octet-stream", None));
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}
