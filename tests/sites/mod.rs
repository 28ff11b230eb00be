//! `/sites` and `/sites/{site_id}`: creating, listing, changing and deleting sites.

mod create;
mod delete;
mod ids;
mod settings;
mod time_zones;

use crate::harness::{Answered, Call};
use crate::setup::{now, of, text};
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

fn create(body: &Value) -> Call {
    Call::post("/sites".to_owned(), body, now())
}

fn change(site: &SiteId, body: &Value, now: Timestamp) -> Call {
    Call::patch(of(site, ""), body, now)
}

fn gym() -> Value {
    json!({ "name": "Harbour Gym", "country": "AT", "site_type": "dynamic" })
}

fn site_id(answer: &Answered) -> SiteId {
    SiteId::parse(&text(&answer.body["site"]["site_id"])).unwrap()
}
