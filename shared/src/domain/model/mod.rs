//! The model: data, and what always holds of it. Two nouns meet here and nowhere else.

pub mod account;
pub mod agenda;
pub mod batch;
pub mod card;
pub mod chain;
pub mod change;
pub mod code;
pub mod device;
pub mod entry;
pub mod limit;
pub mod message;
pub mod request;
pub mod site;
pub mod user;
pub mod wrong_codes;
