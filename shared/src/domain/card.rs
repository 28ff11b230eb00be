//! Cards: one a user (rule 12), and the links that they are downloaded by.
//!
//! A link ends in a token of 120 bits that look random: an output of HMAC-SHA256 (RFC 2104) over the card's ID, which is
//! random itself. The table keeps another keyed hash of the token, under which the card is found, and never the token.
//! So the link of a card can be shown and sent again, and whoever reads the table cannot make one.
//!
//! ```text
//! token = HMAC(secret, "site-credits card link v1" ‖ 0 ‖ card ID)[0..15]
//! key   = HMAC(secret, "site-credits card key v1"  ‖ 0 ‖ token)[0..16]
//! ```

use super::amount::{BalanceOutOfRange, Changes};
use super::change::{Decision, Guard};
use super::crockford;
use super::deduction::{Begun, begin};
use super::entry::{Actor, Event};
use super::identity::{CardId, Email, SiteId};
use super::person::User;
use super::phone::Mobile;
use super::secret::{SecretId, SecretMissing, Secrets, hash};
use super::site::{Site, SiteType, Status};
use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The symbols of a token, of five bits each.
const TOKEN_SYMBOLS: u32 = 24;
/// The bytes of a token.
const TOKEN_BYTES: usize = 15;

/// Whether a card opens doors.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It does.
    Active,
    /// It does not for now.
    Paused,
    /// It never will again.
    Revoked,
}

/// The days on which a card is good, in the site's zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    /// The first.
    pub valid_from: Date,
    /// The last; `None` until it is revoked.
    pub valid_until: Option<Date>,
}

/// A mobile access card.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its ID.
    pub id: CardId,
    /// Whether it opens doors.
    pub status: CardStatus,
    /// When it is good.
    #[serde(flatten)]
    pub validity: Validity,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The secret of its link.
    pub secret_id: SecretId,
    /// What finds it by its link.
    pub key: CardKey,
}

/// The token at the end of a card's link. Its `Debug` form hides it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CardToken([u8; TOKEN_BYTES]);

impl CardToken {
    /// Reads a token, and forgives what [`crockford::decode`] forgives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bits = crockford::decode(text, TOKEN_SYMBOLS)?;
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

impl CardLinks {
    /// Keyed hashes of what a request about people asks for, one for each secret, the newest first. A plain hash would tell
    /// the number in it to whoever tries them all.
    #[must_use]
    pub fn fingerprints(&self, asked: &str) -> Vec<String> {
        let parts: [&[u8]; 3] = [b"site-credits request v1", &[0], asked.as_bytes()];
        self.secrets
            .keys()
            .map(|key| HEXLOWER.encode(&hash(key, &parts)))
            .collect()
    }

    /// What finds how many messages a site sent to a number: a keyed hash, as there are few enough numbers to try all.
    /// Under a new secret the count begins anew.
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

fn card_key(key: &[u8; 32], token: CardToken) -> CardKey {
    let parts: [&[u8]; 3] = [b"site-credits card key v1", &[0], &token.0];
    CardKey(HEXLOWER.encode(&hash(key, &parts)[..16]))
}

/// A card to be issued.
#[derive(Clone, Debug)]
pub struct NewCard {
    /// Its ID.
    pub id: CardId,
    /// The secret of its link.
    pub secret_id: SecretId,
    /// What finds it by its link.
    pub key: CardKey,
    /// The first day on which it is good; today if it does not say.
    pub valid_from: Option<Date>,
    /// The last day on which it is good.
    pub valid_until: Option<Date>,
}

/// Why a card is not issued, or not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CardRefused {
    /// The user has one that was not revoked.
    #[error("this user has a card already, which can be re-issued or revoked")]
    Exists,
    /// The user has none, or it was revoked.
    #[error("this user has no card")]
    NotFound,
    /// The last day is before the first, or over.
    #[error("valid_until must not be earlier than valid_from or than today, {today} at this site")]
    Validity {
        /// The site's date.
        today: Date,
    },
    /// The site is halted, or is by what is due today.
    #[error("the site is halted until it is recharged")]
    PaymentRequired,
    /// There is no credit for it.
    #[error("a card takes {needed} credit, and there are {available}")]
    InsufficientCredits {
        /// What it takes.
        needed: u64,
        /// What there is.
        available: u64,
    },
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// Issues a card to a user who has none. A regular site pays one credit for it (rule 12).
///
/// # Errors
/// [`CardRefused`] says why, and nothing changes.
pub fn issue(
    site: Site,
    user: User,
    new: NewCard,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, CardRefused> {
    if live(&user).is_some() {
        return Err(CardRefused::Exists);
    }
    let event = Event::CardIssue {
        user_id: user.id.clone(),
        card_id: new.id.clone(),
    };
    let issuing = Issuing {
        event,
        price: |_| Changes::take_credits(1),
        replaced: None,
    };
    issuing.charge(site, user, new, by, now)
}

/// Issues a card in the place of the one that a user has, whose link stops working. A regular site pays one maintenance
/// credit for it, or one credit where there is none (rule 12).
///
/// # Errors
/// [`CardRefused`] says why, and nothing changes.
pub fn reissue(
    site: Site,
    user: User,
    new: NewCard,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, CardRefused> {
    let old = live(&user).ok_or(CardRefused::NotFound)?;
    let event = Event::CardReissue {
        user_id: user.id.clone(),
        card_id: new.id.clone(),
        replaces: old.id.clone(),
    };
    let issuing = Issuing {
        event,
        price: |site| match site.balances.maintenance_credits {
            0 => Changes::take_credits(1),
            _ => Changes::take_maintenance_credits(1),
        },
        replaced: Some(old.key.clone()),
    };
    issuing.charge(site, user, new, by, now)
}

/// Pauses a card, or lets it open doors again. `false` where it is so already.
///
/// # Errors
/// The user has no card, or it was revoked.
pub fn pause_or_resume(user: &mut User, paused: bool) -> Result<bool, CardRefused> {
    let status = if paused {
        CardStatus::Paused
    } else {
        CardStatus::Active
    };
    let card = user
        .card
        .as_mut()
        .filter(|card| card.status != CardStatus::Revoked);
    let card = card.ok_or(CardRefused::NotFound)?;
    let changed = card.status != status;
    card.status = status;
    user.version += u64::from(changed);
    Ok(changed)
}

/// Revokes a card, whose link stops working.
///
/// # Errors
/// The user has no card, or it was revoked before.
pub fn revoke(mut user: User) -> Result<Vec<Guard>, CardRefused> {
    let card = user
        .card
        .as_mut()
        .filter(|card| card.status != CardStatus::Revoked);
    let card = card.ok_or(CardRefused::NotFound)?;
    card.status = CardStatus::Revoked;
    let unlinked = Guard::CardUnlinked(card.key.clone());
    user.version += 1;
    Ok(vec![Guard::UserChanged(Box::new(user)), unlinked])
}

/// The card of a user that was not revoked.
#[must_use]
pub fn live(user: &User) -> Option<&Card> {
    let card = user.card.as_ref();
    card.filter(|card| card.status != CardStatus::Revoked)
}

/// What issuing and re-issuing differ in.
struct Issuing {
    event: Event,
    /// What a regular site pays.
    price: fn(&Site) -> Result<Changes, BalanceOutOfRange>,
    /// The card whose place is taken.
    replaced: Option<CardKey>,
}

impl Issuing {
    fn charge(
        self,
        site: Site,
        mut user: User,
        new: NewCard,
        by: &Email,
        now: Timestamp,
    ) -> Result<Decision, CardRefused> {
        let mut draft = match begin(site, now)? {
            Begun::Draft(draft) => draft,
            Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
        };
        if draft.site.status == Status::PaymentRequired {
            return Err(CardRefused::PaymentRequired);
        }
        let today = draft.today;
        let validity = Validity {
            valid_from: new.valid_from.unwrap_or(today),
            valid_until: new.valid_until,
        };
        if validity
            .valid_until
            .is_some_and(|last| last < validity.valid_from.max(today))
        {
            return Err(CardRefused::Validity { today });
        }
        let changes = match draft.site.site_type {
            SiteType::Dynamic => Changes::NONE,
            SiteType::Regular => (self.price)(&draft.site)?,
        };
        if draft.site.balances.after(changes).is_err() {
            return Err(CardRefused::InsufficientCredits {
                needed: 1,
                available: draft.site.balances.credits,
            });
        }
        user.card = Some(Card {
            id: new.id,
            status: CardStatus::Active,
            validity,
            issued_at: draft.at(),
            secret_id: new.secret_id,
            key: new.key.clone(),
        });
        user.version += 1;
        let own_entry = draft.entries();
        draft.record(
            Actor::Administrator { email: by.clone() },
            self.event,
            changes,
        )?;
        let mut guards = vec![Guard::CardLinked {
            key: new.key,
            user_id: user.id.clone(),
        }];
        guards.extend(self.replaced.map(Guard::CardUnlinked));
        guards.push(Guard::UserChanged(Box::new(user)));
        Ok(Decision::Done {
            change: draft.finish(guards),
            own_entry,
        })
    }
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
