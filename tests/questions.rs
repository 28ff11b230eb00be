//! Twenty questions that the people of a site ask of their statement, each answered from the statement alone (rule 16).

use crate::devices::register;
use crate::harness::{ACME, Call, KIM, System, at};
use crate::setup::{of, text};
use jiff::civil::Date;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::BTreeMap;

const LEE: &str = "lee@example.com";

/// A statement, and whom it names: nothing else of the site.
struct Statement {
    entries: Vec<Value>,
    people: BTreeMap<String, String>,
}

impl Statement {
    /// The entries of a kind.
    fn of_kind(&self, kind: &str) -> Vec<&Value> {
        let entries = self.entries.iter();
        entries.filter(|entry| entry["kind"] == kind).collect()
    }

    fn deduction(&self, due_on: &str) -> &Value {
        let due = |entry: &&&Value| entry["refers_to"]["due_on"] == due_on;
        self.of_kind("deduction").iter().find(due).unwrap()
    }

    /// Who did it.
    fn who(&self, entry: &Value) -> String {
        self.people[entry["actor"]["person"].as_str().unwrap()].clone()
    }

    /// The devices that were there before an entry: name and date of registration of each.
    fn devices_before(&self, entry: &Value) -> BTreeMap<String, (String, Date)> {
        let before = entry["sequence"].as_u64().unwrap();
        let mut devices = BTreeMap::new();
        let entries = self.entries.iter();
        for entry in entries.filter(|entry| entry["sequence"].as_u64().unwrap() < before) {
            let refers_to = &entry["refers_to"];
            let registered_on = || text(&refers_to["registered_on"]).parse().unwrap();
            match entry["kind"].as_str().unwrap() {
                "device_registration" => {
                    for device in refers_to["registered"].as_array().unwrap() {
                        let there = (text(&device["name"]), registered_on());
                        devices.insert(text(&device["device_id"]), there);
                    }
                }
                "device_replacement" => {
                    devices.remove(refers_to["replaced"]["device_id"].as_str().unwrap());
                    let by = &refers_to["by"];
                    devices.insert(text(&by["device_id"]), (text(&by["name"]), registered_on()));
                }
                "device_renaming" => {
                    let id = refers_to["device_id"].as_str().unwrap();
                    devices.get_mut(id).unwrap().0 = text(&refers_to["name"]);
                }
                "device_removal" => {
                    devices.remove(refers_to["device_id"].as_str().unwrap());
                }
                _ => {}
            }
        }
        devices
    }

    /// The devices that an entry charged, with the anchor day of each.
    fn charged(&self, entry: &Value) -> Vec<(String, i8)> {
        let days = entry["refers_to"]["anchor_days"].as_object().unwrap();
        let devices = self.devices_before(entry).into_iter();
        let devices = devices.map(|(id, (_, registered_on))| (id, registered_on.day()));
        devices
            .filter(|(_, day)| days.contains_key(&day.to_string()))
            .collect()
    }
}

/// What happened from December to April, in Vienna.
async fn told() -> Statement {
    let (system, opened) = (System::new(), at("2026-12-28T08:00:00Z"));
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", opened)
        .await;
    let by = |who: &str, method, rest: &str, body: Value, on: &str| {
        let now = at(&format!("{on}T12:00:00Z"));
        let mut call = Call::post(of(&site, rest), &body, now).by_person(who);
        call.method = method;
        call
    };
    system.recharge(&site, 12, 0, opened).await;
    let device = |id: &str, name: &str| json!({ "device_id": id, "name": name });
    system.admit(&site, LEE, "sub_master", opened).await;
    for call in [
        register(
            &site,
            &json!([device("door", "Front door")]),
            at("2026-12-28T12:00:00Z"),
        ),
        register(
            &site,
            &json!([device("gate", "Gate"), device("lift", "Lift")]),
            at("2026-12-30T12:00:00Z"),
        ),
        register(
            &site,
            &json!([device("bike", "Bke room")]),
            at("2026-12-31T12:00:00Z"),
        )
        .by_person(LEE),
        by(
            LEE,
            "PATCH",
            "/devices/bike",
            json!({ "name": "Bike room" }),
            "2027-01-05",
        ),
        by(
            KIM,
            "POST",
            "/devices/gate/replacement",
            device("gate-2", "Gate"),
            "2027-01-10",
        ),
    ] {
        let answer = system.send(call).await;
        assert!(answer.status < 300, "{answer}");
    }
    for day in ["2027-01-28", "2027-01-30", "2027-01-31"] {
        system.deduct(at(&format!("{day}T12:00:00Z"))).await;
    }
    let removal = by(LEE, "DELETE", "/devices/lift", Value::Null, "2027-02-10");
    assert_eq!(system.send(removal).await.status, 200);
    for day in ["2027-02-28", "2027-03-28", "2027-03-30"] {
        system.deduct(at(&format!("{day}T12:00:00Z"))).await;
    }
    system
        .recharge(&site, 5, 0, at("2027-04-05T08:00:00Z"))
        .await;
    read(&system, &site).await
}

async fn read(system: &System, site: &SiteId) -> Statement {
    let statement = of(site, "/license/statement");
    let call = Call::get(statement, at("2027-04-06T08:00:00Z")).query("limit=100");
    let page = system.send(call).await.body;
    let people = page["administrators"].as_array().unwrap().iter();
    Statement {
        entries: page["entries"].as_array().unwrap().clone(),
        people: people
            .map(|one| (text(&one["person"]), text(&one["email"])))
            .collect(),
    }
}

fn ids(devices: &[(String, i8)]) -> Vec<&str> {
    devices.iter().map(|(id, _)| id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn due_dates_explain_themselves() {
    let told = told().await;
    let february = told.deduction("2027-02-28");
    let charged = told.charged(february);
    // 1. Why the 28th? Two of the three have a later anchor day, which February does not have.
    let moved: Vec<_> = charged
        .iter()
        .filter(|(_, day)| *day > 28)
        .cloned()
        .collect();
    assert_eq!(
        february["refers_to"]["anchor_days"],
        json!({ "28": 1, "30": 1, "31": 1 })
    );
    assert_eq!(moved, [("bike".to_owned(), 31), ("gate-2".to_owned(), 30)]);
    // 2. Which readers were that?
    assert_eq!(ids(&charged), ["bike", "door", "gate-2"]);
    // 3. And on 30 January, when there was a lift?
    assert_eq!(
        ids(&told.charged(told.deduction("2027-01-30"))),
        ["gate-2", "lift"]
    );
    // 4. What is left after it?
    assert_eq!(february["balances"]["credits"], 1);
    // 5. What did January cost?
    let january = told
        .of_kind("deduction")
        .into_iter()
        .filter(|entry| text(&entry["at"]).starts_with("2027-01"));
    assert_eq!(
        january
            .map(|entry| entry["changes"]["credits"].as_i64().unwrap())
            .sum::<i64>(),
        -4
    );
    // 6. What did the front door cost in all? Its registration, and January to March.
    let deductions = told.of_kind("deduction").into_iter();
    let of_door = deductions.filter(|entry| ids(&told.charged(entry)).contains(&"door"));
    assert_eq!(1 + of_door.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn devices_explain_themselves() {
    let told = told().await;
    let last = told.entries.last().unwrap();
    let devices = told.devices_before(last);
    // 7. Which readers are there?
    assert_eq!(
        devices.keys().collect::<Vec<_>>(),
        ["bike", "door", "gate-2"]
    );
    // 8. Which reader is that?
    assert_eq!(devices["bike"].0, "Bike room");
    // 9. When was it registered?
    assert_eq!(devices["bike"].1, "2026-12-31".parse().unwrap());
    // 10. By whom?
    let registrations = told.of_kind("device_registration").into_iter();
    let mut of_bike =
        registrations.filter(|entry| entry["refers_to"]["registered"][0]["device_id"] == "bike");
    assert_eq!(told.who(of_bike.next().unwrap()), LEE);
    // 11. What was it called before?
    let renaming = told.of_kind("device_renaming")[0];
    assert_eq!(renaming["refers_to"]["name_before"], "Bke room");
    // 12. In whose place is gate-2, and since when does it pay?
    let replacement = &told.of_kind("device_replacement")[0]["refers_to"];
    assert_eq!(
        (
            &replacement["replaced"]["device_id"],
            &replacement["by"]["device_id"]
        ),
        (&json!("gate"), &json!("gate-2"))
    );
    assert_eq!(replacement["registered_on"], "2026-12-30");
    // 13. Who removed the lift, and when?
    let removal = told.of_kind("device_removal")[0];
    assert_eq!(
        (told.who(removal), &text(&removal["at"])[..10]),
        (LEE.to_owned(), "2027-02-10")
    );
    // 14. Which reader was that, and how old?
    assert_eq!(
        (
            &removal["refers_to"]["name"],
            &removal["refers_to"]["registered_on"]
        ),
        (&json!("Lift"), &json!("2026-12-30"))
    );
}

#[tokio::test(start_paused = true)]
async fn codes_halts_and_people_explain_themselves() {
    let told = told().await;
    let codes = told.of_kind("redemption");
    // 15. What did the first code bring, and who sold it?
    assert_eq!(
        (
            &codes[0]["changes"]["credits"],
            &codes[0]["refers_to"]["partner_id"]
        ),
        (&json!(12), &json!(ACME))
    );
    // 16. Why was the site halted?
    let halt = told.of_kind("halt")[0];
    assert_eq!(
        (
            &halt["refers_to"]["due_on"],
            &halt["refers_to"]["devices"],
            &halt["balances"]["credits"]
        ),
        (&json!("2027-03-30"), &json!(1), &json!(0))
    );
    assert_eq!(ids(&told.charged(halt)), ["gate-2"]);
    // 17. What did the second code pay?
    let paid = told.of_kind("overdue_deduction")[0];
    assert_eq!(paid["refers_to"]["because_of"], codes[1]["sequence"]);
    assert_eq!(
        (&paid["changes"]["credits"], ids(&told.charged(paid))),
        (&json!(-2), vec!["bike", "gate-2"])
    );
    // 18. How long was it halted, and what ended it?
    let resume = told.of_kind("resume")[0];
    assert_eq!(
        (
            &resume["refers_to"]["resumed_on"],
            &resume["refers_to"]["because_of"]
        ),
        (&json!("2027-04-05"), &codes[1]["sequence"])
    );
    // 19. Was anything charged while it was?
    let (from, until) = (
        halt["sequence"].as_u64().unwrap(),
        codes[1]["sequence"].as_u64().unwrap(),
    );
    assert_eq!(until, from + 1);
    // 20. Who made Lee an administrator, of what role, and did Lee accept it?
    let is_lee = |entry: &&&Value| {
        let person = entry["refers_to"]["person"].as_str().unwrap();
        told.people[person] == LEE
    };
    let (invitations, changes) = (
        told.of_kind("invitation"),
        told.of_kind("administrator_change"),
    );
    let offered = invitations.iter().find(is_lee).unwrap();
    assert_eq!(
        (told.who(offered), &offered["refers_to"]["role"]),
        (KIM.to_owned(), &json!("sub_master"))
    );
    let accepted = changes.iter().find(is_lee).unwrap();
    assert_eq!(
        (told.who(accepted), &accepted["refers_to"]["role_after"]),
        (LEE.to_owned(), &json!("sub_master"))
    );
}
