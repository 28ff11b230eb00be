//! What many tests begin with: a time, a site with credits, and listings read whole.

use crate::administrators::invite;
use crate::harness::{Call, System, at, redemption};
use crate::invitations::accept;
use jiff::Timestamp;
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

/// When a test takes place, unless it says otherwise.
pub(crate) const NOW: &str = "2026-12-09T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

/// A path below a site.
pub(crate) fn of(site: &SiteId, rest: &str) -> String {
    format!("/sites/{site}{rest}")
}

/// A member that is a text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl System {
    /// A regular site in Vienna.
    pub(crate) async fn regular(&self) -> SiteId {
        self.site(SiteType::Regular, "Europe/Vienna", now()).await
    }

    /// A dynamic site in Vienna.
    pub(crate) async fn dynamic(&self) -> SiteId {
        self.site(SiteType::Dynamic, "Europe/Vienna", now()).await
    }

    /// Makes a person an administrator of a site: its master Kim invites them, and they accept.
    pub(crate) async fn admit(&self, site: &SiteId, email: &str, role: &str, now: Timestamp) {
        let invited = self.send(invite(site, email, role, now)).await;
        assert_eq!(invited.status, 201, "{invited}");
        let accepted = self.send(accept(site, email, now)).await;
        assert_eq!(accepted.status, 201, "{accepted}");
    }

    /// Applies a code of this value to a site.
    pub(crate) async fn recharge(
        &self,
        site: &SiteId,
        credits: u64,
        maintenance_credits: u64,
        now: Timestamp,
    ) {
        let codes = self.codes(credits, maintenance_credits, 1, now).await;
        let redeemed = self.send(redemption(site, &codes[0], now)).await;
        assert_eq!(redeemed.status, 201, "{redeemed}");
    }

    /// Reads a listing page by page: what is listed under a member, a list a page.
    pub(crate) async fn pages(&self, listing: Call, member: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut call = listing.clone();
        loop {
            let page = self.send(call).await;
            assert_eq!(page.status, 200, "{page}");
            pages.push(page.body[member].as_array().unwrap().clone());
            let Some(cursor) = page.body["next_cursor"].as_str() else {
                return pages;
            };
            let query = format!("{}&cursor={cursor}", listing.query);
            call = listing.clone().query(&query);
        }
    }

    /// Every item of the table.
    pub(crate) fn items(&self) -> Vec<Value> {
        let scan = json!({ "TableName": TABLE_NAME });
        let scan = self.engine().call("Scan", scan).unwrap();
        scan["Items"].as_array().unwrap().clone()
    }
}
