//! Senders at once, and a sender and the agenda at once.

use super::World;
use crate::faults::{meanwhile, race};
use run_local::sns::Fault;
use std::sync::Arc;
use tokio::sync::Notify;

#[tokio::test(start_paused = true)]
async fn one_request_sent_many_times_at_once_is_one_message() {
    let world = World::new().await;
    for answer in race(&world.system, vec![world.keyed(); 8]).await {
        assert!([201, 503].contains(&answer.status), "{answer}");
    }
    assert_eq!(world.arrived_and_left().await, (1, 49));
    assert_eq!(world.states().await, ["sent"]);
}

#[tokio::test(start_paused = true)]
async fn of_many_who_find_a_message_left_behind_one_sends_it() {
    let world = World::new().await;
    world.leave_reserved().await;
    for answer in race(&world.system, vec![world.keyed(); 8]).await {
        assert_eq!(answer.status, 201, "{answer}");
    }
    assert_eq!(world.arrived_and_left().await, (1, 49));
    assert_eq!(world.states().await, ["sent"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_while_the_agenda_looks_is_sent_and_not_given_back() {
    let world = World::new().await;
    world.leave_reserved().await;
    // Between the agenda's read and its write the request comes again, and sends.
    meanwhile(&world.system, &world.keyed());
    let report = world.settle().await;
    world.system.wire.quiet();
    assert_eq!(report["left"], 0, "{report}");
    assert_eq!(world.arrived_and_left().await, (1, 49));
    assert_eq!(world.states().await, ["sent"]);
}

#[tokio::test(start_paused = true)]
async fn the_agenda_and_a_slow_sender_do_not_both_decide() {
    // The sender is still at it when the agenda comes up: what it then says of the message counts.
    for (answer, state, balance) in [
        (Fault::None, "sent", 49),
        (Fault::InvalidNumber, "failed", 50),
        (Fault::LostAnswer, "unknown", 49),
    ] {
        let world = World::new().await;
        let publishing = Arc::new(Notify::new());
        let notify = Arc::clone(&publishing);
        world.system.sns.plan(move |action| {
            if action == "Publish" {
                notify.notify_one();
                return answer;
            }
            Fault::None
        });
        let (system, call) = (Arc::clone(&world.system), world.keyed());
        let sending = tokio::spawn(async move { system.send(call).await });
        // The question whether the number opted out passes; publishing waits.
        let gate = world.system.sns.hold();
        gate.notify_one();
        publishing.notified().await;
        let report = world.settle().await;
        assert_eq!(report["messages"], 1, "{answer:?}");
        gate.notify_one();
        sending.await.unwrap();
        assert_eq!(world.states().await, [state], "{answer:?}");
        assert_eq!(world.balance().await, balance, "{answer:?}");
    }
}
