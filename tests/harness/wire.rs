//! Injects faults into requests to the table, checks their permissions, and records what they cost.

use crate::permissions::{self, FUNCTION};
use dynoxide::DynoxideError;
use run_local::faults::{Fault, Faults};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

type Plan = Box<dyn FnMut(&str, &Value) -> Fault + Send>;

/// The way to the table: a plan of faults, and a record of requests.
#[derive(Default)]
pub(crate) struct Wire {
    plan: Mutex<Option<Plan>>,
    seen: Mutex<Vec<Seen>>,
    /// How many deductions are running.
    pub(super) deducting: AtomicUsize,
    /// Notified when the plan crashes the caller.
    pub(crate) crashed: Notify,
}

/// One request that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) operation: String,
    /// The consumed capacity units in tenths, because half units exist.
    pub(crate) tenths: u64,
}

impl Wire {
    /// From now on, `plan` decides which fault a request meets.
    pub(crate) fn plan(&self, plan: impl FnMut(&str, &Value) -> Fault + Send + 'static) {
        *self.plan.lock().unwrap() = Some(Box::new(plan));
    }

    /// From now on, requests meet no faults.
    pub(crate) fn quiet(&self) {
        *self.plan.lock().unwrap() = None;
    }

    /// The requests that were carried out since the last call.
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
    reason = "the engine reports capacity as a float, which is rounded to an integer here"
)]
fn tenths(units: f64) -> u64 {
    (units * 10.0).round() as u64
}
