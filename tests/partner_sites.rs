//! `/partners/{partner_id}/sites`: the sites that applied a partner's codes, and whom it should call.

use crate::batches::{codes, get, issue, issued};
use crate::harness::{ACME, Answered, Call, System, at, redemption, sms_redemption};
use crate::shown::shown;
use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

const NOW: &str = "2026-12-31T12:00:00Z";

async fn sites(system: &System, query: &str, now: Timestamp) -> Answered {
    let path = format!("/partners/{ACME}/sites");
    system.send(get(path, now).query(query)).await
}

/// A gym and a library that applied codes of acme, the library also one of another partner, and a site that did not.
async fn gym_and_library(system: &System) -> [SiteId; 2] {
    let now = at(NOW);
    let gym = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let library = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let plain = codes(&issued(system, 4, 4, now).await);
    let both = json!({ "credits": 5, "maintenance_credits": 2, "count": 1 });
    let both = codes(&system.send(issue(&both, now)).await);
    let path = "/partners/globex/code-batches".to_owned();
    let foreign = Call::post(path, &json!({ "credits": 9, "count": 1 }), now);
    let foreign = codes(&system.send(foreign.by_partner("globex")).await);
    for call in [
        redemption(&gym, &plain[0], now),
        sms_redemption(&gym, &plain[1], now),
        redemption(&library, &both[0], now),
        redemption(&library, &foreign[0], now),
    ] {
        let redeemed = system.send(call).await;
        assert_eq!(redeemed.status, 201, "{redeemed}");
    }
    system.register(&gym, &["a", "b", "c"], now).await.unwrap();
    [gym, library]
}

#[tokio::test(start_paused = true)]
async fn a_partner_sees_the_sites_that_applied_its_codes() {
    let system = System::new();
    let ids = gym_and_library(&system).await;
    let listed = sites(&system, "", at(NOW)).await;
    let mut sites = listed.body["sites"].as_array().unwrap().clone();
    sites.sort_by_key(|site| site["site_type"].to_string());
    assert_snapshot!(shown(&json!(sites)), @r#"
    [
      {
        "country": "AT",
        "covered_until": "2027-01-30",
        "devices": 3,
        "last_applied_at": "2026-12-31T12:00:00Z",
        "monthly_cost": 3,
        "received": { "codes": 2, "credits": 4, "maintenance_credits": 0, "sms": 200 },
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "dynamic",
        "status": "activated"
      },
      {
        "country": "AT",
        "covered_until": null,
        "devices": 0,
        "last_applied_at": "2026-12-31T12:00:00Z",
        "monthly_cost": 0,
        "received": { "codes": 1, "credits": 5, "maintenance_credits": 2, "sms": 0 },
        "site_id": "[site 2]",
        "site_name": "Harbour Gym",
        "site_type": "regular",
        "status": "activated"
      }
    ]
    "#);
    let listed = [0, 1].map(|place| sites[place]["site_id"].clone());
    assert_eq!(listed, ids.map(|id| json!(id)));
}

#[tokio::test(start_paused = true)]
async fn a_partner_sees_page_by_page_which_site_is_halted() {
    let system = System::new();
    gym_and_library(&system).await;
    let later = at("2027-01-31T12:00:00Z");
    system.deduct(later).await;
    let page = sites(&system, "limit=1", later).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = sites(&system, &format!("limit=1&cursor={cursor}"), later).await;
    assert_eq!(rest.body["next_cursor"], Value::Null);
    let statuses = [&page, &rest].map(|page| page.body["sites"][0]["status"].clone());
    assert!(
        statuses.contains(&json!("payment_required")),
        "{statuses:?}"
    );
}
