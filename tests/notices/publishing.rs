//! What is published of a statement, in which order and language.

use super::{equipped, recharge, run_schedule};
use crate::harness::{Call, System, at, without_chance};
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;

/// The notices that were published, each as its entry's ID and its kind.
fn published(system: &System) -> Vec<(String, String)> {
    let messages = system.sns.messages();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notices = messages["notices"].as_array().unwrap().iter();
    notices
        .map(|notice| {
            let attributes = &notice["attributes"];
            (text(&attributes["entry_id"]), text(&attributes["kind"]))
        })
        .collect()
}

/// Hands out what is new in the statements until nothing is left.
async fn hand_out(system: &System) {
    while system.hand_out().await {}
}

#[tokio::test(start_paused = true)]
async fn warnings_halts_and_resumes_are_published_in_order_with_what_to_filter_by() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 0, at("2027-01-31T08:00:00Z")).await;
    run_schedule(&system, "2027-02-20T00:00:00Z", "2027-03-01T00:00:00Z").await;
    recharge(&system, &site, 5, at("2027-03-03T08:00:00Z")).await;
    hand_out(&system).await;
    let ids: Vec<String> = published(&system).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [4, 5, 6, 7, 10].map(|entry| format!("{site}-{entry}")));
    let notices = system.sns.messages()["notices"].to_string();
    let notices: Value =
        serde_json::from_str(&notices.replace(site.as_str(), "[site ID]")).unwrap();
    insta::assert_json_snapshot!(without_chance(&notices), @r#"
    [
      {
        "attributes": {
          "at": "2027-02-20T00:00:00Z",
          "entry_id": "[site ID]-4",
          "kind": "warning",
          "language": "en",
          "site_id": "[site ID]"
        },
        "id": "[UUID]",
        "subject": "Credits will fall short: [site ID]",
        "text": "Harbour Gym ([site ID]): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (28-day warning)"
      },
      {
        "attributes": {
          "at": "2027-02-20T23:00:00Z",
          "entry_id": "[site ID]-5",
          "kind": "warning",
          "language": "en",
          "site_id": "[site ID]"
        },
        "id": "[UUID]",
        "subject": "Credits will fall short: [site ID]",
        "text": "Harbour Gym ([site ID]): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (7-day warning)"
      },
      {
        "attributes": {
          "at": "2027-02-26T23:00:00Z",
          "entry_id": "[site ID]-6",
          "kind": "warning",
          "language": "en",
          "site_id": "[site ID]"
        },
        "id": "[UUID]",
        "subject": "Credits will fall short: [site ID]",
        "text": "Harbour Gym ([site ID]): on 2027-02-28 the balance will not do (credits missing: 1), and the site will be halted. Please recharge before that. (1-day warning)"
      },
      {
        "attributes": {
          "at": "2027-02-27T23:00:00Z",
          "entry_id": "[site ID]-7",
          "kind": "halt",
          "language": "en",
          "site_id": "[site ID]"
        },
        "id": "[UUID]",
        "subject": "Site halted: [site ID]",
        "text": "Harbour Gym ([site ID]): on 2027-02-28 the balance did not do (credits due: 1, missing: 1). The site is halted until it is recharged."
      },
      {
        "attributes": {
          "at": "2027-03-03T08:00:00Z",
          "entry_id": "[site ID]-10",
          "kind": "resume",
          "language": "en",
          "site_id": "[site ID]"
        },
        "id": "[UUID]",
        "subject": "Site resumed: [site ID]",
        "text": "Harbour Gym ([site ID]): the site runs again since 2027-03-03."
      }
    ]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_in_the_language_of_its_site() {
    for (language, part) in [
        ("ko", "크레딧 1개가 부족"),
        ("de", "fehlende Credits: 1"),
        ("fr", "crédits manquants : 1"),
        ("es", "créditos que faltan: 1"),
        ("ja", "クレジットが 1 不足"),
        ("it", "credits missing: 1"),
    ] {
        let system = System::new();
        let site = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
        let body = json!({ "language": language });
        let settings = Call::patch(format!("/sites/{site}"), &body, at("2027-01-31T08:00:00Z"));
        assert_eq!(system.send(settings).await.status, 200);
        run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-27T00:15:00Z").await;
        hand_out(&system).await;
        let notice = system.sns.messages()["notices"][0].clone();
        let text = notice["text"].as_str().unwrap();
        assert!(text.contains(part) && text.contains("2027-02-28"), "{text}");
        assert!(
            text.contains(site.as_str()) && text.contains("Harbour Gym"),
            "{text}"
        );
        let spoken = if language == "it" { "en" } else { language };
        assert_eq!(notice["attributes"]["language"], spoken);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_is_asked_again_and_nothing_is_left_out_or_out_of_order() {
    use run_local::sns::Fault;
    for fault in [
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Throttled,
        Fault::InternalError,
    ] {
        let system = System::new();
        let sites = [
            equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await,
            equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await,
        ];
        run_schedule(&system, "2027-02-27T00:00:00Z", "2027-02-28T00:15:00Z").await;
        let mut count = 0;
        system.sns.plan(move |_| {
            count += 1;
            if [1, 5, 6].contains(&count) {
                fault
            } else {
                Fault::None
            }
        });
        hand_out(&system).await;
        let all = published(&system);
        for site in &sites {
            let mut own: Vec<&(String, String)> = Vec::new();
            for notice in all.iter().filter(|(id, _)| id.starts_with(site.as_str())) {
                // At least once: a repeat is known by its ID, and comes in order.
                if !own.contains(&notice) {
                    own.push(notice);
                }
            }
            let kinds: Vec<&str> = own.iter().map(|(_, kind)| kind.as_str()).collect();
            assert_eq!(kinds, ["warning", "halt"], "{fault:?} {all:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_record_is_held_back_and_stops_neither_other_sites_nor_for_ever() {
    let system = System::new();
    let poisoned = equipped(&system, "UTC", 0, at("2027-01-31T08:00:00Z")).await;
    let other = equipped(&system, "UTC", 0, at("2027-01-31T09:00:00Z")).await;
    let event: Value = serde_json::from_str(include_str!("../data/stream-event.json")).unwrap();
    let record = |site: &SiteId, number: u64, image: Value| {
        let mut record = event["Records"][0].clone();
        record["dynamodb"]["SequenceNumber"] = json!(number.to_string());
        record["dynamodb"]["Keys"]["PK"]["S"] = json!(format!("SITE#{site}"));
        record["dynamodb"]["NewImage"] = image;
        record
    };
    let image = |site: &SiteId| {
        let mut image = event["Records"][0]["dynamodb"]["NewImage"].clone();
        image["PK"]["S"] = json!(format!("SITE#{site}"));
        image["site_id"]["S"] = json!(site);
        image
    };
    let mut broken = image(&poisoned);
    broken["sequence"] = json!({ "S": "seven" });
    let mut later = image(&other);
    later["sequence"]["N"] = json!("8");
    let nobody = SiteId::parse("ZZZZZZZZ7").unwrap();
    let batch = json!({ "Records": [
        record(&poisoned, 1, broken),
        record(&other, 2, image(&other)),
        record(&poisoned, 3, image(&poisoned)),
        record(&nobody, 4, image(&nobody)),
        record(&other, 5, later),
    ] });
    let answer = system
        .invoke_raw("publish-notices", batch.clone())
        .await
        .unwrap();
    let failed =
        json!({ "batchItemFailures": [{ "itemIdentifier": "1" }, { "itemIdentifier": "4" }] });
    assert_eq!(answer, failed);
    let sites: Vec<String> = published(&system)
        .into_iter()
        .map(|(id, _)| id[..other.as_str().len()].to_owned())
        .collect();
    assert_eq!(
        sites,
        [other.as_str(), other.as_str()],
        "nothing of the poisoned site is out of order"
    );
    // Handed out again, what was published is not published again by the same process.
    let again = system.invoke_raw("publish-notices", batch).await.unwrap();
    assert_eq!(again, failed);
    assert_eq!(published(&system).len(), 2);
    // Records of other kinds are passed over.
    let mut changed = record(&poisoned, 6, image(&poisoned));
    changed["eventName"] = json!("MODIFY");
    let mut site = record(
        &poisoned,
        7,
        json!({ "PK": { "S": "SITE#x" }, "SK": { "S": "SITE" } }),
    );
    site["dynamodb"]["Keys"]["SK"]["S"] = json!("SITE");
    let mut deduction = image(&poisoned);
    deduction["kind"]["S"] = json!("deduction");
    let batch = json!({ "Records": [changed, site, record(&poisoned, 8, deduction)] });
    let answer = system.invoke_raw("publish-notices", batch).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}
