//! How many messages a number is sent.

use super::{NUMBER, World};
use crate::setup::now;
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_number_is_sent_five_messages_an_hour_and_ten_a_day() {
    let world = World::new().await;
    let send = async |now: Timestamp| world.system.send(world.notice(now)).await;
    let mut now = now();
    for hour in 0..2 {
        for minute in 0..5 {
            let answer = send(now + SignedDuration::from_mins(minute)).await;
            assert_eq!(answer.status, 201, "{hour} {minute} {answer}");
        }
        let refused = send(now + SignedDuration::from_mins(59)).await;
        assert_eq!(refused.status, 429, "{hour} {refused}");
        assert_eq!(refused.problem(), "too-many-messages", "{hour} {refused}");
        now += SignedDuration::from_hours(1);
    }
    assert_snapshot!(send(now).await, @r#"
    429
    {
      "code": "too-many-messages",
      "detail": "this number was sent 10 messages in a day, which is the limit: there may be more in 36000 seconds",
      "status": 429,
      "title": "There are too many messages",
      "type": "urn:site-credits:problem:too-many-messages"
    }
    "#);
    // Another user with the same number does not get around it, and one with another number is sent to.
    let twin = json!({ "user_id": "twin", "mobile": NUMBER });
    let eve = json!({ "user_id": "eve", "mobile": "+436641234568" });
    for user in [twin, eve] {
        assert_eq!(world.post("/users", &user).await.status, 201);
    }
    let twin = world.system.send(world.message("twin", "x", now)).await;
    assert_eq!(twin.problem(), "too-many-messages", "{twin}");
    let eve = world.system.send(world.message("eve", "x", now)).await;
    assert_eq!(eve.status, 201, "{eve}");
    let tomorrow = send(now + SignedDuration::from_hours(11)).await;
    assert_eq!(tomorrow.status, 201, "{tomorrow}");
}
