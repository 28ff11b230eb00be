//! What applying a code and reading a license cost.

use super::{NOW, measured};
use crate::harness::{Call, System, at, license_of, redemption, sms_redemption};
use serde_json::json;
use site_credits::domain::model::site::SiteType;

#[tokio::test(start_paused = true)]
async fn each_route_makes_the_round_trips_and_uses_the_capacity_that_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    let regular = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(100, 0, 8, now).await;
    assert_eq!(
        system.send(redemption(&site, &codes[0], now)).await.status,
        201
    );
    system
        .register(&site, &["door-1", "door-2"], now)
        .await
        .unwrap();
    system.wire.take_seen();
    let preview = |code: &str| {
        let body = json!({ "code": code, "recharge": "credits" });
        Call::post(format!("/sites/{site}/license/preview"), &body, now).key("a-key")
    };
    let statement = Call::get(format!("/sites/{site}/license/statement"), now);
    let mut period = statement.clone();
    period.query = "from=2026-12-09&to=2026-12-09".to_owned();
    let key = "8d3c0f5a-0a39-4c0e-9d3f-6a5d1c0f7b21";
    let routes = measured(
        &system,
        vec![
            ("a preview", preview(&codes[1])),
            (
                "a redemption with a key",
                redemption(&site, &codes[1], now).key(key),
            ),
            ("its replay", redemption(&site, &codes[1], now).key(key)),
            (
                "a redemption without a key",
                redemption(&regular, &codes[2], now),
            ),
            (
                "an SMS recharge with a key",
                sms_redemption(&regular, &codes[3], now).key(key),
            ),
            ("a code that was applied", redemption(&site, &codes[1], now)),
            (
                "a code that was applied, with a key",
                redemption(&site, &codes[1], now).key("another"),
            ),
            ("a balance", license_of(&site, now)),
            ("a statement", statement),
            ("a statement of a day", period),
            (
                "a forged code",
                redemption(&site, "AAAAA-AAAAA-AAAAA-AAAAA", now).key("other"),
            ),
            (
                "a forged code's preview",
                preview("AAAAA-AAAAA-AAAAA-AAAAA"),
            ),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @"
    a preview                            200  BatchGetItem 3.0
    a redemption with a key              201  BatchGetItem 4.0, TransactWriteItems 9.0
    its replay                           201  BatchGetItem 4.0, GetItem 1.0
    a redemption without a key           201  BatchGetItem 3.0, TransactWriteItems 8.0
    an SMS recharge with a key           201  BatchGetItem 4.0, TransactWriteItems 9.0
    a code that was applied              409  BatchGetItem 3.0
    a code that was applied, with a key  409  BatchGetItem 4.0, BatchGetItem 4.0
    a balance                            200  GetItem 1.0
    a statement                          200  GetItem 1.0, Query 1.0
    a statement of a day                 200  GetItem 1.0, BatchGetItem 4.0, Query 1.0
    a forged code                        422  TransactWriteItems 2.0
    a forged code's preview              422  TransactWriteItems 2.0
    ");
}
