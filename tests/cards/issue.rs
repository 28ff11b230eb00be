//! Issuing: one card a user, also at once, and the period of a card.

use super::{issue, revoke, site_with_card};
use crate::faults::race;
use crate::harness::{System, license_of};
use crate::setup::now;
use crate::shown::{beginning, problems};
use insta::assert_snapshot;
use serde_json::json;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn of_many_who_issue_a_card_to_one_user_one_does_and_one_credit_is_taken() {
    let system = Arc::new(System::new());
    let site = system.regular().await;
    system.recharge(&site, 5, 0, now()).await;
    system.add_users(&site, &["a"]).await;
    let issue = issue(&site, "a", &json!({}), now());
    let mut issued = 0;
    for answer in race(&system, vec![issue; 8]).await {
        if answer.status == 201 {
            issued += 1;
        } else {
            assert_eq!(answer.problem(), "card-exists", "{answer}");
        }
    }
    assert_eq!(issued, 1);
    let license = system.send(license_of(&site, now())).await;
    assert_eq!(license.body["balances"]["credits"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_card_is_gone_for_good_and_another_one_is_issued_anew() {
    let system = System::new();
    let (site, card) = site_with_card(&system).await;
    assert_snapshot!(system.send(revoke(&site, "a", now())).await, @r#"
    200
    {
      "card": {
        "card_id": "[id 1]",
        "issued_at": "2026-12-09T12:00:00Z",
        "link": null,
        "status": "revoked",
        "valid_from": "2027-01-01",
        "valid_until": "2027-12-31"
      }
    }
    "#);
    let anew = system.send(issue(&site, "a", &json!({}), now())).await;
    assert_eq!(anew.status, 201, "{anew}");
    assert_eq!(anew.body["entry"]["kind"], "card_issue");
    assert_ne!(anew.body["card"]["card_id"], card["card_id"]);
}

#[tokio::test(start_paused = true)]
async fn a_period_that_cannot_be_is_refused_with_the_reason() {
    let system = System::new();
    let (site, _) = site_with_card(&system).await;
    assert_eq!(system.send(revoke(&site, "a", now())).await.status, 200);
    let issuing = [
        json!({ "valid_until": "2026-12-08" }),
        json!({ "valid_from": "2027-02-01", "valid_until": "2027-01-31" }),
        json!({ "valid_from": "1.2.2027" }),
        json!({ "valid_to": "2027-02-01" }),
    ]
    .map(|body| (beginning(&body), issue(&site, "a", &body, now())));
    assert_snapshot!(problems(&system, issuing).await, @r#"
    {"valid_until":"2026-12-08"} → 400 malformed-request: valid_until must not be earlier than valid_from or than today, 2026-12-09 at this site
    {"valid_from":"2027-02-01","valid_until":"2027-01-31"} → 400 malformed-request: valid_until must not be earlier than valid_from or than today, 2026-12-09 at this site
    {"valid_from":"1.2.2027"} → 400 malformed-request: valid_from must be a date such as 2026-12-09
    {"valid_to":"2027-02-01"} → 400 malformed-request: valid_to is not known here: it takes valid_from or valid_until
    "#);
}
