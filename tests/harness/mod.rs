//! The system under test, and the faults that are injected below it.

mod answered;
mod call;
mod event;
mod given;
mod wire;

pub(crate) use answered::{Answered, without_chance};
pub(crate) use call::{Call, batches, license_of, redemption, sms_redemption};
pub(crate) use given::{acme, kim};
pub(crate) use wire::Seen;
use wire::Wire;

use crate::contract;
use crate::permissions::FUNCTION;
use jiff::Timestamp;
use run_local::clock::Clock;
use run_local::engine::Engine;
use run_local::functions::{Functions, InvokeError};
use run_local::sns::Sns;
use run_local::template::{self, Route, TABLE_NAME};
use run_local::verify::{Findings, Table, verify};
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;
use site_credits::store::Store;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The master of every site that the harness creates.
pub(crate) const KIM: &str = "kim@example.com";

/// What the links of cards begin with.
pub(crate) const CARD_LINK_BASE: &str = "https://cards.example.com/";

/// The partner whose codes the harness issues.
pub(crate) const ACME: &str = "acme";

/// The system under test. Dropping it verifies its table.
pub(crate) struct System {
    engine: Engine,
    functions: Functions,
    routes: Vec<Route>,
    /// Injects faults into requests to the table, and records them.
    pub(crate) wire: Arc<Wire>,
    /// The stand-in for SNS.
    pub(crate) sns: Sns,
    /// The clock of the deduction.
    pub(crate) clock: Clock,
    expect_clean: bool,
}

/// An instant, from its text.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl System {
    /// A system in memory, without faults.
    pub(crate) fn new() -> Self {
        let engine = Engine::in_memory().unwrap();
        let wire = Arc::new(Wire::default());
        let sns = Sns::default();
        let faulty = engine.with_faults(wire.clone());
        let clock = Clock::default();
        let functions = Functions::over(&faulty, &sns, CARD_LINK_BASE, clock.clone()).unwrap();
        Self {
            engine,
            functions,
            routes: template::routes().unwrap(),
            wire,
            sns,
            clock,
            expect_clean: true,
        }
    }

    /// The engine, without faults.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A store without faults, to set up a test and to inspect its outcome.
    pub(crate) fn quiet(&self) -> Store {
        self.engine.store()
    }

    /// A store whose requests are subject to the injected faults.
    pub(crate) fn store(&self) -> Store {
        self.engine.with_faults(self.wire.clone()).store()
    }

    /// Declares the system broken on purpose, so that dropping it does not verify it.
    pub(crate) fn broken_on_purpose(&mut self) {
        self.expect_clean = false;
    }

    pub(crate) async fn findings(&self) -> Findings {
        verify(&Table::over(self.engine.client(), TABLE_NAME))
            .await
            .unwrap()
    }

    /// Sends a request to the HTTP API.
    pub(crate) async fn send(&self, call: Call) -> Answered {
        let event = self.event(&call);
        let function = self.route(&call).0.function.clone();
        self.invoke(&function, event).await
    }

    /// Sends an event to a function unchanged.
    pub(crate) async fn invoke(&self, function: &str, event: Value) -> Answered {
        let invocation = self.functions.invoke(function, event.clone());
        let invocation = FUNCTION.scope(function.to_owned(), invocation);
        let answer = invocation.await.unwrap();
        let text = answer["body"].as_str().unwrap().to_owned();
        contract::check(&event, &answer);
        Answered {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
            replayed: answer["headers"]["idempotency-replayed"] == "true",
            headers: answer["headers"].clone(),
        }
    }

    /// Sends an event to a function that is not behind the gateway.
    pub(crate) async fn invoke_raw(
        &self,
        function: &str,
        event: Value,
    ) -> Result<Value, InvokeError> {
        let invocation = self.functions.invoke(function, event);
        FUNCTION.scope(function.to_owned(), invocation).await
    }

    /// Delivers the first batch of stream records to publish-notices, once; false if there are no records.
    pub(crate) async fn hand_out(&self) -> bool {
        let handing = self.engine.stream().hand_out(&self.functions);
        FUNCTION
            .scope("publish-notices".to_owned(), handing)
            .await
            .unwrap()
    }

    /// Runs the deduction for an instant.
    pub(crate) async fn deduct(&self, now: Timestamp) -> Value {
        let event = json!({ "scheduled_time": now });
        self.try_deduct(event).await.unwrap()
    }

    /// Sends an event to the deduction unchanged, at the time for which it is scheduled, or later.
    pub(crate) async fn try_deduct(&self, event: Value) -> Result<Value, InvokeError> {
        let scheduled: Option<Timestamp> = event["scheduled_time"]
            .as_str()
            .and_then(|time| time.parse().ok());
        if let Some(time) = scheduled.filter(|&time| time > self.clock.now()) {
            self.clock.set(Some(time));
        }
        // It processes its shards in spawned tasks, which do not inherit the task-local `FUNCTION`.
        self.wire.deducting.fetch_add(1, Ordering::SeqCst);
        let report = self.functions.invoke("deduct-monthly", event).await;
        self.wire.deducting.fetch_sub(1, Ordering::SeqCst);
        report
    }

    /// A site's complete statement, as Kim reads it.
    pub(crate) async fn statement(&self, site: &SiteId, now: Timestamp) -> Vec<Value> {
        self.statement_by(site, KIM, now).await
    }

    /// A site's complete statement, as `reader` reads it.
    pub(crate) async fn statement_by(
        &self,
        site: &SiteId,
        reader: &str,
        now: Timestamp,
    ) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut call = Call::get(format!("/sites/{site}/license/statement"), now);
            call.query = format!("limit=100{cursor}");
            let page = self.send(call.by_person(reader)).await;
            assert_eq!(page.status, 200, "{page:?}");
            entries.extend(page.body["entries"].as_array().unwrap().iter().cloned());
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return entries,
            }
        }
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if !self.expect_clean || std::thread::panicking() {
            return;
        }
        let table = Table::over(self.engine.client(), TABLE_NAME);
        // `block_on` panics inside the test's own runtime, so another thread verifies.
        let findings = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(verify(&table)).unwrap()
        });
        let findings = findings.join().unwrap();
        assert!(findings.violations.is_empty(), "{findings}");
    }
}
