//! The rules of Site Credits, as pure functions.
//!
//! Three floors, each of which imports from those below it: [`values`], [`model`], [`rules`].
//!
//! **Architecture invariant:** nothing below this module knows AWS, HTTP, the environment or a clock. Time
//! arrives as an argument; a decision is returned as a value and committed by someone else.

pub mod model;
pub mod rules;
pub mod values;
