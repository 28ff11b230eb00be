//! `GET …/code-batches`.

use super::{batch_id, get, issued};
use crate::harness::{System, batches};
use crate::setup::{now, text};
use crate::shown::problems;
use insta::assert_snapshot;
use jiff::SignedDuration;

#[tokio::test(start_paused = true)]
async fn batches_are_listed_the_newest_first_and_page_by_page() {
    let system = System::new();
    let mut issued_ids = Vec::new();
    for minute in 0..5 {
        let now = now() + SignedDuration::from_mins(minute);
        issued_ids.insert(0, batch_id(&issued(&system, 1, 1, now).await));
    }
    let listing = get(batches(""), now()).query("limit=2");
    let pages = system.pages(listing, "batches").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let listed = pages.concat();
    let listed: Vec<String> = listed
        .iter()
        .map(|batch| text(&batch["batch_id"]))
        .collect();
    assert_eq!(listed, issued_ids);
    let wrong = [("cursor=x", get(batches(""), now()).query("cursor=x"))];
    assert_snapshot!(problems(&system, wrong).await, @"cursor=x → 400 malformed-request: the parameter cursor must be the next_cursor of a page of this listing, with the same filters");
}
