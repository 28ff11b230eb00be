//! The cards of users.

use super::body::{Faults, Member, body, word};
use super::reply::Created;
use super::schemas::{
    self, CardIssueEntry, CardReissueEntry, Instant, TypedEmail, TypedMobile, ValidFrom, ValidUntil,
};
use super::words;
use crate::commands::{CardIssued, Done, NewCardDates};
use crate::domain::model;
use crate::domain::model::card::CardStatus;
use crate::domain::model::entry::Entry;
use crate::domain::model::site::Site;
use crate::domain::model::user::{NewProfile, User};
use crate::domain::rules::license::License;
use crate::domain::values::card_link::CardLinks;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CardId, SiteId};
use crate::domain::values::names::{PersonName, SiteName};
use crate::domain::values::phone::SpelledNumber;
use crate::domain::values::secret::SecretMissing;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/card`.
    pub struct CardBody {
        /// The first day on which it is valid; today if omitted.
        #[schema(value_type = Option<schemas::Date>)]
        pub valid_from: Option<Date>,
        /// The last day on which it is valid; if omitted, it is valid until it is revoked.
        #[schema(value_type = Option<schemas::Date>)]
        pub valid_until: Option<Date>,
    }
}

impl CardBody {
    /// The requested validity.
    #[must_use]
    pub fn read(self) -> NewCardDates {
        NewCardDates {
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        }
    }
}

body! {
    /// The body of `POST …/card/reissues`.
    pub struct ReissueBody {
        /// The first day on which it is valid; today if omitted.
        #[schema(value_type = Option<schemas::Date>)]
        pub valid_from: Option<Date>,
        /// The last day on which it is valid; if omitted, it is valid until it is revoked.
        #[schema(value_type = Option<schemas::Date>)]
        pub valid_until: Option<Date>,
        /// Its new holder; the same person if omitted.
        pub holder: Option<HolderBody>,
    }
}

body! {
    /// Whom a card is handed on to.
    pub struct HolderBody {
        /// The name.
        pub name: Option<PersonName>,
        /// The e-mail address.
        #[schema(value_type = Option<TypedEmail>)]
        pub email: Option<Email>,
        /// The mobile number, in any common notation.
        #[schema(value_type = Option<TypedMobile>)]
        pub mobile: Option<SpelledNumber>,
    }
}

impl ReissueBody {
    /// The requested validity, and the new holder.
    #[must_use]
    pub fn read(self) -> (NewCardDates, Option<NewProfile>) {
        let dates = NewCardDates {
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        };
        let holder = self.holder.map(|holder| NewProfile {
            name: holder.name,
            kind: None,
            email: holder.email,
            mobile: holder.mobile,
        });
        (dates, holder)
    }
}

body! {
    /// The body of `PATCH …/card`.
    pub struct CardStatusBody {
        /// The new status.
        pub status: PausedOrActive,
    }
}

/// The statuses that a card can be switched between.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ToSchema)]
#[schema(as = LiveCardStatus)]
#[serde(rename_all = "snake_case")]
pub enum PausedOrActive {
    /// It opens doors.
    Active,
    /// It opens no doors until it is resumed.
    Paused,
}

impl Member for PausedOrActive {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        word(value, words::LIVE_CARD_STATUS, at, faults)
    }
}

/// How the links of cards are built.
#[derive(Debug)]
pub struct CardPages {
    /// Makes the tokens of cards.
    pub links: CardLinks,
    /// What links begin with, such as `https://cards.example.com/`; `None` for the API's own address.
    pub base: Option<String>,
}

impl CardPages {
    /// The link of a card. Without a base, it leads to the API at this host.
    ///
    /// # Errors
    /// The secret of the card is not configured.
    pub fn link(&self, card: &model::card::Card, host: &str) -> Result<String, SecretMissing> {
        let (token, _) = self.links.token(&card.id, &card.secret_id)?;
        Ok(match &self.base {
            Some(base) => format!("{base}{token}"),
            None => format!("https://{host}/cards/{token}"),
        })
    }
}

/// A card.
#[derive(Debug, Serialize, ToSchema)]
pub struct Card {
    /// Its ID.
    pub card_id: CardId,
    /// Whether it opens doors.
    pub status: CardStatus,
    /// The first day on which it is valid.
    #[schema(value_type = ValidFrom)]
    pub valid_from: Date,
    /// The last day on which it is valid; null if it is valid until it is revoked.
    #[schema(value_type = ValidUntil)]
    pub valid_until: Option<Date>,
    /// When it was issued.
    #[schema(value_type = Instant)]
    pub issued_at: Timestamp,
    /// Where it can be opened; null once it is revoked, or if its secret is missing.
    #[schema(format = "uri", pattern = "^https?://.+/[0-9A-HJKMNP-TV-Z]{24}$")]
    pub link: Option<String>,
}

impl Card {
    /// A card as the contract shows it, with the link that [`CardPages::link`] makes.
    #[must_use]
    pub fn of(card: model::card::Card, pages: &CardPages, host: &str) -> Self {
        let link = match card.status {
            CardStatus::Active | CardStatus::Paused => match pages.link(&card, host) {
                Ok(link) => Some(link),
                // A card whose secret was removed has no link, but must not keep other cards from being shown.
                Err(missing) => {
                    tracing::error!(%missing, "the link of a card cannot be made");
                    None
                }
            },
            CardStatus::Revoked => None,
        };
        Self {
            card_id: card.id,
            status: card.status,
            valid_from: card.validity.valid_from,
            valid_until: card.validity.valid_until,
            issued_at: card.issued_at,
            link,
        }
    }
}

/// The answer to a request for a card, and to pausing, resuming and revoking it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownCard {
    /// The card as it is now.
    pub card: Card,
}

impl From<Card> for ShownCard {
    fn from(card: Card) -> Self {
        Self { card }
    }
}

/// Declares the answers to issuing a card, which differ in their entries.
macro_rules! issued_cards {
    ($($(#[$doc:meta])* $name:ident, $entry:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// The card.
            pub card: Card,
            /// The entry.
            #[schema(value_type = $entry)]
            pub entry: Option<Entry>,
            /// The license after it.
            pub license: License,
        }

        impl $name {
            /// A 201 with the card, whose link [`CardPages::link`] makes.
            #[must_use]
            pub fn answer(done: Done<CardIssued>, pages: &CardPages, host: &str) -> Created<Self> {
                let CardIssued { card, license } = done.answer;
                let issued = Self {
                    card: Card::of(card, pages, host),
                    entry: done.entry,
                    license,
                };
                Created::new(issued, done.replayed)
            }
        }
    )*};
}

issued_cards! {
    /// The answer to issuing a card.
    IssuedCard, CardIssueEntry;
    /// The answer to reissuing a card.
    ReissuedCard, CardReissueEntry;
}

/// The answer to opening a card's link.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardOfLink {
    /// The card.
    pub card: OpenedCard,
}

/// A card as a phone shows it. Of the user it has only the name.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedCard {
    /// Its ID.
    pub card_id: CardId,
    /// Whether it opens doors.
    #[schema(value_type = PausedOrActive)]
    pub status: CardStatus,
    /// The first day on which it is valid.
    #[schema(value_type = ValidFrom)]
    pub valid_from: Date,
    /// The last day on which it is valid; null if it is valid until it is revoked.
    #[schema(value_type = ValidUntil)]
    pub valid_until: Option<Date>,
    /// When it was issued.
    #[schema(value_type = Instant)]
    pub issued_at: Timestamp,
    /// The site.
    pub site_id: SiteId,
    /// The site's name.
    pub site_name: SiteName,
    /// The user's name.
    pub name: Option<PersonName>,
}

impl From<(Site, User, model::card::Card)> for CardOfLink {
    fn from((site, user, card): (Site, User, model::card::Card)) -> Self {
        Self {
            card: OpenedCard {
                card_id: card.id,
                status: card.status,
                valid_from: card.validity.valid_from,
                valid_until: card.validity.valid_until,
                issued_at: card.issued_at,
                site_id: site.id,
                site_name: site.name,
                name: user.profile.name,
            },
        }
    }
}
