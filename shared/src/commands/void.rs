//! Voiding codes: a whole batch or some of it.

use super::batches::{
    BatchError, SIDE_BY_SIDE, begun_at_least, deadline, finish, first_answer, in_time, known,
    record,
};
use super::{PartnerAsker, fingerprint};
use crate::domain::model::account::{HistoryLine, PartnerEvent, Told};
use crate::domain::model::batch::Batch;
use crate::domain::model::code::{Code, CodeState, Voiding};
use crate::domain::values::ids::{BatchId, CommandId};
use crate::domain::values::license_code::{CodeIssuer, CodeKey, CodeNotRecognised};
use crate::domain::values::names::Reason;
use crate::domain::values::secret::SecretMissing;
use crate::store::{Attempts, Failure, NotCarriedOut, Store, StoreError, Written};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// The most codes that one call names.
pub const MAX_CODES_A_VOID: usize = 1_000;
/// As many as one transaction voids and one read shows.
const A_PART: usize = crate::store::MAX_CODES_VOIDED_AT_ONCE;

/// What became of the codes that were to be voided.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Voided {
    /// How many this request voided.
    pub voided: u32,
    /// How many had been voided before.
    pub already_voided: u32,
    /// How many were applied, and stay so.
    pub applied: u32,
    /// The request was answered before.
    pub replayed: bool,
}

/// Voids a batch, or those of its codes that are named. Those that were applied stay so.
///
/// What the answer counts never changes afterwards, as a code is applied or voided once and for good: so a repetition
/// answers as the first time without that anything of the answer was kept.
///
/// # Errors
/// See [`BatchError`]. What was voided stays, and a repetition voids the rest.
pub async fn void_codes(
    store: &Store,
    issuer: &CodeIssuer,
    batch_id: &BatchId,
    codes: Option<&[String]>,
    reason: &Reason,
    asker: &PartnerAsker,
) -> Result<Voided, BatchError> {
    let until = deadline();
    // However the codes are spelled, in whatever order and however often.
    let named_codes = codes.map_or("all".to_owned(), |codes| {
        let spelled = codes.iter().map(|code| match issuer.recognise(code) {
            Ok(known) => known.key.as_str().to_owned(),
            Err(CodeNotRecognised) => code.clone(),
        });
        let once: BTreeSet<String> = spelled.collect();
        once.into_iter().collect::<Vec<String>>().join(",")
    });
    let wish = fingerprint(&[
        asker.id.as_str(),
        "void",
        batch_id.as_str(),
        reason.as_str(),
        &named_codes,
    ]);
    let mut attempts = Attempts::default();
    let first = first_answer(store, asker, &mut attempts).await?;
    if first.is_some_and(|first| first.fingerprint != wish) {
        return Err(BatchError::KeyReused);
    }
    let (batch, complete) = known(store, batch_id, asker).await?;
    let keys = match codes {
        Some(codes) => named(store, issuer, &batch, codes).await?,
        None => whole(issuer, &batch)?,
    };
    let (command_id, replayed) = command(store, wish, asker, &mut attempts).await?;
    if !complete {
        let finished = finish(store, issuer, &batch, until).await;
        finished.map_err(begun_at_least)?;
    }
    let work = Work {
        store,
        batch: &batch,
        asker,
        voiding: Voiding {
            at: asker.now,
            by: asker.by.clone(),
            reason: reason.clone(),
            command_id,
        },
        until,
    };
    let parts: Vec<Vec<CodeKey>> = keys.chunks(A_PART).map(<[CodeKey]>::to_vec).collect();
    let parts: Vec<Voided> = stream::iter(parts)
        .map(|part| work.part(part))
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
        .map_err(begun_at_least)?;
    let sum = |count: fn(&Voided) -> u32| parts.iter().map(count).sum();
    Ok(Voided {
        voided: sum(|part| part.voided),
        already_voided: sum(|part| part.already_voided),
        applied: sum(|part| part.applied),
        replayed,
    })
}

/// The command of a request: a new one, or that of the first time.
async fn command(
    store: &Store,
    wish: String,
    asker: &PartnerAsker,
    attempts: &mut Attempts,
) -> Result<(CommandId, bool), BatchError> {
    let command_id = CommandId::random();
    let Some(request) = record(asker, wish.clone(), command_id.to_string()) else {
        return Ok((command_id, false));
    };
    loop {
        if let Some(first) = first_answer(store, asker, attempts).await? {
            if first.fingerprint != wish {
                return Err(BatchError::KeyReused);
            }
            let known = CommandId::parse(&first.answer).map_err(StoreError::defect)?;
            let replayed = known != command_id;
            return Ok((known, replayed));
        }
        if store.remember(&request, attempts).await? == Written::Now {
            return Ok((command_id, false));
        }
        attempts.again(None).await?;
    }
}

/// The codes that were named, each once. Nothing is voided unless all of them are of this batch.
async fn named(
    store: &Store,
    issuer: &CodeIssuer,
    batch: &Batch,
    codes: &[String],
) -> Result<Vec<CodeKey>, BatchError> {
    let unknown = |place| BatchError::CodeNotRecognised {
        place,
        source: CodeNotRecognised,
    };
    // Each code once, with the place where it first stands.
    let mut places: BTreeMap<CodeKey, usize> = BTreeMap::new();
    for (place, text) in codes.iter().enumerate() {
        let key = issuer.recognise(text).map_err(|_| unknown(place))?.key;
        places.entry(key).or_insert(place);
    }
    let keys: Vec<CodeKey> = places.keys().cloned().collect();
    for keys in keys.chunks(A_PART) {
        let stored = store.codes(keys, &mut Attempts::default()).await?;
        for (key, code) in keys.iter().zip(stored) {
            let of_batch =
                |code: &Code| code.partner_id == batch.partner_id && code.batch_id == batch.id;
            if !code.as_ref().is_some_and(of_batch) {
                return Err(unknown(places.get(key).copied().unwrap_or_default()));
            }
        }
    }
    Ok(keys)
}

fn whole(issuer: &CodeIssuer, batch: &Batch) -> Result<Vec<CodeKey>, SecretMissing> {
    let derived = (0..batch.count).map(|index| Ok(batch.code(issuer, index)?.1.key));
    derived.collect()
}

/// What all parts of a voiding have in common.
struct Work<'a> {
    store: &'a Store,
    batch: &'a Batch,
    asker: &'a PartnerAsker,
    voiding: Voiding,
    until: Instant,
}

impl Work<'_> {
    /// Voids what is outstanding of a part, and says how all of it stands.
    async fn part(&self, keys: Vec<CodeKey>) -> Result<Voided, BatchError> {
        let mut attempts = Attempts::patient(self.until);
        loop {
            in_time(self.until)?;
            let stored = self.store.codes(&keys, &mut attempts).await?;
            let mut sum = Voided::default();
            let mut outstanding = Vec::new();
            for (key, code) in keys.iter().zip(stored) {
                let code =
                    code.ok_or_else(|| StoreError::defect("a code of the batch is missing"))?;
                match code.state {
                    CodeState::Outstanding => outstanding.push(key.clone()),
                    CodeState::Applied(_) => sum.applied += 1,
                    CodeState::Voided(voiding) if voiding.command_id == self.voiding.command_id => {
                        sum.voided += 1;
                    }
                    CodeState::Voided(_) => sum.already_voided += 1,
                }
            }
            if outstanding.is_empty() {
                return Ok(sum);
            }
            let line = self.line(outstanding.len());
            let done = self
                .store
                .void_codes(&outstanding, &self.voiding, &line)
                .await;
            let last = match done {
                Ok(()) => {
                    sum.voided += line.told.codes;
                    return Ok(sum);
                }
                // One of them was applied, or voided by another request: what is left is voided.
                Err(NotCarriedOut::Lost) => None,
                Err(NotCarriedOut::Failed(Failure::Fatal(error))) => {
                    return Err(StoreError::Refused(error).into());
                }
                Err(NotCarriedOut::Failed(Failure::NotApplied(error))) => Some(error),
                Err(NotCarriedOut::Failed(Failure::Unknown(error))) => {
                    attempts.unanswered();
                    Some(error)
                }
            };
            attempts.again(last).await?;
        }
    }

    fn line(&self, codes: usize) -> HistoryLine {
        let event = PartnerEvent::Voided {
            by: self.voiding.by.clone(),
            reason: self.voiding.reason.clone(),
        };
        let codes = u32::try_from(codes).unwrap_or(u32::MAX);
        HistoryLine {
            partner_id: self.asker.id.clone(),
            id: format!("{}-voided", CommandId::random()),
            told: Told::of(
                self.voiding.at,
                self.batch.id.clone(),
                codes,
                self.batch.value,
                event,
            ),
        }
    }
}
