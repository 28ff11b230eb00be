//! Site Credits as a whole: real handlers, real gateway events, the embedded engine.
//!
//! After every test the harness walks the table with `verify`: each balance equals the sum of its entries, every
//! chain verifies, no code was spent twice and every due date was charged once.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

mod administrators;
mod authorization;
mod bad_input;
mod batches;
mod cards;
mod contract;
mod corruption;
mod costs;
mod deduction;
mod devices;
mod direction;
mod erasure;
mod faults;
mod figures;
mod folder;
mod forgotten;
mod guard;
mod harness;
mod history;
mod hosts;
mod invitations;
mod kill;
mod local;
mod logs;
mod messages;
mod model;
mod notices;
mod older;
mod partner_sites;
mod permissions;
mod questions;
mod races;
mod receipts;
mod redemptions;
mod replacement;
mod server;
mod setup;
mod shown;
mod sites;
mod statement;
mod store;
mod story;
mod typed;
mod users;
mod welcome;
