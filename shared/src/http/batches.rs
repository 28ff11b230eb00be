//! Batches of license codes.

use super::body::body;
use super::cursors::pages;
use super::problem::Problem;
use super::reply::{Changed, Created, File, JsonOrCsv};
use super::schemas::{self, Instant, LicenseCode, NextCursor};
use super::users_csv::protected;
use crate::commands::{
    CodeInBatch, Issued, MAX_CODES_A_VOID, NewBatch, Page, {self},
};
use crate::domain::model;
use crate::domain::model::batch::BatchSum;
use crate::domain::model::code::CodeValue;
use crate::domain::values::ids::{BatchId, CheckedSiteId, PartnerId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::names::Reason;
use crate::domain::values::text::tidy;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/code-batches`.
    pub struct NewBatchBody {
        /// The credits of each code.
        #[schema(minimum = 0, maximum = 1_000_000)]
        pub credits: u64,
        /// The maintenance credits of each code.
        #[schema(minimum = 0, maximum = 1_000_000)]
        pub maintenance_credits: Option<u64>,
        /// The number of codes.
        #[schema(minimum = 1, maximum = 10_000)]
        pub count: u64,
        /// The last date on which they can be applied.
        #[schema(value_type = Option<schemas::Date>)]
        pub expires_on: Option<Date>,
        /// The only site they can be applied to. Nobody looks whether there is one, so its ID must check itself.
        #[schema(value_type = Option<String>)]
        pub site_id: Option<CheckedSiteId>,
        /// The partner's own note.
        #[schema(max_length = 200, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
        pub note: Option<String>,
    }
}

impl NewBatchBody {
    /// The requested batch.
    ///
    /// # Errors
    /// No code can have this value.
    pub fn read(self) -> Result<NewBatch, Problem> {
        let value = CodeValue::new(self.credits, self.maintenance_credits.unwrap_or_default());
        Ok(NewBatch {
            value: value.map_err(|error| Problem::malformed(error.to_string()))?,
            // More than fit are more than a batch may have.
            count: u32::try_from(self.count).unwrap_or(u32::MAX),
            expires_on: self.expires_on.map(LastDate::from),
            bound_to: self.site_id.map(SiteId::from),
            note: self.note.as_deref().map(tidy),
        })
    }
}

body! {
    /// The body of `POST …/{batch_id}/void`.
    pub struct VoidBody {
        /// The reason.
        pub reason: Reason,
        /// The codes to void; the whole batch if omitted.
        #[schema(min_items = 1, max_items = 1_000)]
        pub codes: Option<Vec<String>>,
    }
}

impl VoidBody {
    /// The named codes; `None` for the whole batch.
    ///
    /// # Errors
    /// The list is empty or too long.
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

/// A batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Batch {
    /// Its ID.
    pub batch_id: BatchId,
    /// The partner it belongs to.
    pub partner_id: PartnerId,
    /// The credits of each code.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub credits: u64,
    /// The maintenance credits of each code.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub maintenance_credits: u64,
    /// The number of codes.
    #[schema(minimum = 1, maximum = 10_000)]
    pub count: u32,
    /// The last date on which the codes can be applied; null where they never expire.
    #[schema(value_type = Option<schemas::Date>)]
    pub expires_on: Option<LastDate>,
    /// When that date has ended everywhere on Earth; null where the codes never expire.
    #[schema(value_type = Option<Instant>)]
    pub expires_at: Option<Timestamp>,
    /// The only site that the codes can be applied to; null where any can.
    pub site_id: Option<SiteId>,
    /// The partner's own note.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub note: Option<String>,
    /// When it was issued.
    #[schema(value_type = Instant)]
    pub issued_at: Timestamp,
    /// False until the issue is finished. Repeating it finishes it, and so does fetching or voiding the codes.
    pub complete: bool,
}

impl Batch {
    fn of(batch: model::batch::Batch, complete: bool) -> Self {
        Self {
            batch_id: batch.id,
            partner_id: batch.partner_id,
            credits: batch.value.credits(),
            maintenance_credits: batch.value.maintenance_credits(),
            count: batch.count,
            expires_on: batch.expires_on,
            expires_at: batch.expires_on.map(LastDate::ends_at),
            site_id: batch.bound_to,
            note: batch.note,
            issued_at: batch.issued_at,
            complete,
        }
    }
}

/// The answer to issuing a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedBatch {
    /// The batch.
    pub batch: Batch,
    /// The codes in plain text, ordered by index.
    #[schema(value_type = Vec<LicenseCode>, min_items = 1, max_items = 10_000)]
    pub codes: Vec<String>,
}

impl From<Issued> for Created<IssuedBatch> {
    fn from(issued: Issued) -> Self {
        let batch = IssuedBatch {
            codes: issued.codes.iter().map(ToString::to_string).collect(),
            batch: Batch::of(issued.batch, true),
        };
        Self::new(batch, issued.replayed)
    }
}

pages!(BatchPage);

/// The answer to a request for a partner's batches.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchPage {
    /// The batches.
    #[schema(max_items = 100)]
    pub batches: Vec<Batch>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<(model::batch::Batch, bool)>> for BatchPage {
    fn from(page: Page<(model::batch::Batch, bool)>) -> Self {
        let batches = page.items.into_iter();
        Self {
            batches: batches
                .map(|(batch, complete)| Batch::of(batch, complete))
                .collect(),
            next_cursor: page.next,
        }
    }
}

/// The answer to a request for one batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAndSum {
    /// The batch.
    pub batch: Batch,
    /// How many of its codes are in each state.
    pub sum: BatchSum,
}

impl From<(model::batch::Batch, bool, BatchSum)> for BatchAndSum {
    fn from((batch, complete, sum): (model::batch::Batch, bool, BatchSum)) -> Self {
        Self {
            batch: Batch::of(batch, complete),
            sum,
        }
    }
}

/// The answer to a request for the codes of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchCodes {
    /// The batch.
    pub batch: Batch,
    /// All codes of the batch, ordered by index.
    #[schema(min_items = 1, max_items = 10_000)]
    pub codes: Vec<CodeInBatch>,
}

impl BatchCodes {
    /// The answer, as CSV (RFC 4180) or as JSON.
    ///
    /// # Errors
    /// The CSV cannot be written, which is a defect.
    pub fn answer(
        batch: model::batch::Batch,
        codes: Vec<CodeInBatch>,
        csv: bool,
    ) -> Result<JsonOrCsv<Self>, Problem> {
        if csv {
            let file = File {
                media_type: "text/csv; charset=utf-8",
                name: Some(format!("codes-{}.csv", batch.id)),
                text: csv_of(codes).map_err(Problem::defect)?,
            };
            return Ok(JsonOrCsv::Csv(file));
        }
        let batch = Batch::of(batch, true);
        Ok(JsonOrCsv::Json(Self { batch, codes }))
    }
}

fn csv_of(codes: Vec<CodeInBatch>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for mut code in codes {
        code.void_reason = code.void_reason.as_deref().map(protected);
        writer.serialize(code)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

/// The answer to voiding codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Voided {
    /// How many this request voided.
    #[schema(minimum = 0, maximum = 10_000)]
    pub voided: u32,
    /// How many had been voided before.
    #[schema(minimum = 0, maximum = 10_000)]
    pub already_voided: u32,
    /// How many were already applied, and stay applied.
    #[schema(minimum = 0, maximum = 10_000)]
    pub applied: u32,
}

impl From<commands::Voided> for Changed<Voided> {
    fn from(voided: commands::Voided) -> Self {
        let of_codes = Voided {
            voided: voided.voided,
            already_voided: voided.already_voided,
            applied: voided.applied,
        };
        Self::new(of_codes, voided.replayed)
    }
}
