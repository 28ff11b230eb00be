//! `DELETE /sites/{site_id}`: what it holds is given up on purpose, and what remains of it.

use crate::harness::{ACME, Call, System, at};
use crate::setup::{now, of};
use crate::shown::{problems, shown};
use insta::assert_snapshot;
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

/// A dynamic site with six credits and a device.
async fn site_with_credits(system: &System) -> SiteId {
    let site = system.dynamic().await;
    system.recharge(&site, 7, 0, now()).await;
    system.register(&site, &["door"], now()).await.unwrap();
    site
}

#[tokio::test(start_paused = true)]
async fn a_site_is_deleted_only_with_what_it_holds_given_up() {
    let system = System::new();
    let site = site_with_credits(&system).await;
    let delete = Call::delete(of(&site, ""), now());
    assert_snapshot!(system.send(delete.clone()).await, @r#"
    409
    {
      "balances": { "credits": 6, "maintenance_credits": 0, "sms": 0 },
      "code": "site-not-empty",
      "detail": "the site holds 6 credits, 0 maintenance credits and 0 SMS, which only forfeit=true gives up",
      "status": 409,
      "title": "The site holds balances",
      "type": "urn:site-credits:problem:site-not-empty"
    }
    "#);
    let wrong = system.send(delete.clone().query("forfeit=yes")).await;
    assert_eq!(wrong.problem(), "malformed-request");
    let delete = delete.query("forfeit=true").key("end");
    let deleted = system.send(delete.clone()).await;
    assert_snapshot!(deleted, @r#"
    200
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": -6, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "site_deletion",
        "previous_hash": "[hash 2]",
        "refers_to": { "forfeited": { "credits": 6, "maintenance_credits": 0, "sms": 0 } },
        "sequence": 4,
        "site_id": "[site 1]",
        "status": "deleted"
      },
      "site": {
        "administrators": [],
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "country": "AT",
        "devices": 1,
        "language": "en",
        "name": "Harbour Gym",
        "role": null,
        "site_id": "[site 1]",
        "site_type": "dynamic",
        "sms_countries": ["AT"],
        "status": "deleted",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    let again = system.send(delete).await;
    assert_eq!((again.replayed, &again.body), (true, &deleted.body));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_site_is_found_by_nobody_but_its_statement_and_its_partner_keep_it() {
    let system = System::new();
    let site = site_with_credits(&system).await;
    let delete = Call::delete(of(&site, ""), now()).query("forfeit=true");
    assert_eq!(system.send(delete).await.status, 200);
    let calls = [
        ("the site", Call::get(of(&site, ""), now())),
        (
            "its statement",
            Call::get(of(&site, "/license/statement"), now()),
        ),
        ("deleting it again", Call::delete(of(&site, ""), now())),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    the site → 404 site-not-found: there is no such site
    its statement → 404 site-not-found: there is no such site
    deleting it again → 404 site-not-found: there is no such site
    ");
    let listed = system.send(Call::get("/sites".to_owned(), now())).await;
    assert_eq!(listed.body["sites"], json!([]));
    // Nothing of it falls due any more.
    assert_eq!(system.deduct(at("2027-02-01T12:00:00Z")).await["sites"], 0);
    assert_eq!(system.findings().await.entries, 4);
    let sites = Call::get(format!("/partners/{ACME}/sites"), now()).by_partner(ACME);
    let sites = system.send(sites).await;
    assert_snapshot!(shown(&sites.body["sites"]), @r#"
    [
      {
        "country": "AT",
        "covered_until": null,
        "devices": 1,
        "last_applied_at": "2026-12-09T12:00:00Z",
        "monthly_cost": 0,
        "received": { "codes": 1, "credits": 7, "maintenance_credits": 0, "sms": 0 },
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "dynamic",
        "status": "deleted"
      }
    ]
    "#);
}
