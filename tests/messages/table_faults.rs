//! Faults of the table while a message is sent.

use super::World;
use crate::faults::FAULTS;
use crate::setup::now;
use insta::assert_snapshot;
use run_local::faults;
use run_local::sns::Fault;

#[tokio::test(start_paused = true)]
async fn each_write_on_the_way_may_be_lost_or_refused_and_the_message_is_sent_once() {
    for fault in FAULTS {
        for write in 1..=3 {
            for (network, state, arrived_and_left) in [
                (Fault::None, "sent", (1, 49)),
                (Fault::InvalidNumber, "failed", (0, 50)),
            ] {
                let world = World::new().await;
                world.network(&[network]);
                world
                    .system
                    .fault_at_writes(move |number| number == write, fault);
                let sent = world.system.send(world.notice(now())).await;
                world.system.wire.quiet();
                assert_eq!(sent.status, 201, "{fault:?} {write} {sent}");
                assert_eq!(sent.body["message"]["state"], state, "{fault:?} {write}");
                assert_eq!(world.arrived_and_left().await, arrived_and_left);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_goes_away_after_the_charge_leaves_the_outcome_open_and_nothing_is_sent_twice()
{
    let world = World::new().await;
    // From the claim on, nothing is answered any more.
    let mut writes = 0;
    world.system.wire.plan(move |operation, _| {
        writes += usize::from(operation == "TransactWriteItems");
        if writes >= 2 {
            faults::Fault::Throttled
        } else {
            faults::Fault::None
        }
    });
    let open = world.send_keyed().await;
    world.system.wire.quiet();
    assert_snapshot!(open, @r#"
    503
    {
      "code": "outcome-unknown",
      "detail": "the request may have been carried out: repeat it with the same Idempotency-Key",
      "status": 503,
      "title": "Repeat the request with the same idempotency key",
      "type": "urn:site-credits:problem:outcome-unknown"
    }
    "#);
    let again = world.send_keyed().await;
    assert_eq!(again.body["message"]["state"], "sent");
    assert_eq!(world.arrived_and_left().await, (1, 49));
}

#[tokio::test(start_paused = true)]
async fn a_certain_failure_is_given_back_later_if_the_site_is_too_busy() {
    let world = World::new().await;
    world.network(&[Fault::InvalidNumber]);
    // Reserve, claim and note pass; the site cannot be written after that.
    world
        .system
        .fault_at_writes(|number| number > 3, faults::Fault::Throttled);
    let sent = world.send_keyed().await;
    world.system.wire.quiet();
    let message = &sent.body["message"];
    assert_eq!(message["state"], "sending", "{sent}");
    assert_eq!(message["not_sent"], "invalid_number", "{sent}");
    assert_eq!(world.balance().await, 49);
    world.settle().await;
    assert_eq!(world.states().await, ["failed"]);
    assert_eq!(world.arrived_and_left().await, (0, 50));
}
