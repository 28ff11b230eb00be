//! What the functions log, and what they never log.

use crate::harness::{Call, System, redemption};
use crate::setup::now;
use run_local::faults::Fault;
use serde_json::json;
use std::cell::Cell;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Keeps from now on what this thread logs.
    fn of_this_thread() -> Self {
        // One subscriber for all threads, which listens to this one alone: a callsite that a thread without a
        // subscriber reaches first stays disabled in every other.
        thread_local!(static HERE: Cell<bool> = const { Cell::new(false) });
        HERE.set(true);
        let log = Self::default();
        let here = DynFilterFn::new(|line, _| HERE.get() && *line.level() <= tracing::Level::DEBUG);
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(log.clone());
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(here));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn logs_hold_no_code_no_token_and_no_address() {
    let log = Log::of_this_thread();
    let system = System::new();
    let site = system.dynamic().await;
    let codes = system.codes(10, 0, 2, now()).await;
    let mistyped = codes[0].replace(|c: char| c.is_ascii_digit(), "Z");
    let mut call = redemption(&site, &codes[0], now()).key("the-key");
    call.claims["token"] = json!("eyJhbGciOi");
    let unknown_member = Call {
        body: Some(json!({ "code": codes[1], "x": codes[1] }).to_string()),
        ..call.clone()
    };
    for call in [
        call.clone(),
        call.clone(),
        redemption(&site, &mistyped, now()),
        unknown_member,
        call.by_person("eve@example.com"),
    ] {
        system.send(call).await;
    }
    system.wire.plan(|_, _| Fault::Throttled);
    let busy = system.send(redemption(&site, &codes[1], now())).await;
    assert_eq!(busy.problem(), "busy");
    let text = log.text();
    for outcome in ["answered", "refused", "failed"] {
        assert!(text.contains(outcome), "{text}");
    }
    for part in codes
        .iter()
        .chain([&mistyped])
        .flat_map(|code| code.split('-'))
    {
        assert!(
            !text.contains(part),
            "a part of a code is in the log: {part}"
        );
    }
    // Who asked is named by the ID that the statement has, and a stranger not at all.
    system.wire.quiet();
    let statement = system.statement(&site, now()).await;
    let kim = statement[0]["actor"]["person"].as_str().unwrap();
    let actors = text.lines().filter(|line| line.contains("\"actor\":"));
    let actors: Vec<&str> = actors.filter(|line| line.contains(site.as_str())).collect();
    assert_eq!(actors.len(), 1, "{actors:#?}");
    assert!(actors.iter().all(|line| line.contains(kim)), "{actors:#?}");
    for secret in ["eyJhbGciOi", "example.com", "the-key"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
