//! License codes: their format, their keyed tag, their and derivation (rules 4 and 5).
//!
//! A code is 100 bits in 20 symbols of Crockford's Base32: 64 bits that look random, then a 36-bit tag over
//! them. Both are outputs of HMAC-SHA256 (RFC 2104), under different keys:
//!
//! ```text
//! bits  = HMAC(derive secret, "site-credits code bits v1" ‖ 0 ‖ batch ID ‖ 0 ‖ index, 4 bytes big-endian)[0..8]
//! tag   = HMAC(check secret,  "site-credits code tag v1"  ‖ 0 ‖ bits)[0..36 bits]
//! key   = HMAC(check secret,  "site-credits code key v1"  ‖ 0 ‖ bits)[0..16]
//! ```
//!
//! Whoever holds the check secret can recognise a code and find its item, but cannot derive a batch's codes.

use crate::domain::values::crockford::{self, NotSymbols};
use crate::domain::values::ids::BatchId;
use crate::domain::values::secret::{SecretId, SecretMissing, Secrets, hash};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The symbols of a code.
const SYMBOLS: u32 = 20;

/// The bits of a code's tag. A forged code passes the tag once in 2^36 tries, for each secret.
const TAG_BITS: u32 = 36;

/// A text is not a license code that was issued.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodeNotRecognised {
    /// It cannot be a code: it has another number of symbols.
    #[error("a code has {SYMBOLS} letters and digits, and this has {0}: look for a typing error")]
    Length(usize),
    /// It cannot be a code: it has a character that no code has.
    #[error("this has a character that no code has, such as the letter U: look for a typing error")]
    Character,
    /// Mistyped, forged, or unknown. The three get the same answer.
    #[error("this is not a license code that was issued: look for a typing error")]
    Unknown,
}

impl From<NotSymbols> for CodeNotRecognised {
    fn from(error: NotSymbols) -> Self {
        match error {
            NotSymbols::Count(count) => Self::Length(count),
            NotSymbols::Other => Self::Character,
        }
    }
}

/// A plain license code. Its `Debug` form hides all but its last four symbols.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LicenseCode {
    bits: u64,
    tag: u64,
}

impl LicenseCode {
    /// Reads a code and forgives what [`crockford::decode`] forgives. The tag is not yet checked.
    fn parse(text: &str) -> Result<Self, CodeNotRecognised> {
        let all = crockford::decode(text, SYMBOLS)?;
        let part = |bits: u128| u64::try_from(bits).map_err(|_| CodeNotRecognised::Unknown);
        Ok(Self {
            bits: part(all >> TAG_BITS)?,
            tag: part(all & ((1 << TAG_BITS) - 1))?,
        })
    }

    fn symbols(self) -> String {
        crockford::encode(
            (u128::from(self.bits) << TAG_BITS) | u128::from(self.tag),
            SYMBOLS,
        )
    }

    /// The last four symbols, which may be stored and shown: they are part of the tag and say nothing of the
    /// 64 bits without the check secret.
    #[must_use]
    pub fn last_four(self) -> String {
        self.symbols().split_off(16)
    }
}

impl fmt::Display for LicenseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, symbol) in self.symbols().chars().enumerate() {
            if place > 0 && place % 5 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for LicenseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicenseCode(…{})", self.last_four())
    }
}

/// What finds a code's item in the table: a keyed hash of the code, in hexadecimal.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeKey(String);

impl CodeKey {
    /// The 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a key as the table holds it.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A code whose tag is right. Whether it was ever issued, the table knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecognisedCode {
    /// What finds its item.
    pub key: CodeKey,
    /// Its last four symbols.
    pub last_four: String,
}

/// Recognises codes. It holds the check secrets and cannot make a code.
#[derive(Debug)]
pub struct CodeChecker {
    secrets: Secrets,
}

impl CodeChecker {
    /// Takes the check secrets.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// Reads a code and checks its tag under each secret, the newest first. Reads nothing.
    ///
    /// # Errors
    /// The text is not a code, or its tag is wrong under every secret: mistyped or forged.
    pub fn recognise(&self, text: &str) -> Result<RecognisedCode, CodeNotRecognised> {
        recognise(&self.secrets, text)
    }
}

/// Derives the codes of batches. It holds both kinds of secrets; only `issue-codes` has one.
#[derive(Debug)]
pub struct CodeIssuer {
    derive: Secrets,
    check: Secrets,
}

impl CodeIssuer {
    /// Takes the derive secrets and the check secrets.
    ///
    /// # Errors
    /// The newest derive secret has no check secret of the same ID.
    pub fn new(derive: Secrets, check: Secrets) -> Result<Self, SecretMissing> {
        let newest = derive.newest();
        if check.key(newest).is_none() {
            return Err(SecretMissing(newest.clone()));
        }
        Ok(Self { derive, check })
    }

    /// The ID under which a new batch is issued.
    #[must_use]
    pub fn newest(&self) -> &SecretId {
        self.derive.newest()
    }

    /// Recognises a code, as [`CodeChecker::recognise`] does.
    ///
    /// # Errors
    /// As there.
    pub fn recognise(&self, text: &str) -> Result<RecognisedCode, CodeNotRecognised> {
        recognise(&self.check, text)
    }

    /// The code of a batch at an index. The same arguments give the same code, for ever.
    ///
    /// # Errors
    /// The secret is not at hand.
    pub fn code(
        &self,
        secret: &SecretId,
        batch: &BatchId,
        index: u32,
    ) -> Result<(LicenseCode, RecognisedCode), SecretMissing> {
        let missing = || SecretMissing(secret.clone());
        let derive = self.derive.key(secret).ok_or_else(missing)?;
        let check = self.check.key(secret).ok_or_else(missing)?;
        let index = index.to_be_bytes();
        let bits = leading_u64(&hash(
            derive,
            &[
                b"site-credits code bits v1",
                &[0],
                batch.as_str().as_bytes(),
                &[0],
                &index,
            ],
        ));
        let code = LicenseCode {
            bits,
            tag: tag(check, bits),
        };
        Ok((code, recognised(check, code)))
    }
}

/// Reads a code and checks its tag under each of these secrets.
fn recognise(secrets: &Secrets, text: &str) -> Result<RecognisedCode, CodeNotRecognised> {
    let code = LicenseCode::parse(text)?;
    let mut keys = secrets.keys();
    keys.find(|key| tag(key, code.bits) == code.tag)
        .map(|key| recognised(key, code))
        .ok_or(CodeNotRecognised::Unknown)
}

fn recognised(check: &[u8; 32], code: LicenseCode) -> RecognisedCode {
    let hash = hash(
        check,
        &[b"site-credits code key v1", &[0], &code.bits.to_be_bytes()],
    );
    RecognisedCode {
        key: CodeKey(HEXLOWER.encode(&hash[..16])),
        last_four: code.last_four(),
    }
}

fn tag(check: &[u8; 32], bits: u64) -> u64 {
    let hash = hash(
        check,
        &[b"site-credits code tag v1", &[0], &bits.to_be_bytes()],
    );
    leading_u64(&hash) >> (64 - TAG_BITS)
}

fn leading_u64(hash: &[u8; 32]) -> u64 {
    hash[..8]
        .iter()
        .fold(0, |number, &byte| (number << 8) | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const OLD: &str = "2025:00000000000000000000000000000000000000000000000000000000000000aa";
    const NEW: &str = "2026:00000000000000000000000000000000000000000000000000000000000000bb";

    fn issuer(secrets: &str) -> CodeIssuer {
        CodeIssuer::new(
            Secrets::parse(secrets).unwrap(),
            Secrets::parse(secrets).unwrap(),
        )
        .unwrap()
    }

    fn checker(secrets: &str) -> CodeChecker {
        CodeChecker::new(Secrets::parse(secrets).unwrap())
    }

    fn batch(number: u128) -> BatchId {
        BatchId::parse(&uuid::Uuid::from_u128(number).to_string()).unwrap()
    }

    fn code_of(issuer: &CodeIssuer, number: u128, index: u32) -> (LicenseCode, RecognisedCode) {
        issuer.code(issuer.newest(), &batch(number), index).unwrap()
    }

    #[test]
    fn the_form_of_a_code_never_changes() {
        // Codes are printed and sold: this literal may never differ.
        let (code, recognised) = code_of(&issuer(NEW), 1, 0);
        assert_eq!(code.to_string(), "92SX2-1EESH-6D2FC-HGTX6");
        assert_eq!(recognised.key.as_str(), "430e77fae07d0f2332ecb12f1c566f75");
        assert_eq!(
            format!("{code:?}"),
            format!("LicenseCode(…{})", recognised.last_four)
        );
    }

    #[test]
    fn the_same_batch_and_index_give_the_same_code_and_others_another() {
        let issuer = issuer(NEW);
        let mut seen = HashSet::new();
        for number in 0..10 {
            for index in 0..1_000 {
                let (code, _) = code_of(&issuer, number, index);
                assert_eq!(code, code_of(&issuer, number, index).0);
                assert!(seen.insert(code.to_string()));
            }
        }
    }

    #[test]
    fn every_wrong_symbol_and_every_swap_of_neighbours_is_refused() {
        let (issuer, checker) = (issuer(NEW), checker(&format!("{NEW},{OLD}")));
        for index in 0..50 {
            let symbols: Vec<char> = code_of(&issuer, 7, index).0.symbols().chars().collect();
            assert!(
                checker
                    .recognise(&symbols.iter().collect::<String>())
                    .is_ok()
            );
            for place in 0..20 {
                for &wrong in crockford::SYMBOLS {
                    let mut mistyped = symbols.clone();
                    mistyped[place] = char::from(wrong);
                    let accepted = checker
                        .recognise(&mistyped.iter().collect::<String>())
                        .is_ok();
                    assert_eq!(accepted, mistyped == symbols);
                }
                let mut swapped = symbols.clone();
                swapped.swap(place, (place + 1).min(19));
                let accepted = checker
                    .recognise(&swapped.iter().collect::<String>())
                    .is_ok();
                assert_eq!(accepted, swapped == symbols);
            }
        }
    }

    #[test]
    fn codes_of_an_older_secret_still_apply_and_those_of_a_dropped_one_do_not() {
        let (old, recognised) = code_of(&issuer(OLD), 3, 5);
        let rotated = checker(&format!("{NEW},{OLD}"));
        assert_eq!(rotated.recognise(&old.to_string()), Ok(recognised));
        assert_eq!(
            checker(NEW).recognise(&old.to_string()),
            Err(CodeNotRecognised::Unknown)
        );
        let issuer = issuer(&format!("{NEW},{OLD}"));
        let same = issuer
            .code(&SecretId::parse("2025").unwrap(), &batch(3), 5)
            .unwrap()
            .0;
        assert_eq!(same, old);
        assert_eq!(issuer.newest().to_string(), "2026");
    }

    #[test]
    fn secrets_are_read_strictly_and_never_repeated() {
        let key = "0".repeat(64);
        for bad in [
            "",
            "a",
            "a:12",
            &format!("A:{key}"),
            &format!("a:{key},a:{key}"),
            &format!("a:{key},"),
        ] {
            assert!(Secrets::parse(bad).is_err(), "{bad}");
        }
        let nine: Vec<String> = (0..9).map(|n| format!("s{n}:{key}")).collect();
        assert!(Secrets::parse(&nine.join(",")).is_err());
        let shown = format!("{:?}", Secrets::parse(NEW).unwrap());
        assert!(!shown.contains("bb"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_forgiven_spelling_is_accepted(
            number: u128,
            index in 0..10_000_u32,
            spellings in prop::collection::vec((any::<bool>(), 0_usize..3, 0_usize..6), 20),
        ) {
            let (code, recognised) = code_of(&issuer(NEW), number, index);
            let mut text = String::new();
            for (symbol, (lower, mix_up, separator)) in code.symbols().chars().zip(spellings) {
                let symbol = match symbol {
                    '0' => ['0', 'O', 'o'][mix_up],
                    '1' => ['1', 'I', 'l'][mix_up],
                    other => other,
                };
                text.push(if lower { symbol.to_ascii_lowercase() } else { symbol });
                text.push_str(["", "-", " ", "\u{a0}", "–", ""][separator]);
            }
            prop_assert_eq!(checker(NEW).recognise(&text), Ok(recognised));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = checker(NEW).recognise(&text);
        }
    }
}
