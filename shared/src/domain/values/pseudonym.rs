//! Keyed hashes that stand for what must not be readable: the content of a request about users, and phone numbers.
//!
//! There are few enough phone numbers to try them all, so a plain hash would reveal them.

use crate::domain::values::ids::SiteId;
use crate::domain::values::phone::Mobile;
use crate::domain::values::secret::{Secrets, hash};
use data_encoding::HEXLOWER;

/// Makes pseudonyms.
#[derive(Debug)]
pub struct Pseudonyms {
    secrets: Secrets,
}

impl Pseudonyms {
    /// Takes the secrets.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// The fingerprints of a request about users, one under each secret, the newest first.
    #[must_use]
    pub fn fingerprints(&self, command: &str) -> Vec<String> {
        let parts: [&[u8]; 3] = [b"site-credits request v1", &[0], command.as_bytes()];
        self.secrets
            .keys()
            .map(|key| HEXLOWER.encode(&hash(key, &parts)))
            .collect()
    }

    /// The key under which a site's messages to a number are counted. Under a new secret the count starts again.
    #[must_use]
    pub fn number_key(&self, site: &SiteId, mobile: &Mobile) -> String {
        let parts: [&[u8]; 5] = [
            b"site-credits number key v1",
            &[0],
            site.as_str().as_bytes(),
            &[0],
            mobile.as_str().as_bytes(),
        ];
        let mut keys = self.secrets.keys();
        keys.next()
            .map_or_else(String::new, |key| HEXLOWER.encode(&hash(key, &parts)[..16]))
    }
}
