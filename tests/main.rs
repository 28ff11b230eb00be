//! Site Credits as a whole: real handlers, real gateway events, the embedded engine.
//!
//! After every test the harness walks the table with `verify`: each balance equals the sum of its entries, every
//! chain verifies, no code was spent twice and every due date was charged once.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

mod authorization;
mod bad_input;
mod contract;
mod corruption;
mod costs;
mod deduction;
mod guard;
mod harness;
mod kill;
mod local;
mod messages;
mod model;
mod notices;
mod partners;
mod people;
mod permissions;
mod races;
mod redemptions;
mod server;
mod sites;
mod statement;
mod store;
