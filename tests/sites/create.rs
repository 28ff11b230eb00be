//! `POST /sites` and `GET /sites`.

use super::{create, gym, site_id};
use crate::faults::FAULTS;
use crate::harness::{Call, System};
use crate::setup::{now, of, text};
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use run_local::faults::Fault;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn whoever_creates_a_site_is_its_master_and_it_follows_its_country() {
    let system = System::new();
    let created = system.send(create(&gym())).await;
    assert_snapshot!(created, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "site_creation",
        "previous_hash": "[hash 2]",
        "refers_to": {
          "country": "AT",
          "language": "de",
          "name": "Harbour Gym",
          "opened_on": "2026-12-09",
          "site_type": "dynamic",
          "time_zone": "Europe/Vienna"
        },
        "sequence": 1,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "site": {
        "administrators": [{ "email": "kim@example.com", "person": "[person 1]", "role": "master" }],
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "country": "AT",
        "devices": 0,
        "language": "de",
        "name": "Harbour Gym",
        "role": "master",
        "site_id": "[site 1]",
        "site_type": "dynamic",
        "sms_countries": ["AT"],
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    let shown = Call::get(of(&site_id(&created), ""), now());
    let shown = system.send(shown).await;
    assert_eq!(shown.body["site"], created.body["site"]);
}

#[tokio::test(start_paused = true)]
async fn time_zone_and_language_may_be_others_than_those_of_the_country() {
    let system = System::new();
    let body = json!({
        "name": "Seoul", "country": "kr", "site_type": "regular", "time_zone": "asia/tokyo", "language": "EN",
    });
    assert_snapshot!(system.send(create(&body)).await, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "site_creation",
        "previous_hash": "[hash 2]",
        "refers_to": {
          "country": "KR",
          "language": "en",
          "name": "Seoul",
          "opened_on": "2026-12-09",
          "site_type": "regular",
          "time_zone": "Asia/Tokyo"
        },
        "sequence": 1,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "site": {
        "administrators": [{ "email": "kim@example.com", "person": "[person 1]", "role": "master" }],
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "country": "KR",
        "devices": 0,
        "language": "en",
        "name": "Seoul",
        "role": "master",
        "site_id": "[site 1]",
        "site_type": "regular",
        "sms_countries": ["KR"],
        "status": "activated",
        "time_zone": "Asia/Tokyo"
      }
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_created_is_refused_with_the_reason() {
    let system = System::new();
    let creations = [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("country", json!("XX")),
        ("country", json!("AUT")),
        ("country", json!("US")),
        ("time_zone", json!("Europe/Nowhere")),
        ("time_zone", json!("Factory")),
        ("language", json!("german")),
        ("site_type", json!("other")),
        ("site_id", json!("GYM7QP2MR")),
    ]
    .map(|(name, value)| {
        let mut body = gym();
        body[name] = value.clone();
        (beginning(&json!({ name: value })), create(&body))
    });
    assert_snapshot!(problems(&system, creations).await, @r#"
    {"name":""} → 400 malformed-request: name must be 1 to 100 characters, at least one of them visible, without control characters
    {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… → 400 malformed-request: name must be 1 to 100 characters, at least one of them visible, without control characters
    {"country":"XX"} → 400 malformed-request: country must be the ISO 3166-1 code of a country that has a time zone, such as AT
    {"country":"AUT"} → 400 malformed-request: country must be a two-letter ISO 3166-1 code
    {"country":"US"} → 400 malformed-request: time_zone must be named, as US has several: America/New_York, America/Detroit, America/Kentucky/Louisville, America/Kentucky/Monticello, America/Indiana/Indianapolis, America/Indiana/Vincennes, America/Indiana/Winamac, America/Indiana/Marengo, America/Indiana/Petersburg, America/Indiana/Vevay, America/Chicago, America/Indiana/Tell_City, America/Indiana/Knox, America/Menominee, America/North_Dakota/Center, America/North_Dakota/New_Salem, America/North_Dakota/Beulah, America/Denver, America/Boise, America/Phoenix, America/Los_Angeles, America/Anchorage, America/Juneau, America/Sitka, America/Metlakatla, America/Yakutat, America/Nome, America/Adak, Pacific/Honolulu
    {"time_zone":"Europe/Nowhere"} → 400 malformed-request: time_zone must be the name of a time zone of the IANA database, such as Europe/Vienna
    {"time_zone":"Factory"} → 400 malformed-request: time_zone must be the name of a time zone of the IANA database, such as Europe/Vienna
    {"language":"german"} → 400 malformed-request: language must be a two- or three-letter code such as en
    {"site_type":"other"} → 400 malformed-request: site_type must be dynamic or regular
    {"site_id":"GYM7QP2MR"} → 400 malformed-request: site_id is not known here: it takes name, country, site_type, time_zone or language
    "#);
    assert_eq!(system.findings().await.sites, 0);
}

#[tokio::test(start_paused = true)]
async fn one_request_creates_one_site_whatever_happens_on_the_way() {
    for fault in FAULTS.into_iter().chain([Fault::None]) {
        let system = System::new();
        // The first request reads, the second writes.
        system.fault_at_requests(|number| number == 2, fault);
        let call = create(&gym()).key("gym");
        let first = system.send(call.clone()).await;
        assert_eq!(
            (first.status, first.replayed),
            (201, false),
            "{fault:?} {first}"
        );
        system.wire.quiet();
        let again = system.send(call.clone()).await;
        assert_eq!((again.status, again.replayed), (201, true), "{again}");
        assert_eq!(again.body, first.body);
        let mut body = gym();
        body["name"] = json!("Other Gym");
        let reused = system.send(create(&body).key("gym")).await;
        assert_eq!(reused.problem(), "idempotency-key-reused");
        // The key is Kim's: under the same one another person makes another site.
        let other = system.send(call.by_person("lee@example.com")).await;
        assert_eq!((other.status, other.replayed), (201, false));
        assert_eq!(system.findings().await.sites, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_without_a_key_knows_its_own_site_again_after_a_lost_answer() {
    let system = System::new();
    system.fault_at_requests(|number| number == 1, Fault::LostAnswer);
    assert_eq!(system.send(create(&gym())).await.status, 201);
    assert_eq!(system.findings().await.sites, 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_lists_the_sites_that_they_administer_page_by_page() {
    let system = System::new();
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(site_id(&system.send(create(&gym())).await).to_string());
    }
    let foreign = create(&gym()).by_person("lee@example.com");
    assert_eq!(system.send(foreign).await.status, 201);
    let listing = Call::get("/sites".to_owned(), now()).query("limit=2");
    let listed = system.pages(listing, "sites").await.concat();
    let mut listed: Vec<String> = listed.iter().map(|site| text(&site["site_id"])).collect();
    listed.sort();
    created.sort();
    assert_eq!(listed, created);
}
