//! Issuing batches, and accounting for their codes.
//!
//! A batch is started, its codes are written a hundred at a time, and it is completed. Whoever finds one that was started
//! and not completed finishes it first: a repetition of the issue, and whoever fetches or voids its codes. A code's item
//! is written only where there is none, so a repetition never resets a code that was applied or voided meanwhile.

use super::asker::{CommandError, PartnerAsker};
use super::command::Command;
use super::execute::{Step, execute};
use super::pages::{Page, PageOf, list};
use super::subject::OfPartner;
use crate::domain::model::account::{HistoryContent, HistoryLine, PartnerEvent};
use crate::domain::model::batch::{Batch, BatchSum, CodeStanding, InvalidBatch};
use crate::domain::model::change::{MAX_ITEMS, Write};
use crate::domain::model::code::{Code, CodeValue};
use crate::domain::values::ids::{BatchId, CommandId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::license_code::{CodeIssuer, CodeNotRecognised, LicenseCode};
use crate::domain::values::secret::SecretMissing;
use crate::store::{Attempts, Committed, Listing, Store, StoreError, TypedKey, decode_batch};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::Instant;

/// How many requests of one command are under way at the same time.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// No further part of a command on a batch is started, nor tried again, later than this after its start. Two answers of
/// the table may still be under way then, and the line of history comes with the usual retries, so that the command
/// ends within the function's 28 s.
const MAX_TIME: Duration = Duration::from_secs(15);

/// What a partner asks for.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// What each code carries.
    pub value: CodeValue,
    /// How many codes.
    pub count: u32,
    /// The last date on which they can be applied.
    pub expires_on: Option<LastDate>,
    /// The only site they can be applied to. Whether there is such a site is not looked at: a partner learns nothing of
    /// sites.
    pub bound_to: Option<SiteId>,
    /// What the partner notes about it.
    pub note: Option<String>,
}

impl NewBatch {
    /// The batch, under the newest secret.
    ///
    /// # Errors
    /// Its count, its note or its last date is out of bounds.
    pub fn issued_by(
        self,
        asker: &PartnerAsker,
        issuer: &CodeIssuer,
    ) -> Result<Batch, InvalidBatch> {
        let batch = Batch {
            id: BatchId::issued_at(asker.now),
            partner_id: asker.id.clone(),
            value: self.value,
            count: self.count,
            expires_on: self.expires_on,
            bound_to: self.bound_to,
            note: self.note,
            secret_id: issuer.newest().clone(),
            issued_at: asker.now,
            issued_by: asker.by.clone(),
        };
        batch.check()
    }
}

/// Why a batch is not issued, shown or voided.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// It cannot be issued as it is.
    #[error(transparent)]
    Invalid(#[from] InvalidBatch),
    /// The partner has no such batch.
    #[error("there is no such batch")]
    NotFound,
    /// One of the codes to be voided is not of this batch: the one at this place, from 0.
    #[error("code {place} of the list is not a code of this batch")]
    CodeNotRecognised {
        /// Its place in the list.
        place: usize,
        /// Why.
        #[source]
        source: CodeNotRecognised,
    },
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The secret that the batch's codes are derived from is not at hand, which is a mistake of the deployment.
    #[error(transparent)]
    SecretMissing(#[from] SecretMissing),
    /// The table could not be read or written. What was written stays, and a repetition goes on from there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A batch that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The batch.
    pub batch: Batch,
    /// Its codes, by their indices.
    pub codes: Vec<LicenseCode>,
    /// The request was answered before, and these are the same codes.
    pub replayed: bool,
}

impl From<CommandError<Infallible>> for BatchError {
    fn from(error: CommandError<Infallible>) -> Self {
        match error {
            // No command on a batch reads a site.
            CommandError::SiteNotFound(_) => Self::NotFound,
            CommandError::KeyReused => Self::KeyReused,
            CommandError::Refused(never) => match never {},
            CommandError::Store(error) => error.into(),
        }
    }
}

/// Issues a batch, or finishes one that the same request started: it gives the same codes.
///
/// # Errors
/// See [`BatchError`].
pub async fn issue_codes(
    store: &Store,
    issuer: &CodeIssuer,
    new: NewBatch,
    asker: &PartnerAsker,
) -> Result<Issued, BatchError> {
    let until = deadline();
    let expires_on = new.expires_on.map(|date| date.to_string());
    let parts = [
        asker.id.as_str(),
        "issue",
        &new.value.credits().to_string(),
        &new.value.maintenance_credits().to_string(),
        &new.count.to_string(),
        &expires_on.unwrap_or_default(),
        new.bound_to.as_ref().map_or("", SiteId::as_str),
        new.note.as_deref().unwrap_or_default(),
    ];
    let command = Command::of(OfPartner(asker), &parts);
    // What was answered before is answered again, even if it could not be asked for any more.
    let own = new.issued_by(asker, issuer);
    let started = execute(store, &command, &(), |(), (), lost| {
        let batch = own
            .as_ref()
            .map_err(|invalid| CommandError::Refused(invalid.clone()))?;
        // A batch's ID is new, so what is there under it was written by this call, and its answer lost.
        let is_there = lost
            .iter()
            .any(|write| matches!(write, Write::BatchStarted(_)));
        let start = (!is_there).then(|| Write::BatchStarted(Box::new(batch.clone())));
        Ok(Step::writes(start.into_iter().collect(), batch.id.clone()))
    })
    .await
    .map_err(not_started)?;
    let own = own.ok().filter(|own| own.id == started.answer);
    let replayed = own.is_none();
    let mut attempts = Attempts::default();
    let (batch, complete) = match own {
        Some(own) => (own, false),
        None => started_before(store, &started.answer, asker).await?,
    };
    if replayed {
        record_fetch(store, &batch, batch.count, asker, &mut attempts).await?;
    }
    let codes = finished(store, issuer, &batch, complete, until).await?;
    Ok(Issued {
        batch,
        codes,
        replayed,
    })
}

fn not_started(error: CommandError<InvalidBatch>) -> BatchError {
    match error {
        CommandError::SiteNotFound(_) => BatchError::NotFound,
        CommandError::KeyReused => BatchError::KeyReused,
        CommandError::Refused(invalid) => invalid.into(),
        CommandError::Store(error) => error.into(),
    }
}

/// Issues this very batch, or finishes it, and gives its codes. A batch that was started is finished under the secret that
/// it was started under, however new the one at hand is.
///
/// # Errors
/// See [`BatchError`]; another batch of this ID is a defect.
pub async fn issue_batch(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    asker: &PartnerAsker,
) -> Result<Vec<LicenseCode>, BatchError> {
    let until = deadline();
    let start = Write::BatchStarted(Box::new(batch.clone()));
    let by = CommandId::random();
    let mut attempts = Attempts::default();
    let (stored, complete) = match store.commit_surely(&[start], &by, &mut attempts).await? {
        Committed::Now => (batch.clone(), false),
        Committed::Lost => started_before(store, &batch.id, asker).await?,
    };
    let same = Batch {
        secret_id: stored.secret_id.clone(),
        issued_at: stored.issued_at,
        issued_by: stored.issued_by.clone(),
        ..batch.clone()
    };
    if same != stored {
        return Err(StoreError::defect("another batch of this ID was started").into());
    }
    finished(store, issuer, &stored, complete, until).await
}

/// Finishes a batch unless it is complete, and gives its codes.
async fn finished(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    complete: bool,
    until: Instant,
) -> Result<Vec<LicenseCode>, BatchError> {
    if !complete {
        finish(store, issuer, batch, until).await?;
    }
    let codes = (0..batch.count).map(|index| Ok(batch.code(issuer, index)?.0));
    Ok(codes.collect::<Result<_, SecretMissing>>()?)
}

/// Once a part of a command is written, nobody can say that nothing was changed: the request must be repeated.
pub(super) fn started_at_least(error: BatchError) -> BatchError {
    match error {
        BatchError::Store(StoreError::Busy(_)) => StoreError::OutcomeUnknown.into(),
        other => other,
    }
}

/// Writes the codes of a batch that are not there, and completes it.
pub(super) async fn finish(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    until: Instant,
) -> Result<(), BatchError> {
    let written = stream::iter(hundreds(batch))
        .map(|first| write_hundred(store, issuer, batch, first, until))
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect::<()>();
    written.await.map_err(started_at_least)?;
    let event = PartnerEvent::Issued {
        by: batch.issued_by.clone(),
    };
    let line = HistoryLine {
        partner_id: batch.partner_id.clone(),
        // The same whoever finishes the batch, so that it is recorded once.
        id: format!("{}-issued", batch.id),
        content: HistoryContent::of(
            batch.issued_at,
            batch.id.clone(),
            batch.count,
            batch.value,
            event,
        ),
    };
    let completed = Write::BatchCompleted {
        partner_id: batch.partner_id.clone(),
        batch_id: batch.id.clone(),
    };
    let writes = [completed, Write::HistoryLine(line)];
    let (by, mut attempts) = (CommandId::random(), Attempts::default());
    let completed = store.commit_surely(&writes, &by, &mut attempts).await;
    completed.map_err(|error| started_at_least(error.into()))?;
    Ok(())
}

/// The index of the first code of each hundred: as many as one transaction writes and one request reads.
fn hundreds(batch: &Batch) -> impl Iterator<Item = u32> + use<> {
    (0..batch.count).step_by(MAX_ITEMS)
}

/// The indices of the hundred that starts with `first`.
fn hundred(batch: &Batch, first: u32) -> impl Iterator<Item = u32> + use<> {
    (first..batch.count).take(MAX_ITEMS)
}

/// Writes a hundred codes in one transaction: all of them are there or none.
async fn write_hundred(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    first: u32,
    until: Instant,
) -> Result<(), BatchError> {
    in_time(until)?;
    let codes = hundred(batch, first).map(|index| Ok(batch.code(issuer, index)?.1));
    let codes: Vec<Code> = codes.collect::<Result<_, SecretMissing>>()?;
    let writes = codes.iter().cloned().map(Box::new).map(Write::CodeIssued);
    let writes: Vec<Write> = writes.collect();
    let (by, mut attempts) = (CommandId::random(), Attempts::patient(until));
    if store.commit_surely(&writes, &by, &mut attempts).await? == Committed::Now {
        return Ok(());
    }
    // Something is there already: these very codes, or another code with the key of one of them.
    let keys: Vec<_> = codes.iter().map(|code| TypedKey::code(&code.key)).collect();
    let stored = store.read(keys, &mut attempts).await?;
    let own = |(code, stored): (&Code, &Option<Code>)| {
        let stored = stored.as_ref();
        stored.is_some_and(|it| it.batch_id == code.batch_id && it.index == code.index)
    };
    if codes.iter().zip(&stored).all(own) {
        Ok(())
    } else {
        Err(StoreError::defect("a code of another batch has the key of one of this").into())
    }
}

/// Whether there is time to start another part of a command.
pub(super) fn in_time(until: Instant) -> Result<(), StoreError> {
    if Instant::now() < until {
        Ok(())
    } else {
        Err(StoreError::Busy(None))
    }
}

/// When a command that starts now starts no further part.
pub(super) fn deadline() -> Instant {
    Instant::now() + MAX_TIME
}

/// Records that plain codes are handed out again, before they are.
pub(super) async fn record_fetch(
    store: &Store,
    batch: &Batch,
    codes: u32,
    asker: &PartnerAsker,
    attempts: &mut Attempts,
) -> Result<(), StoreError> {
    let event = PartnerEvent::Fetched {
        by: asker.by.clone(),
    };
    let by = CommandId::random();
    let line = HistoryLine {
        partner_id: batch.partner_id.clone(),
        id: format!("{by}-fetched"),
        content: HistoryContent::of(asker.now, batch.id.clone(), codes, batch.value, event),
    };
    let line = Write::HistoryLine(line);
    store.commit_surely(&[line], &by, attempts).await.map(drop)
}

/// Lists a partner's batches, the newest first, in one round trip.
///
/// # Errors
/// The table could not be read.
pub async fn list_batches(
    store: &Store,
    page: &PageOf,
    asker: &PartnerAsker,
) -> Result<Page<(Batch, bool)>, StoreError> {
    list(store, &Listing::batches(&asker.id), page, decode_batch).await
}

/// Shows a batch and how its codes stand: a round trip for the batch, and one for every hundred codes.
///
/// # Errors
/// See [`BatchError`].
pub async fn batch_sum(
    store: &Store,
    issuer: &CodeIssuer,
    batch_id: &BatchId,
    asker: &PartnerAsker,
) -> Result<(Batch, bool, BatchSum), BatchError> {
    let (batch, complete) = known(store, batch_id, asker).await?;
    let mut sum = BatchSum::default();
    for (_, code) in codes_of(store, issuer, &batch, deadline()).await? {
        match code {
            Some(code) => sum.add(CodeStanding::of(&code, asker.now)),
            None => sum.not_issued += 1,
        }
    }
    Ok((batch, complete, sum))
}

/// A batch that is known to have been started: that it is missing is a defect, and not the caller's mistake.
async fn started_before(
    store: &Store,
    batch_id: &BatchId,
    asker: &PartnerAsker,
) -> Result<(Batch, bool), BatchError> {
    let batch = known(store, batch_id, asker).await;
    batch.map_err(|error| match error {
        BatchError::NotFound => StoreError::defect("a batch that was started is missing").into(),
        other => other,
    })
}

/// The partner's batch of this ID, and whether it is complete.
pub(super) async fn known(
    store: &Store,
    batch_id: &BatchId,
    asker: &PartnerAsker,
) -> Result<(Batch, bool), BatchError> {
    let batch = TypedKey::batch(&asker.id, batch_id);
    let batch = store.read(batch, &mut Attempts::default()).await?;
    batch.ok_or(BatchError::NotFound)
}

/// Every code of a batch, plain and as the table has it, by its index.
pub(super) async fn codes_of(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    until: Instant,
) -> Result<Vec<(LicenseCode, Option<Code>)>, BatchError> {
    let read = stream::iter(hundreds(batch))
        .map(|first| read_hundred(store, issuer, batch, first, until))
        .buffered(SIDE_BY_SIDE);
    let hundreds: Vec<Vec<_>> = read.try_collect().await?;
    Ok(hundreds.into_iter().flatten().collect())
}

async fn read_hundred(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    first: u32,
    until: Instant,
) -> Result<Vec<(LicenseCode, Option<Code>)>, BatchError> {
    in_time(until)?;
    let derived = hundred(batch, first).map(|index| batch.code(issuer, index));
    let derived: Vec<(LicenseCode, Code)> = derived.collect::<Result<_, _>>()?;
    let keys: Vec<_> = derived
        .iter()
        .map(|(_, code)| TypedKey::code(&code.key))
        .collect();
    let stored = store.read(keys, &mut Attempts::patient(until)).await?;
    let plain = derived.into_iter().map(|(plain, _)| plain);
    Ok(plain.zip(stored).collect())
}
