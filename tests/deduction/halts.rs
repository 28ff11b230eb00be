//! Sites that fall short, and commands that find something due.

use super::{charged, dates, equipped, text};
use crate::harness::{System, at, license_of, redemption, without_chance};
use insta::assert_json_snapshot;
use serde_json::Value;
use site_credits::domain::values::ids::SiteId;

/// A site that fell short in a gap of three days, and the report of the run that found it.
async fn fallen_short(system: &System) -> (SiteId, Value) {
    let site = equipped(system, "Europe/Vienna", 5, 1, at("2027-01-09T12:00:00Z")).await;
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
    (site, report)
}

#[tokio::test(start_paused = true)]
async fn a_gap_of_three_days_is_charged_date_by_date_until_it_falls_short() {
    let system = System::new();
    let (site, report) = fallen_short(&system).await;
    assert_json_snapshot!(report, @r#"
    {
      "credits": 2,
      "due_dates": 2,
      "erased": 0,
      "failed": 0,
      "halted": 1,
      "left": 0,
      "messages": 0,
      "sites": 1,
      "warned": 0
    }
    "#);
    assert_eq!(
        charged(&system, &site).await,
        dates(&["2027-02-09", "2027-02-10"], -1)
    );
    let license = system.send(license_of(&site, at("2027-02-12T12:00:00Z")));
    assert_json_snapshot!(license.await.shown(), @r#"
    {
      "body": {
        "balances": {
          "credits": 0,
          "maintenance_credits": 0,
          "sms": 0
        },
        "country": "AT",
        "devices": 3,
        "forecast": {
          "covered_until": "2027-02-10",
          "credits_due_30_days": 4,
          "falls_short": null
        },
        "last_hash": "[hash]",
        "next_deduction": null,
        "overdue": {
          "credits": 1
        },
        "sequence": 8,
        "site_id": "[site ID]",
        "site_name": "Harbour Gym",
        "site_type": "dynamic",
        "status": "payment_required",
        "time_zone": "Europe/Vienna"
      },
      "status": 200
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn after_three_months_each_device_owes_one_credit_once_and_a_recharge_must_cover_them_all() {
    let system = System::new();
    let (site, _) = fallen_short(&system).await;
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
    // Two credits do not pay three.
    assert_json_snapshot!(without_chance(&short.body["license"]), @r#"
    {
      "balances": {
        "credits": 2,
        "maintenance_credits": 0,
        "sms": 0
      },
      "country": "AT",
      "devices": 3,
      "forecast": {
        "covered_until": "2027-02-10",
        "credits_due_30_days": 6,
        "falls_short": null
      },
      "last_hash": "[hash]",
      "next_deduction": null,
      "overdue": {
        "credits": 3
      },
      "sequence": 9,
      "site_id": "[site ID]",
      "site_name": "Harbour Gym",
      "site_type": "dynamic",
      "status": "payment_required",
      "time_zone": "Europe/Vienna"
    }
    "#);
    let enough = system.send(redemption(&site, &codes[1], later)).await;
    assert_json_snapshot!(without_chance(&enough.body["license"]), @r#"
    {
      "balances": {
        "credits": 1,
        "maintenance_credits": 0,
        "sms": 0
      },
      "country": "AT",
      "devices": 3,
      "forecast": {
        "covered_until": "2027-04-09",
        "credits_due_30_days": 3,
        "falls_short": {
          "missing": 1,
          "on": "2027-04-10"
        }
      },
      "last_hash": "[hash]",
      "next_deduction": {
        "credits": 1,
        "on": "2027-04-09",
        "sufficient": true
      },
      "overdue": {
        "credits": 0
      },
      "sequence": 12,
      "site_id": "[site ID]",
      "site_name": "Harbour Gym",
      "site_type": "dynamic",
      "status": "activated",
      "time_zone": "Europe/Vienna"
    }
    "#);
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
    assert_eq!(done.answer.balances.credits, 0);
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
        "not enough credits: 1 needed, 0 available"
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
        "the site is halted until it is recharged: it owes 2 credits and has 0"
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
