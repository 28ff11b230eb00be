//! The codes of a batch: fetched, and voided, the whole batch or some of it.

use super::asker::{CommandError, PartnerAsker};
use super::batches::{
    BatchError, SIDE_BY_SIDE, codes_of, deadline, finish, in_time, known, record_fetch,
    started_at_least,
};
use super::command::Command;
use super::execute::{Step, execute};
use super::steps::{self, Next, take};
use super::subject::OfPartner;
use crate::domain::model::account::{HistoryContent, HistoryLine, PartnerEvent};
use crate::domain::model::batch::{Batch, CodeStanding};
use crate::domain::model::change::{MAX_ITEMS, Write};
use crate::domain::model::code::{Code, CodeState, Voiding};
use crate::domain::values::ids::{BatchId, CommandId, SiteId};
use crate::domain::values::license_code::{CodeIssuer, CodeKey, CodeNotRecognised};
use crate::domain::values::names::Reason;
use crate::domain::values::secret::SecretMissing;
use crate::store::{Attempts, Store, StoreError, TypedKey};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use tokio::time::Instant;

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
        finish(store, issuer, &batch, until).await?;
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
    record_fetch(store, &batch, plain_codes, asker, &mut Attempts::default()).await?;
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

/// The most codes that one call names.
pub const MAX_CODES_A_VOID: usize = 1_000;
/// As many as one transaction voids, with a line of history, and one read shows.
const A_PART: usize = MAX_ITEMS - 1;

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
/// A code is applied or voided once and for good, so what the answer counts never changes afterwards: a repetition
/// counts again, and nothing of the answer needs to be stored.
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
    let parts = [
        asker.id.as_str(),
        "void",
        batch_id.as_str(),
        reason.as_str(),
        &canonical(issuer, codes),
    ];
    let command = Command::of(OfPartner(asker), &parts);
    let mut attempts = Attempts::default();
    let first = command.first_answer(store, &mut attempts).await?;
    if first.is_some_and(|first| !command.is(&first)) {
        return Err(BatchError::KeyReused);
    }
    let (batch, complete) = known(store, batch_id, asker).await?;
    let keys = match codes {
        Some(codes) => named(store, issuer, &batch, codes).await?,
        None => whole(issuer, &batch)?,
    };
    // The request is remembered with the command that voids: a repetition counts the codes that carry its ID.
    let started = execute(store, &command, &(), |(), (), _| {
        Ok::<_, CommandError<Infallible>>(Step::writes(Vec::new(), command.id.clone()))
    })
    .await?;
    if !complete {
        finish(store, issuer, &batch, until).await?;
    }
    let voiding = Voiding {
        at: asker.now,
        by: asker.by.clone(),
        reason: reason.clone(),
        command_id: started.answer,
    };
    let parts: Vec<Vec<CodeKey>> = keys.chunks(A_PART).map(<[CodeKey]>::to_vec).collect();
    let parts: Vec<Voided> = stream::iter(parts)
        .map(|keys| void_part(store, &batch, keys, &voiding, until))
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
        .map_err(|error: StoreError| started_at_least(error.into()))?;
    let sum = |count: fn(&Voided) -> u32| parts.iter().map(count).sum();
    Ok(Voided {
        voided: sum(|part| part.voided),
        already_voided: sum(|part| part.already_voided),
        applied: sum(|part| part.applied),
        replayed: started.replayed,
    })
}

/// The codes, whatever their spelling and order, and however often each is named.
fn canonical(issuer: &CodeIssuer, codes: Option<&[String]>) -> String {
    let Some(codes) = codes else {
        return "all".to_owned();
    };
    let spelled = codes.iter().map(|code| match issuer.recognise(code) {
        Ok(recognised) => recognised.key.as_str().to_owned(),
        Err(_) => code.clone(),
    });
    let once: BTreeSet<String> = spelled.collect();
    once.into_iter().collect::<Vec<String>>().join(",")
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
        source: CodeNotRecognised::Unknown,
    };
    // Each code once, with the place where it first stands.
    let mut places: BTreeMap<CodeKey, usize> = BTreeMap::new();
    for (place, text) in codes.iter().enumerate() {
        let key = issuer.recognise(text).map_err(|_| unknown(place))?.key;
        places.entry(key).or_insert(place);
    }
    let keys: Vec<CodeKey> = places.keys().cloned().collect();
    for keys in keys.chunks(A_PART) {
        let reads: Vec<_> = keys.iter().map(TypedKey::code).collect();
        let stored = store.read(reads, &mut Attempts::default()).await?;
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

async fn void_part(
    store: &Store,
    batch: &Batch,
    keys: Vec<CodeKey>,
    voiding: &Voiding,
    until: Instant,
) -> Result<Voided, StoreError> {
    let part = Part {
        batch,
        keys,
        voiding,
        until,
    };
    let by = &voiding.command_id;
    take(store, by, &mut Attempts::patient(until), &part).await
}

/// A part of the codes that are voided, which says how all of it stands.
struct Part<'a> {
    batch: &'a Batch,
    keys: Vec<CodeKey>,
    voiding: &'a Voiding,
    until: Instant,
}

impl steps::Step for Part<'_> {
    type Done = Voided;

    async fn decide(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Next<Voided>, StoreError> {
        in_time(self.until)?;
        let reads: Vec<_> = self.keys.iter().map(TypedKey::code).collect();
        let mut sum = Voided::default();
        let mut writes = Vec::new();
        for (key, code) in self.keys.iter().zip(store.read(reads, attempts).await?) {
            let code = code.ok_or_else(|| StoreError::defect("a code of the batch is missing"))?;
            match code.state {
                CodeState::Outstanding => {
                    sum.voided += 1;
                    writes.push(Write::CodeVoided {
                        key: key.clone(),
                        voiding: self.voiding.clone(),
                    });
                }
                CodeState::Applied(_) => sum.applied += 1,
                CodeState::Voided(earlier) if earlier.command_id == self.voiding.command_id => {
                    sum.voided += 1;
                }
                CodeState::Voided(_) => sum.already_voided += 1,
            }
        }
        if writes.is_empty() {
            return Ok(Next::Done(sum));
        }
        writes.push(line(self.batch, self.voiding, writes.len()));
        Ok(Next::Commit(writes, sum))
    }
}

/// The line of history about voided codes.
fn line(batch: &Batch, voiding: &Voiding, codes: usize) -> Write {
    let event = PartnerEvent::Voided {
        by: voiding.by.clone(),
        reason: voiding.reason.clone(),
    };
    let codes = u32::try_from(codes).unwrap_or(u32::MAX);
    Write::HistoryLine(HistoryLine {
        partner_id: batch.partner_id.clone(),
        id: format!("{}-voided", CommandId::random()),
        content: HistoryContent::of(voiding.at, batch.id.clone(), codes, batch.value, event),
    })
}
