//! `/sites/{site_id}/users/{user_id}/card`, and `/cards/{token}`, by which its holder opens it.

mod holder;
mod issue;
mod link;
mod pause;
mod pay;

use crate::harness::{CARD_LINK_BASE, Call, System};
use crate::setup::now;
use crate::users::users;
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

fn card_of(site: &SiteId, user: &str) -> String {
    users(site, &format!("/{user}/card"))
}

fn issue(site: &SiteId, user: &str, body: &Value, now: Timestamp) -> Call {
    Call::post(card_of(site, user), body, now)
}

fn reissue(site: &SiteId, user: &str, now: Timestamp) -> Call {
    Call::post(card_of(site, user) + "/reissues", &json!({}), now)
}

fn set_status(site: &SiteId, user: &str, status: &str) -> Call {
    Call::patch(card_of(site, user), &json!({ "status": status }), now())
}

fn revoke(site: &SiteId, user: &str, now: Timestamp) -> Call {
    Call::delete(card_of(site, user), now)
}

/// Opens a card by its link.
fn open(card: &Value) -> Call {
    let link = card["link"].as_str().unwrap();
    let token = link.strip_prefix(CARD_LINK_BASE).unwrap();
    Call::get(format!("/cards/{token}"), now())
}

/// A regular site with nine credits, and a card of its user a: as it was answered.
async fn site_with_card(system: &System) -> (SiteId, Value) {
    let site = system.regular().await;
    system.recharge(&site, 9, 0, now()).await;
    let ann = json!({ "user_id": "a", "name": "Ann", "mobile": "06641234567" });
    let added = system.send(crate::users::add(&site, &ann)).await;
    assert_eq!(added.status, 201, "{added}");
    let period = json!({ "valid_from": "2027-01-01", "valid_until": "2027-12-31" });
    let issued = system.send(issue(&site, "a", &period, now())).await;
    assert_eq!(issued.status, 201, "{issued}");
    (site, issued.body["card"].clone())
}
