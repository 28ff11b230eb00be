//! Claims that are missing or odd.

use crate::harness::{KIM, System, license_of};
use crate::setup::now;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn claims_that_are_missing_or_odd_open_nothing() {
    let system = System::new();
    let site = system.dynamic().await;
    for claims in [
        json!({}),
        json!({ "email": "", "email_verified": "true" }),
        json!({ "email": "@", "email_verified": "true" }),
        json!({ "email": "a".repeat(5_000), "email_verified": "true" }),
        json!({ "email": KIM, "email_verified": "TRUE" }),
        json!({ "email": KIM, "email_verified": "1" }),
    ] {
        let mut call = license_of(&site, now());
        call.claims = claims.clone();
        let refused = system.send(call).await;
        assert_eq!(refused.problem(), "site-not-found", "{claims}");
    }
}
