//! `/partners/{partner_id}/history`: what a partner did, and what became of its codes.

use crate::batches::{get, issued};
use crate::harness::{ACME, Call, System, at};
use crate::setup::text;
use crate::shown::problems;
use insta::assert_snapshot;
use jiff::Timestamp;

fn history(query: &str, now: Timestamp) -> Call {
    get(format!("/partners/{ACME}/history"), now).query(query)
}

/// The lines of a partner's history: the kind of each, and how many codes it is about.
pub(crate) async fn lines(system: &System, query: &str, now: Timestamp) -> Vec<String> {
    let history = system.send(history(query, now)).await;
    assert_eq!(history.status, 200, "{history}");
    let lines = history.body["history"].as_array().unwrap().iter();
    lines
        .map(|line| {
            format!(
                "{} {}",
                text(&line["kind"]),
                line["codes"].as_u64().unwrap()
            )
        })
        .collect()
}

/// The history of a partner that issued codes on three days, at their first and last seconds in UTC.
async fn three_days() -> (System, Timestamp) {
    let system = System::new();
    for day in [
        "2026-12-09T23:59:59Z",
        "2026-12-10T00:00:00Z",
        "2026-12-11T00:00:00Z",
    ] {
        issued(&system, 1, 2, at(day)).await;
    }
    (system, at("2026-12-31T00:00:00Z"))
}

#[tokio::test(start_paused = true)]
async fn a_history_is_read_by_dates_of_utc() {
    let (system, now) = three_days().await;
    for (query, count) in [
        ("", 3),
        ("from=2026-12-10", 2),
        ("to=2026-12-10", 2),
        ("from=2026-12-10&to=2026-12-10", 1),
        ("from=2027-01-01", 0),
        ("to=9999-12-31", 3),
        ("from=9999-12-31", 0),
    ] {
        assert_eq!(lines(&system, query, now).await.len(), count, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_is_read_page_by_page() {
    let (system, now) = three_days().await;
    let first = system.send(history("limit=2", now)).await;
    assert_snapshot!(first, @r#"
    200
    {
      "history": [
        {
          "at": "2026-12-09T23:59:59Z",
          "batch_id": "[id 1]",
          "by": "ada",
          "codes": 2,
          "credits": 2,
          "kind": "issued",
          "maintenance_credits": 0
        },
        {
          "at": "2026-12-10T00:00:00Z",
          "batch_id": "[id 2]",
          "by": "ada",
          "codes": 2,
          "credits": 2,
          "kind": "issued",
          "maintenance_credits": 0
        }
      ],
      "next_cursor": "[cursor 1]"
    }
    "#);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    for query in [
        format!("cursor={cursor}"),
        format!("limit=1&cursor={cursor}"),
    ] {
        assert_eq!(lines(&system, &query, now).await.len(), 1, "{query}");
    }
    // A cursor of one period is none of another.
    for period in ["from=2026-12-11", "to=2026-12-09"] {
        let refused = history(&format!("{period}&cursor={cursor}"), now);
        assert_eq!(
            system.send(refused).await.problem(),
            "malformed-request",
            "{period}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_period_or_a_page_that_makes_no_sense_is_refused() {
    let (system, now) = three_days().await;
    let queries = [
        "cursor=%",
        "cursor=",
        "from=2026-13-01",
        "limit=0",
        "from=2026-12-11&to=2026-12-10",
    ]
    .map(|query| (query, history(query, now)));
    assert_snapshot!(problems(&system, queries).await, @"
    cursor=% → 400 malformed-request: the parameter cursor must be the next_cursor of a page of this listing, with the same filters
    cursor= → 400 malformed-request: the parameter cursor must be the next_cursor of a page of this listing, with the same filters
    from=2026-13-01 → 400 malformed-request: the parameter from must be a date such as 2026-12-09
    limit=0 → 400 malformed-request: the parameter limit must be 1 to 100
    from=2026-12-11&to=2026-12-10 → 400 malformed-request: the parameter from must not be later than to
    ");
}
