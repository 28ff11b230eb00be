//! Cards: issuing and re-issuing them, which regular sites pay for, and pausing, resuming, revoking and showing them.

use super::people::{PeopleCommand, PeopleDecision, PeopleDone, UserRefused, execute_on_people};
use super::{Asker, CommandError, Done, SiteCommand, SiteNotFound, execute};
use crate::domain::model::card::{Card, CardStatus, Validity};
use crate::domain::model::change::{Decision, Guard};
use crate::domain::model::site::{Site, Status};
use crate::domain::model::user::{User, live};
use crate::domain::rules::cards;
use crate::domain::rules::cards::NewCard;
use crate::domain::rules::license::{License, view};
use crate::domain::values::card_link::{CardLinks, CardToken};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CardId, CommandId, SiteId, UserId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, CardOwner, Key, Store, StoreError, decode_site, decode_user};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// When a card is to be good.
#[derive(Clone, Copy, Debug, Default)]
pub struct CardWish {
    /// The first day; today if it does not say.
    pub valid_from: Option<Date>,
    /// The last day.
    pub valid_until: Option<Date>,
}

/// A card that was issued, and what the site holds after it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CardIssued {
    /// The card.
    pub card: Card,
    /// The license.
    pub license: License,
}

/// Issues a card to a user.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn issue_card(
    store: &Store,
    links: &CardLinks,
    site_id: &SiteId,
    user_id: &UserId,
    wish: CardWish,
    asker: &Asker,
) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
    let issuing = Issuing {
        what: "issue",
        decide: cards::issue,
    };
    issuing
        .carry_out(store, links, site_id, user_id, wish, asker)
        .await
}

/// Issues a card to a user in the place of the one that there is.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn reissue_card(
    store: &Store,
    links: &CardLinks,
    site_id: &SiteId,
    user_id: &UserId,
    wish: CardWish,
    asker: &Asker,
) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
    let issuing = Issuing {
        what: "reissue",
        decide: cards::reissue,
    };
    issuing
        .carry_out(store, links, site_id, user_id, wish, asker)
        .await
}

type Decide =
    fn(Site, User, NewCard, &Email, jiff::Timestamp) -> Result<Decision, cards::CardRefused>;

/// What issuing and re-issuing differ in.
struct Issuing {
    what: &'static str,
    decide: Decide,
}

impl Issuing {
    async fn carry_out(
        self,
        store: &Store,
        links: &CardLinks,
        site_id: &SiteId,
        user_id: &UserId,
        wish: CardWish,
        asker: &Asker,
    ) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
        let email = asker.email.clone().ok_or(SiteNotFound)?;
        let CardWish {
            valid_from,
            valid_until,
        } = wish;
        let command = SiteCommand {
            site_id,
            asker,
            command_id: CommandId::random(),
            wish: format!(
                "{} card of {user_id}\n{valid_from:?}\n{valid_until:?}",
                self.what
            ),
            also: vec![Key::User(site_id.clone(), user_id.clone())],
        };
        let id = CardId::random();
        let secret_id = links.newest().clone();
        let (_, key) = links.token(&id, &secret_id).map_err(StoreError::defect)?;
        let new = NewCard {
            id,
            secret_id,
            key,
            valid_from,
            valid_until,
        };
        // The card as it is right after it was issued, which is all that is remembered of it.
        let issued = |site: &Site, asker: &Asker| CardIssued {
            card: Card {
                id: new.id.clone(),
                status: CardStatus::Active,
                validity: Validity {
                    valid_from: valid_from.unwrap_or_else(|| site.today(asker.now)),
                    valid_until,
                },
                issued_at: site.last_entry_at,
                secret_id: new.secret_id.clone(),
                key: new.key.clone(),
            },
            license: view(site, asker.now),
        };
        execute(store, &command, &issued, |site, known| {
            let item = known.also[0]
                .as_ref()
                .ok_or(CommandError::Refused(UserRefused::NotFound))?;
            let user = decode_user(item).map_err(StoreError::from)?;
            let decided = (self.decide)(site, user, new.clone(), &email, asker.now);
            decided.map_err(|refused| CommandError::Refused(refused.into()))
        })
        .await
    }
}

/// Pauses a user's card, or lets it open doors again.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn pause_or_resume_card(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    paused: bool,
    asker: &Asker,
) -> Result<PeopleDone<Card>, CommandError<UserRefused>> {
    let what = if paused { "pause" } else { "resume" };
    change_card(
        store,
        pseudonyms,
        site_id,
        user_id,
        what,
        asker,
        |mut user| {
            let changed = cards::pause_or_resume(&mut user, paused)?;
            Ok(if changed {
                vec![Guard::UserChanged(Box::new(user))]
            } else {
                Vec::new()
            })
        },
    )
    .await
}

/// Revokes a user's card for good.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn revoke_card(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    asker: &Asker,
) -> Result<PeopleDone<Card>, CommandError<UserRefused>> {
    change_card(
        store,
        pseudonyms,
        site_id,
        user_id,
        "revoke",
        asker,
        cards::revoke,
    )
    .await
}

async fn change_card(
    store: &Store,
    pseudonyms: &Pseudonyms,
    site_id: &SiteId,
    user_id: &UserId,
    what: &str,
    asker: &Asker,
    mut change: impl FnMut(User) -> Result<Vec<Guard>, cards::CardRefused>,
) -> Result<PeopleDone<Card>, CommandError<UserRefused>> {
    let command = PeopleCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        pseudonyms,
        wish: format!("{what} card of {user_id}"),
        user: Some(user_id),
    };
    execute_on_people(store, &command, |people| {
        let user = people
            .user
            .ok_or(CommandError::Refused(UserRefused::NotFound))?;
        let before = user.card.clone();
        let guards = change(user).map_err(|refused| CommandError::Refused(refused.into()))?;
        let after = guards.iter().find_map(|guard| match guard {
            Guard::UserChanged(user) => user.card.clone(),
            _ => None,
        });
        let card = after.or(before);
        Ok(PeopleDecision {
            roster: None,
            guards,
            answer: card.ok_or_else(|| StoreError::defect("a card that was changed is gone"))?,
        })
    })
    .await
}

/// Finds a card by the token of its link, with its user and its site: in two round trips, whoever asks.
///
/// `None` where the card was revoked or replaced, its user removed, or its site deleted; or there never was one.
///
/// # Errors
/// The table could not be read.
pub async fn card_by_link(
    store: &Store,
    links: &CardLinks,
    token: CardToken,
) -> Result<Option<(Site, User, Card)>, StoreError> {
    let mut attempts = Attempts::default();
    let keys: Vec<Key> = links.keys(token).into_iter().map(Key::Card).collect();
    let found = store.load(&keys, &mut attempts).await?;
    let Some(owner) = found.into_iter().flatten().next() else {
        return Ok(None);
    };
    let CardOwner { site_id, user_id } = CardOwner::decode(&owner)?;
    let keys = [Key::Site(site_id.clone()), Key::User(site_id, user_id)];
    let mut items = store.load(&keys, &mut attempts).await?.into_iter();
    let site = items
        .next()
        .flatten()
        .map(|item| decode_site(&item))
        .transpose()?;
    let user = items
        .next()
        .flatten()
        .map(|item| decode_user(&item))
        .transpose()?;
    let site = site.filter(|site| site.status != Status::Deleted);
    let Some((site, user)) = site.zip(user) else {
        return Ok(None);
    };
    // The link may have gone to another card since it was read.
    let keys = links.keys(token);
    let card = live(&user).filter(|card| keys.contains(&card.key)).cloned();
    Ok(card.map(|card| (site, user, card)))
}
