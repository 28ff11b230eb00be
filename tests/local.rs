//! The local server over HTTP: what it answers itself, before and beside the functions.

use crate::harness::KIM;
use crate::server::{Server, agent, post, token};
use insta::assert_compact_json_snapshot;
use run_local::seed::DYNAMIC_SITE;
use serde_json::{Value, json};

fn get(agent: &ureq::Agent, url: &str, token: &str) -> (u16, Value) {
    let request = agent
        .get(url)
        .header("authorization", &format!("Bearer {token}"));
    let mut answer = request.call().unwrap();
    (
        answer.status().as_u16(),
        answer.body_mut().read_json().unwrap(),
    )
}

fn put(agent: &ureq::Agent, url: &str, body: &str) -> (u16, Value) {
    let mut answer = agent.put(url).send(body).unwrap();
    (
        answer.status().as_u16(),
        answer.body_mut().read_json().unwrap(),
    )
}

#[test]
fn a_newcomer_can_follow_the_story_and_nobody_enters_without_a_token() {
    let folder = std::env::temp_dir().join(format!("site-credits-local-{}", std::process::id()));
    let server = Server::start(&folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let (agent, address) = (agent(), server.address.clone());
    let license = format!("{address}/sites/{DYNAMIC_SITE}/license");
    let kim = token(&agent, &address, KIM);

    // The gateway answers before it asks a function.
    let unauthorized = (401, json!({ "message": "Unauthorized" }));
    let mut changed = kim.clone();
    changed.insert(kim.len() / 2, 'A');
    for token in ["", "nonsense", &changed, &kim[..kim.len() - 4]] {
        assert_eq!(get(&agent, &license, token), unauthorized, "{token}");
    }
    let nowhere = get(&agent, &format!("{address}/nowhere"), &kim);
    assert_compact_json_snapshot!(nowhere, @r#"[404, {"message": "Not Found"}]"#);
    let stranger = token(&agent, &address, "eve@example.com");
    assert_eq!(get(&agent, &license, &stranger).1["code"], "site-not-found");

    // The issuer can be discovered.
    let (_, discovery) = get(
        &agent,
        &format!("{address}/.well-known/openid-configuration"),
        "",
    );
    let (_, keys) = get(&agent, discovery["jwks_uri"].as_str().unwrap(), "");
    assert_eq!(
        (&discovery["issuer"], &keys["keys"][0]["kid"]),
        (&json!(address), &json!("local"))
    );

    // Events carry the time of the clock, and the schedule follows it.
    assert_eq!(
        get(&agent, &license, &kim).1["next_deduction"]["on"],
        "2027-02-28"
    );
    let clock = format!("{address}/_local/clock");
    assert_eq!(put(&agent, &clock, "{}").0, 400);
    let moved = put(&agent, &clock, r#"{"now":"2027-02-28T12:00:00Z"}"#);
    assert_compact_json_snapshot!(moved, @r#"[200, {"frozen": true, "now": "2027-02-28T12:00:00Z"}]"#);
    let invoke = format!("{address}/2015-03-31/functions/deduct-monthly/invocations");
    let event = json!({ "scheduled_time": "2027-02-28T12:00:00Z" });
    let report = post(&agent, &invoke, "", "x", &event).unwrap().2;
    assert_eq!(
        (&report["left"], &report["failed"]),
        (&json!(0), &json!(0)),
        "{report}"
    );
    assert_eq!(get(&agent, &license, &kim).1["status"], "payment_required");
    // Notices come later, by the stream.
    let messages = || get(&agent, &format!("{address}/_local/messages"), "").1;
    let halt = (0..10_000).find_map(|_| {
        let messages = messages();
        let mut notices = messages["notices"].as_array()?.iter();
        notices
            .find(|notice| notice["attributes"]["kind"] == "halt")
            .cloned()
    });
    assert_eq!(halt.unwrap()["attributes"]["site_id"], DYNAMIC_SITE);
    let nowhere = invoke.replace("deduct-monthly", "nothing");
    assert_eq!(post(&agent, &nowhere, "", "x", &event).unwrap().0, 404);
    let wrong = post(&agent, &invoke, "", "x", &json!({ "now": 1 })).unwrap();
    assert_eq!((wrong.0, &wrong.2["errorType"]), (200, &json!("Error")));

    // It prints what to paste, and stops cleanly.
    drop(agent);
    let (said, code) = server.stop();
    for line in [
        &format!("URL={address}"),
        "CODE=$(call",
        "/license/preview",
        "/license/redemptions",
        "Stopped.",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(code, Some(0));
    std::fs::remove_dir_all(&folder).unwrap();
}
