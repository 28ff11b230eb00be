//! The monthly deduction: each due date once, in the site's own date, whatever happens.

mod due_dates;
mod events;
mod faults;
mod halts;

use crate::harness::{System, at, redemption};
use jiff::Timestamp;
use serde_json::Value;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

/// A dynamic site with credits and devices that are registered at an instant.
async fn equipped(
    system: &System,
    zone: &str,
    credits: u64,
    devices: usize,
    now: Timestamp,
) -> SiteId {
    let site = system.site(SiteType::Dynamic, zone, now).await;
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
    let ids: Vec<String> = (0..devices)
        .map(|n| format!("d{n}-{}", now.as_second()))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    system.register(&site, &ids, now).await.unwrap();
    site
}

/// The due dates that were charged, with the credits that each took.
async fn charged(system: &System, site: &SiteId) -> Vec<(String, i64)> {
    let entries = system.statement(site, at("2026-01-01T00:00:00Z")).await;
    let deductions = entries.iter().filter(|entry| entry["kind"] == "deduction");
    deductions
        .map(|e| {
            (
                text(&e["refers_to"]["due_on"]),
                e["changes"]["credits"].as_i64().unwrap(),
            )
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn dates(list: &[&str], credits: i64) -> Vec<(String, i64)> {
    list.iter()
        .map(|date| ((*date).to_owned(), credits))
        .collect()
}
