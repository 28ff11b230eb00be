//! The scheduled deduction: everything that is due on the agenda, and nothing else. Messages that were reserved and left
//! are among it.
//!
//! Its shards are worked side by side. It stops before its deadline; what is left is still on the agenda. Every
//! transaction charges up to fifty sites and is refused whole when one of them changed meanwhile, so a refused
//! one is halved until the sites that changed stand alone, and these are loaded and decided again.

use super::deliveries::{Resolved, resolve_message};
use super::users::erase_users;
use crate::domain::model::agenda::SHARDS;
use crate::domain::model::change::{Change, MAX_ITEMS, Write};
use crate::domain::model::entry::Event;
use crate::domain::rules::deduct::{Deduction, deduct};
use crate::domain::values::ids::{CommandId, MessageId, SiteId};
use crate::store::{Attempts, Failure, NotCommitted, Store, StoreError, TypedKey};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashSet;
use tokio::time::Instant;

/// The most sites of one transaction: each is at least a site and an entry.
const SITES_A_TRANSACTION: usize = MAX_ITEMS / 2;

/// What a run did. It may have done more: what was written without an answer is found settled, and not counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Sites that were charged, halted or warned.
    pub sites: u64,
    /// Credits that were taken.
    pub credits: u64,
    /// Due dates that were charged.
    pub due_dates: u64,
    /// Sites that were halted.
    pub halted: u64,
    /// Sites that were warned that they will fall short.
    pub warned: u64,
    /// Messages that were left and resolved: given back, or marked as unknown.
    pub messages: u64,
    /// Users of deleted sites that were erased.
    pub erased: u64,
    /// What was due and is still on the agenda: out of time, or busy past the retries.
    pub left: u64,
    /// Sites that could not be read, decided or written, which is a defect. They are among those left.
    pub failed: u64,
}

/// The deduction could not run at all.
#[derive(Debug, thiserror::Error)]
pub enum DeductError {
    /// The agenda could not be read.
    #[error("the agenda could not be read")]
    Agenda(#[source] StoreError),
    /// The event is scheduled for later than its invocation.
    #[error(
        "the deduction is scheduled for {scheduled_time}, and it is {now}: nothing is charged before its day"
    )]
    TooEarly {
        /// For when.
        scheduled_time: Timestamp,
        /// When it was invoked.
        now: Timestamp,
    },
    /// Everything else was done, and these many sites could not be charged.
    #[error("{0} sites could not be charged, which is a defect: the log says which")]
    Failed(u64),
}

/// Charges everything that is due at `now`, until `deadline`.
///
/// # Errors
/// The agenda could not be read. What was charged until then stays, and the rest is still on the agenda.
pub async fn deduct_due(
    store: &Store,
    now: Timestamp,
    deadline: Instant,
) -> Result<Report, DeductError> {
    let mut shards = tokio::task::JoinSet::new();
    for shard in 0..SHARDS {
        let run = Run {
            store: store.clone(),
            now,
            deadline,
            command_id: CommandId::random(),
            report: Report::default(),
            seen: HashSet::new(),
            messages: HashSet::new(),
            to_erase: Vec::new(),
        };
        shards.spawn(run.shard(shard));
    }
    let mut total = Report::default();
    let mut failed = None;
    while let Some(shard) = shards.join_next().await {
        match shard {
            Ok(Ok(report)) => total = total.plus(report),
            Ok(Err(error)) => failed = Some(error),
            Err(panic) => failed = Some(StoreError::Refused(Box::new(panic))),
        }
    }
    failed.map_or(Ok(total), |error| Err(DeductError::Agenda(error)))
}

impl Report {
    fn plus(self, other: Self) -> Self {
        Self {
            sites: self.sites + other.sites,
            credits: self.credits + other.credits,
            due_dates: self.due_dates + other.due_dates,
            halted: self.halted + other.halted,
            warned: self.warned + other.warned,
            messages: self.messages + other.messages,
            erased: self.erased + other.erased,
            left: self.left + other.left,
            failed: self.failed + other.failed,
        }
    }

    fn count(&mut self, deduction: &Deduction) {
        for entry in &deduction.change.entries {
            match entry.event {
                Event::Deduction { devices, .. } => {
                    self.credits += u64::from(devices);
                    self.due_dates += 1;
                }
                Event::Halt { .. } => self.halted += 1,
                Event::Warning { .. } => self.warned += 1,
                _ => {}
            }
        }
    }
}

/// The work on one shard.
struct Run {
    store: Store,
    now: Timestamp,
    deadline: Instant,
    command_id: CommandId,
    report: Report,
    /// The sites that were worked: a lagging index names them again.
    seen: HashSet<SiteId>,
    /// The messages that were looked at, for the same reason.
    messages: HashSet<MessageId>,
    /// The deleted sites whose users are to be erased.
    to_erase: Vec<SiteId>,
}

impl Run {
    async fn shard(mut self, shard: u8) -> Result<Report, StoreError> {
        let mut from = None;
        loop {
            if self.out_of_time() {
                self.report.left = self.store.count_due(shard, self.now).await?;
                return Ok(self.report);
            }
            let page = self
                .store
                .due(shard, self.now, from, SITES_A_TRANSACTION)
                .await?;
            let sites: Vec<SiteId> = page
                .sites
                .into_iter()
                .filter(|site| self.seen.insert(site.clone()))
                .collect();
            self.work(sites).await;
            for site in std::mem::take(&mut self.to_erase) {
                self.erase(&site).await;
            }
            for (site, message) in page.messages {
                self.resolve(&site, &message).await;
            }
            match page.next {
                None => return Ok(self.report),
                next => from = next,
            }
        }
    }

    /// Erases the users of a deleted site.
    async fn erase(&mut self, site: &SiteId) {
        loop {
            if self.out_of_time() {
                self.report.left += 1;
                return;
            }
            match erase_users(&self.store, site, self.now).await {
                Ok(0) => return,
                Ok(erased) => self.report.erased += erased as u64,
                Err(error) => {
                    self.unloaded(std::slice::from_ref(site), &error);
                    return;
                }
            }
        }
    }

    /// Resolves a message that was left.
    async fn resolve(&mut self, site: &SiteId, message: &MessageId) {
        if !self.messages.insert(message.clone()) {
            return;
        }
        if self.out_of_time() {
            self.report.left += 1;
            return;
        }
        match resolve_message(&self.store, site, message, self.now).await {
            Ok(Resolved::Before) => {}
            Ok(Resolved::GivenBack | Resolved::Unknown) => self.report.messages += 1,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    message_id = message.as_str(),
                    "a message could not be resolved"
                );
                self.report.left += 1;
                if !matches!(error, StoreError::Busy(_)) {
                    self.report.failed += 1;
                }
            }
        }
    }

    fn out_of_time(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Charges sites, until nothing of them is due or the time is over.
    async fn work(&mut self, sites: Vec<SiteId>) {
        let mut groups = vec![(sites, Attempts::default())];
        while let Some((group, mut attempts)) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            if self.out_of_time() {
                self.report.left += group.len() as u64;
                continue;
            }
            let decided = match self.decide(&group, &mut attempts).await {
                Ok(decided) => decided,
                Err(error) => {
                    self.unloaded(&group, &error);
                    continue;
                }
            };
            for transaction in packed(decided) {
                let ids = transaction
                    .iter()
                    .map(|d| d.change.site.id.clone())
                    .collect();
                match self.commit(&transaction).await {
                    Ok(()) => groups.push((self.charged(transaction), Attempts::default())),
                    Err(failed) => self.split(ids, failed, &mut attempts, &mut groups).await,
                }
            }
        }
    }

    /// Counts what was committed, and gives the sites that have due dates left.
    fn charged(&mut self, transaction: Vec<Deduction>) -> Vec<SiteId> {
        let mut more = Vec::new();
        for deduction in transaction {
            self.report.count(&deduction);
            if deduction.more {
                more.push(deduction.change.site.id);
            } else {
                self.report.sites += 1;
            }
        }
        more
    }

    /// Counts sites that could not be loaded, which is a defect unless the table was busy.
    fn unloaded(&mut self, group: &[SiteId], error: &StoreError) {
        let sites = group.len() as u64;
        tracing::error!(
            error = error as &dyn std::error::Error,
            sites,
            "sites could not be loaded"
        );
        self.report.left += sites;
        if !matches!(error, StoreError::Busy(_)) {
            self.report.failed += sites;
        }
    }

    /// Reads sites and decides on each; those with nothing to do are left out.
    async fn decide(
        &mut self,
        sites: &[SiteId],
        attempts: &mut Attempts,
    ) -> Result<Vec<Deduction>, StoreError> {
        let keys: Vec<_> = sites.iter().map(TypedKey::site_or_corrupt).collect();
        let mut decided = Vec::new();
        for site in self.store.read(keys, attempts).await?.into_iter().flatten() {
            match site {
                Ok(site) => {
                    if site.users_to_erase {
                        self.to_erase.push(site.id.clone());
                    }
                    decided.extend(deduct(site, self.now));
                }
                // One site that cannot be read must not keep the others from being charged.
                Err(error) => {
                    tracing::error!(%error, "site not charged");
                    self.report.failed += 1;
                    self.report.left += 1;
                }
            }
        }
        Ok(decided)
    }

    async fn commit(&self, transaction: &[Deduction]) -> Result<(), NotCommitted> {
        let changes = transaction.iter().map(|deduction| deduction.change.clone());
        let writes: Vec<Write> = changes.flat_map(Change::into_writes).collect();
        self.store.commit(&writes, &self.command_id).await
    }

    /// What becomes of sites whose transaction was not committed: half of them each, or one of them again.
    ///
    /// After an unknown outcome the sites are loaded again like any others: what was charged is no longer due.
    async fn split(
        &mut self,
        mut sites: Vec<SiteId>,
        failed: NotCommitted,
        attempts: &mut Attempts,
        groups: &mut Vec<(Vec<SiteId>, Attempts)>,
    ) {
        let last = match failed {
            NotCommitted::Lost(_) => None,
            NotCommitted::Failed(Failure::NotApplied(error) | Failure::Unknown(error)) => {
                Some(error)
            }
            NotCommitted::Failed(Failure::Fatal(error)) => {
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    sites = sites.len(),
                    "a deduction was refused"
                );
                if sites.len() == 1 {
                    self.report.failed += 1;
                    self.report.left += 1;
                    return;
                }
                None
            }
        };
        if sites.len() > 1 {
            let half = sites.split_off(sites.len() / 2);
            groups.push((half, Attempts::default()));
            groups.push((sites, Attempts::default()));
            return;
        }
        match attempts.again(last).await {
            Ok(()) => groups.push((sites, std::mem::take(attempts))),
            Err(_) => self.report.left += 1,
        }
    }
}

/// Packs deductions into transactions of at most [`MAX_ITEMS`] items and [`SITES_A_TRANSACTION`] sites.
fn packed(decided: Vec<Deduction>) -> Vec<Vec<Deduction>> {
    let mut transactions: Vec<Vec<Deduction>> = Vec::new();
    let mut items = MAX_ITEMS;
    for deduction in decided {
        let more = deduction.change.items();
        match transactions.last_mut() {
            Some(last) if items + more <= MAX_ITEMS && last.len() < SITES_A_TRANSACTION => {
                items += more;
                last.push(deduction);
            }
            _ => {
                items = more;
                transactions.push(vec![deduction]);
            }
        }
    }
    transactions
}
