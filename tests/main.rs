//! Site Credits as a whole: real handlers, real gateway events, the embedded engine.
//!
//! After every test the harness walks the table with `verify`: each balance equals the sum of its entries, every
//! chain verifies, no code was spent twice and every due date was charged once.

mod costs;
mod deduction;
mod harness;
mod races;
mod redemptions;
