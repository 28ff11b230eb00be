//! What real people, clipboards and client libraries send.

mod addresses;
mod json;
mod mistakes;
mod pages;
mod texts;

use crate::harness::{Answered, Call, System};
use crate::setup::{now, of};
use serde_json::Value;
use site_credits::domain::values::ids::SiteId;

/// Sends a body to a route below a site.
async fn post(system: &System, site: &SiteId, rest: &str, body: &Value) -> Answered {
    system.send(Call::post(of(site, rest), body, now())).await
}
