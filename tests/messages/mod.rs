//! `/sites/{site_id}/sms/messages`: what messages cost, that each is sent once and charged once, and what becomes of it
//! whatever happens on the way.

mod at_once;
mod charge;
mod deaths;
mod deliver;
mod limits;
mod network;
mod refuse;
mod settle;
mod steps;
mod table_faults;

use crate::harness::{Answered, Call, System, at, sms_redemption};
use crate::setup::{now, of, text};
use jiff::Timestamp;
use run_local::faults;
use run_local::sns::Fault;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) const NUMBER: &str = "+436641234567";

/// A site that sends messages, and the network that they are handed to.
pub(crate) struct World {
    pub(crate) system: Arc<System>,
    site: SiteId,
}

impl World {
    /// A dynamic site with 50 SMS, and ann who has a number and a card.
    pub(crate) async fn new() -> Self {
        let system = Arc::new(System::new());
        let site = system.dynamic().await;
        let code = system.codes(1, 0, 1, now()).await.remove(0);
        let recharged = system.send(sms_redemption(&site, &code, now())).await;
        assert_eq!(recharged.status, 201, "{recharged}");
        let world = Self { system, site };
        let ann = json!({ "user_id": "ann", "name": "Ann", "mobile": NUMBER });
        assert_eq!(world.post("/users", &ann).await.status, 201);
        assert_eq!(world.post("/users/ann/card", &json!({})).await.status, 201);
        world
    }

    fn call(&self, rest: &str, body: &Value, now: Timestamp) -> Call {
        Call::post(of(&self.site, rest), body, now)
    }

    async fn post(&self, rest: &str, body: &Value) -> Answered {
        self.system.send(self.call(rest, body, now())).await
    }

    pub(crate) async fn get(&self, rest: &str) -> Answered {
        self.system
            .send(Call::get(of(&self.site, rest), now()))
            .await
    }

    /// Changes settings of the site.
    async fn set(&self, body: &Value) -> Answered {
        let change = Call::patch(of(&self.site, ""), body, now());
        self.system.send(change).await
    }

    /// A message to a user.
    fn message(&self, user: &str, text: &str, now: Timestamp) -> Call {
        let body = json!({ "user_id": user, "text": text });
        self.call("/sms/messages", &body, now)
    }

    /// A message to ann, of one part.
    pub(crate) fn notice(&self, now: Timestamp) -> Call {
        self.message("ann", "Open", now)
    }

    /// The message to ann under a key, so that it can be repeated.
    fn keyed(&self) -> Call {
        self.notice(now()).key("k")
    }

    async fn send_keyed(&self) -> Answered {
        self.system.send(self.keyed()).await
    }

    pub(crate) async fn balance(&self) -> u64 {
        let license = self.get("/license").await;
        license.body["balances"]["sms"].as_u64().unwrap()
    }

    /// What arrived on the phone.
    pub(crate) fn phone(&self) -> Vec<Value> {
        let messages = self.system.sns.messages();
        messages["sms"].as_array().unwrap().clone()
    }

    /// How many messages arrived on the phone, and how many SMS are left.
    async fn arrived_and_left(&self) -> (usize, u64) {
        (self.phone().len(), self.balance().await)
    }

    /// The states of all messages, the newest first.
    pub(crate) async fn states(&self) -> Vec<String> {
        let listed = self.get("/sms/messages").await;
        let messages = listed.body["messages"].as_array().unwrap().iter();
        messages.map(|message| text(&message["state"])).collect()
    }

    /// The item of the one message.
    fn item(&self) -> Value {
        let items = self.system.items();
        let message = |item: &&Value| text(&item["SK"]["S"]).starts_with("MESSAGE#");
        items.iter().find(message).unwrap().clone()
    }

    /// Meets faults of the network at publishing, one after the other.
    pub(crate) fn network(&self, faults: &[Fault]) {
        let mut faults: VecDeque<Fault> = faults.iter().copied().collect();
        self.system.sns.plan(move |action| match action {
            "Publish" => faults.pop_front().unwrap_or_default(),
            _ => Fault::None,
        });
    }

    /// Runs the deduction after a message under way has had its time: 15 minutes after it was asked for.
    async fn settle(&self) -> Value {
        self.system.deduct(at("2026-12-09T12:15:00Z")).await
    }

    /// Sends a request whose sender dies on the way.
    async fn die(&self, death: Death, call: Call) {
        match death {
            Death::Table(write, fault) => {
                self.system
                    .fault_at_writes(move |number| number == write, fault);
            }
            Death::Network(fault) => self.network(&[fault]),
        }
        let sns = self.system.sns.clone();
        let died = tokio::select! {
            biased;
            answer = self.system.send_until_crash(call) => answer.is_none(),
            () = sns.crashed() => true,
        };
        assert!(died, "{death:?}");
        self.system.wire.quiet();
        sns.quiet();
    }

    /// Leaves a message behind that is paid for, and that its sender has not claimed.
    async fn leave_reserved(&self) {
        let death = Death::Table(1, faults::Fault::CrashAfter);
        self.die(death, self.keyed()).await;
    }
}

/// Where a sender dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// At a write to the table: the first reserves, the second claims, the third confirms.
    Table(usize, faults::Fault),
    /// At publishing.
    Network(Fault),
}
