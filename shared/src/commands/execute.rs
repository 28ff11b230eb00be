//! The one executor: read, decide, commit; again, a bounded number of times, if somebody was faster.
//!
//! A command is a list of typed reads, a pure decision, and one transaction. Everything that follows from repetition,
//! races and lost answers is here and nowhere else:
//!
//! ```text
//! a repeated request             is answered as the first time, before anything else about it is judged
//! a lost race                    is read and decided again, with the writes whose conditions failed
//! a lost answer                  the witness says whether the write was carried out: the command's own entry,
//!                                or its request where it writes no entry
//! a refusal                      is read a second time where an earlier write of the same request is possible: a read of
//!                                several items is not a snapshot, and may see one part of that write without the other
//! due dates that were missed     are charged first, and the command after them
//! ```

use super::asker::CommandError;
use super::command::{Command, Witness};
use super::subject::Subject;
use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::Entry;
use crate::domain::model::request::FirstAnswer;
use crate::domain::model::site::Site;
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::settle::{Start, start};
use crate::domain::values::ids::{CommandId, SiteId};
use crate::store::{Attempts, Failure, NotCommitted, Reads, Store, StoreError, TypedKey};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;

/// How often a command settles a backlog before it gives up for now: years of daily due dates. What was settled stays
/// settled, as the schedule would have done it, and a repetition goes on from there.
const MAX_SETTLINGS: u32 = 64;

/// What a command led to.
#[derive(Clone, Debug)]
pub struct Done<T> {
    /// What is answered.
    pub answer: T,
    /// The command's own entry; none where it writes none.
    pub entry: Option<Entry>,
    /// The command that did it: this one, or the one that a repeated request was first carried out by.
    pub command_id: CommandId,
    /// The request was answered before, and this is that answer.
    pub replayed: bool,
}

impl<T> Done<T> {
    /// The same, with another answer made of this one.
    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Done<U> {
        Done {
            answer: make(self.answer),
            entry: self.entry,
            command_id: self.command_id,
            replayed: self.replayed,
        }
    }
}

/// What a command decided.
pub(super) struct Decision<A> {
    /// What one transaction writes, beside the request.
    pub(super) writes: Vec<Write>,
    /// By what a lost answer is found out.
    pub(super) witness: Witness,
    /// What is answered, and remembered with the request.
    pub(super) answer: A,
}

/// What a command does next.
pub(super) enum Step<A> {
    /// It is carried out.
    Decided(Decision<A>),
    /// Everything is already as it was asked to be.
    Unchanged(A),
    /// The due dates that the site missed are charged, and then it decides again.
    SettleFirst(Box<Change>),
}

impl<A> Step<A> {
    /// Commits a change of a site, and answers with what is shown of the site after it.
    pub(super) fn change(change: Change, show: impl FnOnce(&Site) -> A) -> Self {
        let own = change.entries[change.own_entry].clone();
        Self::Decided(Decision {
            answer: show(&change.site),
            witness: Witness::Entry(Box::new(own)),
            writes: change.into_writes(),
        })
    }

    /// Commits writes without an entry.
    pub(super) fn writes(writes: Vec<Write>, answer: A) -> Self {
        Self::Decided(Decision {
            writes,
            witness: Witness::Request,
            answer,
        })
    }
}

/// Settles a site, and lets a rule go on with it. The rule's own writes are `items` beside the site, its entries and the
/// request.
pub(super) fn settled<A, R>(
    site: Site,
    items: usize,
    now: Timestamp,
    rule: impl FnOnce(Draft) -> Result<Outcome, R>,
    show: impl FnOnce(&Site) -> A,
) -> Result<Step<A>, R> {
    let draft = match start(site, items, now) {
        Start::Ready(draft) => draft,
        Start::SettleFirst(change) => return Ok(Step::SettleFirst(Box::new(change))),
    };
    Ok(match rule(draft)? {
        Outcome::Changed(change) => Step::change(change, show),
        Outcome::Unchanged(draft) if draft.entries() > 0 => {
            Step::SettleFirst(Box::new(draft.finish(Vec::new())))
        }
        Outcome::Unchanged(draft) => Step::Unchanged(show(&draft.site)),
    })
}

/// Carries a command out: `decide` gets what the subject acts on, what was read, and the writes whose conditions failed
/// in the attempt before.
pub(super) async fn execute<S: Subject, Q: Reads, A, R>(
    store: &Store,
    command: &Command<S>,
    reads: &Q,
    mut decide: impl FnMut(S::Admitted, Q::Loaded, &[Write]) -> Result<Step<A>, CommandError<R>>,
) -> Result<Done<A>, CommandError<R>>
where
    A: Serialize + DeserializeOwned,
    R: Error + 'static,
{
    let mut execution = Execution::of(store, command);
    loop {
        let loaded = execution.load(reads).await?;
        if let Some(done) = execution.own_write(loaded.entries) {
            return Ok(done);
        }
        if let Some(first) = loaded.request {
            return execution.replay(first, loaded.site).await;
        }
        let admitted = command.subject.admit(loaded.site);
        let decided = admitted.map_err(CommandError::from).and_then(|admitted| {
            let lost = &execution.lost;
            decide(admitted, loaded.reads, lost)
        });
        let decision = match decided {
            Err(refusal) if execution.is_confirmed() => return Err(refusal),
            Ok(Step::Unchanged(answer)) if execution.is_confirmed() => Decision {
                writes: Vec::new(),
                witness: Witness::Request,
                answer,
            },
            Err(_) | Ok(Step::Unchanged(_)) => {
                execution.attempts.again(None).await?;
                continue;
            }
            Ok(Step::SettleFirst(change)) => {
                execution.settle(*change).await?;
                continue;
            }
            Ok(Step::Decided(decision)) => decision,
        };
        if let Some(done) = execution.carry_out(decision).await? {
            return Ok(done);
        }
    }
}

/// What one command has tried so far.
struct Execution<'a, S, A> {
    store: &'a Store,
    command: &'a Command<S>,
    attempts: Attempts,
    /// The writes that were sent and not answered, by their witnesses.
    unanswered: Vec<(Witness, A)>,
    /// The writes whose conditions failed in the last transaction.
    lost: Vec<Write>,
    settlings: u32,
    confirmed: bool,
}

struct Loaded<Q> {
    site: Option<Site>,
    request: Option<FirstAnswer>,
    reads: Q,
    /// The entries at the places of the unanswered writes.
    entries: Vec<Option<(Entry, CommandId)>>,
}

impl<'a, S: Subject, A: Serialize + DeserializeOwned> Execution<'a, S, A> {
    fn of(store: &'a Store, command: &'a Command<S>) -> Self {
        Self {
            store,
            command,
            attempts: Attempts::default(),
            unanswered: Vec::new(),
            lost: Vec::new(),
            settlings: 0,
            confirmed: false,
        }
    }

    async fn load<Q: Reads>(&mut self, reads: &Q) -> Result<Loaded<Q::Loaded>, StoreError> {
        let mut places: Vec<(&SiteId, u64)> = Vec::new();
        for (witness, _) in &self.unanswered {
            if let Witness::Entry(entry) = witness {
                places.push((&entry.site_id, entry.sequence));
            }
        }
        // Two unanswered writes over one version have their entries in one place, and a request names a key once.
        places.dedup();
        let request = self.command.request_item();
        let entries = places.iter();
        let entries = entries.map(|(site, sequence)| TypedKey::entry(site, *sequence));
        let entries: Vec<_> = entries.collect();
        let all = (self.command.subject.site(), request, reads, entries);
        let (site, request, reads, entries) = self.store.read(all, &mut self.attempts).await?;
        Ok(Loaded {
            site,
            request: request.filter(|first| self.command.is_remembered(first)),
            reads,
            entries,
        })
    }

    /// The answer of an unanswered write that was carried out after all.
    fn own_write(&mut self, entries: Vec<Option<(Entry, CommandId)>>) -> Option<Done<A>> {
        for (entry, by) in entries.into_iter().flatten() {
            let own = |(witness, _): &(Witness, A)| {
                by == self.command.id && matches!(witness, Witness::Entry(own) if **own == entry)
            };
            if let Some(place) = self.unanswered.iter().position(own) {
                let (witness, answer) = self.unanswered.swap_remove(place);
                return Some(self.done(witness, answer));
            }
        }
        None
    }

    fn done(&self, witness: Witness, answer: A) -> Done<A> {
        Done {
            answer,
            entry: match witness {
                Witness::Entry(entry) => Some(*entry),
                Witness::Request => None,
            },
            command_id: self.command.id.clone(),
            replayed: false,
        }
    }

    /// Answers as the first time, or refuses a key that was used for something else. A stranger learns of neither.
    async fn replay<R: Error + 'static>(
        &mut self,
        first: FirstAnswer,
        site: Option<Site>,
    ) -> Result<Done<A>, CommandError<R>> {
        if !self.command.is(&first) {
            self.command.subject.admit(site)?;
            return Err(CommandError::KeyReused);
        }
        let mut written = None;
        if let Some(sequence) = first.entry_sequence {
            let key = TypedKey::entry(&self.command.subject.site_of_entry(&first)?, sequence);
            written = self.store.read(key, &mut self.attempts).await?;
            if written.is_none() {
                return Err(StoreError::defect("the request's entry is missing").into());
            }
        }
        let (entry, by) = written.unzip();
        let by = by.or(first.command_id);
        Ok(Done {
            answer: serde_json::from_str(&first.answer).map_err(StoreError::defect)?,
            entry,
            // The write of this very command, whose answer was lost, is not a replay.
            replayed: by.as_ref() != Some(&self.command.id),
            command_id: by.unwrap_or_else(|| self.command.id.clone()),
        })
    }

    /// Whether it may be answered that nothing was written.
    fn is_confirmed(&mut self) -> bool {
        let (key, _) = self.command.subject.request();
        let possible = key.is_some() || !self.unanswered.is_empty();
        std::mem::replace(&mut self.confirmed, true) || !possible
    }

    /// Charges what was missed, as the schedule would have.
    async fn settle(&mut self, change: Change) -> Result<(), StoreError> {
        let writes = change.into_writes();
        match self.store.commit(&writes, &self.command.id).await {
            Ok(()) => {
                self.settlings += 1;
                if self.settlings == MAX_SETTLINGS {
                    return Err(StoreError::Busy(None));
                }
                Ok(())
            }
            Err(NotCommitted::Lost(_)) => self.attempts.again(None).await,
            Err(NotCommitted::Failed(failure)) => self.attempts.read_again(failure).await,
        }
    }

    /// Commits what was decided. `None` if it is to be read and decided again.
    async fn carry_out(&mut self, decision: Decision<A>) -> Result<Option<Done<A>>, StoreError> {
        let Decision {
            mut writes,
            witness,
            answer,
        } = decision;
        let request = self.command.request(&witness, &answer)?;
        writes.extend(request.map(Write::Request));
        if writes.is_empty() {
            return Ok(Some(self.done(witness, answer)));
        }
        match self.store.commit(&writes, &self.command.id).await {
            Ok(()) => return Ok(Some(self.done(witness, answer))),
            Err(NotCommitted::Lost(places)) => {
                self.lost = places.into_iter().map(|at| writes[at].clone()).collect();
                self.attempts.again(None).await?;
            }
            Err(NotCommitted::Failed(failure)) => {
                if matches!(failure, Failure::Unknown(_)) {
                    self.unanswered.push((witness, answer));
                    self.confirmed = false;
                }
                self.attempts.write_again(failure).await?;
            }
        }
        Ok(None)
    }
}
