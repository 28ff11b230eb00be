//! `/sites/{site_id}/devices/{device_id}`: another device in its place, or another name, for nothing.

use crate::harness::{Call, System, at, license_of};
use crate::setup::{of, text};
use crate::shown::{problems, shown};
use insta::assert_snapshot;
use jiff::Timestamp;
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

fn replace(site: &SiteId, device: &str, body: &Value, now: Timestamp) -> Call {
    Call::post(
        of(site, &format!("/devices/{device}/replacement")),
        body,
        now,
    )
}

fn rename(site: &SiteId, device: &str, name: &str, now: Timestamp) -> Call {
    Call::patch(
        of(site, &format!("/devices/{device}")),
        &json!({ "name": name }),
        now,
    )
}

/// A dynamic site whose one device, `door`, was registered on 31 January, and some credits.
async fn site_with_door(system: &System, credits: u64) -> SiteId {
    let opened = at("2027-01-31T08:00:00Z");
    let site = system.dynamic().await;
    system.recharge(&site, credits + 1, 0, opened).await;
    system.register(&site, &["door"], opened).await.unwrap();
    site
}

async fn credits(system: &System, site: &SiteId, now: Timestamp) -> u64 {
    let license = system.send(license_of(site, now)).await;
    license.body["balances"]["credits"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_replaced_device_keeps_its_date_of_registration_and_costs_nothing() {
    let system = System::new();
    let site = site_with_door(&system, 3).await;
    let now = at("2027-02-10T08:00:00Z");
    let call = replace(
        &site,
        "door",
        &json!({ "device_id": "door-2", "name": "New door" }),
        now,
    );
    let call = call.key("replacement");
    let replaced = system.send(call.clone()).await;
    assert_eq!(replaced.status, 201);
    assert_snapshot!(shown(&json!([replaced.body["device"], replaced.body["entry"]["refers_to"]])), @r#"
    [
      { "device_id": "door-2", "name": "New door", "registered_on": "2027-01-31" },
      {
        "by": { "device_id": "door-2", "name": "New door" },
        "registered_on": "2027-01-31",
        "replaced": { "device_id": "door", "name": "door" }
      }
    ]
    "#);
    assert_eq!(replaced.body["license"]["balances"]["credits"], 3);
    assert!(system.send(call).await.replayed);
    let listed = system.send(Call::get(of(&site, "/devices"), now)).await;
    assert_snapshot!(shown(&listed.body["devices"]), @r#"[{ "device_id": "door-2", "name": "New door", "registered_on": "2027-01-31" }]"#);
    // The new one is due when the old one was.
    for (day, left) in [
        ("2027-02-27", 3),
        ("2027-02-28", 2),
        ("2027-03-30", 2),
        ("2027-03-31", 1),
    ] {
        let now = at(&format!("{day}T12:00:00Z"));
        system.deduct(now).await;
        assert_eq!(credits(&system, &site, now).await, left, "{day}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_without_an_id_gets_one_and_without_a_name_keeps_it() {
    let system = System::new();
    let site = site_with_door(&system, 3).await;
    let now = at("2027-02-10T08:00:00Z");
    let call = replace(&site, "door", &json!({}), now).key("again");
    let first = system.send(call.clone()).await;
    assert_eq!(
        (first.status, &first.body["device"]["name"]),
        (201, &json!("door"))
    );
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
    assert_eq!(text(&first.body["device"]["device_id"]).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_replace_a_device_is_refused() {
    let system = System::new();
    let site = site_with_door(&system, 3).await;
    let now = at("2027-02-10T08:00:00Z");
    system.register(&site, &["gate"], now).await.unwrap();
    let body = |id: &str| json!({ "device_id": id });
    assert_snapshot!(
        problems(&system, [
            ("one that is not there", replace(&site, "lift", &body("lift-2"), now)),
            ("by itself", replace(&site, "door", &body("door"), now)),
            ("by another that is there", replace(&site, "door", &body("gate"), now)),
            ("by an impossible ID", replace(&site, "door", &body(".."), now)),
        ]).await,
        @"
    one that is not there → 404 device-not-found: there is no such device
    by itself → 409 device-exists: a device of this ID exists
    by another that is there → 409 device-exists: a device of this ID exists
    by an impossible ID → 400 malformed-request: device_id must be a letter or digit, and at most 63 ASCII letters, digits, hyphens, underscores, dots and colons more
    "
    );
    // Of a halted site none is replaced, and any is renamed.
    let now = at("2027-06-01T08:00:00Z");
    for month in ["2027-02-28", "2027-03-10", "2027-03-31", "2027-04-10"] {
        system.deduct(at(&format!("{month}T12:00:00Z"))).await;
    }
    let refused = system
        .send(replace(&site, "door", &body("door-2"), now))
        .await;
    assert_eq!(refused.problem(), "payment-required");
    assert_eq!(
        system
            .send(rename(&site, "door", "Front door", now))
            .await
            .status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_is_renamed_for_nothing_and_only_where_the_name_differs() {
    let system = System::new();
    let site = site_with_door(&system, 3).await;
    let now = at("2027-02-10T08:00:00Z");
    let renamed = system
        .send(rename(&site, "door", " Front  door", now).key("name"))
        .await;
    assert_snapshot!(shown(&json!([renamed.status, renamed.body["device"], renamed.body["entry"]["refers_to"]])), @r#"
    [
      200,
      { "device_id": "door", "name": "Front  door", "registered_on": "2027-01-31" },
      { "device_id": "door", "name": "Front  door", "name_before": "door" }
    ]
    "#);
    assert_eq!(renamed.body["license"]["balances"]["credits"], 3);
    let same = text(&renamed.body["device"]["name"]);
    let again = system.send(rename(&site, "door", &same, now)).await;
    assert_eq!((again.status, &again.body["entry"]), (200, &Value::Null));
    assert_snapshot!(
        problems(&system, [
            ("one that is not there", rename(&site, "lift", "Lift", now)),
            ("without a name", rename(&site, "door", " ", now)),
        ]).await,
        @"
    one that is not there → 404 device-not-found: there is no such device
    without a name → 400 malformed-request: name must be 1 to 100 characters, at least one of them visible, without control characters
    "
    );
}

#[tokio::test(start_paused = true)]
async fn a_replacement_whose_answer_is_lost_is_carried_out_once() {
    for fault in [Fault::LostRequest, Fault::LostAnswer, Fault::Throttled] {
        let system = System::new();
        let site = site_with_door(&system, 3).await;
        let mut failing = true;
        system.wire.plan(move |operation, _| {
            if operation == "TransactWriteItems" && std::mem::take(&mut failing) {
                fault
            } else {
                Fault::None
            }
        });
        let body = json!({ "device_id": "door-2" });
        let replaced = system
            .send(replace(&site, "door", &body, at("2027-02-10T08:00:00Z")))
            .await;
        assert_eq!(
            (replaced.status, replaced.replayed),
            (201, false),
            "{fault:?}"
        );
        let statement = system.statement(&site, at("2027-02-10T08:00:00Z")).await;
        let kinds = statement
            .iter()
            .filter(|entry| entry["kind"] == "device_replacement");
        assert_eq!(kinds.count(), 1);
    }
}
