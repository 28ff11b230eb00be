//! What must hold of the system after a step, and after a history.

use super::world::{PERSONS, World, text};
use crate::harness::{ACME, Call, batches, license_of};
use crate::statement::hash_of;
use jiff::civil::Date;
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::store::Attempts;
use std::collections::BTreeMap;

impl World {
    /// Every site is what the model says.
    pub(super) async fn agrees(&self) -> Result<(), String> {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let master = PERSONS[model.master()];
            let license = license_of(id, self.now).by_person(master);
            let license = self.system.send(license).await.body;
            if model.deleted {
                assert_eq!(license["code"], "site-not-found");
                continue;
            }
            let expected = model.license(self.now);
            for name in ["status", "balances", "devices", "overdue"] {
                if license[name] != expected[name] {
                    return Err(format!("{name} of {id}: {license} is not {expected}"));
                }
            }
            let number = |of: &str| license[of]["credits"].as_u64().unwrap();
            if model.halted && number("overdue") <= number("balances") {
                return Err(format!("{id} is halted, and could pay: {license}"));
            }
        }
        Ok(())
    }

    /// How many entries there are in all statements.
    pub(super) async fn entries(&self) -> u64 {
        let mut entries = 0;
        for id in &self.ids {
            let site = self
                .system
                .quiet()
                .read(
                    site_credits::store::TypedKey::site(id),
                    &mut Attempts::default(),
                )
                .await
                .unwrap();
            entries += site.unwrap().sequence;
        }
        entries
    }

    /// Every batch adds up as in the model, and every site received from the partner what it applied.
    pub(super) async fn accounts_agree(&self) {
        for (number, id) in self.batches.iter().enumerate() {
            let codes = self.codes.iter().filter(|code| code.batch == number);
            let (mut applied, mut voided, mut left) = (0, 0, 0);
            for code in codes {
                match (&code.applied, code.voided) {
                    (Some(_), _) => applied += 1,
                    (None, true) => voided += 1,
                    (None, false) => left += 1,
                }
            }
            let call = Call::get(batches(&format!("/{id}")), self.now).by_partner(ACME);
            let sum = self.system.send(call).await.body["sum"].clone();
            let of = |name: &str| sum[name].as_i64().unwrap();
            assert_eq!(
                (
                    of("applied"),
                    of("voided"),
                    of("expired") + of("outstanding")
                ),
                (applied, voided, left),
                "{sum}"
            );
        }
        let path = format!("/partners/{ACME}/sites");
        let listed = self
            .system
            .send(Call::get(path, self.now).by_partner(ACME))
            .await;
        let mut received: BTreeMap<String, [u64; 4]> = BTreeMap::new();
        for code in &self.codes {
            if let Some((site, sms)) = &code.applied {
                let sum = received.entry(site.to_string()).or_default();
                sum[0] += 1;
                if *sms {
                    sum[3] += 50 * code.credits;
                } else {
                    sum[1] += code.credits;
                    sum[2] += code.maintenance;
                }
            }
        }
        let sites = listed.body["sites"].as_array().unwrap().iter();
        let listed = sites.map(|site| {
            let got = |name: &str| site["received"][name].as_u64().unwrap();
            let got = ["codes", "credits", "maintenance_credits", "sms"].map(got);
            (text(&site["site_id"]), got)
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), received);
    }

    /// Every statement ends where the license says.
    pub(super) async fn statements_are_whole(&self) {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            if model.deleted {
                continue;
            }
            let master = PERSONS[model.master()];
            let license = license_of(id, self.now).by_person(master);
            let license = self.system.send(license).await.body;
            let entries = self.system.statement_by(id, master, self.now).await;
            // As the page of Python in the docs verifies it.
            let mut previous = json!("0".repeat(64));
            for entry in &entries {
                assert_eq!(entry["previous_hash"], previous, "{entry}");
                assert_eq!(entry["hash"], hash_of(entry), "{entry}");
                previous = entry["hash"].clone();
            }
            let head = (&license["sequence"], &license["last_hash"]);
            assert_eq!(head, (&json!(entries.len()), &previous), "{id}");
        }
    }

    /// Every due date was charged once, just as in the model, and so was every warning given.
    pub(super) async fn charged_once(&self) {
        for (id, model) in self.ids.iter().zip(&self.sites) {
            let (mut charged, mut warnings) = (Vec::new(), Vec::new());
            if model.deleted {
                continue;
            }
            let master = PERSONS[model.master()];
            for entry in self.system.statement_by(id, master, self.now).await {
                let refers_to = &entry["refers_to"];
                let date = |name: &str| refers_to[name].as_str().unwrap().parse::<Date>().unwrap();
                if entry["kind"] == "deduction" {
                    let credits = entry["changes"]["credits"].as_i64().unwrap();
                    charged.push((date("due_on"), -credits));
                }
                if entry["kind"] == "warning" {
                    let days = refers_to["days_before"].as_i64().unwrap();
                    warnings.push((days, date("falls_short_on")));
                }
            }
            assert_eq!(charged, model.charged, "{id}");
            assert_eq!(warnings, model.warnings, "{id}");
        }
    }

    /// Nobody who was removed, from a site or from all of them, can be found in what does not expire.
    pub(super) fn forgotten(&self) {
        let scan = json!({ "TableName": TABLE_NAME });
        let scan = self.system.engine().call("Scan", scan).unwrap();
        // Two days for requests, and eight for invitations.
        let end = self.now.as_second() + 10 * 86_400;
        let stays = |item: &&Value| {
            let expires_at = item["expires_at"]["N"].as_str();
            expires_at.is_none_or(|at| at.parse::<i64>().unwrap() >= end)
        };
        let items = scan["Items"].as_array().unwrap().iter().filter(stays);
        let items = json!(items.collect::<Vec<_>>()).to_string();
        for id in &self.forgotten {
            // As a whole word: the ID of one can begin that of another.
            let named = [format!("\"{id}\""), format!("#{id}\"")];
            assert!(!named.iter().any(|named| items.contains(named)), "{id}");
        }
        for (person, address) in PERSONS.into_iter().enumerate() {
            let mut sites = self.sites.iter().filter(|site| !site.deleted);
            if !sites.any(|site| site.roles.contains_key(&person)) {
                assert!(!items.contains(address), "{address}");
            }
        }
    }
}
