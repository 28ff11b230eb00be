//! Round trips and capacity units of each route, counted. `docs/DATA_MODEL.md` carries the table.

mod deduction;
mod license;
mod partners;
mod sites;
mod users;

use crate::harness::{Call, Seen, System};

const NOW: &str = "2026-12-09T12:00:00Z";

/// What a request did to the table, as `Operation units` in order.
fn costs(seen: &[Seen]) -> Vec<String> {
    let cost = |seen: &Seen| {
        let (whole, tenths) = (seen.tenths / 10, seen.tenths % 10);
        format!("{} {whole}.{tenths}", seen.operation)
    };
    seen.iter().map(cost).collect()
}

/// A line for each request, sent one after the other: what it is, the status of its answer, and what it cost.
async fn measured(system: &System, calls: Vec<(&str, Call)>) -> String {
    let width = calls.iter().map(|(what, _)| what.len()).max().unwrap();
    let mut lines = Vec::new();
    for (what, call) in calls {
        system.wire.take_seen();
        let status = system.send(call).await.status;
        let mut costs = costs(&system.wire.take_seen()).join(", ");
        if costs.is_empty() {
            costs.push_str("no request");
        }
        lines.push(format!("{what:<width$}  {status}  {costs}"));
    }
    lines.join("\n")
}
