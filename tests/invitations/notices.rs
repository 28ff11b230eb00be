//! What is published of invitations: each sending once, with what a mail to the invited person needs.

use super::{LEE, MIA, accept, days_later, decline, send_again, site, withdraw};
use crate::administrators::set_role;
use crate::harness::{Call, System};
use crate::setup::{now, of, text};
use crate::shown::shown;
use insta::assert_snapshot;
use serde_json::{Value, json};

/// The notices that were published.
async fn published(system: &System) -> Vec<Value> {
    while system.hand_out().await {}
    let messages = system.sns.messages();
    messages["notices"].as_array().unwrap().clone()
}

/// Records of the table's stream for the items of a kind of partition, as if they had just been written.
fn records(system: &System, partitions: &str, event_name: &str) -> Vec<Value> {
    let event: Value = serde_json::from_str(include_str!("../data/stream-event.json")).unwrap();
    let items = system.items().into_iter();
    let items = items.filter(|item| text(&item["PK"]["S"]).starts_with(partitions));
    items
        .map(|item| {
            let mut record = event["Records"][0].clone();
            record["eventName"] = json!(event_name);
            record["dynamodb"]["Keys"] = json!({ "PK": item["PK"], "SK": item["SK"] });
            record["dynamodb"]["NewImage"] = item;
            record
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_invitation_is_published_with_what_a_mail_needs_and_again_when_it_is_sent_again() {
    let system = System::new();
    let site = site(&system).await;
    let lee = system.invited(&site, LEE, "sub_master").await;
    let again = send_again(&site, &lee, days_later(6));
    assert_eq!(system.send(again).await.status, 200);
    let notices = published(&system).await;
    let ids: Vec<&Value> = notices
        .iter()
        .map(|notice| &notice["attributes"]["invitation_id"])
        .collect();
    assert_eq!(
        ids,
        [&json!(format!("{site}-2")), &json!(format!("{site}-3")),]
    );
    let first = shown(&notices[0])
        .replace(site.as_str(), "[site 1]")
        .replace(&lee, "[person 1]");
    assert_snapshot!(first, @r#"
    {
      "attributes": {
        "at": "2026-12-09T12:00:00Z",
        "email": "lee@example.com",
        "expires_at": "2026-12-16T12:00:00Z",
        "invitation_id": "[site 1]-2",
        "kind": "invitation",
        "language": "en",
        "role": "sub_master",
        "site_id": "[site 1]",
        "site_name": "Harbour Gym"
      },
      "id": "[id 1]",
      "subject": "Invitation: [site 1]",
      "text": "Harbour Gym ([site 1]): you are invited to administer this site (role: sub-master). Sign in with this address by 2026-12-16 12:00 UTC to accept or decline. Without an answer nothing changes."
    }
    "#);
    let until = &notices[1]["attributes"]["expires_at"];
    assert_eq!(*until, "2026-12-22T12:00:00Z");
    // Handed out once more, neither is published again.
    let again = records(&system, "SITE#", "MODIFY");
    let again = again.into_iter().filter(|record| {
        let key = &record["dynamodb"]["Keys"]["SK"];
        text(&key["S"]).starts_with("INVITATION#")
    });
    let batch = json!({ "Records": again.collect::<Vec<Value>>() });
    assert_eq!(batch["Records"].as_array().unwrap().len(), 1);
    let answer = system.invoke_raw("publish-notices", batch).await;
    assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
    assert_eq!(published(&system).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_invitation_is_in_the_language_of_its_site() {
    for (language, part) in [
        ("ko", "초대되었습니다"),
        ("de", "Sie sind eingeladen"),
        ("fr", "vous êtes invité"),
        ("es", "se le invita"),
        ("ja", "招待されました"),
        ("it", "you are invited"),
    ] {
        let system = System::new();
        let site = site(&system).await;
        let body = json!({ "language": language });
        let settings = Call::patch(of(&site, ""), &body, now());
        assert_eq!(system.send(settings).await.status, 200);
        system.invited(&site, LEE, "master").await;
        let notices = published(&system).await;
        let said = text(&notices[0]["text"]);
        assert!(
            said.contains(part) && said.contains("Harbour Gym"),
            "{said}"
        );
        let spoken = if language == "it" { "en" } else { language };
        assert_eq!(notices[0]["attributes"]["language"], spoken);
    }
}

#[tokio::test(start_paused = true)]
async fn the_offer_of_the_site_to_an_administrator_is_published_too() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, LEE, "site_admin", now()).await;
    let offered = set_role(&site, LEE, "master", now());
    assert_eq!(system.send(offered).await.status, 200);
    let notices = published(&system).await;
    let roles: Vec<String> = notices
        .iter()
        .map(|notice| text(&notice["attributes"]["role"]))
        .collect();
    assert_eq!(roles, ["site_admin", "master"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_of_answers_and_withdrawals() {
    let system = System::new();
    let site = site(&system).await;
    let zoe = "zoe@example.com";
    system.invited(&site, LEE, "site_admin").await;
    system.invited(&site, MIA, "site_admin").await;
    let withdrawn = system.invited(&site, zoe, "site_admin").await;
    assert_eq!(published(&system).await.len(), 3);
    for (call, status) in [
        (accept(&site, LEE, now()), 201),
        (decline(&site, MIA, now()), 200),
        (withdraw(&site, &withdrawn, now()), 200),
    ] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, status, "{answer}");
    }
    assert!(!system.hand_out().await);
    assert_eq!(published(&system).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_leads_from_an_address_to_an_invitation_is_not_published() {
    let system = System::new();
    let site = site(&system).await;
    system.invited(&site, LEE, "site_admin").await;
    assert_eq!(published(&system).await.len(), 1);
    let others = records(&system, "ADMIN#", "INSERT");
    assert_eq!(others.len(), 2, "{others:?}");
    let batch = json!({ "Records": others });
    let answer = system.invoke_raw("publish-notices", batch).await;
    assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
    assert_eq!(published(&system).await.len(), 1);
}
