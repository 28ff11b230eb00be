//! Warnings before a site falls short, on a halt and on a resume: once each, and published to those whom it concerns.

mod publishing;
mod warnings;

use crate::harness::{System, at, redemption};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

async fn recharge(system: &System, site: &SiteId, credits: u64, now: Timestamp) {
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    let done = system.send(redemption(site, &code, now)).await;
    assert_eq!(done.status, 201, "{done:?}");
}

/// A site with one device of the 31st of January, which `credits` pay for so many months more.
async fn equipped(system: &System, zone: &str, credits: u64, now: Timestamp) -> SiteId {
    let site = system.site(SiteType::Dynamic, zone, now).await;
    recharge(system, &site, credits + 1, now).await;
    system.register(&site, &["door"], now).await.unwrap();
    site
}

/// Runs the schedule every quarter of an hour, from one instant until before another.
async fn run_schedule(system: &System, from: &str, until: &str) {
    let (mut now, until) = (at(from), at(until));
    while now < until {
        system.deduct(now).await;
        now += SignedDuration::from_mins(15);
    }
}

/// A line for every warning, halt and resume of a statement: when, which, and what it refers to.
async fn history(system: &System, site: &SiteId) -> Vec<String> {
    let entries = system.statement(site, at("2026-01-01T00:00:00Z")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = entries.iter().filter_map(|entry| {
        let (at, kind) = (text(&entry["at"]), text(&entry["kind"]));
        let noticed = ["warning", "halt", "resume"].contains(&kind.as_str());
        noticed.then(|| format!("{at} {kind} {}", entry["refers_to"]))
    });
    lines.collect()
}
