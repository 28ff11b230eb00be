//! What a partner's batches, codes and history cost.

use super::{NOW, costs, measured};
use crate::harness::{ACME, Call, System, at, batches};
use serde_json::json;

fn issue(count: u32) -> Call {
    let body = json!({ "credits": 5, "count": count });
    Call::post(batches(""), &body, at(NOW)).by_partner(ACME)
}

#[tokio::test(start_paused = true)]
async fn issuing_many_codes_costs_what_the_docs_say() {
    let system = System::new();
    let issue = issue(250).key("issue");
    let issued = system.send(issue.clone()).await;
    let seen = costs(&system.wire.take_seen());
    let (ends, codes) = ([&seen[..2], &seen[5..]].concat(), &seen[2..5]);
    assert_eq!(
        ends,
        [
            "GetItem 1.0",
            "TransactWriteItems 4.0",
            "TransactWriteItems 4.0"
        ]
    );
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    let hundreds = [
        "TransactWriteItems 100.0",
        "TransactWriteItems 200.0",
        "TransactWriteItems 200.0",
    ];
    assert_eq!(codes, hundreds);
    assert_eq!(issued.status, 201);
    let routes = measured(&system, vec![("an issue again", issue)]).await;
    insta::assert_snapshot!(routes, @"an issue again  201  GetItem 1.0, GetItem 1.0, TransactWriteItems 2.0");
}

#[tokio::test(start_paused = true)]
async fn a_partner_costs_what_the_docs_say() {
    let (system, now) = (System::new(), at(NOW));
    assert_eq!(system.send(issue(250)).await.status, 201);
    let few = system.send(issue(100)).await;
    let id = few.body["batch"]["batch_id"].as_str().unwrap();
    let code = |place: usize| few.body["codes"][place].as_str().unwrap();
    let void = json!({ "reason": "x", "codes": [code(9), code(8)] });
    let void = Call::post(batches(&format!("/{id}/void")), &void, now);
    let partner = |path: String| Call::get(path, now).by_partner(ACME);
    let routes = measured(
        &system,
        vec![
            ("the batches", partner(batches(""))),
            ("a batch", partner(batches(&format!("/{id}")))),
            ("its codes", partner(batches(&format!("/{id}/codes")))),
            // The request, the batch, the codes, the request again and its writing; then the codes and the line.
            ("voiding two codes", void.by_partner(ACME).key("void")),
            ("the history", partner(format!("/partners/{ACME}/history"))),
            (
                "no sites of a partner",
                partner(format!("/partners/{ACME}/sites")),
            ),
            ("the contract", Call::get("/openapi.yaml".to_owned(), now)),
        ],
    )
    .await;
    insta::assert_snapshot!(routes, @"
    the batches            200  Query 1.0
    a batch                200  GetItem 1.0, BatchGetItem 100.0
    its codes              200  GetItem 1.0, BatchGetItem 100.0, TransactWriteItems 2.0
    voiding two codes      200  GetItem 1.0, GetItem 1.0, BatchGetItem 2.0, GetItem 1.0, TransactWriteItems 2.0, BatchGetItem 2.0, TransactWriteItems 6.0
    the history            200  Query 0.5, Query 1.0
    no sites of a partner  200  Query 0.5, Query 1.0
    the contract           200  no request
    ");
}
