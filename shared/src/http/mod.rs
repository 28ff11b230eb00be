//! The HTTP contract: requests in, answers and problems out.

mod accept;
pub mod account;
pub mod administrators;
pub mod batches;
pub mod body;
pub mod cards;
pub mod cursors;
pub mod describe;
pub mod devices;
pub mod extract;
pub mod guard;
mod headers;
pub mod invitations;
pub mod license;
pub mod messages;
pub mod problem;
pub mod query;
pub mod refusals;
pub mod reply;
pub mod routes;
pub mod schemas;
pub mod sites;
pub mod users;
pub mod users_csv;
mod words;

pub use accept::PrefersCsv;
pub use body::{Body, JsonObject, Patch};
pub use cursors::{Cursors, Paged};
pub use describe::{Declare, Descriptions};
pub use guard::{guarded, run};
pub use problem::{Problem, ProblemCode};
pub use query::{Function, PageAfter, Query};
pub use reply::{Changed, Created, File, JsonOrCsv, Reply};
pub use routes::{Router, Routes};

/// The contract as an OpenAPI document. It is generated from the types, and a test fails if it is out of date.
pub const OPENAPI: &str = include_str!("../../../openapi.yaml");
