//! The rules: state and a date in, a change out.

pub mod administrators;
pub mod agenda;
pub mod cards;
pub mod deduct;
pub mod devices;
pub mod draft;
pub mod forecast;
pub mod invitations;
pub mod license;
pub mod messages;
pub mod redeem;
pub mod settle;
pub mod sites;
pub mod warnings;
pub mod wording;
pub mod wrong_codes;
