//! Nobody who was removed can be found in what is never erased (rule 15b).

use crate::harness::{Answered, Call, KIM, System, at};
use crate::setup::{NOW, of, text};
use crate::users::add;
use jiff::{Timestamp, ToSpan};
use run_local::faults::Fault;
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

/// Everything by which the two people of these tests could be found.
const CANARIES: [&str; 8] = [
    "lee.quartz@example.com",
    "quartz",
    "wanda-petrova",
    "Wanda",
    "petrova@example.org",
    "66412345",
    "+43********67",
    "66476543",
];

/// When what expires has expired.
const LATER_H: i64 = 24 * 9;

struct Story {
    system: System,
    site: SiteId,
    now: Timestamp,
}

impl Story {
    /// Lee, an administrator, did what an administrator can; Wanda, a user, got a card and messages, and another number.
    async fn told() -> Self {
        let (system, now) = (System::new(), at(NOW));
        let site = system.regular().await;
        let lee = "lee.quartz@example.com";
        system.admit(&site, lee, "sub_master", now).await;
        let story = Self { system, site, now };
        let codes = story.system.codes(9, 1, 1, now).await;
        let sms = story.system.codes(9, 0, 1, now).await;
        let wanda = json!({ "user_id": "wanda-petrova", "name": "Wanda Petrova",
            "email": "petrova@example.org", "mobile": "+436641234567" });
        let user = "/users/wanda-petrova";
        for (rest, body) in [
            ("/license/redemptions", json!({ "code": codes[0] })),
            ("/sms/redemptions", json!({ "code": sms[0] })),
            ("/users", wanda),
            (&format!("{user}/card"), json!({})),
            (&format!("{user}/card/deliveries"), json!({})),
            (&format!("{user}/card/reissues"), json!({})),
            (
                "/sms/messages",
                json!({ "user_id": "wanda-petrova", "text": "Open" }),
            ),
        ] {
            story
                .by("lee.quartz@example.com", "POST", rest, &body)
                .await;
        }
        let number = json!({ "mobile": "+436647654321" });
        story
            .by("lee.quartz@example.com", "PATCH", user, &number)
            .await;
        let language = json!({ "language": "ko" });
        story
            .by("lee.quartz@example.com", "PATCH", "", &language)
            .await;
        story
    }

    async fn by(&self, who: &str, method: &'static str, rest: &str, body: &Value) -> Answered {
        let mut call = Call::post(of(&self.site, rest), body, self.now).by_person(who);
        call.method = method;
        let key = format!("{method}{rest}{}", body.to_string().len());
        let answer = self.system.send(call.key(&key)).await;
        assert!(answer.status < 300, "{method} {rest}: {answer}");
        answer
    }

    fn remove(&self, rest: &str) -> Call {
        Call::delete(of(&self.site, rest), self.now)
    }

    /// The items of the table that have not expired by the end, and the stream with what was published of it.
    fn left(&self) -> String {
        let scan = json!({ "TableName": TABLE_NAME });
        let scan = self.system.engine().call("Scan", scan).unwrap();
        let end = self.now.as_second() + LATER_H * 3_600;
        let expired = |item: &&Value| {
            let expires_at = item["expires_at"]["N"].as_str();
            expires_at.is_some_and(|at| at.parse::<i64>().unwrap() < end)
        };
        let items = scan["Items"].as_array().unwrap().iter();
        let items: Vec<&Value> = items.filter(|item| !expired(item)).collect();
        json!(items).to_string()
    }
}

fn found(text: &str) -> Vec<&'static str> {
    CANARIES
        .into_iter()
        .filter(|canary| text.contains(canary))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_was_removed_is_in_no_byte_of_what_stays() {
    let story = Story::told().await;
    let statement = of(&story.site, "/license/statement");
    let before = story
        .system
        .send(Call::get(statement.clone(), story.now))
        .await
        .body;
    // As long as they are there, the statement says who they are.
    let named = |page: &Value| {
        let texts = |list: &str, member: &str| -> Vec<Value> {
            page[list]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one[member].clone())
                .collect()
        };
        (texts("administrators", "email"), texts("users", "user_id"))
    };
    let (mut administrators, users) = named(&before);
    administrators.sort_by_key(ToString::to_string);
    assert_eq!(
        administrators,
        [json!(KIM), json!("lee.quartz@example.com")]
    );
    assert_eq!(users, [json!("wanda-petrova")]);
    assert!(!found(&story.left()).is_empty());

    for rest in ["/users/wanda-petrova", "/admins/lee.quartz@example.com"] {
        let removed = story.system.send(story.remove(rest)).await;
        assert_eq!(removed.status, 200, "{removed}");
    }
    assert_eq!(found(&story.left()), [""; 0]);

    // The statement stands as it was, and says that they are gone.
    let after = story
        .system
        .send(Call::get(statement, story.now))
        .await
        .body;
    let count = before["entries"].as_array().unwrap().len();
    assert_eq!(
        after["entries"].as_array().unwrap()[..count],
        before["entries"].as_array().unwrap()[..]
    );
    let (mut administrators, users) = named(&after);
    administrators.sort_by_key(ToString::to_string);
    assert_eq!(administrators, [json!(KIM), Value::Null]);
    assert_eq!(users, [Value::Null]);
    assert_eq!(found(&after.to_string()), [""; 0]);
    let messages = Call::get(of(&story.site, "/sms/messages"), story.now);
    let messages = story.system.send(messages).await.body["messages"].clone();
    let known = messages.as_array().unwrap().iter();
    let known = known.filter(|one| !one["user_id"].is_null() || !one["to"].is_null());
    assert_eq!((known.count(), found(&messages.to_string())), (0, vec![]));
    assert_eq!(story.system.findings().await.violations, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_published_of_a_site_names_nobody() {
    let story = Story::told().await;
    let later = story.now + (24 * 40).hours();
    story.system.deduct(later).await;
    while story.system.hand_out().await {}
    let notices = story.system.sns.messages()["notices"].clone();
    let notices = notices.as_array().unwrap().iter();
    // An invitation is a mail to an address, and the one notice that has one.
    let (mails, others): (Vec<&Value>, Vec<&Value>) =
        notices.partition(|notice| notice["attributes"]["kind"] == "invitation");
    assert_eq!(mails.len(), 1);
    assert_eq!(found(&json!(others).to_string()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_dies_anywhere_is_finished_by_the_next() {
    for dies_at in 0..4 {
        for fault in [Fault::LostRequest, Fault::LostAnswer] {
            let story = Story::told().await;
            for rest in ["/users/wanda-petrova", "/admins/lee.quartz@example.com"] {
                let mut request = 0;
                story.system.wire.plan(move |_, _| {
                    request += 1;
                    if request > dies_at {
                        fault
                    } else {
                        Fault::None
                    }
                });
                let _died = story.system.send(story.remove(rest)).await;
                story.system.wire.quiet();
                let again = story.system.send(story.remove(rest)).await;
                assert!(
                    [200, 404].contains(&again.status),
                    "{rest} {dies_at} {fault:?}: {again}"
                );
            }
            assert_eq!(found(&story.left()), [""; 0], "{dies_at} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_says_the_number_only_while_it_is_the_users() {
    let story = Story::told().await;
    let messages = Call::get(of(&story.site, "/sms/messages"), story.now);
    let shown = story.system.send(messages.clone()).await.body["messages"].clone();
    let to: Vec<&Value> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["to"])
        .collect();
    assert_eq!(to, [&Value::Null, &Value::Null]);
    let notice = json!({ "user_id": "wanda-petrova", "text": "Closed" });
    let sent = story.by(KIM, "POST", "/sms/messages", &notice).await.body;
    assert_eq!(text(&sent["message"]["to"]), "+43********21");
    let shown = story.system.send(messages).await.body["messages"].clone();
    let mut shown = shown.as_array().unwrap().iter();
    let shown = shown.find(|one| one["message_id"] == sent["message"]["message_id"]);
    assert_eq!(shown.unwrap()["to"], "+43********21");
}

#[tokio::test(start_paused = true)]
async fn a_user_who_comes_again_under_the_same_id_is_another_person() {
    let story = Story::told().await;
    story
        .system
        .send(story.remove("/users/wanda-petrova"))
        .await;
    let again = add(&story.site, &json!({ "user_id": "wanda-petrova" }));
    assert_eq!(story.system.send(again).await.status, 201);
    let statement = Call::get(of(&story.site, "/license/statement"), story.now);
    let statement = story.system.send(statement).await.body;
    assert_eq!(statement["users"][0]["user_id"], Value::Null);
}
