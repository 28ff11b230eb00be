//! `verify` finds what is wrong: a table is corrupted in one place, and it says so.

mod codes;
mod entries;
mod forms;
mod invitations;
mod partners;
mod sites;
mod users;

use crate::administrators::invite;
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

    /// Books of a partner: a voided code, an administrator who came, one who is invited, and other settings.
    async fn of_a_partner() -> Self {
        let books = Self::new().await;
        let now = at("2027-02-10T12:00:00Z");
        let seoul = json!({ "time_zone": "Asia/Seoul" });
        let (system, site) = (&books.system, &books.site);
        system
            .admit(site, "lee@example.com", "site_admin", now)
            .await;
        let mia = invite(site, "mia@example.com", "sub_master", now);
        assert_eq!(system.send(mia).await.status, 201);
        let site = format!("/sites/{site}");
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

    /// Appends an entry like the last one of a kind, but for a change, with right hashes in the chain and in the site.
    fn forge(&self, kind: &str, change: impl FnOnce(&mut Value)) {
        let mut site = self.site();
        let last: u64 = site["sequence"]["N"].as_str().unwrap().parse().unwrap();
        let mut entries = self.items("ENTRY#");
        entries.retain(|entry| entry["kind"]["S"] == kind);
        let mut entry = entries.pop().unwrap();
        entry["SK"]["S"] = json!(format!("ENTRY#{:016}", last + 1));
        entry["sequence"]["N"] = json!((last + 1).to_string());
        entry["at"] = site["last_entry_at"].clone();
        entry["previous_hash"] = site["last_hash"].clone();
        change(&mut entry);
        let (decoded, _) = site_credits::store::decode_entry(&dynamo(&entry)).unwrap();
        entry["hash"]["S"] = json!(decoded.computed_hash().to_string());
        self.put(&entry);
        for (name, of_entry) in [
            ("sequence", "sequence"),
            ("last_hash", "hash"),
            ("last_entry_at", "at"),
        ] {
            site[name] = entry[of_entry].clone();
        }
        self.put(&site);
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

/// An item as the SDK gives it, from the engine's JSON.
fn dynamo(item: &Value) -> site_credits::store::Item {
    use aws_sdk_dynamodb::types::AttributeValue;
    fn value(json: &Value) -> AttributeValue {
        if let Some(text) = json["S"].as_str() {
            return AttributeValue::S(text.to_owned());
        }
        if let Some(number) = json["N"].as_str() {
            return AttributeValue::N(number.to_owned());
        }
        if json["NULL"] == true {
            return AttributeValue::Null(true);
        }
        if let Some(items) = json["L"].as_array() {
            return AttributeValue::L(items.iter().map(value).collect());
        }
        let members = json["M"].as_object().unwrap();
        AttributeValue::M(
            members
                .iter()
                .map(|(name, member)| (name.clone(), value(member)))
                .collect(),
        )
    }
    item.as_object()
        .unwrap()
        .iter()
        .map(|(name, member)| (name.clone(), value(member)))
        .collect()
}
