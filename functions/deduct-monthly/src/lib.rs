//! `deduct-monthly`: charges every due date that is due, when the schedule says so.

use jiff::Timestamp;
use serde::Deserialize;
use site_credits::commands::{self, DeductError, Report};
use site_credits::store::Store;
use std::time::Duration;
use tokio::time::Instant;

/// How long before the function's deadline no further work is begun: a load and a commit with all their retries, and
/// the count of what is left.
const RESERVE: Duration = Duration::from_secs(20);

/// The event that the schedule sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// The instant for which the schedule fired. What was due then is charged, and nothing later.
    pub scheduled_time: Timestamp,
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct DeductMonthly {
    /// The table.
    pub store: Store,
}

impl DeductMonthly {
    /// Charges what is due, and stops before `remaining` is over. What is left is still on the agenda.
    ///
    /// # Errors
    /// The agenda could not be read, or some of its sites could not be charged.
    pub async fn handle(
        &self,
        event: Scheduled,
        remaining: Duration,
    ) -> Result<Report, DeductError> {
        let deadline = Instant::now() + remaining.saturating_sub(RESERVE);
        let report = commands::deduct_due(&self.store, event.scheduled_time, deadline).await?;
        tracing::info!(
            scheduled_time = %event.scheduled_time,
            sites = report.sites,
            due_dates = report.due_dates,
            credits = report.credits,
            halted = report.halted,
            warned = report.warned,
            messages = report.messages,
            erased = report.erased,
            left = report.left,
            failed = report.failed,
            "deducted"
        );
        match report.failed {
            0 => Ok(report),
            // Said by an error, so that it is tried again, and raises the alarm if that does not help.
            failed => Err(DeductError::Failed(failed)),
        }
    }
}
