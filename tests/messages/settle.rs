//! Messages that were left behind, when something changed before the agenda settles them.

use super::{Death, NUMBER, World};
use crate::harness::{Call, at};
use crate::setup::{now, of, text};
use run_local::faults;
use run_local::sns::Fault;
use serde_json::json;
use site_credits::commands::{Resolved, resolve_message};
use site_credits::domain::values::ids::MessageId;

#[tokio::test(start_paused = true)]
async fn a_message_left_behind_is_given_back_and_not_sent_to_another_number() {
    let world = World::new().await;
    world.leave_reserved().await;
    let path = of(&world.site, "/users/ann");
    let change = Call::patch(path, &json!({ "mobile": "+436641234667" }), now());
    assert_eq!(world.system.send(change).await.status, 200);
    given_back(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_left_behind_is_given_back_and_not_sent_to_a_number_that_opted_out() {
    let world = World::new().await;
    world.leave_reserved().await;
    world.system.sns.opt_out(NUMBER, true);
    given_back(&world).await;
}

/// Checks that a repetition does not send the message, and that the agenda gives it back.
async fn given_back(world: &World) {
    let again = world.send_keyed().await;
    assert_eq!(again.body["message"]["state"], "reserved", "{again}");
    world.settle().await;
    assert_eq!(world.states().await, ["failed"]);
    assert_eq!(world.arrived_and_left().await, (0, 50));
}

#[tokio::test(start_paused = true)]
async fn a_message_under_way_when_its_site_is_deleted_gives_nothing_back() {
    for (death, state) in [
        (Death::Table(1, faults::Fault::CrashAfter), "failed"),
        (Death::Network(Fault::CrashBefore), "unknown"),
    ] {
        let world = World::new().await;
        world.die(death, world.keyed()).await;
        let delete = Call::delete(of(&world.site, ""), now()).query("forfeit=true");
        assert_eq!(world.system.send(delete).await.status, 200);
        let report = world.settle().await;
        assert_eq!(report["messages"], 1, "{death:?}");
        assert_eq!(report["failed"], 0, "{death:?}");
        let items = world.system.items();
        let states = items.iter().filter_map(|item| item["state"]["S"].as_str());
        assert_eq!(states.collect::<Vec<_>>(), [state], "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_that_names_a_message_too_early_resolves_nothing() {
    let world = World::new().await;
    world.leave_reserved().await;
    let id = MessageId::parse(&text(&world.item()["message_id"]["S"])).unwrap();
    let store = world.system.quiet();
    for (now, expected) in [
        ("2026-12-09T12:04:59Z", Resolved::Before),
        ("2026-12-09T12:05:00Z", Resolved::GivenBack),
        ("2026-12-09T12:05:00Z", Resolved::Before),
    ] {
        let resolved = resolve_message(&store, &world.site, &id, at(now)).await;
        assert_eq!(resolved.unwrap(), expected, "{now}");
    }
    assert_eq!(world.balance().await, 50);
}
