//! Voidings that die half-way.

use super::{batch_id, issued, void};
use crate::harness::System;
use crate::setup::now;
use run_local::faults::Fault;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_voiding_that_died_after_any_request_is_finished_by_its_repetition() {
    for last in 1..=10 {
        let system = System::new();
        let issued = issued(&system, 3, 250, now()).await;
        let call = void(&batch_id(&issued), &json!({ "reason": "stolen" }), now()).key("all");
        system.fault_at_requests(move |number| number >= last, Fault::CrashAfter);
        let answered = system.send_until_crash(call.clone()).await;
        assert!(answered.is_none(), "{last}: {answered:?}");
        let again = system.send(call).await;
        assert_eq!(again.body["voided"], 250, "{last}: {again}");
        assert_eq!(system.findings().await.voided, 250, "{last}");
    }
}
