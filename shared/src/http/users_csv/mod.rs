//! The users of a site as a CSV file: export and import.

mod charset;
mod formula;
mod rows;
#[cfg(test)]
mod tests;

use super::body::{bytes, listed};
use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use super::reply::File;
use super::words;
use crate::commands::{LineToImport, MAX_IMPORTED, NewUser};
use crate::domain::model::user::{User, UserKind};
use crate::domain::values::email::Email;
use crate::domain::values::ids::UserId;
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::SpelledNumber;
use crate::domain::values::text::InvalidName;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use csv::{QuoteStyle, Terminator, WriterBuilder};
pub(super) use formula::protected;
use formula::restored;
use jiff::civil::Date;
use rows::{Row, rows};
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
        let no_text = |error: charset::NoText| Problem::malformed(error.to_string());
        let bytes = bytes(parts, MAX_IMPORT_BYTES)?;
        let declared = charset::declared(&parts.headers).map_err(no_text)?;
        let text = charset::text_of(bytes, declared).map_err(no_text)?;
        lines_to_import(&text).map(Self)
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

/// Users as CSV. Every field is quoted, and protected from a spreadsheet that would run it as a formula or, as a mobile
/// number, drop its plus sign.
fn csv_of(users: &[User]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for user in users {
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let card = user.card.as_ref();
        let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let fields = [
            user.id.to_string(),
            word(json!(user.profile.name)),
            word(json!(user.profile.kind)),
            word(json!(user.profile.email)),
            word(json!(user.profile.mobile)),
            card.map(|card| card.id.to_string()).unwrap_or_default(),
            word(json!(card.map(|card| card.status))),
            date(card.map(|card| card.validity.valid_from)),
            date(card.and_then(|card| card.validity.valid_until)),
        ];
        writer.write_record(fields.map(|field| protected(&field)))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

/// Reads the file of `POST …/users/import`: a header row, then a row for each user. An error in a row is reported for
/// its line. Empty rows, which spreadsheets leave behind, are no users.
///
/// # Errors
/// The file as a whole cannot be read, or it has no users or too many.
fn lines_to_import(text: &str) -> Result<Vec<LineToImport>, Problem> {
    let rows = rows(text, |name| column(name).is_some());
    let rows = rows.map_err(|error| Problem::malformed(error.to_string()))?;
    let (header, users) = rows.split_first().ok_or_else(no_columns)?;
    let columns = columns(header)?;
    if users.is_empty() {
        return Err(Problem::malformed("the file has no users"));
    }
    if users.len() > MAX_IMPORTED {
        let rule = format!("one import has at most {MAX_IMPORTED} users");
        return Err(Problem::malformed(rule));
    }
    let lines = users.iter().map(|row| LineToImport {
        line: row.line,
        user: user_of_row(&columns, row),
    });
    Ok(lines.collect())
}

/// The column of this name.
fn column(name: &str) -> Option<&'static str> {
    let mut columns = COLUMNS.into_iter();
    columns.find(|column| name.eq_ignore_ascii_case(column))
}

fn no_columns() -> Problem {
    let names = COLUMNS.join(", ");
    Problem::malformed(format!(
        "the file must be CSV, and its first row names columns, each once, of these: {names}"
    ))
}

/// The columns of a file in its own order, from its header row, without empty ones at the end. An empty name is none.
fn columns(header: &Row) -> Result<Vec<Option<&'static str>>, Problem> {
    let mut columns = Vec::new();
    for name in &header.fields {
        let named = column(name);
        let is_right = match named {
            Some(_) => !columns.contains(&named),
            None => name.is_empty(),
        };
        if !is_right {
            return Err(no_columns());
        }
        columns.push(named);
    }
    let last = columns.iter().rposition(Option::is_some);
    columns.truncate(last.map_or(0, |last| last + 1));
    Ok(columns)
}

/// The user of one row, or what is wrong with it. The text never repeats the row's content.
fn user_of_row(columns: &[Option<&'static str>], row: &Row) -> Result<NewUser, String> {
    if let Some(last) = row.broken_until {
        let first = row.line;
        return Err(format!(
            "a field goes on after the end of its line, from line {first} to {last}: it has a line break, or a quote too many"
        ));
    }
    let filled = row.fields.iter().rposition(|field| !field.is_empty());
    let filled = filled.map_or(0, |last| last + 1);
    // Spreadsheets leave empty fields behind beside the last column.
    let fields = row.fields.len().min(columns.len()).max(filled);
    if fields != columns.len() {
        let columns = columns.len();
        return Err(format!(
            "the line has {fields} fields, and there are {columns} columns"
        ));
    }
    let mut user = NewUser::default();
    let filled = columns.iter().zip(&row.fields);
    for (column, field) in filled.filter(|(_, field)| !field.is_empty()) {
        let column = column.ok_or("the line has a field in a column without a name")?;
        set(&mut user, column, &restored(field))?;
    }
    Ok(user)
}

/// Sets what a column holds of a user.
fn set(user: &mut NewUser, column: &str, text: &str) -> Result<(), String> {
    let said = |error: InvalidName| error.to_string();
    let profile = &mut user.profile;
    match column {
        "user_id" => user.id = Some(UserId::parse(text).map_err(said)?),
        "name" => profile.name = Some(PersonName::parse(text).map_err(said)?),
        "email" => profile.email = Some(Email::parse(text).map_err(said)?),
        "mobile" => profile.mobile = Some(SpelledNumber::new(text)),
        "kind" => {
            let kind = UserKind::deserialize(json!(text.to_ascii_lowercase()));
            let rule = || format!("kind must be {}", listed(words::USER_KIND));
            profile.kind = Some(kind.map_err(|_| rule())?);
        }
        // The columns of the card are exported but not imported.
        _ => {}
    }
    Ok(())
}

impl Extracted for UsersCsv {
    fn describe(operation: &mut Operation) {
        // Of its `Content-Type` only the charset counts: some client generators do not support CSV.
        operation.request.push(("text/csv", None));
        operation.request.push(("application/octet-stream", None));
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}
