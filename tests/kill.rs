//! `kill -9` of `serve` under load: afterwards `verify` finds no violation, and every redemption that was answered is
//! there after a restart.

use crate::harness::{KIM, acme, kim};
use crate::server::{BINARY, Server, agent, post, token};
use run_local::engine::Engine;
use run_local::seed;
use serde_json::{Value, json};
use site_credits::commands::{self, NewBatch};
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{PersonId, SiteId};
use site_credits::domain::values::names::SiteName;
use site_credits::domain::values::time_zone::TimeZone;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How often the server is killed.
const KILLS: usize = 4;
/// At least how many redemptions are answered before each kill.
const ANSWERS: usize = 60;
/// How many clients apply codes side by side.
const CLIENTS: usize = 8;
/// How many codes there are, more than can be applied before the last kill.
const CODES: u32 = 4_000;
const SITE: &str = "K0K0K0K0N";

/// Prepares a site and codes in a folder.
async fn prepare(data: &Path) -> Vec<String> {
    let engine = Engine::on_file(data).unwrap();
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    let new = NewSite {
        id: SiteId::parse(SITE).unwrap(),
        name: SiteName::parse("Killed").unwrap(),
        country: Country::parse("AT").unwrap(),
        time_zone: TimeZone::parse("Europe/Vienna").unwrap(),
        language: Language::default(),
        site_type: SiteType::Regular,
        master: Email::parse(KIM).unwrap(),
        person: PersonId::random(),
    };
    commands::create_site(&engine.store(), new, &kim(now))
        .await
        .unwrap();
    let issuer = seed::issuer().unwrap();
    let new = NewBatch {
        value: CodeValue::new(1, 0).unwrap(),
        count: CODES,
        expires_on: None,
        bound_to: None,
        note: None,
    };
    let batch = commands::issue_codes(&engine.store(), &issuer, new, &acme(now))
        .await
        .unwrap();
    batch.codes.iter().map(ToString::to_string).collect()
}

/// One client: applies one code after another until the server is gone.
fn apply_codes(
    address: &str,
    token: &str,
    codes: &[String],
    next: &AtomicUsize,
    answered: &Mutex<Vec<(String, Value)>>,
) {
    let agent = agent();
    let url = format!("{address}/sites/{SITE}/license/redemptions");
    while let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
        match post(&agent, &url, token, code, &json!({ "code": code })) {
            Some((201, _, body)) => answered.lock().unwrap().push((code.clone(), body)),
            Some((503, _, _)) => {}
            Some(other) => panic!("{other:?}"),
            None => return,
        }
    }
    panic!("there were too few codes");
}

#[tokio::test]
async fn killed_under_load_the_server_keeps_every_redemption_that_it_answered() {
    let folder = std::env::temp_dir().join(format!("site-credits-kill-{}", std::process::id()));
    let codes = Arc::new(prepare(&folder).await);
    let next = Arc::new(AtomicUsize::new(0));
    let answered = Arc::new(Mutex::new(Vec::new()));
    for kill in 1..=KILLS {
        let server = Server::start(&folder, &["--no-demo"]);
        let token = token(&agent(), &server.address, KIM);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (address, token) = (server.address.clone(), token.clone());
                let (codes, next, answered) =
                    (Arc::clone(&codes), Arc::clone(&next), Arc::clone(&answered));
                std::thread::spawn(move || apply_codes(&address, &token, &codes, &next, &answered))
            })
            .collect();
        while answered.lock().unwrap().len() < kill * ANSWERS {
            assert!(
                clients.iter().any(|client| !client.is_finished()),
                "every client is gone"
            );
            std::thread::yield_now();
        }
        drop(server);
        for client in clients {
            client.join().unwrap();
        }
        let proof = Command::new(BINARY)
            .args(["verify", "--data"])
            .arg(&folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&proof.stdout);
        assert!(
            proof.status.success() && text.contains("No violation."),
            "{text}"
        );
    }
    let server = Server::start(&folder, &["--no-demo"]);
    let agent = agent();
    let token = token(&agent, &server.address, KIM);
    let url = format!("{}/sites/{SITE}/license/redemptions", server.address);
    for (code, body) in answered.lock().unwrap().iter() {
        let again = post(&agent, &url, &token, code, &json!({ "code": code })).unwrap();
        assert_eq!(
            again,
            (201, true, body.clone()),
            "an answered redemption is gone"
        );
    }
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}
