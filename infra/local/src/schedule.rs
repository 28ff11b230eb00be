//! The schedule: every quarter of an hour of the local clock, as EventBridge Scheduler has it.

use super::clock::Clock;
use super::functions::Functions;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// The seconds between two runs.
const EVERY_S: i64 = 15 * 60;
/// The longest sleep between two looks at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Runs the schedule for as long as it is polled. It fires once when the clock moves past any number of quarters.
pub async fn run(functions: Functions, clock: Clock) {
    let mut last = quarter(clock.now());
    loop {
        let moved = clock.moved();
        // If the clock moves between two looks, the next look sees it.
        let _ = tokio::time::timeout(LONGEST_SLEEP, moved).await;
        let now = quarter(clock.now());
        if now != last {
            last = now;
            fire(&functions, now).await;
        }
    }
}

async fn fire(functions: &Functions, scheduled_time: Timestamp) {
    let event = json!({ "scheduled_time": scheduled_time });
    if let Err(error) = functions.invoke("deduct-monthly", event).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the scheduled deduction failed"
        );
    }
}

/// The quarter of an hour at or before an instant.
fn quarter(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(EVERY_S)).unwrap_or(at)
}
