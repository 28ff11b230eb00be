//! The rules, the table and the HTTP contract of Site Credits.
//!
//! * [`domain`] holds the rules: pure functions of state and a date that is passed in.
//! * [`store`] is the one table and its one write path.
//! * [`commands`] load, decide in the domain, and commit, a bounded number of times.
//! * [`http`] turns gateway events into commands and refusals into problems.
//! * [`settings`] and [`telemetry`] are the only readers of the environment.

pub mod commands;
pub mod domain;
pub mod http;
pub mod settings;
pub mod sns;
pub mod store;
pub mod telemetry;
