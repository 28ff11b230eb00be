//! Wrong codes are counted by person: 20 in an hour, and then right ones wait too.

use super::NOON;
use crate::harness::{Answered, Call, System, at, redemption, sms_redemption};
use crate::setup::of;
use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::json;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

const FORGED: &str = "AAAAA-AAAAA-AAAAA-AAAAA";

fn preview(site: &SiteId, code: &str, now: Timestamp) -> Call {
    let body = json!({ "code": code, "recharge": "credits" });
    Call::post(of(site, "/license/preview"), &body, now)
}

/// Tries forged codes, on every route that takes one, until there are 20.
async fn twenty_wrong(system: &System, site: &SiteId, now: Timestamp) {
    for n in 0..20 {
        let call = match n % 3 {
            0 => redemption(site, FORGED, now),
            1 => sms_redemption(site, FORGED, now),
            _ => preview(site, FORGED, now),
        };
        assert_eq!(
            system.send(call).await.problem(),
            "code-not-recognised",
            "{n}"
        );
    }
}

fn retry_after(answer: &Answered) -> &str {
    answer.headers["retry-after"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_was_wrong_twenty_times_waits_for_the_next_hour_with_right_codes_too() {
    let (system, now) = (System::new(), at("2026-12-09T12:40:00Z"));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let codes = system.codes(10, 0, 2, now).await;
    let applied = system
        .send(redemption(&site, &codes[0], now).key("first"))
        .await;
    assert_eq!(applied.status, 201);
    twenty_wrong(&system, &site, now).await;
    let waits = system.send(redemption(&site, FORGED, now)).await;
    assert_snapshot!(waits, @r#"
    429
    {
      "code": "too-many-wrong-codes",
      "detail": "you have tried 20 wrong codes in an hour, which is the limit: there may be more in 1200 seconds",
      "status": 429,
      "title": "There were too many wrong codes",
      "type": "urn:site-credits:problem:too-many-wrong-codes"
    }
    "#);
    assert_eq!(retry_after(&waits), "1200");
    for call in [
        redemption(&site, &codes[1], now),
        sms_redemption(&site, &codes[1], now),
        preview(&site, &codes[1], now),
    ] {
        let right = system.send(call).await;
        assert_eq!(
            (&right.body, right.status),
            (&waits.body, 429),
            "the same as of a forged code"
        );
    }
    // What was carried out before is answered as it was.
    let again = system
        .send(redemption(&site, &codes[0], now).key("first"))
        .await;
    assert!(again.replayed, "{again}");
    // Somebody else is not kept waiting.
    let other = system
        .send(preview(&site, FORGED, now).by_person("lee@example.com"))
        .await;
    assert_eq!(other.problem(), "code-not-recognised");
    let later = at("2026-12-09T13:00:00Z");
    assert_eq!(
        system
            .send(redemption(&site, &codes[1], later))
            .await
            .status,
        201
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_cannot_complete_a_code_at_a_made_up_site() {
    let (system, now) = (System::new(), at(NOON));
    let code = system.codes(10, 0, 1, now).await.remove(0);
    let nowhere = SiteId::parse("0000000A5").unwrap();
    let (start, hidden) = code.split_at(code.len() - 2);
    let mut told_apart = 0;
    let mut tries = 0;
    for first in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
        for second in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
            let guess = format!("{start}{first}{second}");
            let call = preview(&nowhere, &guess, now).by_person("mallory@example.com");
            let answer = system.send(call).await;
            tries += u32::from(answer.status != 429);
            told_apart += u32::from(answer.status == 404);
        }
    }
    assert_eq!(tries, 20);
    // Unless the code happens to be among the first twenty.
    assert_eq!(told_apart, u32::from(hidden < "0M"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_code_is_told_so_and_not_counted() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    system.wire.take_seen();
    for _ in 0..30 {
        for wrong in [
            "AAAAA-AAAAA-AAAAA-AAAA",
            "AAAAA-AAAAA-AAAAA-AAAAAA",
            "AAAAA-AAAAA-AAAAA-AAAAU",
        ] {
            let answer = system.send(redemption(&site, wrong, now)).await;
            assert_eq!(answer.problem(), "code-not-recognised", "{wrong}");
        }
    }
    assert_eq!(system.wire.take_seen(), []);
}

#[tokio::test(start_paused = true)]
async fn a_racer_is_wrong_twenty_times_and_no_more() {
    let (system, now) = (System::new(), at(NOON));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let tries = (0..64).map(|_| system.send(redemption(&site, FORGED, now)));
    let answers = futures_util::future::join_all(tries).await;
    let wrong = answers.iter().filter(|answer| answer.status == 422).count();
    let waits = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((wrong, waits), (20, 44));
}
