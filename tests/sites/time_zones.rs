//! Sites that move to another time zone: their due dates, and the dates of registration.

use super::change;
use crate::devices::register;
use crate::harness::{System, at, license_of};
use crate::setup::text;
use jiff::SignedDuration;
use serde_json::json;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

/// Moves a site to a zone, runs the schedule every hour around it, and returns the due dates that were charged.
async fn charged_around_a_move(from: &str, to: &str, moved_at: &str) -> Vec<String> {
    let (system, opened) = (System::new(), at("2026-11-30T12:00:00Z"));
    let site = system.site(SiteType::Dynamic, from, opened).await;
    system.recharge(&site, 100, 0, opened).await;
    for (id, day) in [
        ("9", "2026-12-09T12:00:00Z"),
        ("10", "2026-12-10T12:00:00Z"),
        ("11", "2026-12-11T12:00:00Z"),
    ] {
        system.register(&site, &[id], at(day)).await.unwrap();
    }
    let moved_at = at(moved_at);
    let mut now = at("2027-01-08T00:30:00Z");
    while now < at("2027-01-14T12:00:00Z") {
        if now > moved_at && now - moved_at <= SignedDuration::from_hours(1) {
            let move_site = change(&site, &json!({ "time_zone": to }), now);
            let moved = system.send(move_site).await;
            assert_eq!(moved.status, 200, "{moved}");
        }
        system.deduct(now).await;
        now += SignedDuration::from_hours(1);
    }
    let statement = system.statement(&site, now).await;
    let deductions = statement
        .iter()
        .filter(|entry| entry["kind"] == "deduction");
    deductions
        .map(|entry| text(&entry["refers_to"]["due_on"]))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn moving_to_another_time_zone_neither_skips_nor_doubles_a_due_date() {
    let zones = ["Pacific/Kiritimati", "Europe/Vienna", "Pacific/Niue"];
    for from in zones {
        // The devices are registered at noon in Greenwich, when Kiritimati has the next day.
        let first = if from == zones[0] { 10 } else { 9 };
        let expected = [first, first + 1, first + 2].map(|day| format!("2027-01-{day:02}"));
        for to in zones {
            for hour in ["01", "09", "13", "22"] {
                let moved_at = format!("2027-01-10T{hour}:00:00Z");
                let charged = charged_around_a_move(from, to, &moved_at).await;
                assert_eq!(charged, expected, "{from} to {to} at {moved_at}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_in_the_old_time_zone_is_charged_before_the_site_moves() {
    let (system, opened) = (System::new(), at("2026-12-09T20:00:00Z"));
    let site = system
        .site(SiteType::Dynamic, "Pacific/Kiritimati", opened)
        .await;
    system.recharge(&site, 10, 0, opened).await;
    // It is the 10th there.
    system.register(&site, &["door"], opened).await.unwrap();
    let now = at("2027-01-09T20:00:00Z");
    let move_site = change(&site, &json!({ "time_zone": "Pacific/Niue" }), now);
    system.send(move_site).await;
    let statement = system.statement(&site, now).await;
    let kinds: Vec<String> = statement.iter().map(|entry| text(&entry["kind"])).collect();
    assert_eq!(kinds[3..], ["deduction", "settings_change"], "{kinds:?}");
    // There it is still the 9th, and the 10th will come a second time.
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body["next_deduction"]["on"], "2027-02-10");
    let deducted = system.deduct(at("2027-01-11T00:00:00Z")).await;
    assert_eq!(deducted["credits"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_regular_site_that_moves_west_on_its_first_day_registers_on_that_day() {
    let (system, now) = (System::new(), at("2026-12-09T23:00:00Z"));
    let site = system.site(SiteType::Regular, "Asia/Seoul", now).await;
    let move_site = change(&site, &json!({ "time_zone": "America/New_York" }), now);
    assert_eq!(system.send(move_site).await.status, 200);
    let registered = system
        .send(register(&site, &json!([{ "name": "Door" }]), now))
        .await;
    assert_eq!(registered.body["devices"][0]["registered_on"], "2026-12-10");
}

/// A site in Vienna whose balance covers the device of the 9th and not that of the 10th: it is halted on 10 January.
async fn halted_on_the_10th(system: &System) -> SiteId {
    let opened = at("2026-12-09T12:00:00Z");
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", opened)
        .await;
    system.recharge(&site, 4, 0, opened).await;
    for (id, day) in [
        ("9", "2026-12-09T12:00:00Z"),
        ("10", "2026-12-10T12:00:00Z"),
        ("11", "2026-12-11T12:00:00Z"),
    ] {
        system.register(&site, &[id], at(day)).await.unwrap();
    }
    system.deduct(at("2027-01-10T00:30:00Z")).await;
    site
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_that_moves_west_still_owes_the_day_that_halted_it() {
    let system = System::new();
    let site = halted_on_the_10th(&system).await;
    // There it is still the 9th.
    let now = at("2027-01-10T01:00:00Z");
    let move_site = change(&site, &json!({ "time_zone": "Pacific/Niue" }), now);
    assert_eq!(system.send(move_site).await.status, 200);
    let refused = system.send(register(&site, &json!([{ "name": "Door" }]), now));
    let refused = refused.await;
    assert_eq!(refused.body["code"], "payment-required");
    assert_eq!(
        (&refused.body["needed"], &refused.body["available"]),
        (&json!(1), &json!(0))
    );
    // A device that is not due yet has nothing to do with it.
    system.remove(&site, "11", now).await.unwrap();
    let license = system.send(license_of(&site, now)).await.body;
    assert_eq!(
        (&license["status"], &license["overdue"]["credits"]),
        (&json!("payment_required"), &json!(1))
    );
    system.recharge(&site, 1, 0, now).await;
    let license = system.send(license_of(&site, now)).await.body;
    assert_eq!(
        (&license["status"], &license["balances"]["credits"]),
        (&json!("activated"), &json!(0))
    );
    // The 10th comes there, too, and is paid already.
    let deducted = system.deduct(at("2027-01-11T12:00:00Z")).await;
    assert_eq!(
        (&deducted["due_dates"], &deducted["halted"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_that_owes_less_further_west_pays_that_and_resumes() {
    let system = System::new();
    let site = halted_on_the_10th(&system).await;
    // On the 11th in Vienna it owes two devices, on the 10th in Niue one.
    let now = at("2027-01-11T01:00:00Z");
    system.recharge(&site, 1, 0, now).await;
    let license = system.send(license_of(&site, now)).await.body;
    assert_eq!(
        (&license["status"], &license["overdue"]["credits"]),
        (&json!("payment_required"), &json!(2))
    );
    let move_site = change(&site, &json!({ "time_zone": "Pacific/Niue" }), now);
    assert_eq!(system.send(move_site).await.status, 200);
    let statement = system.statement(&site, now).await;
    let kinds: Vec<String> = statement.iter().map(|entry| text(&entry["kind"])).collect();
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["settings_change", "overdue_deduction", "resume"]
    );
    // The 11th comes there in its time, and halts it again.
    let deducted = system.deduct(at("2027-01-11T12:00:00Z")).await;
    assert_eq!(
        (&deducted["due_dates"], &deducted["halted"]),
        (&json!(0), &json!(1))
    );
}
