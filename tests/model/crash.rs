//! A step in whose midst the caller dies.

use super::step::Step;
use super::world::World;
use jiff::SignedDuration;
use run_local::faults::Fault;
use std::sync::Arc;

impl World {
    /// Carries a step out whose caller dies at one of its requests, before or after the table carried that out.
    /// Afterwards the model says what came of it.
    pub(super) async fn step_with_a_crash(&mut self, step: &Step, request: usize, after: bool) {
        let before = (self.sites.clone(), self.codes.clone(), self.last.take());
        let entries = self.entries().await;
        let mut seen = 0;
        self.system.wire.plan(move |_, _| {
            seen += 1;
            match (seen == request + 1, after) {
                (true, true) => Fault::CrashAfter,
                (true, false) => Fault::CrashBefore,
                (false, _) => Fault::None,
            }
        });
        let wire = Arc::clone(&self.system.wire);
        let crashed = tokio::select! {
            biased;
            () = wire.crashed.notified() => true,
            () = self.step(step) => false,
        };
        self.system.wire.quiet();
        if crashed && let Step::Deduct { hours_ago } = step {
            // Some sites may have been charged and others not; running it again charges the rest.
            let now = self.now - SignedDuration::from_hours(*hours_ago);
            self.system.deduct(now).await;
        } else if let Some((call, making)) = self.under_way.take() {
            // It died somewhere, and its repetition finishes it.
            assert!(crashed);
            self.make(call, making).await;
        } else if crashed && self.entries().await == entries {
            // The command died before its one transaction.
            (self.sites, self.codes, self.last) = before;
        }
    }
}
