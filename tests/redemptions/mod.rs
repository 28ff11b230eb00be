//! Applying, previewing and repeating.

mod balances;
mod expiry;
pub(crate) mod refusals;
mod repeats;
mod wrong_codes;

const NOON: &str = "2026-12-09T12:00:00Z";
