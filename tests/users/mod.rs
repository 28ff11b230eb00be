//! `/sites/{site_id}/users`: adding, importing, listing, changing and removing the users of a site.

mod add;
mod at_once;
mod change;
mod import;
mod import_faults;
mod list;
mod remove;
mod spreadsheets;

use crate::harness::{Answered, Call, System};
use crate::setup::{now, of, text};
use data_encoding::BASE64;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

pub(crate) fn users(site: &SiteId, rest: &str) -> String {
    of(site, &format!("/users{rest}"))
}

pub(crate) fn add(site: &SiteId, body: &Value) -> Call {
    Call::post(users(site, ""), body, now())
}

fn change(site: &SiteId, user: &str, body: &Value) -> Call {
    Call::patch(users(site, &format!("/{user}")), body, now())
}

fn remove(site: &SiteId, user: &str) -> Call {
    Call::delete(users(site, &format!("/{user}")), now())
}

fn import(site: &SiteId, file: &str) -> Call {
    let mut call = Call::post(users(site, "/import"), &Value::Null, now());
    call.body = Some(file.to_owned());
    call
}

/// An import of a file that need not be UTF-8, as the gateway passes it on.
fn import_bytes(site: &SiteId, file: &[u8]) -> Call {
    let mut call = import(site, &BASE64.encode(file));
    call.base64 = true;
    call
}

async fn export(system: &System, site: &SiteId) -> Answered {
    let exported = Call::get(users(site, ""), now()).accept("text/csv");
    let exported = system.send(exported).await;
    assert_eq!(exported.headers["content-type"], "text/csv; charset=utf-8");
    exported
}

impl System {
    /// Adds users of these IDs, without anything else.
    pub(crate) async fn add_users(&self, site: &SiteId, ids: &[&str]) {
        for id in ids {
            let added = self.send(add(site, &json!({ "user_id": id }))).await;
            assert_eq!(added.status, 201, "{added}");
        }
    }
}

/// The IDs of all users, as they are listed page by page.
async fn user_ids(system: &System, site: &SiteId, query: &str) -> Vec<String> {
    let listing = Call::get(users(site, ""), now()).query(query);
    let listed = system.pages(listing, "users").await.concat();
    listed.iter().map(|user| text(&user["user_id"])).collect()
}
