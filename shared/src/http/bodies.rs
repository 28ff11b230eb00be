//! The bodies of requests and answers.

use super::answer::Answer;
use super::arrival::Arrival;
use super::pages::{dates, limit, wrong_cursor};
use super::problem::Problem;
use crate::commands::{Done, Period, PreviewAnswer};
use crate::domain::model::code::Recharge;
use crate::domain::rules::license::License;
use crate::store::Page;
use serde::Deserialize;
use serde_json::json;

/// The body of `POST …/license/preview`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    /// The code as it was typed.
    pub code: String,
    /// Which balance it would recharge.
    pub recharge: Recharge,
}

/// The body of `POST …/license/redemptions` and `POST …/sms/redemptions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedemptionBody {
    /// The code as it was typed.
    pub code: String,
}

/// The answer to an application: 201 with the entry and the license.
#[must_use]
pub fn redemption_answer(done: &Done<License>) -> Answer {
    entry_and_license(201, done)
}

/// An answer with a command's entry and the license after it.
pub(super) fn entry_and_license(status_code: u16, done: &Done<License>) -> Answer {
    let body = json!({ "entry": done.entry, "license": done.answer });
    Answer::json(status_code, &body).replayed(done.replayed)
}

/// The answer to a request for a license.
#[must_use]
pub fn license_answer(license: &License) -> Answer {
    Answer::json(200, &json!(license))
}

/// The answer to a preview.
#[must_use]
pub fn preview_answer(shown: &PreviewAnswer, recharge: Recharge) -> Answer {
    let PreviewAnswer {
        site,
        code,
        preview,
    } = shown;
    let body = json!({
        "site_id": site.id,
        "site_name": site.name,
        "country": site.country,
        "site_type": site.site_type,
        "recharge": recharge,
        "code": {
            "last_four": code.last_four,
            "credits": code.value.credits(),
            "maintenance_credits": code.value.maintenance_credits(),
            "expires_on": code.expires_on,
        },
        "before": { "balances": preview.before, "status": preview.status_before },
        "after": { "balances": preview.after, "status": preview.status_after },
    });
    Answer::json(200, &body)
}

/// Reads `from`, `to`, `limit` and `cursor`.
///
/// # Errors
/// One of them cannot be read; the problem says which.
pub fn page(arrival: &Arrival) -> Result<Period, Problem> {
    let query = arrival.query(&["from", "to", "limit", "cursor"])?;
    let (from, to) = dates(&query)?;
    let cursor = query.get("cursor").map(|text| text.parse().ok());
    let cursor = cursor.map(|cursor| cursor.ok_or_else(wrong_cursor));
    Ok(Period {
        from,
        to,
        after: cursor.transpose()?,
        limit: limit(&query)?,
    })
}

/// The answer to a request for a statement.
#[must_use]
pub fn statement_answer(page: &Page) -> Answer {
    let next = page.next.map(|sequence| sequence.to_string());
    Answer::json(
        200,
        &json!({ "entries": page.entries, "next_cursor": next }),
    )
}
