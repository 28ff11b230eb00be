//! Logs: one JSON object a line on standard output, which Lambda collects.

use std::error::Error;
use tracing::Level;

/// An error and all its causes, in one line. No error of this project repeats its cause.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Starts logging at the level that `LOG_LEVEL` names: `error`, `warn`, `info` or `debug`, or `info` where it names none.
///
/// Codes, tokens and addresses are never passed to a log call. `debug` adds the SDK's own lines, which have no bodies.
/// `trace` would have them, so it counts as `debug`.
#[expect(
    clippy::disallowed_methods,
    reason = "the level must be known before anything is logged"
)]
pub fn begin() {
    let level = std::env::var("LOG_LEVEL")
        .ok()
        .and_then(|name| name.parse::<Level>().ok());
    tracing_subscriber::fmt()
        .json()
        .with_max_level(level.unwrap_or(Level::INFO).min(Level::DEBUG))
        .with_current_span(false)
        .with_span_list(false)
        .without_time()
        .flatten_event(true)
        .init();
}
