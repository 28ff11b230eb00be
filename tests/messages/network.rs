//! What becomes of a message, depending on what the network answers.

use super::World;
use crate::harness::at;
use run_local::sns::Fault;
use serde_json::json;

/// What the network answers, and what becomes of the message: its state, why it was not sent, whether it arrived.
const ANSWERS: [(&[Fault], &str, Option<&str>, usize); 10] = [
    (&[], "sent", None, 1),
    (&[Fault::Throttled], "sent", None, 1),
    (&[Fault::Throttled, Fault::Throttled], "sent", None, 1),
    (
        &[Fault::Throttled, Fault::Throttled, Fault::Throttled],
        "failed",
        Some("throttled"),
        0,
    ),
    (&[Fault::InvalidNumber], "failed", Some("invalid_number"), 0),
    (&[Fault::OptedOut], "failed", Some("opted_out"), 0),
    (&[Fault::Refused], "failed", Some("refused"), 0),
    (&[Fault::InternalError], "unknown", None, 0),
    // Nobody can tell these two from each other, and so neither is sent again.
    (&[Fault::LostRequest], "unknown", None, 0),
    (&[Fault::LostAnswer], "unknown", None, 1),
];

#[tokio::test(start_paused = true)]
async fn whatever_the_network_answers_state_and_balance_are_right() {
    for (faults, state, why, arrived) in ANSWERS {
        let world = World::new().await;
        world.network(faults);
        let sent = world.send_keyed().await;
        assert_eq!(
            (sent.status, sent.replayed),
            (201, false),
            "{faults:?} {sent}"
        );
        let message = &sent.body["message"];
        assert_eq!(message["state"], state, "{faults:?}");
        assert_eq!(message["not_sent"], json!(why), "{faults:?}");
        let balance = if state == "failed" { 50 } else { 49 };
        assert_eq!(
            world.arrived_and_left().await,
            (arrived, balance),
            "{faults:?}"
        );
        // A repetition, and the agenda hours later, change nothing.
        let again = world.send_keyed().await;
        assert_eq!((again.replayed, &again.body), (true, &sent.body));
        let report = world.system.deduct(at("2026-12-09T18:00:00Z")).await;
        assert_eq!(report["messages"], 0, "{faults:?}");
        assert_eq!(report["left"], 0, "{faults:?}");
        assert_eq!(
            world.arrived_and_left().await,
            (arrived, balance),
            "{faults:?}"
        );
        assert_eq!(world.states().await, [state], "{faults:?}");
    }
}
