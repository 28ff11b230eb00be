//! The bodies of requests and answers.

use super::answer::Answer;
use super::arrival::Arrival;
use super::problem::Problem;
use crate::commands::{Done, Period, PreviewAnswer};
use crate::domain::license::License;
use crate::domain::redemption::Recharge;
use crate::store::Page;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;

/// The most entries of a page of a statement.
const MAX_PAGE: u16 = 100;
/// The entries of a page where the request does not say.
const USUAL_PAGE: u16 = 50;

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
pub fn redemption_answer(done: &Done) -> Answer {
    let answer = Answer::json(
        201,
        &json!({ "entry": done.entry, "license": done.license }),
    );
    if done.replayed {
        answer.with_header("idempotency-replayed", "true")
    } else {
        answer
    }
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
    let date = |name: &str| {
        let read = |text: &String| {
            text.parse::<Date>()
                .ok()
                .filter(|date| text.len() == 10 && date.to_string() == *text)
        };
        let rule = || {
            Problem::malformed(format!(
                "the parameter {name} must be a date such as 2026-12-09"
            ))
        };
        query
            .get(name)
            .map(|text| read(text).ok_or_else(rule))
            .transpose()
    };
    let (from, to) = (date("from")?, date("to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Problem::malformed(
            "the parameter from must not be later than to",
        ));
    }
    let limit = query.get("limit").map(|text| {
        text.parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
    });
    let limit = limit.map(|limit| {
        limit.ok_or_else(|| {
            Problem::malformed(format!("the parameter limit must be 1 to {MAX_PAGE}"))
        })
    });
    let cursor = query.get("cursor").map(|text| text.parse().ok());
    let cursor = cursor.map(|cursor| {
        cursor.ok_or_else(|| {
            Problem::malformed("the parameter cursor must be the next_cursor of a page")
        })
    });
    Ok(Period {
        from,
        to,
        after: cursor.transpose()?,
        most: limit.transpose()?.unwrap_or(USUAL_PAGE),
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
