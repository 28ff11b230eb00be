//! Messages: what they cost, that each is sent once and charged once, and what becomes of it whatever happens on the way.

use site_credits::domain::model::change::Write as TableWrite;
use site_credits::domain::model::message::MessageStep;
use site_credits::domain::values::ids::{CommandId as StepCommand, MessageId as StepMessage};
use site_credits::store::{NotCommitted, Store};
use crate::harness::{Answered, CARD_LINK_BASE, Call, System, at, sms_redemption};
use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use run_local::faults;
use run_local::sns::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

const NOW: &str = "2026-12-09T12:00:00Z";
const NUMBER: &str = "+436641234567";

struct World {
    system: Arc<System>,
    site: SiteId,
}

impl World {
    /// A dynamic site with 50 SMS, and ann who has a number and a card.
    async fn new() -> Self {
        let (system, now) = (Arc::new(System::new()), at(NOW));
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        let code = system.codes(1, 0, 1, now).await.remove(0);
        assert_eq!(
            system.send(sms_redemption(&site, &code, now)).await.status,
            201
        );
        let world = Self { system, site };
        let ann = json!({ "user_id": "ann", "name": "Ann", "mobile": NUMBER });
        assert_eq!(world.post("/users", &ann).await.status, 201);
        assert_eq!(world.post("/users/ann/card", &json!({})).await.status, 201);
        world
    }

    fn call(&self, rest: &str, body: &Value, now: Timestamp) -> Call {
        Call::post(format!("/sites/{}{rest}", self.site), body, now)
    }

    async fn post(&self, rest: &str, body: &Value) -> Answered {
        self.system.send(self.call(rest, body, at(NOW))).await
    }

    fn notice(&self, now: Timestamp) -> Call {
        self.call(
            "/sms/messages",
            &json!({ "user_id": "ann", "text": "Open" }),
            now,
        )
    }

    async fn get(&self, rest: &str) -> Answered {
        self.system
            .send(Call::get(format!("/sites/{}{rest}", self.site), at(NOW)))
            .await
    }

    async fn balance(&self) -> u64 {
        let license = self.get("/license").await;
        license.body["balances"]["sms"].as_u64().unwrap()
    }

    /// What arrived on the phone.
    fn phone(&self) -> Vec<Value> {
        self.system.sns.messages()["sms"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The states of all messages, the newest first.
    async fn states(&self) -> Vec<String> {
        let listed = self.get("/sms/messages").await;
        let messages = listed.body["messages"].as_array().unwrap().iter();
        messages
            .map(|message| message["state"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Meets faults of the network at publishing, one after the other.
    fn network(&self, faults: &[Fault]) {
        let mut faults: VecDeque<Fault> = faults.iter().copied().collect();
        self.system.sns.plan(move |action| match action {
            "Publish" => faults.pop_front().unwrap_or_default(),
            _ => Fault::None,
        });
    }

    /// Settings of the site.
    async fn set(&self, body: &Value) -> Answered {
        let path = format!("/sites/{}", self.site);
        self.system.send(Call::patch(path, body, at(NOW))).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_is_delivered_by_a_message_in_the_language_of_the_site() {
    let world = World::new().await;
    let card = world.get("/users/ann/card").await;
    let link = card.body["card"]["link"].as_str().unwrap().to_owned();
    let sent = world.post("/users/ann/card/deliveries", &json!({})).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let message = &sent.body["message"];
    assert_eq!(
        (
            &message["state"],
            &message["template"],
            &message["to"],
            &message["parts"]
        ),
        (
            &json!("sent"),
            &json!("card"),
            &json!("+43********67"),
            &json!(1)
        )
    );
    assert_eq!(sent.body["entry"]["kind"], "sms_reservation");
    assert!(!sent.text.contains("1234567"), "{}", sent.text);
    let phone = world.phone();
    let text = format!("Harbour Gym: your access card is ready. Get it here: {link}");
    assert_eq!(
        (
            phone.len(),
            &phone[0]["to"],
            &phone[0]["from"],
            &phone[0]["text"]
        ),
        (1, &json!(NUMBER), &json!("SiteCredits"), &json!(text))
    );
    assert_eq!(world.balance().await, 49);
    assert!(link.starts_with(CARD_LINK_BASE));
    // Korean is written in UCS-2 and costs what it costs.
    world.set(&json!({ "language": "ko" })).await;
    let sent = world.post("/users/ann/card/deliveries", &json!({})).await;
    let message = &sent.body["message"];
    assert_eq!(
        (
            &message["language"],
            &message["encoding"],
            &message["parts"]
        ),
        (&json!("ko"), &json!("UCS-2"), &json!(2))
    );
    assert_eq!(world.balance().await, 47);
    let listed = world.get("/sms/messages").await;
    assert_eq!(listed.body["messages"].as_array().unwrap().len(), 2);
    let id = message["message_id"].as_str().unwrap();
    let shown = world.get(&format!("/sms/messages/{id}")).await;
    assert_eq!(shown.body["message"], *message);
    let none = world
        .get("/sms/messages/01a36ac2-1000-7c3c-a1e3-75e429969fa7")
        .await;
    assert_eq!(none.problem(), "message-not-found");
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_a_message_is_and_costs_and_sends_nothing() {
    let world = World::new().await;
    let body = json!({ "user_id": "ann", "text": "x".repeat(147) + "😀" });
    let preview = world.post("/sms/messages/preview", &body).await;
    assert_eq!(preview.status, 200, "{preview:?}");
    let shown = &preview.body;
    // "Harbour Gym: " and 147, and a pair of surrogates.
    assert_eq!(
        (&shown["encoding"], &shown["units"], &shown["parts"]),
        (&json!("UCS-2"), &json!(162), &json!(3))
    );
    assert_eq!(
        (&shown["before"]["sms"], &shown["after"]["sms"]),
        (&json!(50), &json!(47))
    );
    assert_eq!((world.balance().await, world.phone().len()), (50, 0));
    let sent = world.post("/sms/messages", &body).await;
    assert_eq!(sent.body["message"]["parts"], 3);
    assert_eq!(world.phone()[0]["text"], shown["text"]);
    assert_eq!(world.balance().await, 47);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sent_is_refused_before_anything_is_charged() {
    let world = World::new().await;
    world.post("/users", &json!({ "user_id": "bob" })).await;
    let kr = json!({ "user_id": "kim", "mobile": "+82 10 1234 5678" });
    world.post("/users", &kr).await;
    let send = async |body: Value| world.post("/sms/messages", &body).await;
    for (body, status, problem) in [
        (json!({ "user_id": "zoe" }), 404, "user-not-found"),
        (
            json!({ "user_id": "bob", "text": "x" }),
            422,
            "no-mobile-number",
        ),
        (json!({ "user_id": "kim" }), 404, "card-not-found"),
        (
            json!({ "user_id": "kim", "text": "x" }),
            422,
            "sms-country-not-allowed",
        ),
        (
            json!({ "user_id": "ann", "text": "" }),
            400,
            "malformed-request",
        ),
        (
            json!({ "user_id": "ann", "text": "x".repeat(501) }),
            400,
            "malformed-request",
        ),
        (
            json!({ "user_id": "ann", "text": "\u{7}" }),
            400,
            "malformed-request",
        ),
        (
            json!({ "user_id": "ann", "to": NUMBER }),
            400,
            "malformed-request",
        ),
        (
            json!({ "user_id": "ann", "text": "한".repeat(500) }),
            201,
            "",
        ),
    ] {
        let answer = send(body.clone()).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (status, problem),
            "{body}"
        );
        if status != 201 && status != 400 {
            let preview = world.post("/sms/messages/preview", &body).await;
            assert_eq!(preview.problem(), problem, "{body}");
        }
    }
    assert_eq!(world.balance().await, 42, "eight parts of Korean");
    // The countries that a site sends to are a setting of it.
    for bad in [
        json!([]),
        json!(["XX"]),
        json!(["AT", "AT"]),
        json!(vec!["AT"; 21]),
    ] {
        let refused = world.set(&json!({ "sms_countries": bad })).await;
        assert_eq!(refused.problem(), "malformed-request", "{bad}");
    }
    let set = world.set(&json!({ "sms_countries": ["kr"] })).await;
    assert_eq!(set.body["site"]["sms_countries"], json!(["KR"]));
    assert_eq!(
        send(json!({ "user_id": "kim", "text": "x" })).await.status,
        201
    );
    let refused = send(json!({ "user_id": "ann", "text": "x" })).await;
    assert_eq!(refused.problem(), "sms-country-not-allowed");
    // Whoever opted out is asked about before anything is charged.
    world.set(&json!({ "sms_countries": ["AT"] })).await;
    world.system.sns.opt_out(NUMBER, true);
    let before = world.balance().await;
    let refused = send(json!({ "user_id": "ann", "text": "x" })).await;
    assert_eq!((refused.status, refused.problem()), (409, "opted-out"));
    world.system.sns.plan(|_| Fault::InternalError);
    let busy = send(json!({ "user_id": "ann", "text": "x" })).await;
    assert_eq!((busy.status, busy.problem()), (503, "busy"));
    world.system.sns.quiet();
    world.system.sns.opt_out(NUMBER, false);
    assert_eq!(world.balance().await, before);
    assert_eq!(
        send(json!({ "user_id": "ann", "text": "x" })).await.status,
        201
    );
}

#[tokio::test(start_paused = true)]
async fn too_few_sms_and_a_halt_are_refused() {
    let world = World::new().await;
    // Ten messages are as many as a number is sent in a day; 50 SMS are fewer messages of eight parts.
    let long = json!({ "user_id": "ann", "text": "한".repeat(500) });
    let mut now = at(NOW);
    for _ in 0..6 {
        now += SignedDuration::from_mins(61);
        assert_eq!(
            world
                .system
                .send(world.call("/sms/messages", &long, now))
                .await
                .status,
            201
        );
    }
    let refused = world
        .system
        .send(world.call("/sms/messages", &long, now))
        .await;
    assert_eq!(
        (refused.status, refused.problem()),
        (402, "insufficient-sms")
    );
    assert_eq!(
        (&refused.body["needed"], &refused.body["available"]),
        (&json!(8), &json!(2))
    );
    let code = world.system.codes(1, 0, 1, now).await.remove(0);
    let redeemed = crate::harness::redemption(&world.site, &code, now);
    world.system.send(redeemed).await;
    world
        .system
        .register(&world.site, &["door"], now)
        .await
        .unwrap();
    let due = at("2027-01-09T12:00:00Z");
    let refused = world.system.send(world.notice(due)).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (402, "payment-required")
    );
}

#[tokio::test(start_paused = true)]
async fn a_number_and_a_site_have_limits_an_hour_and_a_day() {
    let world = World::new().await;
    let send = async |now: Timestamp| world.system.send(world.notice(now)).await;
    let mut now = at("2026-12-09T12:00:00Z");
    for hour in 0..2 {
        for minute in 0..5 {
            let at = now + SignedDuration::from_mins(minute);
            assert_eq!(send(at).await.status, 201, "{hour} {minute}");
        }
        let refused = send(now + SignedDuration::from_mins(59)).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (429, "too-many-messages")
        );
        now += SignedDuration::from_hours(1);
    }
    assert_eq!(send(now).await.problem(), "too-many-messages", "ten a day");
    // Another user with the same number does not get around it, and one with another number is sent to.
    world
        .post("/users", &json!({ "user_id": "twin", "mobile": NUMBER }))
        .await;
    world
        .post(
            "/users",
            &json!({ "user_id": "eve", "mobile": "+436641234568" }),
        )
        .await;
    let to = |user: &str| json!({ "user_id": user, "text": "x" });
    let twin = world
        .system
        .send(world.call("/sms/messages", &to("twin"), now))
        .await;
    assert_eq!(twin.problem(), "too-many-messages");
    let eve = world
        .system
        .send(world.call("/sms/messages", &to("eve"), now))
        .await;
    assert_eq!(eve.status, 201);
    let tomorrow = send(now + SignedDuration::from_hours(11)).await;
    assert_eq!(tomorrow.status, 201);
}

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
        let call = world.notice(at(NOW)).key("k");
        let sent = world.system.send(call.clone()).await;
        assert_eq!(
            (sent.status, sent.replayed),
            (201, false),
            "{faults:?} {sent:?}"
        );
        let message = &sent.body["message"];
        assert_eq!(
            (&message["state"], &message["not_sent"]),
            (&json!(state), &json!(why)),
            "{faults:?}"
        );
        let balance = if state == "failed" { 50 } else { 49 };
        assert_eq!(
            (world.balance().await, world.phone().len()),
            (balance, arrived),
            "{faults:?}"
        );
        // A repetition, and the agenda hours later, change nothing.
        let again = world.system.send(call).await;
        assert_eq!((again.replayed, &again.body), (true, &sent.body));
        let report = world.system.deduct(at("2026-12-09T18:00:00Z")).await;
        assert_eq!(
            (&report["messages"], &report["left"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            (world.balance().await, world.phone().len()),
            (balance, arrived),
            "{faults:?}"
        );
        assert_eq!(world.states().await, [state]);
    }
}

/// Where a sender dies: at which of its requests to the table or the network, before or after it is carried out.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// At the so-manieth transaction: 1 reserves, 2 claims, 3 confirms.
    Table(usize, bool),
    /// At publishing.
    Network(bool),
}

async fn die(world: &World, death: Death, call: Call) {
    match death {
        Death::Table(number, after) => {
            let mut seen = 0;
            world.system.wire.plan(move |operation, _| {
                seen += usize::from(operation == "TransactWriteItems");
                match (operation == "TransactWriteItems" && seen == number, after) {
                    (true, true) => faults::Fault::CrashAfter,
                    (true, false) => faults::Fault::CrashBefore,
                    (false, _) => faults::Fault::None,
                }
            });
        }
        Death::Network(after) => {
            world.network(&[if after {
                Fault::CrashAfter
            } else {
                Fault::CrashBefore
            }]);
        }
    }
    let (wire, sns) = (Arc::clone(&world.system.wire), world.system.sns.clone());
    let died = tokio::select! {
        biased;
        () = wire.crashed.notified() => true,
        () = sns.crashed() => true,
        _ = world.system.send(call) => false,
    };
    assert!(died, "{death:?}");
    world.system.wire.quiet();
    world.system.sns.quiet();
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_dies_anywhere_leaves_a_message_that_is_sent_once_or_given_back_or_known_to_be_unknown()
 {
    // Then, either the request comes again at once, or the agenda comes up.
    for (death, repeated, left) in [
        (Death::Table(1, false), ("sent", 1), ("", 0)),
        (Death::Table(1, true), ("sent", 1), ("failed", 0)),
        (Death::Table(2, false), ("sent", 1), ("failed", 0)),
        (Death::Table(2, true), ("sending", 0), ("unknown", 0)),
        (Death::Network(false), ("sending", 0), ("unknown", 0)),
        (Death::Network(true), ("sending", 1), ("unknown", 1)),
        (Death::Table(3, false), ("sending", 1), ("unknown", 1)),
        (Death::Table(3, true), ("sent", 1), ("sent", 1)),
    ] {
        let charged = |state: &str| {
            if ["", "failed"].contains(&state) {
                50
            } else {
                49
            }
        };
        let later = at("2026-12-09T12:15:00Z");

        let world = World::new().await;
        let call = world.notice(at(NOW)).key("k");
        die(&world, death, call.clone()).await;
        let again = world.system.send(call.clone()).await;
        assert_eq!(again.status, 201, "{death:?} {again:?}");
        assert_eq!(again.body["message"]["state"], repeated.0, "{death:?}");
        assert_eq!(
            (world.phone().len(), world.balance().await),
            (repeated.1, 49),
            "{death:?}"
        );
        world.system.deduct(later).await;
        let resolved = if repeated.0 == "sending" {
            "unknown"
        } else {
            repeated.0
        };
        assert_eq!(world.states().await, [resolved], "{death:?}");
        assert_eq!(
            (world.phone().len(), world.balance().await),
            (repeated.1, 49),
            "{death:?}"
        );

        let world = World::new().await;
        die(&world, death, call_of(&world)).await;
        // Not before its time, as the sender may only be slow.
        world.system.deduct(at("2026-12-09T12:04:00Z")).await;
        world.system.deduct(later).await;
        world.system.deduct(later).await;
        let states = world.states().await;
        assert_eq!(
            states.first().map_or("", String::as_str),
            left.0,
            "{death:?}"
        );
        assert_eq!(
            (world.phone().len(), world.balance().await),
            (left.1, charged(left.0)),
            "{death:?}"
        );
        // What was resolved is not sent by a repetition either.
        let again = world.system.send(call_of(&world)).await;
        let sent = usize::from(left.0.is_empty());
        assert_eq!(world.phone().len(), left.1 + sent, "{death:?} {again:?}");
    }
}

fn call_of(world: &World) -> Call {
    world.notice(at(NOW)).key("k")
}

#[tokio::test(start_paused = true)]
async fn one_request_sent_many_times_at_once_is_one_message() {
    let world = World::new().await;
    world.system.wire.plan(|_, _| faults::Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (system, call) = (world.system.clone(), call_of(&world));
        racers.spawn(async move { system.send(call).await });
    }
    while let Some(answer) = racers.join_next().await {
        let answer = answer.unwrap();
        assert!([201, 503].contains(&answer.status), "{answer:?}");
    }
    world.system.wire.quiet();
    assert_eq!((world.phone().len(), world.balance().await), (1, 49));
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
        let (system, seen) = (world.system.clone(), Arc::new(tokio::sync::Notify::new()));
        let told = seen.clone();
        world.system.sns.plan(move |action| {
            if action == "Publish" {
                told.notify_one();
                return answer;
            }
            Fault::None
        });
        let call = call_of(&world);
        let sending = tokio::spawn(async move { system.send(call).await });
        // The question whether the number opted out passes; publishing waits.
        let gate = world.system.sns.hold();
        gate.notify_one();
        seen.notified().await;
        let report = world.system.deduct(at("2026-12-09T12:15:00Z")).await;
        assert_eq!(report["messages"], 1, "{answer:?}");
        gate.notify_one();
        sending.await.unwrap();
        assert_eq!(world.states().await, [state], "{answer:?}");
        assert_eq!(world.balance().await, balance, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_write_on_the_way_may_be_lost_or_refused_and_the_message_is_sent_once() {
    use faults::Fault::{Conflict, LostAnswer, LostRequest, Throttled};
    for fault in [LostRequest, LostAnswer, Conflict, Throttled] {
        for number in 1..=3 {
            for network in [Fault::None, Fault::InvalidNumber] {
                let world = World::new().await;
                world.network(&[network]);
                let mut seen = 0;
                world.system.wire.plan(move |operation, _| {
                    seen += usize::from(operation == "TransactWriteItems");
                    if operation == "TransactWriteItems" && seen == number {
                        return fault;
                    }
                    faults::Fault::None
                });
                let sent = world.system.send(world.notice(at(NOW))).await;
                world.system.wire.quiet();
                assert_eq!(sent.status, 201, "{fault:?} {number} {sent:?}");
                let (state, arrived, balance) = match network {
                    Fault::None => ("sent", 1, 49),
                    _ => ("failed", 0, 50),
                };
                assert_eq!(sent.body["message"]["state"], state, "{fault:?} {number}");
                assert_eq!(
                    (world.phone().len(), world.balance().await),
                    (arrived, balance)
                );
            }
        }
    }
}

fn receipts(lines: &[String]) -> Value {
    receipts_of("DATA_MESSAGE", lines)
}

fn receipts_of(message_type: &str, lines: &[String]) -> Value {
    let events: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(place, message)| json!({ "id": place.to_string(), "timestamp": 1, "message": message }))
        .collect();
    let data = json!({
        "messageType": message_type, "owner": "123456789012",
        "logGroup": "sns/eu-central-1/123456789012/DirectPublishToPhoneNumber",
        "logStream": "c2a1d36d-0b35-4b2c-9d6c-2a1c5b8e5f11", "subscriptionFilters": ["receipts"],
        "logEvents": events,
    });
    // As CloudWatch sends it: gzip in Base64.
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(data.to_string().as_bytes()).unwrap();
    let data = BASE64.encode(&zipped.finish().unwrap());
    json!({ "awslogs": { "data": data } })
}

/// A receipt as SNS writes it; from its documentation, with the message's own ID.
fn receipt(id: &str, status: &str, says: &str) -> String {
    json!({
        "notification": { "messageId": id, "timestamp": "2016-06-28 00:40:34.558" },
        "delivery": {
            "phoneCarrier": "My Phone Carrier", "mnc": 270, "numberOfMessageParts": 1, "destination": NUMBER,
            "priceInUSD": 0.00645, "smsType": "Transactional", "mcc": 310, "providerResponse": says,
            "dwellTimeMs": 599, "dwellTimeMsUntilDeviceAck": 1344,
        },
        "status": status,
    })
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn a_receipt_says_what_arrived_and_gives_nothing_back() {
    let world = World::new().await;
    let first = world.system.send(world.notice(at(NOW))).await;
    let second = world.system.send(world.notice(at(NOW))).await;
    let id = |place: usize| world.phone()[place]["id"].as_str().unwrap().to_owned();
    let failed = format!("No such subscriber: {NUMBER}");
    let event = receipts(&[
        receipt(
            &id(0),
            "SUCCESS",
            "Message has been accepted by phone carrier",
        ),
        "{}".to_owned(),
        receipt(
            "3b2b7b9c-0000-4000-8000-000000000000",
            "SUCCESS",
            "of another application",
        ),
        receipt(&id(1), "FAILURE", &failed),
    ]);
    for _ in 0..2 {
        let report = world
            .system
            .invoke_raw("record-receipts", event.clone())
            .await
            .unwrap();
        assert_eq!(
            report,
            json!({ "recorded": 2, "others": 1, "unreadable": 1 })
        );
    }
    let shown = async |sent: &Answered| {
        let id = sent.body["message"]["message_id"].as_str().unwrap();
        world.get(&format!("/sms/messages/{id}")).await.body["message"].clone()
    };
    let (first, second) = (shown(&first).await, shown(&second).await);
    assert_eq!(
        (&first["state"], &first["receipt"]),
        (
            &json!("delivered"),
            &json!("Message has been accepted by phone carrier")
        )
    );
    assert_eq!(
        (&second["state"], &second["receipt"]),
        (&json!("undelivered"), &json!("No such subscriber: …"))
    );
    assert_eq!(world.balance().await, 48);
    // CloudWatch asks now and then whether anybody listens.
    let control = receipts_of("CONTROL_MESSAGE", &["CWL CONTROL MESSAGE".to_owned()]);
    let report = world
        .system
        .invoke_raw("record-receipts", control)
        .await
        .unwrap();
    assert_eq!(
        report,
        json!({ "recorded": 0, "others": 0, "unreadable": 0 })
    );
    for broken in [json!({}), json!({ "awslogs": { "data": "x" } })] {
        assert!(
            world
                .system
                .invoke_raw("record-receipts", broken)
                .await
                .is_err()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_which_nothing_is_known_or_that_failed_has_no_receipt() {
    let world = World::new().await;
    world.network(&[Fault::InvalidNumber, Fault::LostAnswer]);
    world.system.send(world.notice(at(NOW))).await;
    world.system.send(world.notice(at(NOW))).await;
    let id = world.phone()[0]["id"].as_str().unwrap().to_owned();
    let event = receipts(&[receipt(&id, "SUCCESS", "ok")]);
    let report = world
        .system
        .invoke_raw("record-receipts", event)
        .await
        .unwrap();
    assert_eq!(report["others"], 1);
    let mut states = world.states().await;
    states.sort();
    assert_eq!(states, ["failed", "unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_number_stands_on_its_user_alone_and_in_no_message_or_entry() {
    let world = World::new().await;
    world.system.send(world.notice(at(NOW)).key("k")).await;
    world.post("/users/ann/card/deliveries", &json!({})).await;
    let scan = json!({ "TableName": run_local::template::TABLE_NAME });
    let scan = world.system.engine().call("Scan", scan).unwrap();
    let items = scan["Items"].as_array().unwrap().iter();
    let holding: Vec<&str> = items
        .filter(|item| item.to_string().contains("6641234567"))
        .map(|item| item["SK"]["S"].as_str().unwrap())
        .collect();
    assert_eq!(holding, ["USER#99#ann"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_under_way_when_its_site_is_deleted_gives_nothing_back() {
    for (death, state) in [
        (Death::Table(1, true), "failed"),
        (Death::Network(false), "unknown"),
    ] {
        let world = World::new().await;
        die(&world, death, call_of(&world)).await;
        let delete = Call::delete(format!("/sites/{}", world.site), at(NOW));
        assert_eq!(
            world.system.send(delete.query("forfeit=true")).await.status,
            200
        );
        let report = world.system.deduct(at("2026-12-09T12:15:00Z")).await;
        assert_eq!(
            (&report["messages"], &report["failed"]),
            (&json!(1), &json!(0))
        );
        let scan = json!({ "TableName": run_local::template::TABLE_NAME });
        let scan = world.system.engine().call("Scan", scan).unwrap();
        let items = scan["Items"].as_array().unwrap().iter();
        let states: Vec<&str> = items
            .filter_map(|item| item["state"]["S"].as_str())
            .collect();
        assert_eq!(states, [state], "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_goes_away_after_the_charge_leaves_the_outcome_open_and_nothing_is_sent_twice()
{
    // From the claim on nothing is answered any more.
    let world = World::new().await;
    let mut seen = 0;
    world.system.wire.plan(move |operation, _| {
        seen += usize::from(operation == "TransactWriteItems");
        if seen >= 2 {
            faults::Fault::Throttled
        } else {
            faults::Fault::None
        }
    });
    let open = world.system.send(call_of(&world)).await;
    world.system.wire.quiet();
    assert_eq!((open.status, open.problem()), (503, "outcome-unknown"));
    let again = world.system.send(call_of(&world)).await;
    assert_eq!(again.body["message"]["state"], "sent");
    assert_eq!((world.phone().len(), world.balance().await), (1, 49));
}

#[tokio::test(start_paused = true)]
async fn the_network_is_not_asked_about_what_is_refused_anyway() {
    let world = World::new().await;
    world.set(&json!({ "sms_countries": ["KR", "JP"] })).await;
    world.system.sns.plan(|_| Fault::InternalError);
    let refused = world.system.send(world.notice(at(NOW))).await;
    assert_eq!(refused.problem(), "sms-country-not-allowed");
    // The same countries in another order are no others.
    let same = world.set(&json!({ "sms_countries": ["JP", "KR"] })).await;
    assert_eq!((same.status, &same.body["entry"]), (200, &Value::Null));
}

/// Carries out what another person does in the middle of a request, before its first transaction.
fn meanwhile(world: &World, call: Call) {
    let (system, event) = (Arc::downgrade(&world.system), world.system.event(&call));
    let mut done = false;
    world.system.wire.plan(move |operation, _| {
        if operation == "TransactWriteItems" && !std::mem::replace(&mut done, true) {
            let (system, event) = (system.upgrade().unwrap(), event.clone());
            // Its own requests go by no faults.
            let functions =
                run_local::functions::Functions::over(system.engine(), &system.sns, CARD_LINK_BASE);
            let function = if event["routeKey"].as_str().unwrap().contains("/card") {
                "manage-users"
            } else {
                "send-sms"
            };
            let invocation = async move { functions.unwrap().invoke(function, event).await };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    let answer = runtime.unwrap().block_on(invocation).unwrap();
                    assert!(answer["statusCode"].as_u64().unwrap() < 300, "{answer}");
                });
            });
        }
        faults::Fault::None
    });
}

#[tokio::test(start_paused = true)]
async fn a_card_that_is_issued_again_meanwhile_is_not_delivered_by_its_dead_link() {
    let world = World::new().await;
    meanwhile(
        &world,
        world.call("/users/ann/card/reissues", &json!({}), at(NOW)),
    );
    let deliver = world
        .call("/users/ann/card/deliveries", &json!({}), at(NOW))
        .key("k");
    let refused = world.system.send(deliver.clone()).await;
    world.system.wire.quiet();
    assert_eq!(
        (refused.status, refused.problem()),
        (503, "busy"),
        "{refused:?}"
    );
    assert_eq!((world.phone().len(), world.balance().await), (0, 50));
    let sent = world.system.send(deliver).await;
    let card = world.get("/users/ann/card").await;
    assert_eq!(sent.body["message"]["state"], "sent");
    let text = world.phone()[0]["text"].as_str().unwrap().to_owned();
    assert!(
        text.ends_with(card.body["card"]["link"].as_str().unwrap()),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_sure_is_given_back_also_where_the_site_is_too_busy_for_it() {
    let world = World::new().await;
    world.network(&[Fault::InvalidNumber]);
    // Reserve, claim and note pass; the site cannot be written after that.
    let mut seen = 0;
    world.system.wire.plan(move |operation, _| {
        seen += usize::from(operation == "TransactWriteItems");
        if seen > 3 && operation == "TransactWriteItems" {
            faults::Fault::Throttled
        } else {
            faults::Fault::None
        }
    });
    let sent = world.system.send(call_of(&world)).await;
    world.system.wire.quiet();
    let message = &sent.body["message"];
    assert_eq!(
        (&message["state"], &message["not_sent"]),
        (&json!("sending"), &json!("invalid_number"))
    );
    assert_eq!(world.balance().await, 49);
    world.system.deduct(at("2026-12-09T12:15:00Z")).await;
    assert_eq!(world.states().await, ["failed"]);
    assert_eq!((world.balance().await, world.phone().len()), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_left_behind_is_not_sent_to_another_number_or_to_one_that_opted_out() {
    for (change, opted_out) in [(Some("+436641234667"), false), (None, true)] {
        let world = World::new().await;
        die(&world, Death::Table(1, true), call_of(&world)).await;
        if let Some(mobile) = change {
            let path = format!("/sites/{}/users/ann", world.site);
            let change = Call::patch(path, &json!({ "mobile": mobile }), at(NOW));
            assert_eq!(world.system.send(change).await.status, 200);
        }
        world.system.sns.opt_out(NUMBER, opted_out);
        let again = world.system.send(call_of(&world)).await;
        assert_eq!(again.body["message"]["state"], "reserved", "{again:?}");
        world.system.deduct(at("2026-12-09T12:15:00Z")).await;
        assert_eq!(
            (world.states().await, world.phone().len()),
            (vec!["failed".to_owned()], 0)
        );
        assert_eq!(world.balance().await, 50);
    }
}

impl World {
    /// The item of the one message.
    fn item(&self) -> Value {
        let scan = json!({ "TableName": run_local::template::TABLE_NAME });
        let scan = self.system.engine().call("Scan", scan).unwrap();
        let mut items = scan["Items"].as_array().unwrap().iter();
        let message = |item: &&Value| item["SK"]["S"].as_str().unwrap().starts_with("MESSAGE#");
        items.find(message).unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_message_is_taken_from_its_own_states_alone() {
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
    let world = World::new().await;
    die(&world, Death::Table(1, true), call_of(&world)).await;
    let (store, site, message) = (world.system.quiet(), &world.site, world.item());
    let id = MessageId::parse(message["message_id"]["S"].as_str().unwrap()).unwrap();
    let (own, other) = (CommandId::random(), CommandId::random());
    let claimed = |by: &CommandId| Sender::Claimed(by.clone());
    let put = |state: &str| {
        let mut item = message.clone();
        item["state"]["S"] = json!(state);
        if state != "reserved" {
            item["claimed_by"] = json!({ "S": own });
        }
        let put = json!({ "TableName": run_local::template::TABLE_NAME, "Item": item });
        world.system.engine().call("PutItem", put).unwrap();
    };
    for state in STATES {
        let taken = |step: &str, done: bool, from: &[&str]| {
            assert_eq!(done, from.contains(&state), "{step} from {state}");
        };
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::Claim { by: own.clone() }).await;
        taken("claiming", done.is_ok(), &["reserved"]);
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::Confirm { by: own.clone(), network_id: "sns-1".to_owned() }).await;
        taken("confirming", done.is_ok(), &["sending", "unknown"]);
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::Confirm { by: other.clone(), network_id: "sns-1".to_owned() }).await;
        taken("confirming another's", done.is_ok(), &[]);
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::Unknown).await;
        taken("marking as unknown", done.is_ok(), &["sending"]);
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::Receipt { delivered: true, text: "ok".to_owned() }).await;
        taken(
            "a receipt",
            done.is_ok(),
            &["sent", "delivered", "undelivered"],
        );
        put(state);
        let done = taken_step(&store, site, &id, MessageStep::NotSent { by: own.clone(), why: NotSent::Throttled }).await;
        taken("noting", done.is_ok(), &["sending", "unknown"]);
        for (step, sender, from) in [
            ("giving back nobody's", Sender::Nobody, &["reserved"][..]),
            ("giving back", claimed(&own), &["sending", "unknown"]),
            ("giving back another's", claimed(&other), &[]),
        ] {
            put(state);
            let done = taken_step(&store, site, &id, MessageStep::Fail { why: NotSent::Throttled, sender: sender.clone() }).await;
            taken(step, done.is_ok(), from);
        }
    }
    // The table is left as a sender left it that died.
    put("reserved");
    let network = json!({ "PK": { "S": "SNS#sns-1" }, "SK": { "S": "SNS" } });
    let delete = json!({ "TableName": run_local::template::TABLE_NAME, "Key": network });
    world.system.engine().call("DeleteItem", delete).unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_many_who_find_a_message_left_behind_one_sends_it() {
    let world = World::new().await;
    die(&world, Death::Table(1, true), call_of(&world)).await;
    world.system.wire.plan(|_, _| faults::Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (system, call) = (world.system.clone(), call_of(&world));
        racers.spawn(async move { system.send(call).await });
    }
    while let Some(answer) = racers.join_next().await {
        assert_eq!(answer.unwrap().status, 201);
    }
    world.system.wire.quiet();
    assert_eq!((world.phone().len(), world.balance().await), (1, 49));
    assert_eq!(world.states().await, ["sent"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_while_the_agenda_looks_is_sent_and_not_given_back() {
    let world = World::new().await;
    die(&world, Death::Table(1, true), call_of(&world)).await;
    // Between the agenda's read and its write the request comes again, and sends.
    meanwhile(&world, call_of(&world));
    let report = world.system.deduct(at("2026-12-09T12:15:00Z")).await;
    world.system.wire.quiet();
    assert_eq!(report["left"], 0, "{report}");
    assert_eq!((world.phone().len(), world.balance().await), (1, 49));
    assert_eq!(world.states().await, ["sent"]);
}

#[tokio::test(start_paused = true)]
async fn an_index_that_names_a_message_too_early_resolves_nothing() {
    use site_credits::commands::{Resolved, resolve_message};
    use site_credits::domain::values::ids::MessageId;
    let world = World::new().await;
    die(&world, Death::Table(1, true), call_of(&world)).await;
    let id = MessageId::parse(world.item()["message_id"]["S"].as_str().unwrap()).unwrap();
    let store = world.system.quiet();
    for (now, expected) in [
        ("2026-12-09T12:04:59Z", Resolved::Before),
        ("2026-12-09T12:05:00Z", Resolved::GivenBack),
        ("2026-12-09T12:05:00Z", Resolved::Before),
    ] {
        let resolved = resolve_message(&store, &world.site, &id, at(now))
            .await
            .unwrap();
        assert_eq!(resolved, expected, "{now}");
    }
    assert_eq!(world.balance().await, 50);
}

/// Takes a step of a message by itself. Whether it can be taken is the step's own condition.
async fn taken_step(
    store: &Store,
    site_id: &SiteId,
    message_id: &StepMessage,
    step: MessageStep,
) -> Result<(), NotCommitted> {
    let step = TableWrite::Message {
        site_id: site_id.clone(),
        message_id: message_id.clone(),
        step,
    };
    store.commit(&[step], &StepCommand::random()).await
}
