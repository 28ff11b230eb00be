//! A site, its settings, its administrators and its invitations.

use crate::domain::model::account::ReceivedFrom;
use crate::domain::model::message::SendWindow;
use crate::domain::values::amount::Balances;
use crate::domain::values::calendar::{DaysBefore, Devices};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::{PartnerId, PersonId, SiteId};
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most administrators of one site.
pub const MAX_ADMINISTRATORS: usize = 20;

/// The most open invitations of one site.
pub const MAX_INVITATIONS: usize = 20;

/// How often an invitation is sent at most: once, and five times again.
pub const MAX_SENDINGS: u32 = 6;

/// How long an invitation is open after it was sent last: seven days (rule 15a).
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a site pays. Chosen at creation, never changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteType {
    /// A credit for each device, every month.
    Dynamic,
    /// A credit for each card.
    Regular,
}

/// Whether a site runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It runs.
    Activated,
    /// It was short of credits when a deduction was due, and is halted.
    PaymentRequired,
    /// Its master deleted it. It no longer has administrators, so only an operator sees it.
    Deleted,
}

/// An administrator's role on one site.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever created the site, or was handed it.
    Master,
    /// May invite others, as the master may.
    SubMaster,
    /// Reads and changes settings and license.
    SiteAdmin,
}

impl Role {
    /// As the contract spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::SubMaster => "sub_master",
            Self::SiteAdmin => "site_admin",
        }
    }

    /// Whether one of this role may give others that role, change it and take it away (rule 15).
    #[must_use]
    pub fn may_give(self, role: Self) -> bool {
        match (self, role) {
            (Self::Master, _) | (Self::SubMaster, Self::SubMaster | Self::SiteAdmin) => true,
            (Self::SubMaster, Self::Master) | (Self::SiteAdmin, _) => false,
        }
    }
}

/// One administrator of a site.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Administrator {
    /// Who, in what is never erased.
    pub person: PersonId,
    /// Who, as long as they are one.
    pub email: Email,
    /// As what.
    pub role: Role,
}

/// The offer of a role. It has no address: that stands in items that end with it (rule 15b).
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// The ID that the invited person has on the site.
    pub person: PersonId,
    /// What is offered.
    pub role: Role,
    /// The administrator who sent it last; none where an operator did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// How often it was sent.
    pub sent: u32,
}

impl Invitation {
    /// One that is sent at an instant, after it was sent `before` times.
    #[must_use]
    pub fn sent(
        person: PersonId,
        role: Role,
        by: Option<PersonId>,
        at: Timestamp,
        before: u32,
    ) -> Self {
        Self {
            person,
            role,
            by,
            sent_at: at,
            expires_at: at.checked_add(OPEN_FOR).unwrap_or(Timestamp::MAX),
            sent: before.saturating_add(1),
        }
    }
}

/// An invitation as it was sent: to whom, and what the notice of it says of the site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SentInvitation {
    /// Of which site.
    pub site_id: SiteId,
    /// Its name at that time.
    pub site_name: SiteName,
    /// Its language at that time.
    pub language: Language,
    /// To whom.
    pub email: Email,
    /// The ID that the invited person has on the site.
    pub person: PersonId,
    /// What is offered.
    pub role: Role,
    /// When.
    pub sent_at: Timestamp,
    /// When it is over.
    pub over_at: Timestamp,
    /// The number of its entry, by which repetitions of the notice are told.
    pub entry: u64,
}

/// A site: an organisation that issues mobile access cards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Unique, and never changes.
    pub id: SiteId,
    /// May repeat among sites.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// Its dates are counted in this zone.
    pub time_zone: TimeZone,
    /// In which it writes to people.
    pub language: Language,
    /// How it pays.
    pub site_type: SiteType,
    /// Whether it runs.
    pub status: Status,
    /// What it holds.
    pub balances: Balances,
    /// Who may read and change it.
    pub administrators: Vec<Administrator>,
    /// Who is invited; some of these may have lapsed since the last change.
    pub invitations: Vec<Invitation>,
    /// Its devices by anchor day.
    pub devices: Devices,
    /// Every due date until this one was charged. Of a dynamic site only.
    pub charged_through: Date,
    /// The last warning before it falls short that is still true (rule 17).
    pub warned: Option<DaysBefore>,
    /// The countries that messages may be sent to; `None` for its own alone.
    pub sms_countries: Option<Vec<Country>>,
    /// What it got of each partner's codes.
    pub received: BTreeMap<PartnerId, ReceivedFrom>,
    /// How many messages it sent in the hour and on the day of the last.
    pub sms_window: Option<SendWindow>,
    /// It was deleted, and its users were not erased yet: the schedule does that.
    pub users_to_erase: bool,
    /// The number of entries.
    pub sequence: u64,
    /// The hash of the last entry.
    pub last_hash: Hash,
    /// The time of the last entry.
    pub last_entry_at: Timestamp,
    /// When it has something to do next, if it ever has: its place on the agenda.
    pub agenda_at: Option<Timestamp>,
    /// One more after every change: the condition of the next.
    pub version: u64,
}

/// What a new site is.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// Its ID, made at random.
    pub id: SiteId,
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub country: Country,
    /// Its zone.
    pub time_zone: TimeZone,
    /// Its language.
    pub language: Language,
    /// How it pays.
    pub site_type: SiteType,
    /// Its creator, who becomes its master (rule 15).
    pub master: Email,
    /// The ID of that person on the site, made at random.
    pub person: PersonId,
}

impl Site {
    /// Who a person is on this site, or `None` (rule 15).
    #[must_use]
    pub fn administrator(&self, email: &Email) -> Option<&Administrator> {
        self.administrators.iter().find(|a| a.email == *email)
    }

    /// The role of a person on this site, or `None`.
    #[must_use]
    pub fn role_of(&self, email: &Email) -> Option<Role> {
        self.administrator(email)
            .map(|administrator| administrator.role)
    }

    /// The invitations that can be accepted at an instant: they are not over, and whoever sent one may still give its role.
    pub fn open_invitations(&self, at: Timestamp) -> impl Iterator<Item = &Invitation> {
        self.invitations
            .iter()
            .filter(move |invitation| self.is_open(invitation, at))
    }

    /// The invitation of a person, if it can be accepted at an instant.
    #[must_use]
    pub fn invitation(&self, person: &PersonId, at: Timestamp) -> Option<&Invitation> {
        let mut open = self.open_invitations(at);
        open.find(|invitation| invitation.person == *person)
    }

    /// Forgets the invitations that lapsed by an instant.
    pub(crate) fn forget_lapsed_invitations(&mut self, at: Timestamp) {
        self.invitations = self.open_invitations(at).cloned().collect();
    }

    fn is_open(&self, invitation: &Invitation, at: Timestamp) -> bool {
        let may_give = |by: &PersonId| {
            let mut administrators = self.administrators.iter();
            administrators.any(|a| a.person == *by && a.role.may_give(invitation.role))
        };
        at < invitation.expires_at && invitation.by.as_ref().is_none_or(may_give)
    }

    /// The devices that cost a credit a month: none on a regular site, or on one that was deleted.
    #[must_use]
    pub fn monthly_cost(&self) -> u32 {
        match (self.site_type, self.status) {
            (SiteType::Dynamic, Status::Activated | Status::PaymentRequired) => {
                self.devices.total()
            }
            (SiteType::Dynamic, Status::Deleted) | (SiteType::Regular, _) => 0,
        }
    }

    /// The countries that it sends messages to: its own if it names none.
    #[must_use]
    pub fn sms_countries(&self) -> &[Country] {
        let own = std::slice::from_ref(&self.country);
        self.sms_countries.as_deref().unwrap_or(own)
    }

    /// The instant that counts for this site: its time never runs backwards, whatever order events arrive in.
    #[must_use]
    pub fn time(&self, now: Timestamp) -> Timestamp {
        now.max(self.last_entry_at)
    }

    /// The site's own date. When the site moves to a time zone further west, it does not run back behind the last date
    /// that was charged, nor behind the one that halted the site: that one is still owed.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        let reached = match self.status {
            // A halt leaves the site charged through the day before.
            Status::PaymentRequired => self.charged_through.saturating_add(1.day()),
            Status::Activated | Status::Deleted => self.charged_through,
        };
        self.time_zone.date(self.time(now)).max(reached)
    }
}

/// The most countries that a site may send to.
pub const MAX_SMS_COUNTRIES: usize = 20;
