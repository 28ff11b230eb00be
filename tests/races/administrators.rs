//! Two administrators of one site at once.

use super::{NOW, at_once};
use crate::harness::{Call, KIM, System, at, redemption};
use serde_json::json;
use site_credits::domain::model::site::SiteType;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_administrators_who_register_the_last_affordable_device_one_is_refused() {
    for round in 0..50 {
        let system = Arc::new(System::new());
        let site = system
            .site(SiteType::Dynamic, "Europe/Vienna", at(NOW))
            .await;
        let lee = "lee@example.com";
        system.admit(&site, lee, "site_admin", at(NOW)).await;
        let code = system.codes(1, 0, 1, at(NOW)).await.remove(0);
        assert_eq!(
            system.send(redemption(&site, &code, at(NOW))).await.status,
            201
        );
        let calls = [KIM, lee].map(|person| {
            let body = json!({ "devices": [{ "name": person }] });
            let call = Call::post(format!("/sites/{site}/devices"), &body, at(NOW));
            call.by_person(person).key(person)
        });
        let answers = at_once(&system, calls.to_vec()).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 402], "round {round}: {answers:?}");
        let refused = answers.iter().find(|answer| answer.status == 402).unwrap();
        assert_eq!(refused.problem(), "insufficient-credits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_removed_while_its_holder_applies_a_code_leaves_either_order_and_nothing_between() {
    let (lee, mut applied, mut refused) = ("lee@example.com", 0, 0);
    for round in 0..100 {
        let system = Arc::new(System::new());
        let site = system
            .site(SiteType::Regular, "Europe/Vienna", at(NOW))
            .await;
        system.admit(&site, lee, "sub_master", at(NOW)).await;
        let code = system.codes(1, 0, 1, at(NOW)).await.remove(0);
        let dismiss = Call::delete(format!("/sites/{site}/admins/{lee}"), at(NOW));
        let apply = redemption(&site, &code, at(NOW)).by_person(lee);
        let answers = at_once(&system, vec![dismiss, apply]).await;
        assert_eq!(answers[0].status, 200, "{answers:?}");
        let statement = system.statement(&site, at(NOW)).await;
        let kinds: Vec<&str> = statement[3..]
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap())
            .collect();
        if answers[1].status == 201 {
            // It was applied while the role was there.
            assert_eq!(
                kinds,
                ["redemption", "administrator_change"],
                "round {round}"
            );
            applied += 1;
        } else {
            assert_eq!(answers[1].problem(), "site-not-found", "round {round}");
            assert_eq!(kinds, ["administrator_change"]);
            refused += 1;
        }
    }
    assert!(applied > 0 && refused > 0, "{applied} {refused}");
}
