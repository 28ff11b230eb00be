//! The local server as a process of its own, asked over HTTP.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The server's binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_site-credits");

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    said: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start(data: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--port", "0", "--data"])
            .arg(data)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        let address = address.unwrap_or_default().trim_end_matches('.').to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        Self {
            child,
            address,
            said,
        }
    }

    /// What it printed since the last look, up to a line that has `last` in it.
    pub(crate) fn printed(&mut self, last: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(last) {
            assert!(self.said.read_line(&mut printed).unwrap() > 0, "{printed}");
        }
        printed
    }

    /// Stops it as Ctrl-C does, and returns what else it printed and its exit code.
    pub(crate) fn stop(mut self) -> (String, Option<i32>) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `Child::kill` is SIGKILL, after which nothing is flushed or printed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn post(
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

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)));
    config.build().into()
}

pub(crate) fn token(agent: &ureq::Agent, address: &str, email: &str) -> String {
    let body = json!({ "email": email });
    let answer = post(agent, &format!("{address}/_local/token"), "", "x", &body)
        .unwrap()
        .2;
    answer["access_token"].as_str().unwrap().to_owned()
}
