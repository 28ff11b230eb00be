//! Issuing batches, and accounting for their codes.
//!
//! A batch is begun, its codes are written a hundred at a time, and it is completed. Whoever finds one that was begun
//! and not completed finishes it first: a repetition of the issue, and whoever fetches or voids its codes.

use super::{Page, PageOf, PartnerAsker, fingerprint, kept_until, list, remembered};
use crate::domain::model::account::{HistoryLine, PartnerEvent, Told};
use crate::domain::model::batch::{Batch, BatchSum, CodeStanding, InvalidBatch};
use crate::domain::model::change::MAX_ITEMS;
use crate::domain::model::code::{Code, CodeState, CodeValue};
use crate::domain::values::ids::{BatchId, CommandId, SiteId};
use crate::domain::values::license_code::{CodeIssuer, CodeKey, CodeNotRecognised, LicenseCode};
use crate::domain::values::secret::SecretMissing;
use crate::store::{
    Attempts, FirstAnswer, Key, Listing, RequestOf, RequestRecord, Store, StoreError, Written,
    decode_batch,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// How many requests of one command are under way at the same time.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// No further part of a command on a batch is begun, nor tried again, later than this after its beginning. What is under
/// way then has two answers of the table to wait for, and the end a line of history with the usual retries, so that it
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
    pub expires_on: Option<Date>,
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
    /// One of the codes that are to be voided is none of this batch: the one at this place, from 0.
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

/// Issues a batch, or finishes one that the same request began: it gives the same codes.
///
/// # Errors
/// See [`BatchError`].
pub async fn issue_codes(
    store: &Store,
    issuer: &CodeIssuer,
    new: NewBatch,
    asker: &PartnerAsker,
) -> Result<Issued, BatchError> {
    let wish = fingerprint(&[
        asker.id.as_str(),
        "issue",
        &new.value.credits().to_string(),
        &new.value.maintenance_credits().to_string(),
        &new.count.to_string(),
        &new.expires_on
            .map_or(String::new(), |date| date.to_string()),
        new.bound_to.as_ref().map_or("", SiteId::as_str),
        new.note.as_deref().unwrap_or_default(),
    ]);
    let until = deadline();
    let mut attempts = Attempts::default();
    // What was answered before is answered again, also where it could not be asked for any more.
    let mut own: Option<Batch> = None;
    let (batch, complete) = loop {
        if let Some(first) = first_answer(store, asker, &mut attempts).await? {
            if first.fingerprint != wish {
                return Err(BatchError::KeyReused);
            }
            let id = BatchId::parse(&first.answer).map_err(StoreError::defect)?;
            break begun(store, &id, asker, &mut attempts).await?;
        }
        let batch = match own.take() {
            Some(batch) => batch,
            None => new.clone().issued_by(asker, issuer)?,
        };
        let batch = own.insert(batch);
        let request = record(asker, wish.clone(), batch.id.to_string());
        let request = request.as_ref();
        match store.begin_batch(batch, request, &mut attempts).await? {
            Written::Now => break (batch.clone(), false),
            // The request is there, or this very batch after a lost answer: the next read says which.
            Written::Before if request.is_some() => attempts.again(None).await?,
            // A batch's ID is new, so what is there under it was written by this call and its answer lost.
            Written::Before => break begun(store, &batch.id, asker, &mut attempts).await?,
        }
    };
    let replayed = own.is_none_or(|own| own.id != batch.id);
    if replayed {
        told(store, &batch, batch.count, asker, &mut attempts).await?;
    }
    let codes = finished(store, issuer, &batch, complete, until).await?;
    Ok(Issued {
        batch,
        codes,
        replayed,
    })
}

/// Issues this very batch, or finishes it, and gives its codes. One that was begun is finished under the secret that it
/// was begun under, however new the one at hand is.
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
    let mut attempts = Attempts::default();
    let (known, complete) = match store.begin_batch(batch, None, &mut attempts).await? {
        Written::Now => (batch.clone(), false),
        Written::Before => begun(store, &batch.id, asker, &mut attempts).await?,
    };
    let same = Batch {
        secret_id: known.secret_id.clone(),
        issued_at: known.issued_at,
        issued_by: known.issued_by.clone(),
        ..batch.clone()
    };
    if same != known {
        return Err(StoreError::defect("a batch of this ID was begun, and it is another").into());
    }
    finished(store, issuer, &known, complete, until).await
}

/// A batch that was begun, and whether it is complete.
async fn begun(
    store: &Store,
    id: &BatchId,
    asker: &PartnerAsker,
    attempts: &mut Attempts,
) -> Result<(Batch, bool), StoreError> {
    let known = store.batch(&asker.id, id, attempts).await?;
    known.ok_or_else(|| StoreError::defect("the batch is missing"))
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
        let done = finish(store, issuer, batch, until).await;
        done.map_err(begun_at_least)?;
    }
    let codes = (0..batch.count).map(|index| Ok(batch.code(issuer, index)?.0));
    Ok(codes.collect::<Result<_, SecretMissing>>()?)
}

/// Once a part of a command is written, nobody can say that nothing was changed: the request is to be repeated.
pub(super) fn begun_at_least(error: BatchError) -> BatchError {
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
    stream::iter(hundreds(batch))
        .map(|first| write_hundred(store, issuer, batch, first, until))
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect::<()>()
        .await?;
    let event = PartnerEvent::Issued {
        by: batch.issued_by.clone(),
    };
    let line = HistoryLine {
        partner_id: batch.partner_id.clone(),
        // The same whoever finishes the batch, so that it is told once.
        id: format!("{}-issued", batch.id),
        told: Told::of(
            batch.issued_at,
            batch.id.clone(),
            batch.count,
            batch.value,
            event,
        ),
    };
    store
        .complete_batch(batch, &line, &mut Attempts::default())
        .await?;
    Ok(())
}

/// The index of the first code of each hundred: as many as one transaction writes and one request reads.
fn hundreds(batch: &Batch) -> impl Iterator<Item = u32> + use<> {
    (0..batch.count).step_by(MAX_ITEMS)
}

/// The indices of the hundred that begins with `first`.
fn hundred(batch: &Batch, first: u32) -> impl Iterator<Item = u32> + use<> {
    (first..batch.count).take(MAX_ITEMS)
}

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
    let mut attempts = Attempts::patient(until);
    if store.write_codes(&codes, &mut attempts).await? == Written::Now {
        return Ok(());
    }
    // Something is there already: these very codes, or there are two of one key.
    let keys: Vec<CodeKey> = codes.iter().map(|code| code.key.clone()).collect();
    let stored = store.codes(&keys, &mut attempts).await?;
    let own = |(code, stored): (&Code, &Option<Code>)| {
        stored
            .as_ref()
            .is_some_and(|stored| stored.batch_id == code.batch_id && stored.index == code.index)
    };
    if codes.iter().zip(&stored).all(own) {
        Ok(())
    } else {
        Err(StoreError::defect("a code of another batch has the key of one of this").into())
    }
}

/// Whether there is time to begin another part of a command.
pub(super) fn in_time(until: Instant) -> Result<(), StoreError> {
    if Instant::now() < until {
        Ok(())
    } else {
        Err(StoreError::Busy(None))
    }
}

/// When a command that begins now begins no further part.
pub(super) fn deadline() -> Instant {
    Instant::now() + MAX_TIME
}

/// What the partner's request led to before.
pub(super) async fn first_answer(
    store: &Store,
    asker: &PartnerAsker,
    attempts: &mut Attempts,
) -> Result<Option<FirstAnswer>, StoreError> {
    let Some(key) = asker.idempotency_key.clone() else {
        return Ok(None);
    };
    let key = Key::Request(RequestOf::Partner(asker.id.clone()), key);
    let item = store.load(&[key], attempts).await?.pop().flatten();
    remembered(item.as_ref(), asker.now)
}

/// The partner's request, if it has a key, with what it leads to.
pub(super) fn record(
    asker: &PartnerAsker,
    fingerprint: String,
    answer: String,
) -> Option<RequestRecord> {
    Some(RequestRecord {
        whose: RequestOf::Partner(asker.id.clone()),
        key: asker.idempotency_key.clone()?,
        now: asker.now,
        answer: FirstAnswer {
            fingerprint,
            entry_sequence: None,
            command_id: None,
            answer,
            expires_at: kept_until(asker.now),
        },
    })
}

/// Tells that plain codes were handed out again, before they are.
async fn told(
    store: &Store,
    batch: &Batch,
    codes: u32,
    asker: &PartnerAsker,
    attempts: &mut Attempts,
) -> Result<(), StoreError> {
    let event = PartnerEvent::Fetched {
        by: asker.by.clone(),
    };
    let line = HistoryLine {
        partner_id: batch.partner_id.clone(),
        id: format!("{}-fetched", CommandId::random()),
        told: Told::of(asker.now, batch.id.clone(), codes, batch.value, event),
    };
    store.tell(&line, attempts).await
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
    let listing = Listing::batches(&asker.id);
    list(
        store,
        &listing,
        page,
        &mut Attempts::default(),
        decode_batch,
    )
    .await
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
        if let Some(code) = code {
            sum.add(CodeStanding::of(&code, asker.now));
        }
    }
    Ok((batch, complete, sum))
}

/// One code of a batch, as its partner sees it. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CodeInBatch {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// The plain code, of one that can still be applied.
    pub code: Option<String>,
    /// The code's last four symbols.
    pub last_four: String,
    /// How it stands.
    pub state: CodeStanding,
    /// When it was applied.
    pub applied_at: Option<Timestamp>,
    /// To which site.
    pub site_id: Option<SiteId>,
    /// When it was voided.
    pub voided_at: Option<Timestamp>,
    /// Why.
    pub void_reason: Option<String>,
}

/// Shows the codes of a batch, the plain ones of those that can still be applied. It leaves a trace before it does.
///
/// # Errors
/// See [`BatchError`].
pub async fn fetch_codes(
    store: &Store,
    issuer: &CodeIssuer,
    batch_id: &BatchId,
    asker: &PartnerAsker,
) -> Result<(Batch, Vec<CodeInBatch>), BatchError> {
    let until = deadline();
    let (batch, complete) = known(store, batch_id, asker).await?;
    if !complete {
        let finished = finish(store, issuer, &batch, until).await;
        finished.map_err(begun_at_least)?;
    }
    let mut codes = Vec::with_capacity(batch.count as usize);
    let mut plain_codes = 0;
    for (plain, code) in codes_of(store, issuer, &batch, until).await? {
        let code = code.ok_or_else(|| StoreError::defect("a code of the batch is missing"))?;
        let state = CodeStanding::of(&code, asker.now);
        let shown = (state == CodeStanding::Outstanding).then(|| plain.to_string());
        plain_codes += u32::from(shown.is_some());
        codes.push(in_batch(code, state, shown));
    }
    told(store, &batch, plain_codes, asker, &mut Attempts::default()).await?;
    Ok((batch, codes))
}

fn in_batch(code: Code, state: CodeStanding, plain: Option<String>) -> CodeInBatch {
    let shown = CodeInBatch {
        index: code.index,
        code: plain,
        last_four: code.last_four,
        state,
        applied_at: None,
        site_id: None,
        voided_at: None,
        void_reason: None,
    };
    match code.state {
        CodeState::Outstanding => shown,
        CodeState::Applied(application) => CodeInBatch {
            applied_at: Some(application.at),
            site_id: Some(application.site_id),
            ..shown
        },
        CodeState::Voided(voiding) => CodeInBatch {
            voided_at: Some(voiding.at),
            void_reason: Some(voiding.reason.into()),
            ..shown
        },
    }
}

/// The partner's batch of this ID, and whether it is complete.
pub(super) async fn known(
    store: &Store,
    batch_id: &BatchId,
    asker: &PartnerAsker,
) -> Result<(Batch, bool), BatchError> {
    let found = store
        .batch(&asker.id, batch_id, &mut Attempts::default())
        .await?;
    found.ok_or(BatchError::NotFound)
}

/// Every code of a batch, plain and as the table has it, by its index.
async fn codes_of(
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
    let keys: Vec<CodeKey> = derived.iter().map(|(_, code)| code.key.clone()).collect();
    let stored = store.codes(&keys, &mut Attempts::patient(until)).await?;
    let plain = derived.into_iter().map(|(plain, _)| plain);
    Ok(plain.zip(stored).collect())
}
