//! Issuing, re-issuing, pausing and revoking cards (rule 12).

use crate::domain::model::card::{Card, CardStatus, Validity};
use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::Event;
use crate::domain::model::site::{Site, SiteType};
use crate::domain::model::user::{Holder, Profile, User};
use crate::domain::rules::draft::{ChargeRefused, Draft};
use crate::domain::values::amount::Changes;
use crate::domain::values::card_link::CardKey;
use crate::domain::values::ids::{CardId, PersonId};
use crate::domain::values::person::Whom;
use crate::domain::values::secret::SecretId;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

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
    /// Nothing would be left of the person to whom it was issued.
    #[error(
        "this would hand the card on: nothing would be left of the name, e-mail address and number of the person to whom it \
         was issued. Re-issue it to its new holder, or correct one at a time"
    )]
    AnotherHolder,
    /// The site is halted, or has no credit for it.
    #[error(transparent)]
    Charge(#[from] ChargeRefused),
}

/// Issues a card to a user who has none. A regular site pays one credit for it (rule 12).
pub(crate) fn issue(
    draft: Draft,
    user: User,
    new: NewCard,
    by: &PersonId,
) -> Result<Change, CardRefused> {
    if user.live_card().is_some() {
        return Err(CardRefused::Exists);
    }
    let event = Event::CardIssue {
        whom: Whom::of(&user.person),
        card_id: new.id.clone(),
    };
    place(draft, user, new, event, Changes::take_credits(1), by)
}

/// Issues a card in the place of the one that a user has, whose link stops working. A regular site pays one maintenance
/// credit for it, or one credit where there is none (rule 12).
pub(crate) fn reissue(
    draft: Draft,
    user: User,
    new: NewCard,
    by: &PersonId,
) -> Result<Change, CardRefused> {
    let old = user.live_card().ok_or(CardRefused::NotFound)?;
    let event = Event::CardReissue {
        whom: Whom::of(&user.person),
        card_id: new.id.clone(),
        replaces: old.id.clone(),
        from: None,
    };
    let price = price_of_reissue(&draft);
    place(draft, user, new, event, price, by)
}

/// Hands a card on: it is re-issued to another person, who takes the user's place and gets a link of their own. What leads
/// to the person before is deleted.
pub(crate) fn hand_on(
    draft: Draft,
    user: User,
    to: (PersonId, Profile),
    new: NewCard,
    by: &PersonId,
) -> Result<Change, CardRefused> {
    let old = user.live_card().ok_or(CardRefused::NotFound)?;
    let (person, profile) = to;
    let event = Event::CardReissue {
        whom: Whom::of(&person),
        card_id: new.id.clone(),
        replaces: old.id.clone(),
        from: Some(user.person.clone()),
    };
    let forgotten = user.is_named.then(|| Write::PersonForgotten {
        site_id: user.site_id.clone(),
        person: user.person.clone(),
    });
    let user = User {
        person,
        is_named: false,
        numbers: u32::from(profile.mobile.is_some()),
        profile,
        ..user
    };
    let price = price_of_reissue(&draft);
    let mut change = place(draft, user, new, event, price, by)?;
    change.writes.extend(forgotten);
    Ok(change)
}

fn price_of_reissue(draft: &Draft) -> Changes {
    match draft.site.balances.maintenance_credits {
        0 => Changes::take_credits(1),
        _ => Changes::take_maintenance_credits(1),
    }
}

/// How long after its issue a card's holder can be corrected in everything: long enough to notice a typing error, and too
/// short to use a card twice.
const CORRECTED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The user with another profile, or `None` if it is no other. On a site that pays for cards, a change after which nothing is
/// left of the person to whom the card was issued is another holder and no correction.
///
/// To whom it was issued is what was known at the end of the hour in which anything is corrected, or known first after it.
pub(crate) fn corrected(
    site: &Site,
    user: User,
    profile: Profile,
    now: Timestamp,
) -> Result<Option<User>, CardRefused> {
    if profile == user.profile {
        return Ok(None);
    }
    let Some(card) = user.live_card() else {
        return Ok(Some(user.with(profile)));
    };
    let is_open = !user.holder.is_known() || now.duration_since(card.issued_at) <= CORRECTED_FOR;
    if !is_open && site.site_type == SiteType::Regular && !user.holder.is_of(&profile) {
        return Err(CardRefused::AnotherHolder);
    }
    let mut user = user.with(profile);
    if is_open {
        user.holder = Holder::of(&user.profile);
    }
    Ok(Some(user))
}

/// Gives a user a card, in the place of the one they have.
fn place(
    mut draft: Draft,
    mut user: User,
    new: NewCard,
    event: Event,
    price: Changes,
    by: &PersonId,
) -> Result<Change, CardRefused> {
    draft.require_running()?;
    let today = draft.today;
    let valid_from = new.valid_from.unwrap_or(today);
    let last = new.valid_until;
    if last.is_some_and(|last| last < valid_from.max(today)) {
        return Err(CardRefused::Validity { today });
    }
    let price = draft.price_on(SiteType::Regular, price);
    draft.charge(by, event, price)?;
    let mut writes = vec![Write::CardLinked {
        key: new.key.clone(),
        site_id: draft.site.id.clone(),
        user_id: user.id.clone(),
    }];
    writes.extend(
        user.live_card()
            .map(|old| Write::CardUnlinked(old.key.clone())),
    );
    user.card = Some(Card {
        id: new.id,
        status: CardStatus::Active,
        validity: Validity {
            valid_from,
            valid_until: new.valid_until,
        },
        issued_at: draft.at(),
        secret_id: new.secret_id,
        key: new.key,
    });
    if !user.is_named {
        user.is_named = true;
        writes.push(Write::person_named(&user));
    }
    user.holder = Holder::of(&user.profile);
    user.version += 1;
    writes.push(Write::UserChanged(Box::new(user)));
    Ok(draft.finish(writes))
}

/// Pauses a card, or lets it open doors again: the user after it, or `None` where the card is so already.
pub(crate) fn pause_or_resume(mut user: User, paused: bool) -> Result<Option<User>, CardRefused> {
    let status = if paused {
        CardStatus::Paused
    } else {
        CardStatus::Active
    };
    let card = user.live_card_mut().ok_or(CardRefused::NotFound)?;
    if card.status == status {
        return Ok(None);
    }
    card.status = status;
    user.version += 1;
    Ok(Some(user))
}

/// Revokes a card, whose link stops working: the user after it, and what found the card.
pub(crate) fn revoke(mut user: User) -> Result<(User, CardKey), CardRefused> {
    let card = user.live_card_mut().ok_or(CardRefused::NotFound)?;
    card.status = CardStatus::Revoked;
    let key = card.key.clone();
    user.version += 1;
    Ok((user, key))
}
