//! The secrets under which codes and links are made and known again: keys of HMAC-SHA256 (RFC 2104), each with an ID.

use crate::domain::values::text::InvalidName;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;

/// The most secrets of one purpose at the same time; each costs a hash or two a check.
pub const MAX_SECRETS: usize = 8;

/// The ID of a secret: 1 to 16 lower-case ASCII letters, digits and hyphens.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretId(String);

impl SecretId {
    /// Reads the ID of a secret as [`Secrets::parse`] does.
    ///
    /// # Errors
    /// It is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        ((1..=16).contains(&text.len()) && text.bytes().all(plain))
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidName {
                what: "secret_id",
                rule: "1 to 16 lower-case ASCII letters, digits and hyphens",
            })
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secrets of one purpose, newest first: what is new is made under the first, and what there is is accepted under
/// each.
#[derive(Debug)]
pub struct Secrets(Vec<(SecretId, SecretBox<[u8; 32]>)>);

/// A list of secrets cannot be read. It never repeats what it was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "secrets must be 1 to {MAX_SECRETS} of `id:key` separated by commas, newest first, each ID once: an ID is 1 to \
     16 lower-case letters, digits and hyphens, a key 64 hexadecimal digits"
)]
pub struct InvalidSecrets;

impl Secrets {
    /// Reads `id:key,id:key…`, newest first, each key 32 bytes in hexadecimal.
    ///
    /// # Errors
    /// [`InvalidSecrets`] says the form.
    pub fn parse(text: &str) -> Result<Self, InvalidSecrets> {
        let mut secrets: Vec<(SecretId, SecretBox<[u8; 32]>)> = Vec::new();
        for pair in text.split(',') {
            let (id, key) = pair.trim().split_once(':').ok_or(InvalidSecrets)?;
            let id = SecretId::parse(id).map_err(|_| InvalidSecrets)?;
            if secrets.iter().any(|(other, _)| *other == id) {
                return Err(InvalidSecrets);
            }
            let key = data_encoding::HEXLOWER_PERMISSIVE.decode(key.as_bytes());
            let key: [u8; 32] = key
                .ok()
                .and_then(|k| k.try_into().ok())
                .ok_or(InvalidSecrets)?;
            secrets.push((id, SecretBox::new(Box::new(key))));
        }
        (secrets.len() <= MAX_SECRETS)
            .then_some(Self(secrets))
            .ok_or(InvalidSecrets)
    }

    /// The ID of the secret that is used for what is new.
    #[must_use]
    pub fn newest(&self) -> &SecretId {
        &self.0[0].0
    }

    /// The keys of all secrets, the newest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(|(_, key)| key.expose_secret())
    }

    /// The key of a secret.
    pub(crate) fn key(&self, id: &SecretId) -> Option<&[u8; 32]> {
        let found = self.0.iter().find(|(known, _)| known == id);
        found.map(|(_, key)| key.expose_secret())
    }
}

/// The secret under which something was made is not among those at hand.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the secret `{0}`, under which this was made, is missing")]
pub struct SecretMissing(pub SecretId);

/// HMAC-SHA256 of parts under a key.
pub(crate) fn hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a key to its block of 64 bytes with zeros (RFC 2104), which makes this infallible.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
