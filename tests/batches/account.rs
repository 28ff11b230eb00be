//! `GET …/code-batches/{batch_id}` and `…/codes`: what became of each code, as JSON and as a file.

use super::{batch_id, codes, codes_of, issue, issued, sum, void};
use crate::harness::{System, at, redemption};
use crate::history::lines;
use crate::setup::now;
use crate::shown::shown;
use insta::assert_snapshot;
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

/// A batch of five codes, of which one is applied and one voided: its ID, the codes, and the site.
async fn batch_of_five(system: &System) -> (String, Vec<String>, SiteId) {
    let site = system.dynamic().await;
    let body = json!({ "credits": 3, "count": 5, "expires_on": "2026-12-31" });
    let issued = system.send(issue(&body, now())).await;
    let (id, codes) = (batch_id(&issued), codes(&issued));
    let second = at("2026-12-09T12:00:01Z");
    let redeemed = system.send(redemption(&site, &codes[1], second)).await;
    assert_eq!(redeemed.status, 201, "{redeemed}");
    let third = at("2026-12-09T12:00:02Z");
    let body = json!({ "reason": "=misprint", "codes": [codes[3].to_lowercase()] });
    let voided = system.send(void(&id, &body, third)).await;
    assert_eq!(voided.body["voided"], 1, "{voided}");
    (id, codes, site)
}

/// The last date ends last at twelve hours west: until then every site can apply a code.
const LAST: &str = "2027-01-01T11:59:59Z";
const OVER: &str = "2027-01-01T12:00:00Z";

#[tokio::test(start_paused = true)]
async fn a_batch_adds_up_at_every_time() {
    let system = System::new();
    let (id, ..) = batch_of_five(&system).await;
    let before = json!({ "issued": 5, "not_issued": 0, "applied": 1, "voided": 1, "expired": 0, "outstanding": 3 });
    assert_eq!(sum(&system, &id, at("2026-12-09T12:00:02Z")).await, before);
    assert_eq!(sum(&system, &id, at(LAST)).await, before);
    let after = json!({ "issued": 5, "not_issued": 0, "applied": 1, "voided": 1, "expired": 3, "outstanding": 0 });
    assert_eq!(sum(&system, &id, at(OVER)).await, after);
}

#[tokio::test(start_paused = true)]
async fn plain_codes_are_shown_of_what_is_outstanding_alone() {
    let system = System::new();
    let (id, codes, site) = batch_of_five(&system).await;
    let fetched = system.send(codes_of(&id, at(LAST))).await;
    assert_snapshot!(shown(&fetched.body["codes"]), @r#"
    [
      {
        "applied_at": null,
        "code": "[code 1]",
        "index": 0,
        "last_four": "[last four 1]",
        "site_id": null,
        "state": "outstanding",
        "void_reason": null,
        "voided_at": null
      },
      {
        "applied_at": "2026-12-09T12:00:01Z",
        "code": null,
        "index": 1,
        "last_four": "[last four 2]",
        "site_id": "[site 1]",
        "state": "applied",
        "void_reason": null,
        "voided_at": null
      },
      {
        "applied_at": null,
        "code": "[code 2]",
        "index": 2,
        "last_four": "[last four 3]",
        "site_id": null,
        "state": "outstanding",
        "void_reason": null,
        "voided_at": null
      },
      {
        "applied_at": null,
        "code": null,
        "index": 3,
        "last_four": "[last four 4]",
        "site_id": null,
        "state": "voided",
        "void_reason": "=misprint",
        "voided_at": "2026-12-09T12:00:02Z"
      },
      {
        "applied_at": null,
        "code": "[code 3]",
        "index": 4,
        "last_four": "[last four 5]",
        "site_id": null,
        "state": "outstanding",
        "void_reason": null,
        "voided_at": null
      }
    ]
    "#);
    assert_eq!(fetched.body["codes"][1]["site_id"], site.as_str());
    for place in [0, 2, 4] {
        assert_eq!(fetched.body["codes"][place]["code"], codes[place]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_of_codes_holds_no_plain_code_that_is_over_and_no_formula() {
    let system = System::new();
    let (id, codes, _) = batch_of_five(&system).await;
    let csv = codes_of(&id, at(OVER)).accept("text/csv, application/json;q=0.5");
    let csv = system.send(csv).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(
        lines[0],
        "index,code,last_four,state,applied_at,site_id,voided_at,void_reason"
    );
    assert_eq!(lines[1], format!("0,,{},expired,,,,", &codes[0][19..]));
    assert_eq!(lines.len(), 6);
    assert!(lines[4].ends_with(",'=misprint"), "{}", lines[4]);
}

#[tokio::test(start_paused = true)]
async fn the_file_is_sent_only_where_it_is_preferred() {
    let system = System::new();
    let id = batch_id(&issued(&system, 3, 5, now()).await);
    for accept in [
        "text/csv;q=0.5, application/json",
        "text/*;q=0.9, text/csv;q=0.1, application/json;q=0.5",
        "*/*",
        "text/csv;q=0",
    ] {
        let other = system.send(codes_of(&id, now()).accept(accept)).await;
        assert_eq!(
            other.headers["content-type"], "application/json",
            "{accept}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_says_who_fetched_how_many_plain_codes() {
    let system = System::new();
    let (id, ..) = batch_of_five(&system).await;
    system.send(codes_of(&id, at(LAST))).await;
    for accept in ["text/csv", "application/json"] {
        system.send(codes_of(&id, at(OVER)).accept(accept)).await;
    }
    assert_eq!(
        lines(&system, "", at(OVER)).await,
        [
            "issued 5",
            "applied 1",
            "voided 1",
            "fetched 3",
            "fetched 0",
            "fetched 0"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_largest_answer_fits_what_a_function_may_answer() {
    // The quota of a synchronous answer of Lambda.
    const MAX_BYTES: usize = 6_291_556;
    let (system, now) = (System::new(), now());
    let id = batch_id(&issued(&system, 1_000_000, 10_000, now).await);
    let body = json!({ "reason": "\"".repeat(100) });
    let voided = system.send(void(&id, &body, now)).await;
    assert_eq!(voided.body["voided"], 10_000);
    for media_type in ["application/json", "text/csv"] {
        let fetched = system.send(codes_of(&id, now).accept(media_type)).await;
        // As Lambda counts it: the answer is itself a text within JSON.
        let answer = json!({ "body": fetched.text, "headers": fetched.headers });
        let size = answer.to_string().len();
        assert!(size < MAX_BYTES, "{media_type}: {size}");
    }
    let long = json!({ "reason": "가".repeat(101) });
    let refused = system.send(void(&id, &long, now)).await;
    assert_eq!(refused.problem(), "malformed-request");
}
