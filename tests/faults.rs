//! What goes wrong on the way to the table, and what happens at once.

use crate::harness::{Answered, CARD_LINK_BASE, Call, System};
use run_local::faults::Fault;
use run_local::functions::Functions;
use run_local::template;
use std::sync::Arc;

/// The faults of one request that its sender survives.
pub(crate) const FAULTS: [Fault; 4] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::Conflict,
    Fault::Throttled,
];

impl System {
    /// From now on, the writes of these numbers, counted from 1, meet a fault.
    pub(crate) fn fault_at_writes(
        &self,
        numbers: impl Fn(usize) -> bool + Send + 'static,
        fault: Fault,
    ) {
        let mut seen = 0;
        self.wire.plan(move |operation, _| {
            if operation != "TransactWriteItems" {
                return Fault::None;
            }
            seen += 1;
            if numbers(seen) { fault } else { Fault::None }
        });
    }

    /// From now on, the requests of these numbers, counted from 1, meet a fault.
    pub(crate) fn fault_at_requests(
        &self,
        numbers: impl Fn(usize) -> bool + Send + 'static,
        fault: Fault,
    ) {
        let mut seen = 0;
        self.wire.plan(move |_, _| {
            seen += 1;
            if numbers(seen) { fault } else { Fault::None }
        });
    }

    /// Sends one request, the first write of which meets a fault.
    pub(crate) async fn send_through(&self, fault: Fault, call: Call) -> Answered {
        self.fault_at_writes(|number| number == 1, fault);
        let answer = self.send(call).await;
        self.wire.quiet();
        answer
    }

    /// Sends one request to functions that may crash as planned; an answer, if there was one before that.
    pub(crate) async fn send_until_crash(&self, call: Call) -> Option<Answered> {
        let answer = tokio::select! {
            biased;
            () = self.wire.crashed.notified() => None,
            answer = self.send(call) => Some(answer),
        };
        self.wire.quiet();
        answer
    }
}

/// Sends requests at once.
pub(crate) async fn race(
    system: &Arc<System>,
    calls: impl IntoIterator<Item = Call>,
) -> Vec<Answered> {
    // A plan, also an empty one, lets other tasks come in between.
    system.wire.plan(|_, _| Fault::None);
    let mut racers = tokio::task::JoinSet::new();
    for call in calls {
        let system = Arc::clone(system);
        racers.spawn(async move { system.send(call).await });
    }
    let answers = racers.join_all().await;
    system.wire.quiet();
    answers
}

/// From now on, what another person does comes between the reads of the next command and its write.
pub(crate) fn meanwhile(system: &Arc<System>, call: &Call) {
    let (weak, event) = (Arc::downgrade(system), system.event(call));
    let routes = template::routes().unwrap();
    let route = routes.iter().find(|route| event["routeKey"] == route.key());
    let function = route.unwrap().function.clone();
    let mut done = false;
    system.wire.plan(move |operation, _| {
        if operation == "TransactWriteItems" && !std::mem::replace(&mut done, true) {
            let (system, event) = (weak.upgrade().unwrap(), event.clone());
            // Its own requests meet no faults.
            let functions = Functions::over(
                system.engine(),
                &system.sns,
                CARD_LINK_BASE,
                system.clock.clone(),
            )
            .unwrap();
            let function = function.clone();
            let invocation = async move { functions.invoke(&function, event).await };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    let answer = runtime.unwrap().block_on(invocation).unwrap();
                    assert!(answer["statusCode"].as_u64().unwrap() < 300, "{answer}");
                });
            });
        }
        Fault::None
    });
}
