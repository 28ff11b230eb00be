//! Each step of a message, as a conditional write, from each of its states.

use super::World;
use crate::setup::{now, text};
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::change::Write;
use site_credits::domain::model::message::{MessageStep, NotSent, Sender};
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
    async fn assert_taken_from(&self, states: &[&str], step: MessageStep) {
        let write = Write::Message {
            site_id: self.world.site.clone(),
            message_id: self.id.clone(),
            step: step.clone(),
        };
        let network = Write::MessageFoundBy {
            network_id: "sns-1".to_owned(),
            site_id: self.world.site.clone(),
            message_id: self.id.clone(),
            at: now(),
        };
        let mut writes = vec![write];
        writes.extend(matches!(step, MessageStep::Confirm { .. }).then_some(network));
        for state in STATES {
            self.put(state);
            let taken = self.world.system.quiet().commit(&writes, &self.own).await;
            assert_eq!(
                taken.is_ok(),
                states.contains(&state),
                "{step:?} from {state}"
            );
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
    let (own, other) = (bench.own.clone(), CommandId::random());
    let confirm = |by: &CommandId| MessageStep::Confirm {
        by: by.clone(),
        network_id: "sns-1".to_owned(),
    };
    let taken_up = ["sending", "unknown"];
    let claim = MessageStep::Claim { by: own.clone() };
    bench.assert_taken_from(&["reserved"], claim).await;
    bench.assert_taken_from(&taken_up, confirm(&own)).await;
    bench.assert_taken_from(&[], confirm(&other)).await;
    let why = NotSent::Throttled;
    let note = MessageStep::NotSent { by: own, why };
    bench.assert_taken_from(&taken_up, note).await;
    bench.tidy_up();
}

#[tokio::test(start_paused = true)]
async fn each_step_of_the_agenda_and_of_a_receipt_is_taken_from_its_own_states_alone() {
    let bench = Bench::new().await;
    bench
        .assert_taken_from(&["sending"], MessageStep::Unknown)
        .await;
    let receipt = MessageStep::Receipt {
        delivered: true,
        text: "ok".to_owned(),
    };
    let handed_over = ["sent", "delivered", "undelivered"];
    bench.assert_taken_from(&handed_over, receipt).await;
    let own = Sender::Claimed(bench.own.clone());
    let other = Sender::Claimed(CommandId::random());
    let why = NotSent::Throttled;
    for (sender, states) in [
        (Sender::Nobody, &["reserved"][..]),
        (own, &["sending", "unknown"]),
        (other, &[]),
    ] {
        let fail = MessageStep::Fail { why, sender };
        bench.assert_taken_from(states, fail).await;
    }
    bench.tidy_up();
}
