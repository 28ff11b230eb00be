//! Issuing and re-issuing cards, which regular sites pay for, and pausing, resuming, revoking and opening them.

use super::asker::{Admitted, Asker, CommandError};
use super::command::Command;
use super::execute::{Done, Step, execute, settled};
use super::subject::OnSite;
use super::users::{UserRefused, site_as_read};
use crate::domain::model::card::{Card, CardStatus, Validity};
use crate::domain::model::change::{Change, Write};
use crate::domain::model::site::{Site, Status};
use crate::domain::model::user::{NewProfile, Profile, User};
use crate::domain::rules::cards::{self, CardRefused, NewCard};
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::license::{License, view};
use crate::domain::values::card_link::{CardLinks, CardToken};
use crate::domain::values::ids::{CardId, PersonId, SiteId, UserId};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::store::{Attempts, Store, StoreError, TypedKey};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// When a card will be valid.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewCardDates {
    /// The first day; today if it is not given.
    pub valid_from: Option<Date>,
    /// The last day.
    pub valid_until: Option<Date>,
}

impl fmt::Display for NewCardDates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{:?}", self.valid_from, self.valid_until)
    }
}

/// A card that was issued, and the license after it.
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
    dates: NewCardDates,
    asker: &Asker,
) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
    let command = format!("issue card of {user_id}\n{dates}");
    let command = Command::on_site(site_id, asker, &command);
    let issuing = Issuing {
        links,
        user_id,
        dates,
        asker,
    };
    let rule = |draft, user, new, by: &_| Ok(cards::issue(draft, user, new, by)?);
    issuing.carry_out(store, &command, rule).await
}

/// Issues a card to a user in the place of the one that there is; if there is a `holder`, to that person, who takes the
/// user's place.
///
/// # Errors
/// See [`UserRefused`] and [`CommandError`].
pub async fn reissue_card(
    store: &Store,
    links: &CardLinks,
    pseudonyms: &Pseudonyms,
    (site_id, user_id): (&SiteId, &UserId),
    dates: NewCardDates,
    holder: Option<&NewProfile>,
    asker: &Asker,
) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
    let command = format!("reissue card of {user_id}\n{dates}");
    let command = match holder {
        None => Command::on_site(site_id, asker, &command),
        Some(NewProfile {
            name,
            kind,
            email,
            mobile,
        }) => {
            let holder = json!([name, kind, email, mobile]);
            let command = format!("{command}\n{holder}");
            Command::on_users(site_id, asker, pseudonyms, &command).with_entry()
        }
    };
    let issuing = Issuing {
        links,
        user_id,
        dates,
        asker,
    };
    let person = PersonId::made_by(&command.id, user_id.as_str());
    issuing
        .carry_out(store, &command, |draft, user, new, by| {
            let Some(holder) = holder else {
                return Ok(cards::reissue(draft, user, new, by)?);
            };
            let profile = holder.clone().read(&draft.site.country)?;
            let profile = Profile {
                kind: profile.kind.or(user.profile.kind),
                ..profile
            };
            let to = (person.clone(), profile);
            Ok(cards::hand_on(draft, user, to, new, by)?)
        })
        .await
}

/// A card that is issued, in whichever way.
struct Issuing<'a> {
    links: &'a CardLinks,
    user_id: &'a UserId,
    dates: NewCardDates,
    asker: &'a Asker,
}

impl Issuing<'_> {
    async fn carry_out(
        self,
        store: &Store,
        command: &Command<OnSite<'_>>,
        rule: impl Fn(Draft, User, NewCard, &PersonId) -> Result<Change, UserRefused>,
    ) -> Result<Done<CardIssued>, CommandError<UserRefused>> {
        let Self {
            links,
            user_id,
            dates,
            asker,
        } = self;
        asker.address()?;
        let NewCardDates {
            valid_from,
            valid_until,
        } = dates;
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
        // The card as it is right after it was issued: that is all that is remembered of it.
        let show = |site: &Site| CardIssued {
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
        let reads = TypedKey::user(command.subject.0, user_id);
        execute(store, command, &reads, |Admitted { site, by }, user, _| {
            let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
            let rule = |draft| rule(draft, user, new.clone(), &by.person).map(Outcome::Changed);
            settled(site, 0, asker.now, rule, show).map_err(CommandError::Refused)
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
) -> Result<Done<Card>, CommandError<UserRefused>> {
    let verb = if paused { "pause" } else { "resume" };
    let command = format!("{verb} card of {user_id}");
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    change_card(store, site_id, user_id, &command, |user| {
        let unchanged = user.clone();
        Ok(match cards::pause_or_resume(user, paused)? {
            Some(user) => (user.clone(), vec![Write::UserChanged(Box::new(user))]),
            None => (unchanged, Vec::new()),
        })
    })
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
) -> Result<Done<Card>, CommandError<UserRefused>> {
    let command = format!("revoke card of {user_id}");
    let command = Command::on_users(site_id, asker, pseudonyms, &command);
    change_card(store, site_id, user_id, &command, |user| {
        let (user, key) = cards::revoke(user)?;
        let changed = Write::UserChanged(Box::new(user.clone()));
        Ok((user, vec![changed, Write::CardUnlinked(key)]))
    })
    .await
}

/// Changes a user's card, and answers with the card after it.
async fn change_card(
    store: &Store,
    site_id: &SiteId,
    user_id: &UserId,
    command: &Command<OnSite<'_>>,
    change: impl Fn(User) -> Result<(User, Vec<Write>), CardRefused>,
) -> Result<Done<Card>, CommandError<UserRefused>> {
    let reads = TypedKey::user(site_id, user_id);
    execute(store, command, &reads, |Admitted { site, .. }, user, _| {
        let user = user.ok_or(CommandError::Refused(UserRefused::NotFound))?;
        let (user, changed) = change(user).map_err(CommandError::refused)?;
        let card = user.card;
        let card = card.ok_or_else(|| StoreError::defect("a card that was changed is gone"))?;
        let mut writes = vec![site_as_read(&site)];
        writes.extend(changed);
        Ok(Step::writes(writes, card))
    })
    .await
}

/// Finds a card by the token of its link, with its user and its site, in two round trips. Anyone may ask.
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
    let keys = links.keys(token);
    let owners: Vec<_> = keys.iter().map(TypedKey::card_owner).collect();
    let owners = store.read(owners, &mut attempts).await?;
    let Some(owner) = owners.into_iter().flatten().next() else {
        return Ok(None);
    };
    let reads = (
        TypedKey::site(&owner.site_id),
        TypedKey::user(&owner.site_id, &owner.user_id),
    );
    let (site, user) = store.read(reads, &mut attempts).await?;
    let site = site.filter(|site| site.status != Status::Deleted);
    let Some((site, user)) = site.zip(user) else {
        return Ok(None);
    };
    // The link may have gone to another card since it was read.
    let card = user.live_card().filter(|card| keys.contains(&card.key));
    Ok(card.cloned().map(|card| (site, user, card)))
}
