//! What a code adds, and what a preview says of it.

use super::NOON;
use crate::harness::{Call, System, at, license_of, redemption, sms_redemption};
use insta::assert_snapshot;
use serde_json::json;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_code_is_applied_once_and_moves_the_balances() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let codes = system.codes(100, 7, 1, now).await;
    let applied = system.send(redemption(&site, &codes[0], now)).await;
    assert_snapshot!(applied, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 100, "maintenance_credits": 7, "sms": 0 },
        "changes": { "credits": 100, "maintenance_credits": 7, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "redemption",
        "previous_hash": "[hash 2]",
        "refers_to": {
          "batch_id": "[id 1]",
          "code_id": "[code ID 1]",
          "code_last_four": "[last four 1]",
          "partner_id": "acme"
        },
        "sequence": 2,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "license": {
        "balances": { "credits": 100, "maintenance_credits": 7, "sms": 0 },
        "country": "AT",
        "devices": 0,
        "forecast": { "covered_until": null, "credits_due_30_days": 0, "falls_short": null },
        "last_hash": "[hash 1]",
        "next_deduction": null,
        "overdue": { "credits": 0 },
        "sequence": 2,
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "regular",
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body, applied.body["license"]);
    let again = system.send(redemption(&site, &codes[0], now)).await;
    assert_snapshot!(again, @r#"
    409
    {
      "applied_at": "2026-12-09T12:00:00Z",
      "code": "code-already-applied",
      "detail": "this code was applied to this site at 2026-12-09T12:00:00Z, as entry 2",
      "entry": 2,
      "status": 409,
      "title": "The code was applied before",
      "type": "urn:site-credits:problem:code-already-applied"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn each_credit_is_worth_fifty_sms() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(3, 0, 1, now).await;
    let applied = system.send(sms_redemption(&site, &codes[0], now)).await;
    assert_snapshot!(applied, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 150 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 150 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "sms_redemption",
        "previous_hash": "[hash 2]",
        "refers_to": {
          "batch_id": "[id 1]",
          "code_id": "[code ID 1]",
          "code_last_four": "[last four 1]",
          "partner_id": "acme"
        },
        "sequence": 2,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "license": {
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 150 },
        "country": "AT",
        "devices": 0,
        "forecast": { "covered_until": null, "credits_due_30_days": 0, "falls_short": null },
        "last_hash": "[hash 1]",
        "next_deduction": null,
        "overdue": { "credits": 0 },
        "sequence": 2,
        "site_id": "[site 1]",
        "site_name": "Harbour Gym",
        "site_type": "dynamic",
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_would_happen_and_changes_nothing() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let codes = system.codes(100, 7, 1, now).await;
    let before = system.send(license_of(&site, now)).await;
    let path = format!("/sites/{site}/license/preview");
    let body = json!({ "code": codes[0].to_lowercase(), "recharge": "credits" });
    let preview = system
        .send(Call::post(path.clone(), &body, now).key("p-1"))
        .await;
    assert_eq!(preview.body["site_id"], site.as_str());
    assert_snapshot!(preview, @r#"
    200
    {
      "after": {
        "balances": { "credits": 100, "maintenance_credits": 7, "sms": 0 },
        "overdue": { "credits": 0 },
        "status": "activated"
      },
      "before": {
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "overdue": { "credits": 0 },
        "status": "activated"
      },
      "code": {
        "credits": 100,
        "expires_at": null,
        "expires_on": null,
        "last_four": "[last four 1]",
        "maintenance_credits": 7
      },
      "country": "AT",
      "recharge": "credits",
      "site_id": "[site 1]",
      "site_name": "Harbour Gym",
      "site_type": "regular"
    }
    "#);
    assert_eq!(system.send(license_of(&site, now)).await, before);
    let sms = system
        .send(Call::post(
            path,
            &json!({ "code": codes[0], "recharge": "sms" }),
            now,
        ))
        .await;
    assert_snapshot!(sms, @r#"
    422
    {
      "code": "code-not-for-sms",
      "detail": "a code with maintenance credits cannot recharge SMS",
      "status": 422,
      "title": "The code cannot recharge SMS",
      "type": "urn:site-credits:problem:code-not-for-sms"
    }
    "#);
}
