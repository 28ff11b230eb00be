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

use super::asker::{Asker, CommandError, PartnerAsker, SiteNotFound, authorized};
use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::Entry;
use crate::domain::model::request::{FirstAnswer, Request, RequestOwner};
use crate::domain::model::site::Site;
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::settle::{Start, start};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, Failure, NotCommitted, Reads, Store, StoreError, TypedKey};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::error::Error;

/// How long a request is remembered, in hours. The contract says a day at least.
const REQUEST_KEPT_HOURS: i64 = 48;

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

/// The item by which a command whose answer was lost recognises its own write.
pub(super) enum Witness {
    /// Its own entry among the writes.
    Entry(Box<Entry>),
    /// Its request.
    Request,
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

/// Who acts, and on what.
pub(super) trait Subject {
    /// What an admitted asker acts on.
    type Admitted;

    /// The site, which is read with everything else.
    fn site(&self) -> Option<TypedKey<Site>>;

    /// Lets only those go on who may know of the site.
    fn admit(&self, site: Option<Site>) -> Result<Self::Admitted, SiteNotFound>;

    /// Among whose requests the idempotency key is unique.
    fn owner(&self) -> RequestOwner;

    /// The idempotency key of the request, and its instant.
    fn request(&self) -> (Option<&str>, Timestamp);

    /// The site in whose statement the entry of a remembered request stands.
    fn site_of_entry(&self, first: &FirstAnswer) -> Result<SiteId, StoreError>;
}

/// An administrator on a site.
pub(super) struct OnSite<'a>(pub(super) &'a SiteId, pub(super) &'a Asker);

impl Subject for OnSite<'_> {
    type Admitted = Site;

    fn site(&self) -> Option<TypedKey<Site>> {
        Some(TypedKey::site(self.0))
    }

    fn admit(&self, site: Option<Site>) -> Result<Site, SiteNotFound> {
        authorized(site, self.1)
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Site(self.0.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.1.idempotency_key.as_deref(), self.1.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Ok(self.0.clone())
    }
}

/// A person who creates a site.
pub(super) struct Creator<'a>(pub(super) &'a Email, pub(super) &'a Asker);

impl Subject for Creator<'_> {
    type Admitted = ();

    fn site(&self) -> Option<TypedKey<Site>> {
        None
    }

    fn admit(&self, _: Option<Site>) -> Result<(), SiteNotFound> {
        Ok(())
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Person(self.0.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.1.idempotency_key.as_deref(), self.1.now)
    }

    fn site_of_entry(&self, first: &FirstAnswer) -> Result<SiteId, StoreError> {
        #[derive(Deserialize)]
        struct Created {
            site_id: SiteId,
        }
        let created: Created = serde_json::from_str(&first.answer).map_err(StoreError::defect)?;
        Ok(created.site_id)
    }
}

/// A partner on its own account.
pub(super) struct OfPartner<'a>(pub(super) &'a PartnerAsker);

impl Subject for OfPartner<'_> {
    type Admitted = ();

    fn site(&self) -> Option<TypedKey<Site>> {
        None
    }

    fn admit(&self, _: Option<Site>) -> Result<(), SiteNotFound> {
        Ok(())
    }

    fn owner(&self) -> RequestOwner {
        RequestOwner::Partner(self.0.id.clone())
    }

    fn request(&self) -> (Option<&str>, Timestamp) {
        (self.0.idempotency_key.as_deref(), self.0.now)
    }

    fn site_of_entry(&self, _: &FirstAnswer) -> Result<SiteId, StoreError> {
        Err(StoreError::defect("a partner's request has an entry"))
    }
}

/// One command.
pub(super) struct Command<S> {
    /// Its ID, made anew for each.
    pub(super) id: CommandId,
    subject: S,
    /// The hashes of who asked for what: the first is remembered, and each is recognised.
    fingerprints: Vec<String>,
    /// The request is remembered even without a key, as no entry is the witness.
    is_witness: bool,
}

impl<S: Subject> Command<S> {
    /// A command of this subject. `parts` say who asks for what, in one canonical form without secrets.
    pub(super) fn of(subject: S, parts: &[&str]) -> Self {
        Self {
            id: CommandId::random(),
            subject,
            fingerprints: vec![HEXLOWER.encode(&Sha256::digest(parts.join("\n").as_bytes()))],
            is_witness: false,
        }
    }

    fn request_key(&self) -> Option<String> {
        let (key, _) = self.subject.request();
        // A request that has no key of its own gets a name with a character that no key can have.
        let own = || self.is_witness.then(|| format!("~ {}", self.id));
        key.map(str::to_owned).or_else(own)
    }

    /// The request, to be remembered with what it led to.
    pub(super) fn request(
        &self,
        witness: &Witness,
        answer: &impl Serialize,
    ) -> Result<Option<Request>, StoreError> {
        let Some(key) = self.request_key() else {
            return Ok(None);
        };
        let (_, now) = self.subject.request();
        let entry_sequence = match witness {
            Witness::Entry(entry) => Some(entry.sequence),
            Witness::Request => None,
        };
        Ok(Some(Request {
            owner: self.subject.owner(),
            key,
            now,
            answer: FirstAnswer {
                fingerprint: self.fingerprints.first().cloned().unwrap_or_default(),
                command_id: entry_sequence.is_none().then(|| self.id.clone()),
                entry_sequence,
                answer: serde_json::to_string(answer).map_err(StoreError::defect)?,
                expires_at: now.as_second() + REQUEST_KEPT_HOURS * 3_600,
            },
        }))
    }

    /// What the request led to before, if it is remembered. TTL removes items late, so an expired one is ignored here and
    /// overwritten by the write.
    pub(super) async fn first_answer(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Option<FirstAnswer>, StoreError> {
        let first = store.read(self.request_item(), attempts).await?;
        Ok(first.filter(|first| self.is_remembered(first)))
    }

    /// Whether this command is the request that was remembered.
    pub(super) fn is(&self, first: &FirstAnswer) -> bool {
        self.fingerprints.contains(&first.fingerprint)
    }

    fn request_item(&self) -> Option<TypedKey<FirstAnswer>> {
        let key = self.request_key()?;
        Some(TypedKey::request(&self.subject.owner(), &key))
    }

    fn is_remembered(&self, first: &FirstAnswer) -> bool {
        first.expires_at >= self.subject.request().1.as_second()
    }
}

impl<'a> Command<OnSite<'a>> {
    /// A command on a site.
    pub(super) fn on_site(site_id: &'a SiteId, asker: &'a Asker, command: &str) -> Self {
        let email = asker.email.as_ref().map_or("", Email::as_str);
        let parts = [site_id.as_str(), email, command];
        Self::of(OnSite(site_id, asker), &parts)
    }

    /// A command on the users of a site, which writes no entry. A phone number may be part of it, so its fingerprint is keyed.
    pub(super) fn on_users(
        site_id: &'a SiteId,
        asker: &'a Asker,
        pseudonyms: &Pseudonyms,
        command: &str,
    ) -> Self {
        let email = asker.email.as_ref().map_or("", Email::as_str);
        let parts = [site_id.as_str(), email, command];
        Self {
            fingerprints: pseudonyms.fingerprints(&parts.join("\n")),
            is_witness: true,
            ..Self::of(OnSite(site_id, asker), &[])
        }
    }
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
        if self.command.subject.site().is_none() && request.is_some() {
            // Nobody may read a person's requests and a site's entries at once: the request leads to its entry.
            places.clear();
        }
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
