//! Paths that name no site.

use crate::harness::{Call, System};
use crate::setup::now;
use insta::assert_snapshot;

#[tokio::test(start_paused = true)]
async fn a_path_that_names_no_site_is_not_found() {
    let system = System::new();
    for id in [
        "x",
        "K7QP01M",
        "K7QP01MU",
        "..",
        "%2e%2e",
        "a b",
        "site#1",
        &"9".repeat(5_000),
    ] {
        let answer = system
            .send(Call::get(format!("/sites/{id}/license"), now()))
            .await;
        assert_eq!(answer.status, 404, "{id}");
        assert_eq!(answer.problem(), "site-not-found", "{id}");
    }
    let answer = system
        .send(Call::get("/sites/x/license".to_owned(), now()))
        .await;
    assert_snapshot!(answer, @r#"
    404
    {
      "code": "site-not-found",
      "detail": "there is no such site",
      "status": 404,
      "title": "There is no such site",
      "type": "urn:site-credits:problem:site-not-found"
    }
    "#);
}
