//! `GET …/users`: the order of users, pages, and the search.

use super::{add, user_ids, users};
use crate::harness::{Call, System};
use crate::setup::now;
use crate::shown::problems;
use insta::assert_snapshot;
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

async fn site_of_five(system: &System) -> SiteId {
    let site = system.regular().await;
    for (id, name) in [
        ("10", "Ann Müller"),
        ("9", "Bob"),
        ("x-2", "MÜLLER, Zoe"),
        ("x-10", "Kim"),
        ("100", "Ünal"),
    ] {
        let body = json!({ "user_id": id, "name": name });
        assert_eq!(system.send(add(&site, &body)).await.status, 201);
    }
    site
}

#[tokio::test(start_paused = true)]
async fn users_are_listed_by_number_and_then_by_id() {
    let system = System::new();
    let site = site_of_five(&system).await;
    let all = ["9", "10", "100", "x-10", "x-2"];
    for limit in 1..=6 {
        let listed = user_ids(&system, &site, &format!("limit={limit}")).await;
        assert_eq!(listed, all, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_are_found_by_any_part_of_their_name_or_id() {
    let system = System::new();
    let site = site_of_five(&system).await;
    for (search, expected) in [
        ("müller", &["10", "x-2"][..]),
        ("ÜN", &["100"]),
        ("10", &["10", "100", "x-10"]),
        ("X-", &["x-10", "x-2"]),
        ("nobody", &[]),
    ] {
        for limit in [1, 2, 100] {
            let query = format!("search={search}&limit={limit}");
            assert_eq!(user_ids(&system, &site, &query).await, expected, "{query}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_makes_no_sense_is_refused() {
    let system = System::new();
    let site = site_of_five(&system).await;
    let queries = ["search=", "limit=0", "limit=101", "cursor=%20", "name=x"];
    let listing = |query| (query, Call::get(users(&site, ""), now()).query(query));
    assert_snapshot!(problems(&system, queries.map(listing)).await, @"
    search= → 400 malformed-request: the parameter search must be 1 to 100 characters
    limit=0 → 400 malformed-request: the parameter limit must be 1 to 100
    limit=101 → 400 malformed-request: the parameter limit must be 1 to 100
    cursor=%20 → 400 malformed-request: the parameter cursor must be the next_cursor of a page of this listing, with the same filters
    name=x → 400 malformed-request: the query has an unknown parameter: it takes search, limit, cursor
    ");
}
