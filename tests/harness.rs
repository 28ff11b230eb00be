//! The system under test, and the faults that are injected below it.

use crate::contract;
use crate::permissions::{self, FUNCTION};
use dynoxide::DynoxideError;
use jiff::Timestamp;
use run_local::engine::Engine;
use run_local::faults::{Fault, Faults};
use run_local::functions::{Functions, InvokeError};
use run_local::seed;
use run_local::sns::Sns;
use run_local::template::{self, Route, TABLE_NAME};
use run_local::verify::{Findings, Table, verify};
use serde_json::{Value, json};
use site_credits::commands::{self, Asker, DeviceToRegister, Done, NewBatch, PartnerAsker};
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{DeviceId, PartnerId, SiteId};
use site_credits::domain::values::names::{SiteName, Subject};
use site_credits::domain::values::time_zone::TimeZone;
use site_credits::domain::rules::license::License;
use site_credits::store::Store;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The administrator of every site that the harness makes.
pub(crate) const KIM: &str = "kim@example.com";

/// What the links of cards begin with.
pub(crate) const CARD_LINK_BASE: &str = "https://cards.example.com/";

/// The partner whose codes the harness issues.
pub(crate) const ACME: &str = "acme";

/// The system, whose table is verified when it is dropped.
pub(crate) struct System {
    engine: Engine,
    functions: Functions,
    routes: Vec<Route>,
    /// What happens to requests, and what happened.
    pub(crate) wire: Arc<Wire>,
    /// The phone and the topic.
    pub(crate) sns: Sns,
    expect_clean: bool,
}

/// An answer, as the caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
    pub(crate) replayed: bool,
    pub(crate) headers: Value,
}

impl Answered {
    /// The problem's code; empty for an answer that is none.
    pub(crate) fn problem(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// One request to the HTTP API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) claims: Value,
    pub(crate) key: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) base64: bool,
    pub(crate) at: Timestamp,
}

impl Call {
    pub(crate) fn get(path: String, at: Timestamp) -> Self {
        Self {
            method: "GET",
            path,
            query: String::new(),
            claims: json!({ "sub": "kim", "email": KIM, "email_verified": "true" }),
            key: None,
            accept: None,
            body: None,
            base64: false,
            at,
        }
    }

    pub(crate) fn post(path: String, body: &Value, at: Timestamp) -> Self {
        Self {
            method: "POST",
            body: Some(body.to_string()),
            ..Self::get(path, at)
        }
    }

    pub(crate) fn patch(path: String, body: &Value, at: Timestamp) -> Self {
        Self {
            method: "PATCH",
            ..Self::post(path, body, at)
        }
    }

    pub(crate) fn delete(path: String, at: Timestamp) -> Self {
        Self {
            method: "DELETE",
            ..Self::get(path, at)
        }
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    pub(crate) fn accept(mut self, media_type: &str) -> Self {
        self.accept = Some(media_type.to_owned());
        self
    }

    pub(crate) fn by_partner(mut self, partner: &str) -> Self {
        self.claims = json!({ "sub": "ada", "partner_id": partner });
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(crate) fn by_person(mut self, email: &str) -> Self {
        self.claims = json!({ "sub": email, "email": email, "email_verified": "true" });
        self
    }
}

pub(crate) fn redemption(site: &SiteId, code: &str, at: Timestamp) -> Call {
    Call::post(
        format!("/sites/{site}/license/redemptions"),
        &json!({ "code": code }),
        at,
    )
}

pub(crate) fn sms_redemption(site: &SiteId, code: &str, at: Timestamp) -> Call {
    Call::post(
        format!("/sites/{site}/sms/redemptions"),
        &json!({ "code": code }),
        at,
    )
}

pub(crate) fn license_of(site: &SiteId, at: Timestamp) -> Call {
    Call::get(format!("/sites/{site}/license"), at)
}

/// A request of the partner acme.
pub(crate) fn batches(rest: &str) -> String {
    format!("/partners/{ACME}/code-batches{rest}")
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
        let functions =
            Functions::over(&engine.with_faults(wire.clone()), &sns, CARD_LINK_BASE).unwrap();
        Self {
            engine,
            functions,
            routes: template::routes().unwrap(),
            wire,
            sns,
            expect_clean: true,
        }
    }

    /// The engine, without faults.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A store that no fault touches, for preparing and for looking.
    pub(crate) fn quiet(&self) -> Store {
        self.engine.store()
    }

    /// A store whose requests go through the faults.
    pub(crate) fn store(&self) -> Store {
        self.engine.with_faults(self.wire.clone()).store()
    }

    /// A system that is broken on purpose: it is not verified in the end.
    pub(crate) fn broken_on_purpose(&mut self) {
        self.expect_clean = false;
    }

    pub(crate) async fn findings(&self) -> Findings {
        verify(&Table::over(self.engine.client(), TABLE_NAME))
            .await
            .unwrap()
    }

    /// Makes a site of Kim's.
    pub(crate) async fn site(
        &self,
        site_type: SiteType,
        time_zone: &str,
        now: Timestamp,
    ) -> SiteId {
        let id = SiteId::from_random(getrandom::u64().unwrap());
        let new = NewSite {
            id: id.clone(),
            name: SiteName::parse("Harbour Gym").unwrap(),
            country: Country::parse("AT").unwrap(),
            time_zone: TimeZone::parse(time_zone).unwrap(),
            language: Language::default(),
            site_type,
            master: Email::parse(KIM).unwrap(),
        };
        commands::create_site(&self.quiet(), new, &kim(now))
            .await
            .unwrap();
        id
    }

    /// Issues codes of one value.
    pub(crate) async fn codes(
        &self,
        credits: u64,
        maintenance_credits: u64,
        count: u32,
        now: Timestamp,
    ) -> Vec<String> {
        let value = CodeValue::new(credits, maintenance_credits).unwrap();
        self.codes_like(value, count, now, |_| ()).await
    }

    /// Issues codes with whatever else is set on their batch.
    pub(crate) async fn codes_like(
        &self,
        value: CodeValue,
        count: u32,
        now: Timestamp,
        set: impl FnOnce(&mut NewBatch),
    ) -> Vec<String> {
        let issuer = seed::issuer().unwrap();
        let mut new = NewBatch {
            value,
            count,
            expires_on: None,
            bound_to: None,
            note: None,
        };
        set(&mut new);
        let batch = commands::issue_codes(&self.quiet(), &issuer, new, &acme(now))
            .await
            .unwrap();
        batch.codes.iter().map(ToString::to_string).collect()
    }

    /// Registers devices of these IDs.
    pub(crate) async fn register(
        &self,
        site: &SiteId,
        ids: &[&str],
        now: Timestamp,
    ) -> Result<Done<commands::Registered>, commands::CommandError<commands::RegisterError>> {
        let devices: Vec<DeviceToRegister> = ids.iter().map(|id| device(id)).collect();
        let (store, kim) = (self.store(), kim(now));
        commands::register_devices(&store, site, &devices, &kim).await
    }

    /// Removes a device.
    pub(crate) async fn remove(
        &self,
        site: &SiteId,
        id: &str,
        now: Timestamp,
    ) -> Result<Done<License>, commands::CommandError<commands::RemoveError>> {
        commands::remove_device(
            &self.store(),
            site,
            &DeviceId::parse(id).unwrap(),
            &kim(now),
        )
        .await
    }

    /// Sends a request to the HTTP API.
    pub(crate) async fn send(&self, call: Call) -> Answered {
        let event = self.event(&call);
        let function = self.route(&call).0.function.clone();
        self.invoke(&function, event).await
    }

    /// Sends an event to a function as it is.
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

    /// Sends an event to a function that no gateway stands before.
    pub(crate) async fn invoke_raw(
        &self,
        function: &str,
        event: Value,
    ) -> Result<Value, InvokeError> {
        let invocation = self.functions.invoke(function, event);
        FUNCTION.scope(function.to_owned(), invocation).await
    }

    fn route(&self, call: &Call) -> (&Route, Value) {
        let found = self
            .routes
            .iter()
            .find_map(|r| Some((r, json!(r.matches(call.method, &call.path)?))));
        found.unwrap_or_else(|| panic!("there is no route {} {}", call.method, call.path))
    }

    /// The event that API Gateway makes of a request.
    pub(crate) fn event(&self, call: &Call) -> Value {
        let (route, parameters) = self.route(call);
        let mut event: Value =
            serde_json::from_str(include_str!("data/http-api-event.json")).unwrap();
        event["routeKey"] = json!(route.key());
        event["rawPath"] = json!(call.path);
        event["rawQueryString"] = json!(call.query);
        let pairs: Vec<(&str, &str)> = call
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        if !pairs.is_empty() {
            event["queryStringParameters"] = pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), json!(v)))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        event["pathParameters"] = parameters;
        event["requestContext"]["routeKey"] = json!(route.key());
        event["requestContext"]["http"]["method"] = json!(call.method);
        event["requestContext"]["http"]["path"] = json!(call.path);
        event["requestContext"]["timeEpoch"] = json!(call.at.as_millisecond());
        event["requestContext"]["authorizer"]["jwt"]["claims"] = call.claims.clone();
        if route.open {
            event["requestContext"]
                .as_object_mut()
                .unwrap()
                .remove("authorizer");
        }
        if let Some(key) = &call.key {
            event["headers"]["idempotency-key"] = json!(key);
        }
        if let Some(accept) = &call.accept {
            event["headers"]["accept"] = json!(accept);
        }
        if let Some(body) = &call.body {
            event["body"] = json!(body);
        }
        event["isBase64Encoded"] = json!(call.base64);
        event
    }

    /// Hands out, once, what is new in the statements; false if nothing is.
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

    /// Sends an event to the deduction as it is.
    pub(crate) async fn try_deduct(&self, event: Value) -> Result<Value, InvokeError> {
        // It works its shards in tasks of their own.
        self.wire.deducting.fetch_add(1, Ordering::SeqCst);
        let report = self.functions.invoke("deduct-monthly", event).await;
        self.wire.deducting.fetch_sub(1, Ordering::SeqCst);
        report
    }

    /// A site's statement, whole, as Kim reads it.
    pub(crate) async fn statement(&self, site: &SiteId, now: Timestamp) -> Vec<Value> {
        self.statement_by(site, KIM, now).await
    }

    /// A site's statement, whole.
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
        // A test's own runtime cannot be blocked on from within.
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

/// Kim, asking without an idempotency key.
pub(crate) fn kim(now: Timestamp) -> Asker {
    Asker {
        email: Some(Email::parse(KIM).unwrap()),
        now,
        idempotency_key: None,
    }
}

/// The partner acme, asking without an idempotency key.
pub(crate) fn acme(now: Timestamp) -> PartnerAsker {
    PartnerAsker {
        id: PartnerId::parse(ACME).unwrap(),
        by: Subject::parse("ada").unwrap(),
        now,
        idempotency_key: None,
    }
}

pub(crate) fn device(id: &str) -> DeviceToRegister {
    DeviceToRegister {
        id: Some(DeviceId::parse(id).unwrap()),
        name: SiteName::parse(id).unwrap(),
    }
}

type Plan = Box<dyn FnMut(&str, &Value) -> Fault + Send>;

/// What happens on the way to the table: a plan, and a record.
#[derive(Default)]
pub(crate) struct Wire {
    plan: Mutex<Option<Plan>>,
    seen: Mutex<Vec<Seen>>,
    /// How many deductions are under way.
    deducting: AtomicUsize,
    /// Told when the caller is gone.
    pub(crate) crashed: Notify,
}

/// One request that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) operation: String,
    /// Read or write units, as the engine counts them, in tenths: half units exist.
    pub(crate) tenths: u64,
}

impl Wire {
    /// From now on this happens to requests.
    pub(crate) fn plan(&self, plan: impl FnMut(&str, &Value) -> Fault + Send + 'static) {
        *self.plan.lock().unwrap() = Some(Box::new(plan));
    }

    /// From now on nothing happens to requests.
    pub(crate) fn quiet(&self) {
        *self.plan.lock().unwrap() = None;
    }

    /// What was carried out since the last time.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Faults for Wire {
    fn decide(&self, operation: &str, request: &mut Value) -> Fault {
        let known = FUNCTION.try_with(|function| permissions::check(function, operation, request));
        if known.is_err() && self.deducting.load(Ordering::SeqCst) > 0 {
            permissions::check("deduct-monthly", operation, request);
        }
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let fault = self
            .plan
            .lock()
            .unwrap()
            .as_mut()
            .map_or(Fault::None, |plan| plan(operation, request));
        if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) {
            self.crashed.notify_one();
        }
        fault
    }

    fn observe(&self, operation: &str, _: &Value, answer: &Result<Value, DynoxideError>) {
        let Ok(answer) = answer else { return };
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.clone(),
            one => vec![one.clone()],
        };
        let units: f64 = consumed
            .iter()
            .filter_map(|table| table["CapacityUnits"].as_f64())
            .sum();
        self.seen.lock().unwrap().push(Seen {
            operation: operation.to_owned(),
            tenths: tenths(units),
        });
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the engine reports capacity as a float, which is made whole here"
)]
fn tenths(units: f64) -> u64 {
    (units * 10.0).round() as u64
}
