//! The rules of Site Credits, as pure functions.
//!
//! **Architecture invariant:** nothing below this module knows AWS, HTTP, the environment or a clock. Time
//! arrives as an argument; a decision is returned as a value and committed by someone else.

pub mod account;
pub mod administrator;
pub mod agenda;
pub mod amount;
pub mod calendar;
pub mod card;
pub mod change;
pub mod code;
pub mod crockford;
pub mod deduction;
pub mod device;
pub mod entry;
pub mod identity;
pub mod license;
pub mod locale;
pub mod person;
pub mod phone;
pub mod redemption;
pub mod secret;
pub mod site;
pub mod sms;
pub mod warning;
pub mod wording;
