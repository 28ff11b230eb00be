//! Codes that expire: at one instant, wherever a site is and wherever it moves.

use super::NOON;
use crate::harness::{Call, System, at, redemption, sms_redemption};
use insta::assert_snapshot;
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::json;
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

/// The last instant, to the gateway's millisecond, at which a code of 9 December can be applied.
const LAST: &str = "2026-12-10T11:59:59.999Z";
const OVER: &str = "2026-12-10T12:00:00Z";
/// From where a date ends first to where it ends last.
const ZONES: [&str; 4] = [
    "Pacific/Kiritimati",
    "Europe/Vienna",
    "Pacific/Pago_Pago",
    "Etc/GMT+12",
];

/// Codes with the last date 9 December.
async fn expiring(system: &System, count: u32) -> Vec<String> {
    let value = CodeValue::new(5, 0).unwrap();
    let set = |new: &mut site_credits::commands::NewBatch| {
        new.expires_on = Some(date(2026, 12, 9).into());
    };
    system.codes_like(value, count, at(NOON), set).await
}

fn preview(site: &SiteId, code: &str, now: Timestamp) -> Call {
    let body = json!({ "code": code, "recharge": "credits" });
    Call::post(format!("/sites/{site}/license/preview"), &body, now)
}

async fn assert_expired(system: &System, site: &SiteId, code: &str, now: Timestamp) {
    for call in [
        preview(site, code, now),
        redemption(site, code, now),
        sms_redemption(site, code, now),
    ] {
        let refused = system.send(call).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (410, "code-expired"),
            "{refused}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_date_ends_at_one_instant_wherever_a_site_is() {
    let system = System::new();
    for zone in ZONES {
        let site = system.site(SiteType::Regular, zone, at(NOON)).await;
        let codes = expiring(&system, 3).await;
        for (call, status) in [
            (preview(&site, &codes[0], at(LAST)), 200),
            (redemption(&site, &codes[0], at(LAST)), 201),
            (sms_redemption(&site, &codes[1], at(LAST)), 201),
        ] {
            let applied = system.send(call).await;
            assert_eq!(applied.status, status, "{zone}: {applied}");
        }
        assert_expired(&system, &site, &codes[2], at(OVER)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn moving_a_site_west_never_revives_a_code() {
    let system = System::new();
    let site = system.site(SiteType::Regular, ZONES[0], at(NOON)).await;
    let code = expiring(&system, 1).await.remove(0);
    // On Kiritimati the 9th was over a day before, and the code is as good there as anywhere.
    let shown = system.send(preview(&site, &code, at(LAST))).await;
    assert_eq!(shown.status, 200, "{shown}");
    assert_expired(&system, &site, &code, at(OVER)).await;
    for zone in &ZONES[1..] {
        let body = json!({ "time_zone": zone });
        let moved = Call::patch(format!("/sites/{site}"), &body, at(OVER));
        assert_eq!(system.send(moved).await.status, 200);
        assert_expired(&system, &site, &code, at(OVER)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_late_revives_no_code() {
    let system = System::new();
    let site = system.site(SiteType::Regular, ZONES[1], at(NOON)).await;
    let code = expiring(&system, 1).await.remove(0);
    system.recharge(&site, 1, 0, at(OVER)).await;
    // Its entry would have the time of the one before.
    assert_expired(&system, &site, &code, at(LAST)).await;
}

#[tokio::test(start_paused = true)]
async fn the_refusal_says_the_date_and_the_instant() {
    let system = System::new();
    let site = system.site(SiteType::Regular, ZONES[1], at(NOON)).await;
    let code = expiring(&system, 1).await.remove(0);
    assert_snapshot!(system.send(redemption(&site, &code, at(OVER))).await, @r#"
    410
    {
      "code": "code-expired",
      "detail": "this code expired at 2026-12-10T12:00:00Z, when 2026-12-09 had ended everywhere on Earth",
      "expires_at": "2026-12-10T12:00:00Z",
      "expires_on": "2026-12-09",
      "status": 410,
      "title": "The code has expired",
      "type": "urn:site-credits:problem:code-expired"
    }
    "#);
}
