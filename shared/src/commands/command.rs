//! One command: its ID, what it is recognised by, and how its first answer is remembered.

use super::asker::Asker;
use super::subject::{OnSite, Subject};
use crate::domain::model::entry::Entry;
use crate::domain::model::request::{FirstAnswer, Request};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CommandId, SiteId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, Store, StoreError, TypedKey};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// How long a request is remembered, in hours. The contract says a day at least.
const REQUEST_KEPT_HOURS: i64 = 48;

/// The item by which a command whose answer was lost recognises its own write.
pub(super) enum Witness {
    /// Its own entry among the writes.
    Entry(Box<Entry>),
    /// Its request.
    Request,
}

/// One command.
pub(super) struct Command<S> {
    /// Its ID, made anew for each.
    pub(super) id: CommandId,
    /// Who acts, and on what.
    pub(super) subject: S,
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

    pub(super) fn request_item(&self) -> Option<TypedKey<FirstAnswer>> {
        let key = self.request_key()?;
        Some(TypedKey::request(&self.subject.owner(), &key))
    }

    pub(super) fn is_remembered(&self, first: &FirstAnswer) -> bool {
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

    /// The same, of a command whose entry is the witness.
    pub(super) fn with_entry(self) -> Self {
        Self {
            is_witness: false,
            ..self
        }
    }
}
