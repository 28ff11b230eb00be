//! Issuing, re-issuing, pausing and revoking cards (rule 12).

use crate::domain::model::card::{Card, CardStatus, Validity};
use crate::domain::model::change::{Decision, Guard};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::model::user::{User, live};
use crate::domain::rules::settle::{Begun, begin};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::card_link::CardKey;
use crate::domain::values::email::Email;
use crate::domain::values::ids::CardId;
use crate::domain::values::secret::SecretId;
use jiff::Timestamp;
use jiff::civil::Date;

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
