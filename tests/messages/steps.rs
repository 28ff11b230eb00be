//! Each step of a message, as a conditional write, from each of its states.

use super::World;
use crate::setup::{now, text};
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::message::{NotSent, Sender};
use site_credits::domain::values::ids::{CommandId, MessageId};

const STATES: [&str; 7] = [
    "reserved",
    "sending",
    "sent",
    "failed",
    "unknown",
    "delivered",
    "undelivered",
];

/// A message whose item is put into one state after the other.
struct Bench {
    world: World,
    item: Value,
    id: MessageId,
    /// The command that claimed the message, wherever it is claimed.
    own: CommandId,
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        world.leave_reserved().await;
        let item = world.item();
        let id = MessageId::parse(&text(&item["message_id"]["S"])).unwrap();
        Self {
            world,
            item,
            id,
            own: CommandId::random(),
        }
    }

    fn put(&self, state: &str) {
        let mut item = self.item.clone();
        item["state"]["S"] = json!(state);
        if state != "reserved" {
            item["claimed_by"] = json!({ "S": self.own });
        }
        let put = json!({ "TableName": TABLE_NAME, "Item": item });
        self.world.system.engine().call("PutItem", put).unwrap();
    }

    /// Checks from which states alone a step is taken.
    async fn taken_from(&self, states: &[&str], step: &str, take: impl AsyncFn() -> bool) {
        for state in STATES {
            self.put(state);
            assert_eq!(take().await, states.contains(&state), "{step} from {state}");
        }
    }

    /// Leaves the table as a sender left it that died.
    fn tidy_up(&self) {
        self.put("reserved");
        let network = json!({ "PK": { "S": "SNS#sns-1" }, "SK": { "S": "SNS" } });
        let delete = json!({ "TableName": TABLE_NAME, "Key": network });
        self.world
            .system
            .engine()
            .call("DeleteItem", delete)
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_sender_is_taken_from_its_own_states_alone() {
    let bench = Bench::new().await;
    let (store, site) = (bench.world.system.quiet(), &bench.world.site);
    let (id, own, other) = (&bench.id, &bench.own, &CommandId::random());
    let claim = async || store.claim_message(site, id, own).await.is_ok();
    bench.taken_from(&["reserved"], "claiming", claim).await;
    let confirm = async |by: &CommandId| {
        let confirmed = store.confirm_message(site, id, by, "sns-1", now()).await;
        confirmed.is_ok()
    };
    let taken_up = ["sending", "unknown"];
    bench
        .taken_from(&taken_up, "confirming", async || confirm(own).await)
        .await;
    bench
        .taken_from(&[], "confirming another's", async || confirm(other).await)
        .await;
    let note = async || {
        let noted = store
            .message_not_sent(site, id, own, NotSent::Throttled)
            .await;
        noted.is_ok()
    };
    bench.taken_from(&taken_up, "noting", note).await;
    bench.tidy_up();
}

#[tokio::test(start_paused = true)]
async fn each_step_of_the_agenda_and_of_a_receipt_is_taken_from_its_own_states_alone() {
    let bench = Bench::new().await;
    let (store, site, id) = (bench.world.system.quiet(), &bench.world.site, &bench.id);
    let mark = async || store.message_unknown(site, id).await.is_ok();
    bench
        .taken_from(&["sending"], "marking as unknown", mark)
        .await;
    let receive = async || store.message_receipt(site, id, true, "ok").await.is_ok();
    let handed_over = ["sent", "delivered", "undelivered"];
    bench.taken_from(&handed_over, "a receipt", receive).await;
    for (step, sender, states) in [
        ("giving back nobody's", Sender::Nobody, &["reserved"][..]),
        (
            "giving back",
            Sender::Claimed(bench.own.clone()),
            &["sending", "unknown"],
        ),
        (
            "giving back another's",
            Sender::Claimed(CommandId::random()),
            &[],
        ),
    ] {
        let give_back = async || {
            let failed = store
                .message_failed(site, id, NotSent::Throttled, &sender)
                .await;
            failed.is_ok()
        };
        bench.taken_from(states, step, give_back).await;
    }
    bench.tidy_up();
}
