//! The links by which cards are downloaded.
//!
//! A link ends in a token of 120 bits that look random: an output of HMAC-SHA256 (RFC 2104) over the card's ID, which is
//! random itself. The table stores another keyed hash of the token, by which the card is found, and never the token.
//! So a card's link can be shown and sent again, and whoever reads the table cannot make one.
//!
//! ```text
//! token = HMAC(secret, "site-credits card link v1" ‖ 0 ‖ card ID)[0..15]
//! key   = HMAC(secret, "site-credits card key v1"  ‖ 0 ‖ token)[0..16]
//! ```

use crate::domain::values::crockford;
use crate::domain::values::ids::CardId;
use crate::domain::values::secret::{SecretId, SecretMissing, Secrets, hash};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The symbols of a token, of five bits each.
const TOKEN_SYMBOLS: u32 = 24;

/// The bytes of a token.
const TOKEN_BYTES: usize = 15;

/// The token at the end of a card's link. Its `Debug` form hides it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CardToken([u8; TOKEN_BYTES]);

impl CardToken {
    /// Reads a token, and forgives what [`crockford::decode`] forgives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bits = crockford::decode(text, TOKEN_SYMBOLS).ok()?;
        let mut bytes = [0; TOKEN_BYTES];
        bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
        Some(Self(bytes))
    }
}

impl fmt::Display for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self
            .0
            .iter()
            .fold(0, |bits, &byte| (bits << 8) | u128::from(byte));
        f.write_str(&crockford::encode(bits, TOKEN_SYMBOLS))
    }
}

impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardToken(…)")
    }
}

/// What finds a card by its token: a keyed hash of the token, in hexadecimal.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardKey(String);

impl CardKey {
    /// The 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes the links of cards, and knows them again.
#[derive(Debug)]
pub struct CardLinks {
    secrets: Secrets,
}

impl CardLinks {
    /// Takes the secrets.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// The secret of a new card.
    #[must_use]
    pub fn newest(&self) -> &SecretId {
        self.secrets.newest()
    }

    /// The token of a card, and what finds the card by it.
    ///
    /// # Errors
    /// The secret is not at hand.
    pub fn token(
        &self,
        card: &CardId,
        secret: &SecretId,
    ) -> Result<(CardToken, CardKey), SecretMissing> {
        let key = self.secrets.key(secret);
        let key = key.ok_or_else(|| SecretMissing(secret.clone()))?;
        let parts: [&[u8]; 3] = [b"site-credits card link v1", &[0], card.as_str().as_bytes()];
        let mut token = CardToken([0; TOKEN_BYTES]);
        token.0.copy_from_slice(&hash(key, &parts)[..TOKEN_BYTES]);
        Ok((token, card_key(key, token)))
    }

    /// What a token's card may be found by: a key for each secret, the newest first.
    #[must_use]
    pub fn keys(&self, token: CardToken) -> Vec<CardKey> {
        self.secrets
            .keys()
            .map(|key| card_key(key, token))
            .collect()
    }
}

fn card_key(key: &[u8; 32], token: CardToken) -> CardKey {
    let parts: [&[u8]; 3] = [b"site-credits card key v1", &[0], &token.0];
    CardKey(HEXLOWER.encode(&hash(key, &parts)[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> CardLinks {
        let secrets = format!("2:{},1:{}", "ab".repeat(32), "cd".repeat(32));
        CardLinks::new(Secrets::parse(&secrets).unwrap())
    }

    #[test]
    fn a_token_is_read_as_it_is_written_and_finds_its_card_under_any_secret() {
        let links = links();
        for secret in ["2", "1"] {
            let secret = SecretId::parse(secret).unwrap();
            let (token, key) = links.token(&CardId::random(), &secret).unwrap();
            let text = token.to_string();
            assert_eq!(text.len(), 24);
            assert_eq!(CardToken::parse(&text.to_lowercase()), Some(token));
            assert!(links.keys(token).contains(&key));
        }
        assert!(
            links
                .token(&CardId::random(), &SecretId::parse("3").unwrap())
                .is_err()
        );
        assert_eq!(CardToken::parse("ABC"), None);
        assert_eq!(format!("{:?}", CardToken([7; 15])), "CardToken(…)");
    }

    /// Links that were sent must go on working: this never changes.
    #[test]
    fn the_token_and_the_key_of_a_card_never_change() {
        let card = CardId::parse("00000000-0000-4000-8000-000000000001").unwrap();
        let (token, key) = links()
            .token(&card, &SecretId::parse("1").unwrap())
            .unwrap();
        assert_eq!(
            (token.to_string().as_str(), key.as_str()),
            (
                "6RCR9WAYZSK4ZPN45AA12PCH",
                "9583f0d1a1648b1f9beacd93ec6c216c"
            )
        );
    }
}
