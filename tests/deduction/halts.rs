//! Sites that fall short, and commands that find something due.

use super::{charged, dates, equipped, text};
use crate::harness::{System, at, license_of, redemption};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_gap_of_three_days_or_three_months_is_charged_date_by_date_until_it_falls_short() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 5, 1, at("2027-01-09T12:00:00Z")).await;
    system
        .register(&site, &["late"], at("2027-01-10T12:00:00Z"))
        .await
        .unwrap();
    system
        .register(&site, &["later"], at("2027-01-11T12:00:00Z"))
        .await
        .unwrap();
    // Two credits are left for three due dates, 9, 10 and 11 February, and the scheduler slept over all three.
    let report = system.deduct(at("2027-02-12T12:00:00Z")).await;
    assert_eq!(
        report,
        json!({ "sites": 1, "credits": 2, "due_dates": 2, "halted": 1, "warned": 0, "messages": 0, "erased": 0, "left": 0, "failed": 0 })
    );
    assert_eq!(
        charged(&system, &site).await,
        dates(&["2027-02-09", "2027-02-10"], -1)
    );
    let license = system
        .send(license_of(&site, at("2027-02-12T12:00:00Z")))
        .await
        .body;
    assert_eq!(
        (&license["status"], &license["overdue"]["credits"]),
        (&json!("payment_required"), &json!(1))
    );
    assert_eq!(license["forecast"]["covered_until"], "2027-02-10");
    // A month later each of the three owes one credit, once.
    let later = at("2027-03-31T12:00:00Z");
    assert_eq!(
        system.deduct(later).await["sites"],
        0,
        "while halted nothing accrues, and it is on no agenda"
    );
    assert_eq!(
        system.send(license_of(&site, later)).await.body["overdue"]["credits"],
        3
    );
    let codes = system.codes(2, 0, 2, later).await;
    let short = system.send(redemption(&site, &codes[0], later)).await;
    assert_eq!(
        short.body["license"]["status"], "payment_required",
        "two credits do not pay three"
    );
    assert_eq!(short.body["license"]["balances"]["credits"], 2);
    let enough = system.send(redemption(&site, &codes[1], later)).await;
    assert_eq!(enough.body["license"]["status"], "activated");
    assert_eq!(enough.body["license"]["balances"]["credits"], 1);
    assert_eq!(
        enough.body["license"]["next_deduction"],
        json!({ "on": "2027-04-09", "credits": 1, "sufficient": true })
    );
}

#[tokio::test(start_paused = true)]
async fn a_removal_after_which_the_balance_covers_what_is_overdue_resumes_the_site() {
    let system = System::new();
    let now = at("2027-01-09T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 3, 1, now).await;
    system.register(&site, &["second"], now).await.unwrap();
    let due = at("2027-02-09T12:00:00Z");
    // One credit for two devices. The removal finds the due date uncharged: it halts the site, then resumes it.
    let done = system.remove(&site, "second", due).await.unwrap();
    assert_eq!(done.view.balances.credits, 0);
    let kinds: Vec<String> = system
        .statement(&site, due)
        .await
        .iter()
        .map(|entry| text(&entry["kind"]))
        .collect();
    assert_eq!(
        kinds[4..],
        ["halt", "device_removal", "overdue_deduction", "resume"]
    );
    let refused = system.register(&site, &["third"], due).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "registering needs 1 credits, and there are 0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_charges_what_is_due_first_and_a_recharge_adds_its_value_before() {
    let system = System::new();
    let now = at("2027-01-09T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 2, 2, now).await;
    let due = at("2027-02-09T12:00:00Z");
    let refused = system.register(&site, &["third"], due).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the site is halted until it is recharged"
    );
    let code = system.codes(5, 0, 1, now).await.remove(0);
    let answer = system.send(redemption(&site, &code, due)).await;
    assert_eq!(answer.body["entry"]["kind"], "redemption");
    assert_eq!(
        answer.body["license"]["balances"]["credits"], 3,
        "added before it was charged: never halted"
    );
    let kinds: Vec<String> = system
        .statement(&site, due)
        .await
        .iter()
        .map(|entry| text(&entry["kind"]))
        .collect();
    assert_eq!(kinds[3..], ["redemption", "deduction"]);
    assert_eq!(system.deduct(due).await["sites"], 0);
}
