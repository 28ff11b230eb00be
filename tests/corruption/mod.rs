//! `verify` finds what is wrong: a table is corrupted in one place, and it says so.

mod codes;
mod entries;
mod partners;
mod sites;
mod users;

use crate::harness::{ACME, Call, System, at, batches, redemption, sms_redemption};
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

const NOW: &str = "2026-12-09T12:00:00Z";

/// A table with a bit of everything, whose corruption is expected.
struct Books {
    system: System,
    site: SiteId,
}

impl Books {
    async fn new() -> Self {
        let (mut system, now) = (System::new(), at(NOW));
        system.broken_on_purpose();
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        let codes = system.codes(10, 0, 4, now).await;
        for call in [
            redemption(&site, &codes[0], now),
            sms_redemption(&site, &codes[1], now),
        ] {
            assert_eq!(system.send(call).await.status, 201);
        }
        system
            .register(&site, &["door-1", "door-2"], now)
            .await
            .unwrap();
        system.deduct(at("2027-01-09T12:00:00Z")).await;
        system.deduct(at("2027-02-09T12:00:00Z")).await;
        assert_eq!(system.findings().await.violations, []);
        Self { system, site }
    }

    /// Books of a partner: a voided code, an administrator who came, and other settings.
    async fn of_a_partner() -> Self {
        let books = Self::new().await;
        let now = at("2027-02-10T12:00:00Z");
        let lee = json!({ "email": "lee@example.com", "role": "site_admin" });
        let seoul = json!({ "time_zone": "Asia/Seoul" });
        let site = format!("/sites/{}", books.site);
        let invited = Call::post(format!("{site}/admins"), &lee, now);
        assert_eq!(books.system.send(invited).await.status, 201);
        let moved = Call::patch(site, &seoul, now);
        assert_eq!(books.system.send(moved).await.status, 200);
        let batch = books.items("BATCH#")[0]["SK"]["S"].as_str().unwrap()[6..].to_owned();
        let path = batches(&format!("/{batch}/void"));
        let void = Call::post(path, &json!({ "reason": "x" }), now).by_partner(ACME);
        assert_eq!(books.system.send(void).await.body["voided"], 2);
        assert_eq!(books.system.findings().await.violations, []);
        books
    }

    /// A site with a user, a card, and a message on its way.
    async fn with_people() -> Self {
        let books = Self::new().await;
        let (site, now) = (&books.site, at("2027-02-10T12:00:00Z"));
        let post = |rest: &str, body: Value| Call::post(format!("/sites/{site}{rest}"), &body, now);
        let ann = json!({ "user_id": "7", "mobile": "+436641234567" });
        for call in [
            post("/users", ann),
            post("/users/7/card", json!({})),
            post("/users/7/card/deliveries", json!({})),
        ] {
            assert_eq!(books.system.send(call).await.status, 201);
        }
        assert_eq!(books.system.findings().await.violations, []);
        books
    }

    fn items(&self, kind: &str) -> Vec<Value> {
        let scan = self
            .system
            .engine()
            .call("Scan", json!({ "TableName": TABLE_NAME }))
            .unwrap();
        let mut items: Vec<Value> = scan["Items"].as_array().unwrap().clone();
        items.retain(|item| item["SK"]["S"].as_str().unwrap().starts_with(kind));
        items.sort_by_key(|item| item["SK"]["S"].as_str().unwrap().to_owned());
        items
    }

    fn one(&self, kind: &str) -> Value {
        self.items(kind).remove(0)
    }

    fn entry(&self, sequence: usize) -> Value {
        self.items("ENTRY#").remove(sequence - 1)
    }

    fn site(&self) -> Value {
        self.items("SITE")
            .into_iter()
            .find(|item| item["PK"]["S"] == format!("SITE#{}", self.site))
            .unwrap()
    }

    fn code(&self, applied: bool) -> Value {
        self.items("CODE")
            .into_iter()
            .find(|item| item["applied_at"].is_object() == applied)
            .unwrap()
    }

    fn put(&self, item: &Value) {
        self.system
            .engine()
            .call("PutItem", json!({ "TableName": TABLE_NAME, "Item": item }))
            .unwrap();
    }

    fn delete(&self, item: &Value) {
        let key = json!({ "PK": item["PK"], "SK": item["SK"] });
        self.system
            .engine()
            .call("DeleteItem", json!({ "TableName": TABLE_NAME, "Key": key }))
            .unwrap();
    }

    /// What `verify` says.
    async fn found(&self) -> Vec<String> {
        let violations = self.system.findings().await.violations;
        violations.iter().map(ToString::to_string).collect()
    }

    /// `verify` says just this, in any order.
    async fn shows(&self, words: &[&str]) {
        let mut found = self.found().await;
        assert_eq!(found.len(), words.len(), "{found:?}");
        for words in words {
            let place = found.iter().position(|found| found.contains(words));
            let place = place.unwrap_or_else(|| panic!("{found:?} do not say {words}"));
            found.swap_remove(place);
        }
    }
}
