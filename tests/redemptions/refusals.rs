//! Codes that are refused, and strangers who learn nothing.

use super::NOON;
use crate::harness::{Call, KIM, System, at, license_of, redemption, sms_redemption};
use serde_json::json;
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::{BatchId, SiteId};

/// A code of the right form that no batch has.
pub(crate) fn unissued() -> String {
    let issuer = run_local::seed::issuer().unwrap();
    let batch = BatchId::parse("00000000-0000-0000-0000-000000000000").unwrap();
    issuer
        .code(issuer.newest(), &batch, 0)
        .unwrap()
        .0
        .to_string()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_says_which() {
    let (system, now) = (System::new(), at(NOON));
    let regular = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let dynamic = system
        .site(SiteType::Dynamic, "Pacific/Kiritimati", now)
        .await;
    let value = CodeValue::new(5, 0).unwrap();
    let maintenance = system.codes(5, 1, 1, now).await.remove(0);
    let bound_to = regular.clone();
    let bound = system
        .codes_like(value, 1, now, |new| new.bound_to = Some(bound_to))
        .await
        .remove(0);
    let expiring = system
        .codes_like(value, 1, now, |new| {
            new.expires_on = Some(jiff::civil::date(2026, 12, 9).into());
        })
        .await
        .remove(0);
    let over = at("2026-12-10T12:00:00Z");
    let mut refusals = Vec::new();
    for (what, call) in [
        (
            "forged",
            redemption(&regular, "AAAAA-AAAAA-AAAAA-AAAAA", now),
        ),
        ("never issued", redemption(&regular, &unissued(), now)),
        ("empty", redemption(&regular, "", now)),
        (
            "maintenance, on a dynamic site",
            redemption(&dynamic, &maintenance, now),
        ),
        (
            "maintenance, for SMS",
            sms_redemption(&regular, &maintenance, now),
        ),
        ("bound to another site", redemption(&dynamic, &bound, now)),
        ("expired", redemption(&regular, &expiring, over)),
    ] {
        let answer = system.send(call).await;
        refusals.push(format!("{what}: {} {}", answer.status, answer.problem()));
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
    forged: 422 code-not-recognised
    never issued: 422 code-not-recognised
    empty: 422 code-not-recognised
    maintenance, on a dynamic site: 422 code-not-for-dynamic-sites
    maintenance, for SMS: 422 code-not-for-sms
    bound to another site: 422 code-not-for-this-site
    expired: 410 code-expired
    ");
    assert_eq!(
        system
            .send(redemption(&regular, &expiring, at("2026-12-10T11:59:59Z")))
            .await
            .status,
        201
    );
    let elsewhere = system.send(redemption(&dynamic, &expiring, now)).await;
    // Where it was applied is no business of another site.
    assert_eq!(
        (elsewhere.status, elsewhere.problem()),
        (409, "code-already-applied")
    );
    assert_eq!(
        (&elsewhere.body["entry"], &elsewhere.body["applied_at"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_cannot_tell_that_a_site_exists() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let nowhere = SiteId::parse("00000000S").unwrap();
    let codes = system.codes(10, 0, 1, now).await;
    let strangers = [
        json!({ "sub": "eve", "email": "eve@example.com", "email_verified": "true" }),
        json!({ "sub": "eve", "email": KIM, "email_verified": "false" }),
        json!({ "sub": "eve", "email": KIM }),
        json!({ "sub": "acme", "partner_id": "acme" }),
        json!({}),
    ];
    for claims in strangers {
        for call in [
            redemption(&site, &codes[0], now),
            sms_redemption(&site, &codes[0], now),
            license_of(&site, now),
            Call::get(format!("/sites/{site}/license/statement"), now),
            Call::post(
                format!("/sites/{site}/license/preview"),
                &json!({ "code": codes[0], "recharge": "credits" }),
                now,
            ),
        ] {
            let mut there = call.clone();
            there.claims = claims.clone();
            let mut nowhere_call = there.clone();
            nowhere_call.path = there.path.replace(site.as_str(), nowhere.as_str());
            let (there, elsewhere) = (system.send(there).await, system.send(nowhere_call).await);
            assert_eq!(
                (there.status, there.problem()),
                (404, "site-not-found"),
                "{claims} {call:?}"
            );
            assert_eq!(there, elsewhere);
        }
    }
    let loud = system
        .send(license_of(&site, now).by_person("KIM@Example.COM"))
        .await;
    assert_eq!(loud.status, 200, "addresses are compared without case");
}
