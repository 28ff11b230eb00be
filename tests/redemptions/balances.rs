//! What a code adds, and what a preview says of it.

use super::NOON;
use crate::harness::{Call, System, at, license_of, redemption, sms_redemption};
use serde_json::json;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn a_code_is_applied_once_and_moves_the_balances() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let codes = system.codes(100, 7, 1, now).await;
    let applied = system.send(redemption(&site, &codes[0], now)).await;
    assert_eq!(applied.status, 201, "{applied:?}");
    assert_eq!(applied.body["entry"]["kind"], "redemption");
    assert_eq!(applied.body["entry"]["sequence"], 2);
    assert_eq!(
        applied.body["entry"]["changes"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body, applied.body["license"]);
    assert_eq!(
        license.body["balances"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    let again = system.send(redemption(&site, &codes[0], now)).await;
    assert_eq!(
        (again.status, again.problem()),
        (409, "code-already-applied")
    );
    assert_eq!(again.body["entry"], 2);
    assert_eq!(again.body["applied_at"], NOON);
}

#[tokio::test(start_paused = true)]
async fn each_credit_is_worth_fifty_sms() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(3, 0, 1, now).await;
    let applied = system.send(sms_redemption(&site, &codes[0], now)).await;
    assert_eq!(applied.status, 201, "{applied:?}");
    assert_eq!(applied.body["entry"]["kind"], "sms_redemption");
    assert_eq!(
        applied.body["license"]["balances"],
        json!({ "credits": 0, "maintenance_credits": 0, "sms": 150 })
    );
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
    assert_eq!(preview.status, 200, "{preview:?}");
    assert_eq!(preview.body["site_id"], site.as_str());
    assert_eq!(
        (&preview.body["site_name"], &preview.body["country"]),
        (&json!("Harbour Gym"), &json!("AT"))
    );
    assert_eq!(
        preview.body["before"]["balances"],
        json!({ "credits": 0, "maintenance_credits": 0, "sms": 0 })
    );
    assert_eq!(
        preview.body["after"]["balances"],
        json!({ "credits": 100, "maintenance_credits": 7, "sms": 0 })
    );
    assert_eq!(system.send(license_of(&site, now)).await, before);
    let sms = system
        .send(Call::post(
            path,
            &json!({ "code": codes[0], "recharge": "sms" }),
            now,
        ))
        .await;
    assert_eq!((sms.status, sms.problem()), (422, "code-not-for-sms"));
}
