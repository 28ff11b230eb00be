//! `kill -9` of `serve` under load: after a restart `verify` is clean, and every redemption that was answered is
//! there.

use run_local::engine::Engine;
use run_local::seed;
use serde_json::{Value, json};
use site_credits::commands::{self, NewBatch};
use site_credits::domain::code::CodeValue;
use site_credits::domain::identity::{Country, Email, PartnerId, SiteId, SiteName, TimeZone};
use site_credits::domain::site::{NewSite, SiteType};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the server is killed.
const KILLS: usize = 4;
/// How many redemptions are answered before each kill, at least.
const ANSWERS: usize = 60;
/// How many clients there are.
const CLIENTS: usize = 8;
/// How many codes there are: more than can be applied before the last kill.
const CODES: u32 = 4_000;
const SITE: &str = "K0K0K0K0";
const KIM: &str = "kim@example.com";

/// The server's binary, built if it is not yet: it lies beside the tests' own folder.
fn binary() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "run-local"])
        .status()
        .unwrap();
    assert!(built.success());
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("run-local")
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(binary: &Path, data: &Path) -> Self {
        let mut child = Command::new(binary)
            .args(["serve", "--port", "0", "--no-demo", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `Child::kill` is SIGKILL: nothing is flushed, and nothing is said.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post(
    agent: &ureq::Agent,
    url: &str,
    token: &str,
    key: &str,
    body: &Value,
) -> Option<(u16, bool, Value)> {
    let request = agent
        .post(url)
        .header("authorization", &format!("Bearer {token}"))
        .header("idempotency-key", key);
    let mut answer = request.send_json(body).ok()?;
    let replayed = answer.headers().get("idempotency-replayed").is_some();
    let status = answer.status().as_u16();
    Some((status, replayed, answer.body_mut().read_json().ok()?))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)));
    config.build().into()
}

fn token(agent: &ureq::Agent, address: &str) -> String {
    let body = json!({ "email": KIM });
    let answer = post(agent, &format!("{address}/_local/token"), "", "x", &body)
        .unwrap()
        .2;
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Prepares a site and codes in a folder.
async fn prepare(data: &Path) -> Vec<String> {
    let engine = Engine::on_file(data).unwrap();
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    let new = NewSite {
        id: SiteId::parse(SITE).unwrap(),
        name: SiteName::parse("Killed").unwrap(),
        country: Country::parse("AT").unwrap(),
        time_zone: TimeZone::parse("Europe/Vienna").unwrap(),
        site_type: SiteType::Regular,
        master: Email::parse(KIM).unwrap(),
    };
    commands::create_site(&engine.store(), new, now)
        .await
        .unwrap();
    let issuer = seed::issuer().unwrap();
    let new = NewBatch {
        partner_id: PartnerId::parse("acme").unwrap(),
        value: CodeValue::new(1, 0).unwrap(),
        count: CODES,
        expires_on: None,
        bound_to: None,
        note: None,
    };
    let batch = new.issued_at(now, &issuer).unwrap();
    let codes = commands::issue_codes(&engine.store(), &batch, &issuer)
        .await
        .unwrap();
    codes.iter().map(ToString::to_string).collect()
}

/// One client: applies codes one after the other, until the server is gone.
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
    let binary = binary();
    let folder = std::env::temp_dir().join(format!("site-credits-kill-{}", std::process::id()));
    let codes = Arc::new(prepare(&folder).await);
    let next = Arc::new(AtomicUsize::new(0));
    let answered = Arc::new(Mutex::new(Vec::new()));
    for kill in 1..=KILLS {
        let server = Server::start(&binary, &folder);
        let token = token(&agent(), &server.address);
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
        let proof = Command::new(&binary)
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
    let server = Server::start(&binary, &folder);
    let agent = agent();
    let token = token(&agent, &server.address);
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
