//! Queries that make no sense.

use super::Untouched;
use crate::harness::{Call, license_of};
use crate::setup::{now, of};
use insta::assert_snapshot;

#[tokio::test(start_paused = true)]
async fn a_query_that_makes_no_sense_is_refused_with_the_reason() {
    let it = Untouched::new().await;
    let queries = [
        "limit=0",
        "limit=101",
        "limit=many",
        "limit=-1",
        "limit=99999999999999999999",
        "cursor=abc",
        "from=2026-02-30",
        "to=20261209",
        "to=2026-12-09T00:00:00Z",
        "from=2026-12-09&to=2026-12-08",
        "form=2026-12-09",
    ];
    let statement = Call::get(of(&it.site, "/license/statement"), now());
    let calls = queries.map(|query| (query, statement.clone().query(query)));
    assert_snapshot!(it.problems(calls).await, @"
    limit=0 → 400 malformed-request: the parameter limit must be 1 to 100
    limit=101 → 400 malformed-request: the parameter limit must be 1 to 100
    limit=many → 400 malformed-request: the parameter limit must be 1 to 100
    limit=-1 → 400 malformed-request: the parameter limit must be 1 to 100
    limit=99999999999999999999 → 400 malformed-request: the parameter limit must be 1 to 100
    cursor=abc → 400 malformed-request: the parameter cursor must be the next_cursor of a page of this listing, with the same filters
    from=2026-02-30 → 400 malformed-request: the parameter from must be a date such as 2026-12-09
    to=20261209 → 400 malformed-request: the parameter to must be a date such as 2026-12-09
    to=2026-12-09T00:00:00Z → 400 malformed-request: the parameter to must be a date such as 2026-12-09
    from=2026-12-09&to=2026-12-08 → 400 malformed-request: the parameter from must not be later than to
    form=2026-12-09 → 400 malformed-request: the query has an unknown parameter: it takes from, to, limit, cursor
    ");
    let license = license_of(&it.site, now()).query("a=b");
    assert_snapshot!(it.problems([("a=b", license)]).await, @"a=b → 400 malformed-request: the query has an unknown parameter: it takes none");
}
