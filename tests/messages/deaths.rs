//! Senders that die on the way: the message is sent once, or given back, or marked as unknown.

use super::{Death, World};
use crate::harness::at;
use run_local::faults::Fault::{CrashAfter, CrashBefore};
use run_local::sns;

/// The state of a message, and how many arrived.
type Outcome = (&'static str, usize);

/// Where a sender dies; the state of the message, and how many arrived, when the request comes again at once; the same
/// when the agenda comes up instead. No state: there is no message.
const DEATHS: [(Death, Outcome, Outcome); 8] = [
    (Death::Table(1, CrashBefore), ("sent", 1), ("", 0)),
    (Death::Table(1, CrashAfter), ("sent", 1), ("failed", 0)),
    (Death::Table(2, CrashBefore), ("sent", 1), ("failed", 0)),
    (Death::Table(2, CrashAfter), ("sending", 0), ("unknown", 0)),
    (
        Death::Network(sns::Fault::CrashBefore),
        ("sending", 0),
        ("unknown", 0),
    ),
    (
        Death::Network(sns::Fault::CrashAfter),
        ("sending", 1),
        ("unknown", 1),
    ),
    (Death::Table(3, CrashBefore), ("sending", 1), ("unknown", 1)),
    (Death::Table(3, CrashAfter), ("sent", 1), ("sent", 1)),
];

#[tokio::test(start_paused = true)]
async fn a_message_whose_sender_died_is_sent_once_if_the_request_comes_again() {
    for (death, (state, arrived), _) in DEATHS {
        let world = World::new().await;
        world.die(death, world.keyed()).await;
        let again = world.send_keyed().await;
        assert_eq!(again.status, 201, "{death:?} {again}");
        assert_eq!(again.body["message"]["state"], state, "{death:?}");
        assert_eq!(world.arrived_and_left().await, (arrived, 49), "{death:?}");
        world.settle().await;
        let settled = if state == "sending" { "unknown" } else { state };
        assert_eq!(world.states().await, [settled], "{death:?}");
        assert_eq!(world.arrived_and_left().await, (arrived, 49), "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_sender_died_is_settled_by_the_agenda_if_nobody_asks_again() {
    for (death, _, (state, arrived)) in DEATHS {
        let world = World::new().await;
        world.die(death, world.keyed()).await;
        // Not before its time, as the sender may only be slow.
        world.system.deduct(at("2026-12-09T12:04:00Z")).await;
        world.settle().await;
        world.settle().await;
        let states = world.states().await;
        assert_eq!(
            states.first().map_or("", String::as_str),
            state,
            "{death:?}"
        );
        let balance = if ["", "failed"].contains(&state) {
            50
        } else {
            49
        };
        assert_eq!(
            world.arrived_and_left().await,
            (arrived, balance),
            "{death:?}"
        );
        // What was settled is not sent by a repetition either.
        let again = world.send_keyed().await;
        let sent = usize::from(state.is_empty());
        assert_eq!(world.phone().len(), arrived + sent, "{death:?} {again}");
    }
}
