//! The parameters of listings: `from`, `to`, `limit` and `cursor`.

use super::arrival::Arrival;
use super::problem::Problem;
use crate::commands::PageOf;
use crate::domain::values::text::InvalidName;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;

/// The most that one page lists.
pub(super) const MAX_PAGE: u16 = 100;
/// The longest key in a history: an instant, and two IDs.
const MAX_CURSOR_BYTES: usize = 200;
/// What a page lists where the request does not say.
const USUAL_PAGE: u16 = 50;

/// Reads `limit` and `cursor`, where the cursor is the ID of the last that was listed.
///
/// # Errors
/// One of them cannot be read; the problem says which.
pub fn page_of<T: Into<String>>(
    arrival: &Arrival,
    parse: impl Fn(&str) -> Result<T, InvalidName>,
) -> Result<PageOf, Problem> {
    let query = arrival.query(&["limit", "cursor"])?;
    let cursor = query.get("cursor").map(|text| parse(text));
    let cursor = cursor.transpose().map_err(|_| wrong_cursor())?;
    Ok(PageOf {
        after: cursor.map(Into::into),
        limit: limit(&query)?,
    })
}

/// Which part of a partner's history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Until before this instant.
    pub until: Option<Timestamp>,
    /// The page.
    pub page: PageOf,
}

/// Reads `from`, `to`, `limit` and `cursor`. A partner has no time zone: its dates are those of UTC.
///
/// # Errors
/// One of them cannot be read; the problem says which.
pub fn history_page(arrival: &Arrival) -> Result<HistoryPage, Problem> {
    let query = arrival.query(&["from", "to", "limit", "cursor"])?;
    let (from, to) = dates(&query)?;
    let start_of = |date: Date| TimeZone::UTC.to_zoned_datetime(date.at(0, 0, 0, 0)).ok();
    let instant = |date: Date| start_of(date).map(|start| start.timestamp());
    let cursor = query.get("cursor").map(|text| {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|key| (1..=MAX_CURSOR_BYTES).contains(&key.len()))
            .ok_or_else(wrong_cursor)
    });
    Ok(HistoryPage {
        // The calendar's last day has no instant in jiff: everything is before it.
        from: from.map(|from| instant(from).unwrap_or(Timestamp::MAX)),
        until: to.and_then(|to| instant(to.tomorrow().ok()?)),
        page: PageOf {
            after: cursor.transpose()?,
            limit: limit(&query)?,
        },
    })
}

/// The cursor of a history, whose keys no URL takes as they are.
pub(super) fn history_cursor(key: &str) -> String {
    BASE64URL_NOPAD.encode(key.as_bytes())
}

/// Reads `from` and `to`.
pub(super) fn dates(
    query: &HashMap<String, String>,
) -> Result<(Option<Date>, Option<Date>), Problem> {
    let date = |name: &str| {
        let rule = || {
            Problem::malformed(format!(
                "the parameter {name} must be a date such as 2026-12-09"
            ))
        };
        query
            .get(name)
            .map(|text| plain_date(text).ok_or_else(rule))
            .transpose()
    };
    let (from, to) = (date("from")?, date("to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Problem::malformed(
            "the parameter from must not be later than to",
        ));
    }
    Ok((from, to))
}

/// A date as the contract spells it, and in no other of the forms of ISO 8601.
pub(super) fn plain_date(text: &str) -> Option<Date> {
    let date = text.parse::<Date>().ok();
    date.filter(|date| date.to_string() == text)
}

/// Reads a date of a body, as the contract spells it.
pub(super) fn date_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let rule = "it must be a date such as 2026-12-09";
    let date = text.map(|text| plain_date(&text).ok_or_else(|| D::Error::custom(rule)));
    date.transpose()
}

/// A text that no spreadsheet takes for a formula (OWASP, "CSV Injection").
pub(super) fn no_formula(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

/// Reads `limit`.
pub(super) fn limit(query: &HashMap<String, String>) -> Result<u16, Problem> {
    let Some(text) = query.get("limit") else {
        return Ok(USUAL_PAGE);
    };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| Problem::malformed(format!("the parameter limit must be 1 to {MAX_PAGE}")))
}

pub(super) fn wrong_cursor() -> Problem {
    Problem::malformed("the parameter cursor must be the next_cursor of a page")
}
