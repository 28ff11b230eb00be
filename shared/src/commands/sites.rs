//! Creating a site.

use crate::domain::amount::BalanceOutOfRange;
use crate::domain::identity::CommandId;
use crate::domain::site::{NewSite, Site, create};
use crate::store::{Attempts, Commit, CommitFailed, Failure, Key, Store, StoreError, decode_entry};
use jiff::Timestamp;

/// Why a site is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateSiteError {
    /// A site of this ID exists: make another ID.
    #[error("a site of this ID exists")]
    Exists,
    /// Never in practice: a new site's balances are zero.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a site.
///
/// # Errors
/// See [`CreateSiteError`].
pub async fn create_site(
    store: &Store,
    new: NewSite,
    now: Timestamp,
) -> Result<Site, CreateSiteError> {
    let change = create(new, now)?;
    let command_id = CommandId::random();
    let mut attempts = Attempts::default();
    loop {
        let commit = Commit {
            change: &change,
            command_id: &command_id,
            request: None,
        };
        let last = match store.commit(&[commit]).await {
            Ok(()) => return Ok(change.site),
            // It exists: by an earlier attempt of this command, or as somebody else's.
            Err(CommitFailed::Lost(_)) => {
                let key = Key::Entry(change.site.id.clone(), 1);
                let first = store.load(&[key], &mut attempts).await?.pop().flatten();
                let by = first
                    .map(|item| decode_entry(&item))
                    .transpose()
                    .map_err(StoreError::from)?;
                return match by {
                    Some((_, by)) if by == command_id => Ok(change.site),
                    _ => Err(CreateSiteError::Exists),
                };
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                return Err(StoreError::Refused(error).into());
            }
            Err(CommitFailed::Failed(Failure::NotApplied(error))) => error,
            Err(CommitFailed::Failed(Failure::Unknown(error))) => {
                attempts.unanswered();
                error
            }
        };
        attempts.again(Some(last)).await?;
    }
}
