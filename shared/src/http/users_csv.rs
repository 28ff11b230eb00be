//! The users of a site as a file: an export, and an import.

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

/// The longest file that is imported, in bytes.
const MAX_IMPORT_BYTES: usize = 512 * 1024;
/// The columns of a file, in the order in which one is exported. The last four are ignored when one is imported.
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
/// The file cannot be made, which is a defect.
pub fn users_file(users: &[User]) -> Result<File, Problem> {
    Ok(File {
        media_type: "text/csv; charset=utf-8",
        name: Some("users.csv".to_owned()),
        text: csv_of(users).map_err(Problem::defect)?,
    })
}

/// A text that no spreadsheet takes for a formula (OWASP, "CSV Injection").
pub(super) fn no_formula(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

/// Users as a file. A formula would be carried out by whoever opens it in a spreadsheet.
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
            // A spreadsheet would take it for a sum, and lose the plus.
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

/// Reads the file of `POST …/users/import`: a line of column names, then a user a line. What is wrong with one line is
/// said of that line.
///
/// # Errors
/// It is no such file at all.
fn lines_to_import(bytes: &[u8]) -> Result<Vec<LineToImport>, Problem> {
    // A spreadsheet marks UTF-8 by a byte order mark, and separates by semicolons where commas stand in numbers.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    // Otherwise a quote that somebody forgot to close would swallow every line after it, and nobody be told.
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
    /// The number of the line on which a record begins; records are asked for in their order.
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

/// The columns of a file, each by its place among those that are known.
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

/// The user of one line, or what is wrong with it; the text never repeats what the line says.
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
        // What an export protects from a spreadsheet.
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
            // What is known of a card is exported and not imported.
            _ => {}
        }
    }
    Ok(user)
}

impl Extracted for UsersCsv {
    fn describe(operation: &mut Operation) {
        // Of whatever media type it says it is: some generators of clients know no CSV.
        operation.request.push(("text/csv", None));
        operation.request.push(("application/octet-stream", None));
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}
