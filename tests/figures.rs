//! What is missing, in numbers: on which day a site halts and how many credits prevent it, and what stays owed.

use crate::harness::{Call, System, at, license_of};
use crate::setup::of;
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

async fn figures(system: &System, site: &SiteId, now: Timestamp) -> Value {
    let license = system.send(license_of(site, now)).await.body;
    json!([
        license["status"],
        license["forecast"]["falls_short"],
        license["overdue"]["credits"]
    ])
}

/// A site in Vienna with three devices that are due on the 9th, and this many credits left.
async fn site_with(system: &System, credits: u64) -> SiteId {
    let opened = at("2026-12-09T12:00:00Z");
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", opened)
        .await;
    system.recharge(&site, credits + 3, 0, opened).await;
    system
        .register(&site, &["a", "b", "c"], opened)
        .await
        .unwrap();
    site
}

#[tokio::test(start_paused = true)]
async fn a_license_says_on_which_day_it_halts_and_how_many_credits_prevent_it() {
    let (system, now) = (System::new(), at("2026-12-10T12:00:00Z"));
    let site = site_with(&system, 4).await;
    let falls_short = json!({ "on": "2027-02-09", "missing": 2 });
    assert_eq!(
        figures(&system, &site, now).await,
        json!(["activated", falls_short, 0])
    );
    // One less does not prevent it, and as many as it says do.
    system.recharge(&site, 1, 0, now).await;
    let falls_short = json!({ "on": "2027-02-09", "missing": 1 });
    assert_eq!(figures(&system, &site, now).await[1], falls_short);
    system.recharge(&site, 1, 0, now).await;
    let falls_short = json!({ "on": "2027-03-09", "missing": 3 });
    assert_eq!(figures(&system, &site, now).await[1], falls_short);
    for day in ["2027-01-09", "2027-02-09", "2027-03-09"] {
        system.deduct(at(&format!("{day}T12:00:00Z"))).await;
    }
    let halted = figures(&system, &site, at("2027-03-10T12:00:00Z")).await;
    assert_eq!(halted, json!(["payment_required", null, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_stays_owed() {
    let (system, now) = (System::new(), at("2027-01-10T12:00:00Z"));
    let site = site_with(&system, 0).await;
    system.deduct(at("2027-01-09T12:00:00Z")).await;
    for (credits, after) in [(2, ("payment_required", 2, 3)), (4, ("activated", 1, 0))] {
        let code = system.codes(credits, 0, 1, now).await.remove(0);
        let body = json!({ "code": code, "recharge": "credits" });
        let preview = Call::post(of(&site, "/license/preview"), &body, now);
        let preview = system.send(preview).await.body;
        let shown = |side: &str| {
            let figures = &preview[side];
            (
                figures["status"].clone(),
                figures["balances"]["credits"].clone(),
                figures["overdue"]["credits"].clone(),
            )
        };
        assert_eq!(
            shown("before"),
            (json!("payment_required"), json!(0), json!(3))
        );
        assert_eq!(
            shown("after"),
            (json!(after.0), json!(after.1), json!(after.2))
        );
    }
}
