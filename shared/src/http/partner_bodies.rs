//! The bodies of a partner's requests and answers.

use super::answer::Answer;
use super::arrival::Arrival;
use super::pages::{date_or_none, history_cursor, no_formula};
use super::problem::Problem;
use crate::commands::{BatchError, CodeInBatch, Issued, MAX_CODES_A_VOID, NewBatch, Page, Voided};
use crate::domain::model::account::HistoryLine;
use crate::domain::model::batch::{Batch, BatchSum};
use crate::domain::model::code::CodeValue;
use crate::domain::rules::license::SiteOfPartner;
use crate::domain::values::ids::{BatchId, SiteId};
use crate::domain::values::names::Reason;
use crate::store::StoreError;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of `POST …/code-batches`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBatchBody {
    /// The credits of each code.
    pub credits: u64,
    /// The maintenance credits of each code.
    #[serde(default)]
    pub maintenance_credits: Option<u64>,
    /// How many codes.
    pub count: u32,
    /// The last date on which they can be applied.
    #[serde(default, deserialize_with = "date_or_none")]
    pub expires_on: Option<Date>,
    /// The only site they can be applied to.
    #[serde(default)]
    pub site_id: Option<SiteId>,
    /// What the partner notes about it.
    #[serde(default)]
    pub note: Option<String>,
}

impl NewBatchBody {
    /// What is asked for.
    ///
    /// # Errors
    /// No code carries that.
    pub fn read(self) -> Result<NewBatch, Problem> {
        let value = CodeValue::new(self.credits, self.maintenance_credits.unwrap_or_default());
        Ok(NewBatch {
            value: value.map_err(|error| Problem::malformed(error.to_string()))?,
            count: self.count,
            expires_on: self.expires_on,
            bound_to: self.site_id,
            note: self.note.map(|note| note.trim().to_owned()),
        })
    }
}

/// The body of `POST …/{batch_id}/void`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidBody {
    /// Why.
    pub reason: Reason,
    /// Which codes; the whole batch where it is left out.
    #[serde(default)]
    pub codes: Option<Vec<String>>,
}

impl VoidBody {
    /// The codes, if some are named.
    ///
    /// # Errors
    /// There are none, or too many.
    pub fn codes(&self) -> Result<Option<&[String]>, Problem> {
        let codes = self.codes.as_deref();
        if codes.is_some_and(|codes| !(1..=MAX_CODES_A_VOID).contains(&codes.len())) {
            return Err(Problem::malformed(format!(
                "codes must name 1 to {MAX_CODES_A_VOID} codes, or be left out for the whole batch"
            )));
        }
        Ok(codes)
    }
}

/// The batch of the path.
///
/// # Errors
/// A text that is no batch ID names no batch.
pub fn batch_id(arrival: &Arrival) -> Result<BatchId, Problem> {
    let id = arrival.parameter("batch_id");
    id.and_then(|id| BatchId::parse(id).ok())
        .ok_or_else(|| BatchError::NotFound.into())
}

fn shown(batch: &Batch, complete: bool) -> Value {
    json!({
        "batch_id": batch.id,
        "partner_id": batch.partner_id,
        "credits": batch.value.credits(),
        "maintenance_credits": batch.value.maintenance_credits(),
        "count": batch.count,
        "expires_on": batch.expires_on,
        "site_id": batch.bound_to,
        "note": batch.note,
        "issued_at": batch.issued_at,
        "complete": complete,
    })
}

/// The answer to an issue: 201 with the batch and its codes.
#[must_use]
pub fn issued_answer(issued: &Issued) -> Answer {
    let codes: Vec<String> = issued.codes.iter().map(ToString::to_string).collect();
    let body = json!({ "batch": shown(&issued.batch, true), "codes": codes });
    Answer::json(201, &body).replayed(issued.replayed)
}

/// The answer to a request for a partner's batches.
#[must_use]
pub fn batches_answer(page: &Page<(Batch, bool)>) -> Answer {
    let batches = page.items.iter();
    let batches = batches.map(|(batch, complete)| shown(batch, *complete));
    let batches: Vec<Value> = batches.collect();
    Answer::json(
        200,
        &json!({ "batches": batches, "next_cursor": page.next }),
    )
}

/// The answer to a request for one batch.
#[must_use]
pub fn batch_answer(batch: &Batch, complete: bool, sum: BatchSum) -> Answer {
    let body = json!({ "batch": shown(batch, complete), "sum": sum });
    Answer::json(200, &body)
}

/// The answer to a request for the codes of a batch, as CSV (RFC 4180) or as JSON.
///
/// # Errors
/// Never in practice: everything that is written has a form in CSV.
pub fn codes_answer(batch: &Batch, codes: &[CodeInBatch], csv: bool) -> Result<Answer, Problem> {
    if !csv {
        let body = json!({ "batch": shown(batch, true), "codes": codes });
        return Ok(Answer::json(200, &body));
    }
    let table = csv_of(codes).map_err(|error| Problem::from(StoreError::defect(error)))?;
    let name = format!("attachment; filename=\"codes-{}.csv\"", batch.id);
    Ok(
        Answer::text(200, "text/csv; charset=utf-8", table)
            .with_header("content-disposition", name),
    )
}

fn csv_of(codes: &[CodeInBatch]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for code in codes {
        let mut code = code.clone();
        code.void_reason = code.void_reason.map(no_formula);
        writer.serialize(code)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

/// The answer to a voiding.
#[must_use]
pub fn voided_answer(voided: Voided) -> Answer {
    let body = json!({
        "voided": voided.voided,
        "already_voided": voided.already_voided,
        "applied": voided.applied,
    });
    Answer::json(200, &body).replayed(voided.replayed)
}

/// The answer to a request for a partner's history.
#[must_use]
pub fn history_answer(page: &Page<HistoryLine>) -> Answer {
    let lines: Vec<_> = page.items.iter().map(|line| &line.told).collect();
    let next = page.next.as_deref().map(history_cursor);
    Answer::json(200, &json!({ "history": lines, "next_cursor": next }))
}

/// The answer to a request for the sites that applied a partner's codes.
#[must_use]
pub fn sites_of_partner_answer(page: &Page<SiteOfPartner>) -> Answer {
    let body = json!({ "sites": page.items, "next_cursor": page.next });
    Answer::json(200, &body)
}
