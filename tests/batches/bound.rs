//! `POST …/code-batches` with `site_id`: codes for one site, whose ID nobody looks up.

use super::{codes, issue};
use crate::harness::{System, redemption};
use crate::setup::now;
use insta::assert_snapshot;
use serde_json::{Value, json};

fn bound_to(site_id: &str) -> Value {
    json!({ "credits": 5, "count": 1, "site_id": site_id })
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_bound_to_a_site_by_any_spelling_of_its_id() {
    let system = System::new();
    let (site, other) = (system.dynamic().await, system.regular().await);
    let spelled = site.as_str().to_lowercase().replace('1', "l");
    let issued = system.send(issue(&bound_to(&spelled), now())).await;
    assert_eq!(issued.body["batch"]["site_id"], site.as_str(), "{issued}");
    let code = codes(&issued).remove(0);
    let elsewhere = system.send(redemption(&other, &code, now())).await;
    assert_eq!(elsewhere.problem(), "code-not-for-this-site");
    assert_eq!(
        system.send(redemption(&site, &code, now())).await.status,
        201
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_with_a_typing_error_binds_no_batch_and_nothing_is_looked_up() {
    let system = System::new();
    system.wire.take_seen();
    assert_snapshot!(system.send(issue(&bound_to("GYM7QP3MR"), now())).await, @r##"
    400
    {
      "code": "malformed-request",
      "detail": "a site ID's last symbol checks the others, and it does not fit: look for a typing error",
      "errors": [
        {
          "detail": "a site ID's last symbol checks the others, and it does not fit: look for a typing error",
          "pointer": "#/site_id"
        }
      ],
      "status": 400,
      "title": "The request cannot be read",
      "type": "urn:site-credits:problem:malformed-request"
    }
    "##);
    // The symbol that would show a typing error is missing.
    let unchecked = system.send(issue(&bound_to("GYM7QP2M"), now())).await;
    let detail = "site_id must have 9 symbols, of which the last checks the others";
    let error = json!({ "pointer": "#/site_id", "detail": detail });
    assert_eq!(unchecked.body["errors"], json!([error]), "{unchecked}");
    assert_eq!(system.wire.take_seen(), []);
}

#[tokio::test(start_paused = true)]
async fn a_partner_does_not_learn_whether_there_is_a_site() {
    let system = System::new();
    let site = system.dynamic().await;
    let there = system.send(issue(&bound_to(site.as_str()), now())).await;
    let nowhere = system.send(issue(&bound_to("ZZZZZZZZ7"), now())).await;
    assert_eq!((there.status, nowhere.status), (201, 201), "{nowhere}");
}
