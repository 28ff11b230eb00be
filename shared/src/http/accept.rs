//! Which form of an answer the caller would rather have.

use super::describe::{Extracted, Operation};
use super::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Whether the caller would rather have CSV than JSON: by the weights of `Accept` (RFC 9110, section 12.5.1).
#[derive(Clone, Copy, Debug)]
pub struct PrefersCsv(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for PrefersCsv {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(prefers_csv(parts)))
    }
}

/// Whether `Accept` weighs CSV above JSON. Negotiation by a crate would prefer what is named first at equal weights.
pub(super) fn prefers_csv(parts: &Parts) -> bool {
    let accept = parts
        .headers
        .get("accept")
        .and_then(|value| value.to_str().ok());
    // The most specific range that names a type is the one that counts.
    let weight = |kind: &str, media_type: &str| {
        let ranges = [media_type, kind, "*/*"].into_iter();
        let mut weights = ranges.filter_map(|wanted| {
            accept.unwrap_or_default().split(',').find_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let named = parts.next()?.to_ascii_lowercase();
                let q = parts.find_map(|part| part.strip_prefix("q="));
                (named == wanted).then(|| thousandths(q))
            })
        });
        weights.next().unwrap_or_default()
    };
    weight("text/*", "text/csv") > weight("application/*", "application/json")
}

/// A weight of `Accept`, 0 to 1 with at most three decimals, in thousandths; 1 where there is none.
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
