//! Values: each is right by how it is made, and knows nothing of sites, codes or people.

pub mod amount;
pub mod calendar;
pub mod card_link;
pub mod check_symbol;
pub mod country;
pub mod crockford;
pub mod email;
pub mod form;
pub mod hash;
pub mod ids;
pub mod last_date;
pub mod license_code;
pub mod names;
pub mod parts;
pub mod person;
pub mod phone;
pub mod pseudonym;
pub mod secret;
pub mod text;
pub mod time_zone;
