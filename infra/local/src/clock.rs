//! The clock that the local gateway and schedule read: the machine's, or one frozen by hand.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A clock that can be frozen. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    frozen: Arc<Mutex<Option<Timestamp>>>,
    moved: Arc<Notify>,
}

impl Clock {
    /// The instant that events carry, in whole milliseconds like the gateway's.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the gateway and the schedule are where time comes from"
    )]
    pub fn now(&self) -> Timestamp {
        let frozen = *self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = frozen.unwrap_or_else(Timestamp::now);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Whether the clock is frozen.
    #[must_use]
    pub fn frozen(&self) -> bool {
        let frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        frozen.is_some()
    }

    /// Freezes the clock at an instant, or lets it run again.
    pub fn set(&self, frozen: Option<Timestamp>) {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = frozen;
        self.moved.notify_waiters();
    }

    /// Waits until the clock is set.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }
}
