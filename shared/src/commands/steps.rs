//! Steps behind which no asker waits with a key: they read, decide and commit until they are done, and recognise in
//! what they read whether they, or somebody else, took them before.

use crate::domain::model::change::Write;
use crate::domain::values::ids::CommandId;
use crate::store::{Attempts, Committed, Store, StoreError};

/// What a step does next.
pub(super) enum Next<T> {
    /// It is done, or was done before.
    Done(T),
    /// It commits these writes, and is done if nobody was faster.
    Commit(Vec<Write>, T),
}

/// A step: what it reads and decides.
pub(super) trait Step {
    /// What it leads to.
    type Done: Send;

    /// Reads, and decides what to do next.
    fn decide(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> impl Future<Output = Result<Next<Self::Done>, StoreError>> + Send;
}

/// Takes a step until it is done.
pub(super) async fn take<S: Step>(
    store: &Store,
    by: &CommandId,
    attempts: &mut Attempts,
    step: &S,
) -> Result<S::Done, StoreError> {
    loop {
        let (writes, done) = match step.decide(store, attempts).await? {
            Next::Done(done) => return Ok(done),
            Next::Commit(writes, done) => (writes, done),
        };
        match store.commit_surely(&writes, by, attempts).await? {
            Committed::Now => return Ok(done),
            Committed::Lost => attempts.again(None).await?,
        }
    }
}
