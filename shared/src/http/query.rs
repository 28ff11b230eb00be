//! Query parameters. Unknown and repeated parameters are refused.

use super::accept::prefers_csv;
use super::cursors::Cursors;
use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use crate::commands::{PageOf, Period, UsersOf};
use crate::domain::model::user::MAX_USERS;
use crate::domain::values::ids::{BatchId, DeviceId, MessageId, SiteId, UserId};
use crate::domain::values::text::tidy;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lambda_http::RequestExt;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// The largest page size.
const MAX_PAGE: u16 = 100;
/// The default page size.
const USUAL_PAGE: u16 = 50;
/// The longest search text, in characters.
const MAX_SEARCH: usize = 100;

/// Marks a request whose query has been read.
#[derive(Clone, Copy, Debug)]
struct QueryTaken;

/// The parameters of a query, by their names.
type Parameters = HashMap<String, String>;

/// The query of a request, read as `Q`.
#[derive(Clone, Copy, Debug)]
pub struct Query<Q>(pub Q);

/// A type that can be read from a query.
pub trait ReadQuery: Sized {
    /// The names of its parameters.
    const NAMES: &'static [&'static str];
    /// Their names in the contract.
    const PARAMETERS: &'static [&'static str];

    /// Reads it.
    ///
    /// # Errors
    /// A parameter cannot be read; the problem says which.
    fn read(query: &HashMap<String, String>, cursors: &Cursors) -> Result<Self, Problem>;
}

impl<Q: ReadQuery, S: Send + Sync> FromRequestParts<S> for Query<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parameters(parts, Q::NAMES)?;
        parts.extensions.insert(QueryTaken);
        Q::read(&query, &Cursors::of(parts)).map(Self)
    }
}

/// The function itself. A query is refused unless an extractor before this one has read it.
#[derive(Debug)]
pub struct Function<F>(pub Arc<F>);

impl<F: Send + Sync> FromRequestParts<Arc<F>> for Function<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<F>) -> Result<Self, Problem> {
        if parts.extensions.get::<QueryTaken>().is_none() {
            refuse(parts)?;
        }
        Ok(Self(Arc::clone(state)))
    }
}

/// Refuses a query that no extractor reads.
pub(super) fn refuse(parts: &Parts) -> Result<(), Problem> {
    parameters(parts, &[]).map(drop)
}

fn parameters(parts: &Parts, names: &[&str]) -> Result<Parameters, Problem> {
    let mut parameters = HashMap::new();
    let query = parts.query_string_parameters_ref();
    for (name, value) in query.into_iter().flat_map(|query| query.iter()) {
        if !names.contains(&name) {
            let taken = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            return Err(Problem::malformed(format!(
                "the query has an unknown parameter: it takes {taken}"
            )));
        }
        if parameters
            .insert(name.to_owned(), value.to_owned())
            .is_some()
        {
            return Err(Problem::malformed(format!(
                "the query has the parameter {name} twice"
            )));
        }
    }
    Ok(parameters)
}

/// `limit` and `cursor`, where the cursor is the ID of the last item of the previous page.
#[derive(Debug)]
pub struct PageAfter<Id> {
    /// The page.
    pub page: PageOf,
    id: PhantomData<fn() -> Id>,
}

/// Declares the IDs that serve as cursors.
macro_rules! cursors {
    ($($id:ty),*) => {$(
        impl ReadQuery for PageAfter<$id> {
            const NAMES: &'static [&'static str] = &["limit", "cursor"];
            const PARAMETERS: &'static [&'static str] = &["Limit", "Cursor"];

            fn read(query: &Parameters, cursors: &Cursors) -> Result<Self, Problem> {
                let after = after(query, cursors, |key| <$id>::parse(key).ok())?;
                let page = PageOf { after: after.map(Into::into), limit: limit(query)? };
                Ok(Self { page, id: PhantomData })
            }
        }
    )*};
}

cursors!(SiteId, DeviceId, MessageId, BatchId);

impl ReadQuery for Period {
    const NAMES: &'static [&'static str] = &["from", "to", "limit", "cursor"];
    const PARAMETERS: &'static [&'static str] = &["From", "To", "Limit", "Cursor"];

    fn read(query: &Parameters, cursors: &Cursors) -> Result<Self, Problem> {
        let (from, to) = dates(query)?;
        Ok(Self {
            from,
            to,
            after: after(query, cursors, |key| key.parse().ok())?,
            limit: limit(query)?,
        })
    }
}

/// A period of a partner's history. A partner has no time zone, so the dates are in UTC.
#[derive(Clone, Debug)]
pub struct HistoryPeriod {
    /// The start, inclusive.
    pub from: Option<Timestamp>,
    /// The end, exclusive.
    pub until: Option<Timestamp>,
    /// The page.
    pub page: PageOf,
}

impl ReadQuery for HistoryPeriod {
    const NAMES: &'static [&'static str] = &["from", "to", "limit", "cursor"];
    const PARAMETERS: &'static [&'static str] = &["From", "To", "Limit", "Cursor"];

    fn read(query: &Parameters, cursors: &Cursors) -> Result<Self, Problem> {
        let (from, to) = dates(query)?;
        let start_of = |date: Date| TimeZone::UTC.to_zoned_datetime(date.at(0, 0, 0, 0)).ok();
        let instant = |date: Date| start_of(date).map(|start| start.timestamp());
        Ok(Self {
            // The last day of jiff's calendar is after its last timestamp, so every line is before it.
            from: from.map(|from| instant(from).unwrap_or(Timestamp::MAX)),
            until: to.and_then(|to| instant(to.tomorrow().ok()?)),
            page: PageOf {
                after: after(query, cursors, |key| Some(key.to_owned()))?,
                limit: limit(query)?,
            },
        })
    }
}

/// Whether the site's remaining balances are forfeited.
#[derive(Clone, Copy, Debug)]
pub struct Forfeit(pub bool);

impl ReadQuery for Forfeit {
    const NAMES: &'static [&'static str] = &["forfeit"];
    const PARAMETERS: &'static [&'static str] = &["Forfeit"];

    fn read(query: &Parameters, _: &Cursors) -> Result<Self, Problem> {
        match query.get("forfeit").map(String::as_str) {
            Some("true") => Ok(Self(true)),
            Some("false") | None => Ok(Self(false)),
            Some(_) => Err(Problem::malformed(
                "the parameter forfeit must be true or false",
            )),
        }
    }
}

/// The users that `search`, `limit` and `cursor` select, or all of them for a CSV export, which takes no query.
impl<S: Send + Sync> FromRequestParts<S> for UsersOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if prefers_csv(parts) {
            refuse(parts)?;
            return Ok(Self {
                search: None,
                after: None,
                limit: u16::try_from(MAX_USERS).unwrap_or(u16::MAX),
            });
        }
        let query = parameters(parts, &["search", "limit", "cursor"])?;
        parts.extensions.insert(QueryTaken);
        let search = query.get("search").map(|text| tidy(text));
        let valid = |text: &String| (1..=MAX_SEARCH).contains(&text.chars().count());
        if search.as_ref().is_some_and(|text| !valid(text)) {
            return Err(Problem::malformed(format!(
                "the parameter search must be 1 to {MAX_SEARCH} characters"
            )));
        }
        Ok(Self {
            search,
            after: after(&query, &Cursors::of(parts), |key| UserId::parse(key).ok())?,
            limit: limit(&query)?,
        })
    }
}

/// Reads `from` and `to`.
fn dates(query: &Parameters) -> Result<(Option<Date>, Option<Date>), Problem> {
    let date = |name: &str| {
        let rule = || {
            Problem::malformed(format!(
                "the parameter {name} must be a date such as 2026-12-09"
            ))
        };
        let text = query.get(name);
        text.map(|text| plain_date(text).ok_or_else(rule))
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

/// Parses a date in the contract's format, and in no other ISO 8601 format.
pub(super) fn plain_date(text: &str) -> Option<Date> {
    let date = text.parse::<Date>().ok();
    date.filter(|date| date.to_string() == text)
}

/// Reads `limit`.
fn limit(query: &Parameters) -> Result<u16, Problem> {
    let Some(text) = query.get("limit") else {
        return Ok(USUAL_PAGE);
    };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| Problem::malformed(format!("the parameter limit must be 1 to {MAX_PAGE}")))
}

/// Reads `cursor`, which is the `next_cursor` of a page of the same listing.
fn after<T>(
    query: &Parameters,
    cursors: &Cursors,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(cursor) = query.get("cursor") else {
        return Ok(None);
    };
    let key = cursors.open(cursor).and_then(|key| parse(&key));
    let rule = "the parameter cursor must be the next_cursor of a page of this listing, with the same filters";
    key.map(Some).ok_or_else(|| Problem::malformed(rule))
}

impl<F> Extracted for Function<F> {
    fn describe(operation: &mut Operation) {
        operation.can_be(&[
            ProblemCode::MalformedRequest,
            ProblemCode::Busy,
            ProblemCode::InternalError,
        ]);
    }
}

impl<Q: ReadQuery> Extracted for Query<Q> {
    fn describe(operation: &mut Operation) {
        operation.parameters.extend(Q::PARAMETERS);
    }
}

impl Extracted for UsersOf {
    fn describe(operation: &mut Operation) {
        operation.parameters.extend(["Search", "Limit", "Cursor"]);
    }
}
