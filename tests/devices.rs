//! `/sites/{site_id}/devices`: registering, listing, removing, and what devices cost month by month.

use crate::harness::{Call, System, at, license_of};
use crate::setup::{now, of, text};
use crate::shown::{beginning, problems, shown};
use insta::assert_snapshot;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::BTreeMap;

pub(crate) fn register(site: &SiteId, devices: &Value, now: Timestamp) -> Call {
    Call::post(of(site, "/devices"), &json!({ "devices": devices }), now)
}

/// So many devices, as a body lists them.
fn doors(count: usize) -> Value {
    (0..count)
        .map(|number| json!({ "name": format!("Door {number}") }))
        .collect()
}

/// A dynamic site with credits.
async fn site_with_credits(system: &System, credits: u64) -> SiteId {
    let site = system.dynamic().await;
    system.recharge(&site, credits, 0, now()).await;
    site
}

#[tokio::test(start_paused = true)]
async fn devices_are_registered_for_a_credit_each_and_once() {
    let system = System::new();
    let site = site_with_credits(&system, 5).await;
    let devices = json!([{ "device_id": "door-1", "name": "Door 1" }, { "name": "Gate" }]);
    let call = register(&site, &devices, now()).key("doors");
    let first = system.send(call.clone()).await;
    assert_snapshot!(first, @r#"
    201
    {
      "devices": [
        { "device_id": "door-1", "name": "Door 1", "registered_on": "2026-12-09" },
        { "device_id": "[device 1]", "name": "Gate", "registered_on": "2026-12-09" }
      ],
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 3, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": -2, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "device_registration",
        "previous_hash": "[hash 2]",
        "refers_to": {
          "devices": 2,
          "registered": [{ "device_id": "door-1", "name": "Door 1" }, { "device_id": "[device 1]", "name": "Gate" }],
          "registered_on": "2026-12-09"
        },
        "sequence": 3,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "license": {
        "balances": { "credits": 3, "maintenance_credits": 0, "sms": 0 },
        "country": "AT",
        "devices": 2,
        "forecast": {
          "covered_until": "2027-02-08",
          "credits_due_30_days": 0,
          "falls_short": { "missing": 1, "on": "2027-02-09" }
        },
        "last_hash": "[hash 1]",
        "next_deduction": { "credits": 2, "on": "2027-01-09", "sufficient": true },
        "overdue": { "credits": 0 },
        "sequence": 3,
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "dynamic",
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    assert_eq!(text(&first.body["devices"][1]["device_id"]).len(), 10);
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_exists_is_not_registered_again() {
    let system = System::new();
    let site = site_with_credits(&system, 5).await;
    system.register(&site, &["door-1"], now()).await.unwrap();
    let again = json!([{ "device_id": "door-1", "name": "X" }, { "name": "Y" }]);
    assert_snapshot!(system.send(register(&site, &again, now())).await, @r#"
    409
    {
      "code": "device-exists",
      "detail": "a device of this ID exists",
      "device_ids": ["door-1"],
      "status": 409,
      "title": "The device exists",
      "type": "urn:site-credits:problem:device-exists"
    }
    "#);
    let twice = json!([{ "device_id": "a", "name": "A" }, { "device_id": "a", "name": "B" }]);
    assert_snapshot!(system.send(register(&site, &twice, now())).await, @r#"
    409
    {
      "code": "device-exists",
      "detail": "a device of this ID exists",
      "device_ids": ["a"],
      "status": 409,
      "title": "The device exists",
      "type": "urn:site-credits:problem:device-exists"
    }
    "#);
    let license = system.send(license_of(&site, now())).await;
    assert_eq!(license.body["balances"]["credits"], 4);
}

#[tokio::test(start_paused = true)]
async fn devices_are_listed_page_by_page() {
    let system = System::new();
    let site = site_with_credits(&system, 5).await;
    system
        .register(&site, &["door-1", "gate"], now())
        .await
        .unwrap();
    let listing = Call::get(of(&site, "/devices"), now());
    let whole = system.pages(listing.clone(), "devices").await;
    let paged = system.pages(listing.query("limit=1"), "devices").await;
    assert_snapshot!(shown(&json!(whole)), @r#"
    [
      [
        { "device_id": "door-1", "name": "door-1", "registered_on": "2026-12-09" },
        { "device_id": "gate", "name": "gate", "registered_on": "2026-12-09" }
      ]
    ]
    "#);
    assert_eq!(paged.len(), 2);
    assert_eq!(paged.concat(), whole.concat());
}

#[tokio::test(start_paused = true)]
async fn a_removed_device_gives_nothing_back_and_is_gone() {
    let system = System::new();
    let site = site_with_credits(&system, 5).await;
    system
        .register(&site, &["door-1", "gate"], now())
        .await
        .unwrap();
    let remove = Call::delete(of(&site, "/devices/gate"), now());
    assert_eq!(system.send(remove.clone()).await.status, 200);
    assert_snapshot!(system.send(remove).await, @r#"
    404
    {
      "code": "device-not-found",
      "detail": "there is no such device",
      "status": 404,
      "title": "There is no such device",
      "type": "urn:site-credits:problem:device-not-found"
    }
    "#);
    let license = system.send(license_of(&site, now())).await;
    assert_eq!(license.body["balances"]["credits"], 3);
    assert_eq!(license.body["devices"], 1);
}

#[tokio::test(start_paused = true)]
async fn devices_that_cannot_be_are_refused() {
    let system = System::new();
    let site = site_with_credits(&system, 100).await;
    let named = |id: &str| json!([{ "device_id": id, "name": "Dots" }]);
    let registrations = [named("."), named(".."), named("-a"), doors(0), doors(91)]
        .map(|devices| (beginning(&devices), register(&site, &devices, now())));
    assert_snapshot!(problems(&system, registrations).await, @r#"
    [{"device_id":".","name":"Dots"}] → 400 malformed-request: devices/0: device_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores, dots and colons more
    [{"device_id":"..","name":"Dots"}] → 400 malformed-request: devices/0: device_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores, dots and colons more
    [{"device_id":"-a","name":"Dots"}] → 400 malformed-request: devices/0: device_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores, dots and colons more
    [] → 400 malformed-request: one call registers 1 to 90 devices
    [{"name":"Door 0"},{"name":"Door 1"},{"name":"Door 2"},{"nam… → 400 malformed-request: one call registers 1 to 90 devices
    "#);
}

#[tokio::test(start_paused = true)]
async fn registering_is_all_or_nothing_and_refused_while_short_or_halted() {
    let system = System::new();
    let site = site_with_credits(&system, 2).await;
    assert_snapshot!(system.send(register(&site, &doors(3), now())).await, @r#"
    402
    {
      "available": 2,
      "code": "insufficient-credits",
      "detail": "not enough credits: 3 needed, 2 available",
      "needed": 3,
      "status": 402,
      "title": "There are too few credits",
      "type": "urn:site-credits:problem:insufficient-credits"
    }
    "#);
    assert_eq!(
        system.send(register(&site, &doors(2), now())).await.status,
        201
    );
    let later = at("2027-01-09T12:00:00Z");
    system.deduct(later).await;
    assert_snapshot!(system.send(register(&site, &doors(1), later)).await, @r#"
    402
    {
      "available": 0,
      "code": "payment-required",
      "detail": "the site is halted until it is recharged: it owes 2 credits and has 0",
      "needed": 2,
      "status": 402,
      "title": "The site is halted",
      "type": "urn:site-credits:problem:payment-required"
    }
    "#);
    system.recharge(&site, 100, 0, later).await;
    let many = system.send(register(&site, &doors(90), later)).await;
    assert_eq!(many.status, 201, "{many}");
    assert_eq!(many.body["license"]["devices"], 92);
}

#[tokio::test(start_paused = true)]
async fn thirty_one_anchor_days_are_charged_in_months_of_every_length() {
    let (system, opened) = (System::new(), at("2026-12-01T12:00:00Z"));
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", opened)
        .await;
    system.recharge(&site, 1_000, 0, opened).await;
    for day in 0..31 {
        let now = opened + SignedDuration::from_hours(24 * day);
        let registered = system.send(register(&site, &doors(1), now)).await;
        assert_eq!(registered.status, 201, "{registered}");
    }
    // January and March have 31 days, April 30, and February 28 in 2027 and 29 in 2028.
    let now = at("2028-04-30T12:00:00Z");
    system.deduct(now).await;
    let mut charged = BTreeMap::new();
    for entry in system.statement(&site, now).await {
        if entry["kind"] != "deduction" {
            continue;
        }
        let due_on: Date = text(&entry["refers_to"]["due_on"]).parse().unwrap();
        *charged.entry(due_on.first_of_month()).or_insert(0) -=
            entry["changes"]["credits"].as_i64().unwrap();
        // On the last day of a shorter month, the later anchor days fall due too.
        let devices = if due_on.day() == due_on.days_in_month() {
            32 - i64::from(due_on.day())
        } else {
            1
        };
        assert_eq!(entry["refers_to"]["devices"], devices, "{due_on}");
    }
    assert_eq!(charged.len(), 16);
    assert!(
        charged.values().all(|&credits| credits == 31),
        "{charged:?}"
    );
}
