//! Commands: load, decide in the domain, commit; again, a bounded number of times, if somebody was faster.
//!
//! Every command that changes a site goes through `execute`. It answers a repeated request before anything
//! else, lets only an administrator of the site go on, and knows its own change again when the answer to the
//! write was lost.

mod administrators;
mod batches;
mod cards;
mod deduct;
mod devices;
mod import;
mod messages;
mod partners;
mod people;
mod query;
mod redeem;
mod sites;
mod void;

pub use administrators::{change_role, invite, remove_administrator};
pub use batches::{
    BatchError, CodeInBatch, Issued, NewBatch, batch_sum, fetch_codes, issue_batch, issue_codes,
    list_batches,
};
pub use cards::{
    CardIssued, CardWish, card_by_link, issue_card, pause_or_resume_card, reissue_card, revoke_card,
};
pub use deduct::{DeductError, Report, deduct_due};
pub use devices::{
    DeviceWish, RegisterError, Registered, RemoveError, list_devices, register_devices,
    remove_device,
};
pub use import::{Imported, LineRefused, LineToImport, MAX_IMPORTED, import_users};
pub use messages::{
    MessageError, MessagePreview, MessageWish, Resolved, Sms, deliver_message, list_messages,
    message, preview_message, record_receipt, resolve_message,
};
pub use partners::{PartnerAsker, history, sites_of_partner};
pub use people::{
    NewUser, PeopleDone, UserRefused, UsersOf, add_user, change_user, list_users, remove_user, user,
};
pub use query::{Period, ReadError, license, statement};
pub use redeem::{PreviewAnswer, RedeemError, preview, redeem};
pub use sites::{
    CreateSiteError, EmailNotVerified, SiteView, change_settings, create_site, delete_site,
    list_sites, random_site_id, site,
};
pub use void::{MAX_CODES_A_VOID, Voided, void_codes};

use crate::domain::model::change::{Change, Decision, Guard};
use crate::domain::model::entry::Entry;
use crate::domain::model::site::Site;
use crate::domain::rules::license::License;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::store::{
    Attempts, Commit, CommitFailed, CorruptItem, Failure, FirstAnswer, Item, Key, Listing,
    RequestOf, RequestRecord, Store, StoreError, Written, decode_entry, decode_site,
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::error::Error;

/// How long a request is remembered, in hours. The contract says a day at least.
const REQUEST_KEPT_HOURS: i64 = 48;

/// How often a command settles a backlog before it gives up for now: years of daily due dates. What was settled stays
/// settled, as the schedule would have done it, and a repetition goes on from there.
const MAX_SETTLINGS: u32 = 64;

/// Who asks, and when.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The e-mail address that the issuer verified; without one, nobody's administrator.
    pub email: Option<Email>,
    /// The instant of the request, as its event says.
    pub now: Timestamp,
    /// The request's idempotency key, if it has one.
    pub idempotency_key: Option<String>,
}

/// The site does not exist, or the asker is none of its administrators: the two are not told apart (rule 15).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no such site")]
pub struct SiteNotFound;

/// A command was not carried out. `R` are the refusals of its rules.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: Error + 'static> {
    /// See [`SiteNotFound`].
    #[error(transparent)]
    SiteNotFound(#[from] SiteNotFound),
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// A rule refuses it.
    #[error(transparent)]
    Refused(R),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a command led to. `V` is what is shown of the site.
#[derive(Clone, Debug)]
pub struct Done<V = License> {
    /// The command's own entry; none where the site was already as it was to be.
    pub entry: Option<Entry>,
    /// The command that wrote the entry.
    pub command_id: CommandId,
    /// The site after it, as it was first answered.
    pub view: V,
    /// The request was answered before, and this is that answer.
    pub replayed: bool,
}

/// What a command shows of a site.
type View<'a, V> = &'a (dyn Fn(&Site, &Asker) -> V + Sync);

/// The license, for the commands that move credits.
fn license_view(site: &Site, asker: &Asker) -> License {
    crate::domain::rules::license::view(site, asker.now)
}

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is listed.
    pub items: Vec<T>,
    /// After which the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// Which page of a listing.
#[derive(Clone, Debug)]
pub struct PageOf {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// The most that is listed.
    pub most: u16,
}

/// Reads a page of a listing.
async fn list<T>(
    store: &Store,
    listing: &Listing,
    page: &PageOf,
    attempts: &mut Attempts,
    decode: impl Fn(&Item) -> Result<T, CorruptItem>,
) -> Result<Page<T>, StoreError> {
    let after = page.after.as_deref();
    let listed = store.list(listing, after, page.most, attempts).await?;
    Ok(Page {
        items: listed.items.iter().map(decode).collect::<Result<_, _>>()?,
        next: listed.next,
    })
}

/// One command on one site.
struct SiteCommand<'a> {
    site_id: &'a SiteId,
    asker: &'a Asker,
    command_id: CommandId,
    /// What is asked for, in one canonical text without secrets: with the asker it makes the fingerprint.
    wish: String,
    /// Other items that the decision needs.
    also: Vec<Key>,
}

/// The hash of who asked for what.
fn fingerprint(parts: &[&str]) -> String {
    HEXLOWER.encode(&Sha256::digest(parts.join("\n").as_bytes()))
}

impl SiteCommand<'_> {
    fn fingerprint(&self) -> String {
        let email = self.asker.email.as_ref().map_or("", Email::as_str);
        fingerprint(&[self.site_id.as_str(), email, &self.wish])
    }
}

/// A write that was sent and not answered.
struct Unanswered {
    change: Change,
    own_entry: usize,
}

/// What a command is decided from.
struct Known<'a> {
    /// The other items that the command asked for, each at its key's place.
    also: &'a [Option<Item>],
    /// The guards that failed in the attempt before.
    failed: &'a [Guard],
}

/// Carries a command out.
async fn execute<R: Error + 'static, V: Serialize + DeserializeOwned>(
    store: &Store,
    command: &SiteCommand<'_>,
    view: View<'_, V>,
    mut decide: impl FnMut(Site, Known<'_>) -> Result<Decision, CommandError<R>>,
) -> Result<Done<V>, CommandError<R>> {
    let mut tries = Tries::default();
    let mut failed_guards = Vec::new();
    loop {
        let loaded = load(store, command, &mut tries).await?;
        if let Some(place) = loaded.committed {
            let Unanswered { change, own_entry } = tries.unanswered.swap_remove(place);
            return Ok(done(command, view, change, own_entry));
        }
        if let Some(first) = loaded.request {
            return replay(
                store,
                command,
                first,
                loaded.site.as_ref(),
                &mut tries.attempts,
            )
            .await;
        }
        let site = match authorized(loaded.site, command.asker) {
            Ok(site) => site,
            // Whoever has just left the site by this very request is to be answered as the first time.
            Err(error) if tries.confirmed(command) => return Err(error.into()),
            Err(_) => {
                tries.attempts.again(None).await?;
                continue;
            }
        };
        let known = Known {
            also: &loaded.also,
            failed: &failed_guards,
        };
        let (change, own_entry, settling) = match decide(site, known) {
            Ok(Decision::Done { change, own_entry }) => (change, own_entry, false),
            Ok(Decision::Unchanged(site)) => {
                if !tries.confirmed(command) {
                    tries.attempts.again(None).await?;
                    continue;
                }
                let view = view(&site, command.asker);
                if let Some(key) = &command.asker.idempotency_key {
                    let request = record(command, &view, key, None)?;
                    let attempts = &mut tries.attempts;
                    if store.remember(&request, attempts).await? == Written::Before {
                        // By this request's twin, or by this one without an answer: the next read gives that answer.
                        attempts.again(None).await?;
                        continue;
                    }
                }
                return Ok(Done {
                    entry: None,
                    command_id: command.command_id.clone(),
                    view,
                    replayed: false,
                });
            }
            Ok(Decision::SettleFirst(change)) => (change, 0, true),
            Err(refusal) if tries.confirmed(command) => return Err(refusal),
            Err(_) => {
                tries.attempts.again(None).await?;
                continue;
            }
        };
        let request = command.asker.idempotency_key.as_ref().filter(|_| !settling);
        let request = request.map(|key| {
            let sequence = change.entries[own_entry].sequence;
            let shown = view(&change.site, command.asker);
            record(command, &shown, key, Some(sequence))
        });
        let request = request.transpose()?;
        let commit = Commit {
            change: &change,
            command_id: &command.command_id,
            request: request.as_ref(),
        };
        match store.commit(&[commit]).await {
            Ok(()) if settling => tries.settled()?,
            Ok(()) => return Ok(done(command, view, change, own_entry)),
            Err(CommitFailed::Lost(guards)) => {
                failed_guards = guards;
                tries.attempts.again(None).await?;
            }
            Err(CommitFailed::Failed(Failure::NotApplied(error))) => {
                tries.attempts.again(Some(error)).await?;
            }
            Err(CommitFailed::Failed(Failure::Unknown(error))) => {
                if !settling {
                    tries.unanswered.push(Unanswered { change, own_entry });
                    tries.attempts.unanswered();
                    tries.confirmed = false;
                }
                tries.attempts.again(Some(error)).await?;
            }
            Err(CommitFailed::Failed(Failure::Fatal(error))) => {
                return Err(StoreError::Refused(error).into());
            }
        }
    }
}

/// What one command has tried so far.
#[derive(Default)]
struct Tries {
    attempts: Attempts,
    /// The writes that were sent and not answered.
    unanswered: Vec<Unanswered>,
    settlings: u32,
    confirmed: bool,
}

impl Tries {
    /// A backlog was settled: the site moved on by as many due dates as a change may charge.
    fn settled(&mut self) -> Result<(), StoreError> {
        self.settlings += 1;
        if self.settlings == MAX_SETTLINGS {
            Err(StoreError::Busy(None))
        } else {
            Ok(())
        }
    }

    /// Whether it may be answered that nothing was written: a refusal, or that nothing is to be changed.
    ///
    /// A read of several items is no snapshot: the code may be read after, and the request or the entry before, a
    /// write that both of them belong to. So where such a write is possible, a refusal is read a second time.
    fn confirmed(&mut self, command: &SiteCommand<'_>) -> bool {
        let possible = command.asker.idempotency_key.is_some() || !self.unanswered.is_empty();
        std::mem::replace(&mut self.confirmed, true) || !possible
    }
}

struct Loaded {
    site: Option<Site>,
    request: Option<FirstAnswer>,
    also: Vec<Option<Item>>,
    /// The place of an unanswered write that was committed after all.
    committed: Option<usize>,
}

async fn load(
    store: &Store,
    command: &SiteCommand<'_>,
    tries: &mut Tries,
) -> Result<Loaded, StoreError> {
    let site_id = command.site_id;
    let mut keys = vec![Key::Site(site_id.clone())];
    let request = command
        .asker
        .idempotency_key
        .as_ref()
        .map(|key| Key::Request(RequestOf::Site(site_id.clone()), key.clone()));
    let has_request = request.is_some();
    keys.extend(request);
    keys.extend(command.also.clone());
    // Two unanswered writes over one version have the same entry, and a table takes a key once a request.
    let mut entries: Vec<Key> = Vec::new();
    for write in &tries.unanswered {
        let entry = Key::Entry(
            site_id.clone(),
            write.change.entries[write.own_entry].sequence,
        );
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    keys.extend(entries);
    let mut items = store.load(&keys, &mut tries.attempts).await?.into_iter();
    let site = items.next().flatten();
    let request = if has_request {
        items.next().flatten()
    } else {
        None
    };
    let also = items.by_ref().take(command.also.len()).collect();
    let mut committed = None;
    for item in items.flatten() {
        let (entry, by) = decode_entry(&item)?;
        if by == command.command_id {
            committed = tries
                .unanswered
                .iter()
                .position(|write| write.change.entries[write.own_entry] == entry);
        }
    }
    Ok(Loaded {
        site: site.map(|item| decode_site(&item)).transpose()?,
        request: remembered(request.as_ref(), command.asker.now)?,
        also,
        committed,
    })
}

/// Only an administrator of the site goes on (rule 15).
fn authorized(site: Option<Site>, asker: &Asker) -> Result<Site, SiteNotFound> {
    let email = asker.email.as_ref().ok_or(SiteNotFound)?;
    site.filter(|site| site.role_of(email).is_some())
        .ok_or(SiteNotFound)
}

/// Answers as the first time, or refuses a key that was used for something else. A stranger learns of neither.
async fn replay<R: Error + 'static, V: DeserializeOwned>(
    store: &Store,
    command: &SiteCommand<'_>,
    first: FirstAnswer,
    site: Option<&Site>,
    attempts: &mut Attempts,
) -> Result<Done<V>, CommandError<R>> {
    if first.fingerprint != command.fingerprint() {
        authorized(site.cloned(), command.asker)?;
        return Err(CommandError::KeyReused);
    }
    Ok(answered(store, &command.command_id, command.site_id, first, attempts).await?)
}

/// What was answered the first time: an entry was written with the request, and entries are never deleted.
async fn answered<V: DeserializeOwned>(
    store: &Store,
    command_id: &CommandId,
    site_id: &SiteId,
    first: FirstAnswer,
    attempts: &mut Attempts,
) -> Result<Done<V>, StoreError> {
    let written = match first.entry_sequence {
        Some(sequence) => {
            let entry = store.entry(site_id, sequence, attempts).await?;
            Some(entry.ok_or_else(|| StoreError::defect("the request's entry is missing"))?)
        }
        None => None,
    };
    let (entry, by) = written.unzip();
    Ok(Done {
        entry,
        command_id: by.unwrap_or_else(|| command_id.clone()),
        view: serde_json::from_str(&first.answer).map_err(StoreError::defect)?,
        replayed: first.command_id.as_ref() != Some(command_id),
    })
}

fn record<V: Serialize>(
    command: &SiteCommand<'_>,
    view: &V,
    key: &str,
    entry_sequence: Option<u64>,
) -> Result<RequestRecord, StoreError> {
    let Asker { now, .. } = *command.asker;
    Ok(RequestRecord {
        whose: RequestOf::Site(command.site_id.clone()),
        key: key.to_owned(),
        now,
        answer: FirstAnswer {
            fingerprint: command.fingerprint(),
            command_id: entry_sequence.is_none().then(|| command.command_id.clone()),
            entry_sequence,
            answer: serde_json::to_string(view).map_err(StoreError::defect)?,
            expires_at: kept_until(now),
        },
    })
}

/// Until when a request is remembered, in seconds of the Unix epoch.
fn kept_until(now: Timestamp) -> i64 {
    now.as_second() + REQUEST_KEPT_HOURS * 3_600
}

/// The request of an item, unless it may be forgotten: TTL removes items late, so an expired one is ignored here, and
/// overwritten by the write.
fn remembered(item: Option<&Item>, now: Timestamp) -> Result<Option<FirstAnswer>, StoreError> {
    let first = item.map(FirstAnswer::decode).transpose()?;
    Ok(first.filter(|first| first.expires_at >= now.as_second()))
}

fn done<V>(
    command: &SiteCommand<'_>,
    view: View<'_, V>,
    mut change: Change,
    own_entry: usize,
) -> Done<V> {
    Done {
        view: view(&change.site, command.asker),
        entry: Some(change.entries.swap_remove(own_entry)),
        command_id: command.command_id.clone(),
        replayed: false,
    }
}
