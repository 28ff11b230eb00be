//! `deduct-monthly`: charges every due date that is due, when the schedule says so.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use site_credits::commands::{self, DeductError, Report};
use site_credits::store::Store;
use std::time::Duration;
use tokio::time::Instant;

/// How long before the function's deadline no further work is begun: a load and a commit with all their retries, and
/// the count of what is left.
const RESERVE: Duration = Duration::from_secs(20);

/// How much later than the clock of this function a scheduled time may be: clocks differ a little.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// An event that says for when the deduction was scheduled: the input of our schedule, which is
/// `{"scheduled_time": "…"}`, or the event of a rule of EventBridge.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct Scheduled {
    /// The instant for which it was scheduled. What was due then is charged, and nothing later.
    pub scheduled_time: Timestamp,
}

/// Why an event is none of the schedule's.
#[derive(Debug, thiserror::Error)]
pub enum UnknownEvent {
    /// It has neither form.
    #[error(
        "the event must be {{\"scheduled_time\": \"2027-03-31T12:00:00Z\"}}, or a scheduled event of EventBridge"
    )]
    Form,
    /// Its time, or another member, cannot be read.
    #[error("the event cannot be read")]
    Member(#[from] serde_json::Error),
}

/// The input of our schedule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    scheduled_time: Timestamp,
}

/// The event of a rule (EventBridge User Guide, "Scheduled Event"). What else is in it does not matter here.
#[derive(Deserialize)]
struct RuleEvent {
    time: Timestamp,
}

impl TryFrom<Value> for Scheduled {
    type Error = UnknownEvent;

    fn try_from(event: Value) -> Result<Self, UnknownEvent> {
        let scheduled_time =
            if event["source"] == "aws.events" && event["detail-type"] == "Scheduled Event" {
                serde_json::from_value::<RuleEvent>(event)?.time
            } else if event["scheduled_time"].is_string() {
                serde_json::from_value::<Input>(event)?.scheduled_time
            } else {
                return Err(UnknownEvent::Form);
            };
        Ok(Self { scheduled_time })
    }
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct DeductMonthly {
    /// The table.
    pub store: Store,
}

impl DeductMonthly {
    /// Charges what is due, and stops before `remaining` is over. What is left is still on the agenda. `now` is when the
    /// invocation began: no event moves a site into the future.
    ///
    /// # Errors
    /// The event is scheduled for later than now, the agenda could not be read, or some of its sites could not be charged.
    pub async fn handle(
        &self,
        event: Scheduled,
        now: Timestamp,
        remaining: Duration,
    ) -> Result<Report, DeductError> {
        let latest = now.checked_add(CLOCK_SKEW).unwrap_or(now);
        if event.scheduled_time > latest {
            return Err(DeductError::TooEarly {
                scheduled_time: event.scheduled_time,
                now,
            });
        }
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
