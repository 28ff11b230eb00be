//! Content negotiation: whether the caller prefers CSV or JSON.

use super::describe::{Extracted, Operation};
use super::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Whether the caller prefers CSV to JSON, by the weights in `Accept` (RFC 9110, section 12.5.1).
#[derive(Clone, Copy, Debug)]
pub struct PrefersCsv(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for PrefersCsv {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(prefers_csv(parts)))
    }
}

/// Whether `Accept` gives CSV a higher weight than JSON. At equal weights JSON wins, where a negotiation crate would
/// pick the type that is named first.
pub(super) fn prefers_csv(parts: &Parts) -> bool {
    let accept = parts
        .headers
        .get("accept")
        .and_then(|value| value.to_str().ok());
    // The most specific media range that matches a type takes precedence.
    let weight = |kind: &str, media_type: &str| {
        let ranges = [media_type, kind, "*/*"].into_iter();
        let mut weights = ranges.filter_map(|wanted| {
            accept.unwrap_or_default().split(',').find_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let named = parts.next()?.to_ascii_lowercase();
                let q = parts.find_map(|part| {
                    let (name, weight) = part.split_once('=')?;
                    name.eq_ignore_ascii_case("q").then_some(weight)
                });
                (named == wanted).then(|| thousandths(q))
            })
        });
        weights.next().unwrap_or_default()
    };
    weight("text/*", "text/csv") > weight("application/*", "application/json")
}

/// A weight in `Accept`, 0 to 1 with at most three decimals, in thousandths. A missing weight is 1.
fn thousandths(q: Option<&str>) -> u16 {
    let Some(q) = q else { return 1_000 };
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    let decimals = format!("{decimals:0<3}");
    match (whole, decimals.get(..3).and_then(|text| text.parse().ok())) {
        ("0", Some(thousandths)) => thousandths,
        ("1", _) => 1_000,
        _ => 0,
    }
}

impl Extracted for PrefersCsv {
    fn describe(_: &mut Operation) {}
}
