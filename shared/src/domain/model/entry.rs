//! The statement: entries, and the chain of hashes that joins them (rule 16).
//!
//! # The form that is hashed
//! An entry has one form: what is hashed is what is stored and what a statement shows, so whoever holds a
//! statement can verify it. The hash of an entry is the SHA-256, in lower-case hexadecimal, of the entry as JSON
//! without its `hash` member, in the canonical form of RFC 8785: members sorted by name at every level, no white
//! space, UTF-8. All names are ASCII, and all numbers are whole and below 2^53, so that any JSON library with
//! sorted keys writes the same bytes. `previous_hash` is the hash of the entry before, and 64 zeros in the first.
//! `docs/DATA_MODEL.md` has an example.

use crate::domain::model::device::NamedDevice;
use crate::domain::model::message::NotSent;
use crate::domain::model::site::{Role, SiteType, Status};
use crate::domain::values::amount::{Balances, Changes};
use crate::domain::values::calendar::{AnchorDays, DaysBefore};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::form::Form;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::{
    BatchId, CardId, DeviceId, MessageId, PartnerId, PersonId, SiteId,
};
use crate::domain::values::license_code::CodeKey;
use crate::domain::values::names::{Reference, SiteName};
use crate::domain::values::person::{Who, Whom};
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of a site's statement. It is never changed and never deleted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its form, which is hashed with it.
    #[serde(default, skip_serializing_if = "Form::is_first")]
    pub form: Form,
    /// The site.
    pub site_id: SiteId,
    /// 1 for the first entry, and one more for each that follows, without a gap.
    pub sequence: u64,
    /// When it was written; never earlier than the entry before.
    pub at: Timestamp,
    /// What happened, and what it refers to.
    #[serde(flatten)]
    pub event: Event,
    /// What it changed.
    pub changes: Changes,
    /// The balances after it.
    pub balances: Balances,
    /// The status after it.
    pub status: Status,
    /// Whose doing it was.
    pub actor: Actor,
    /// The hash of the entry before; zeros in the first.
    pub previous_hash: Hash,
    /// The hash of this entry.
    pub hash: Hash,
}

/// What happened, as `kind`, and what it refers to, as `refers_to`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "refers_to", rename_all = "snake_case")]
pub enum Event {
    /// The site was created, and its creator is its master.
    SiteCreation {
        /// Its name.
        name: SiteName,
        /// Its language.
        language: Language,
        /// How it pays.
        site_type: SiteType,
        /// Its country.
        country: Country,
        /// Its time zone.
        time_zone: TimeZone,
        /// The date, in that zone, from which due dates are counted.
        opened_on: Date,
    },
    /// Settings were changed; those that were not are left out.
    SettingsChange {
        /// The new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SiteName>,
        /// The new time zone. Everything that was due in the old one was charged before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zone: Option<TimeZone>,
        /// The new language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<Language>,
        /// The countries that messages may be sent to from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sms_countries: Option<Vec<Country>>,
    },
    /// A person became an administrator, has another role, or was removed.
    AdministratorChange {
        /// Who.
        #[serde(flatten)]
        who: Who,
        /// The role before; null for a new administrator.
        role_before: Option<Role>,
        /// The role after; null for one who was removed.
        role_after: Option<Role>,
    },
    /// A person was invited, or the invitation was sent again: it is open for seven days from now on (rule 15a).
    Invitation {
        /// Who.
        person: PersonId,
        /// The role that is offered.
        role: Role,
    },
    /// An invitation ended without being accepted. That one is over, or that whoever sent it may no longer give the role, is
    /// no entry.
    InvitationEnd {
        /// Whose.
        person: PersonId,
        /// How.
        outcome: InvitationOutcome,
    },
    /// The site was deleted, with what it still held.
    SiteDeletion {
        /// What was forfeited.
        forfeited: Balances,
    },
    /// A code was applied to credits.
    Redemption(CodeReference),
    /// A code was applied to SMS.
    SmsRedemption(CodeReference),
    /// Devices were registered.
    DeviceRegistration {
        /// The date, in the site's zone: its day is the devices' anchor day.
        registered_on: Date,
        /// How many.
        devices: u32,
        /// Which; the first form did not tell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        registered: Vec<NamedDevice>,
    },
    /// A device was removed.
    DeviceRemoval {
        /// The device.
        device_id: DeviceId,
        /// Its name; the first form did not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SiteName>,
        /// The date on which it had been registered.
        registered_on: Date,
    },
    /// A device took the place of another, with its date of registration.
    DeviceReplacement {
        /// The device that is there no more.
        replaced: NamedDevice,
        /// The one in its place.
        by: NamedDevice,
        /// The date on which the first of them was registered.
        registered_on: Date,
    },
    /// A device has another name.
    DeviceRenaming {
        /// The device.
        device_id: DeviceId,
        /// Its name before.
        name_before: SiteName,
        /// Its name after.
        name: SiteName,
    },
    /// A card was issued to a user.
    CardIssue {
        /// Whom.
        #[serde(flatten)]
        whom: Whom,
        /// The card.
        card_id: CardId,
    },
    /// A card was issued in the place of another.
    CardReissue {
        /// Whom.
        #[serde(flatten)]
        whom: Whom,
        /// The card.
        card_id: CardId,
        /// The card that it replaced.
        replaces: CardId,
        /// Who had that card, if it was handed on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<PersonId>,
    },
    /// A message was charged, one SMS a part.
    SmsReservation {
        /// The message.
        message_id: MessageId,
        /// To whom.
        #[serde(flatten)]
        whom: Whom,
        /// The number, masked; in the first form alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// The parts.
        parts: u32,
    },
    /// A message surely was not sent, and its SMS were given back.
    SmsRefund {
        /// The message.
        message_id: MessageId,
        /// The parts.
        parts: u32,
        /// Why it was not sent.
        reason: NotSent,
    },
    /// The devices that were due on one date were charged.
    Deduction {
        /// The due date, in the site's zone.
        due_on: Date,
        /// How many devices were due: one credit each.
        devices: u32,
        /// By which anchor days: those after the day of `due_on` fell on a shorter month's last day.
        #[serde(default, skip_serializing_if = "AnchorDays::is_empty")]
        anchor_days: AnchorDays,
    },
    /// The balance did not cover a due date, and the site was halted.
    Halt {
        /// The due date that was not charged.
        due_on: Date,
        /// How many devices were due: one credit each would have been needed.
        devices: u32,
        /// By which anchor days.
        #[serde(default, skip_serializing_if = "AnchorDays::is_empty")]
        anchor_days: AnchorDays,
    },
    /// What was overdue was paid, once for each device.
    OverdueDeduction {
        /// The last date that had been charged.
        charged_through: Date,
        /// The date until which everything is paid now.
        paid_through: Date,
        /// How many devices had a due date between the two.
        devices: u32,
        /// By which anchor days.
        #[serde(default, skip_serializing_if = "AnchorDays::is_empty")]
        anchor_days: AnchorDays,
        /// The entry after which the balance covered it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because_of: Option<u64>,
    },
    /// The site runs again.
    Resume {
        /// The date, in the site's zone.
        resumed_on: Date,
        /// The entry after which nothing was overdue any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because_of: Option<u64>,
    },
    /// The balance will not cover a due date to come, if nothing changes.
    Warning {
        /// Which of the warnings before that date it is.
        days_before: DaysBefore,
        /// The due date, in the site's zone.
        falls_short_on: Date,
        /// The credits that are missing on it.
        missing: u64,
    },
}

/// How an invitation ended that was not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationOutcome {
    /// The invited person declined it.
    Declined,
    /// An administrator withdrew it.
    Withdrawn,
}

/// The code that an entry refers to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeReference {
    /// What finds the code's item: a keyed hash, which nobody can turn back into the code.
    pub code_id: CodeKey,
    /// The last four symbols, which the person who typed it knows again.
    pub code_last_four: String,
    /// The batch.
    pub batch_id: BatchId,
    /// The partner who sold it.
    pub partner_id: PartnerId,
}

/// Whose doing an entry was.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// An administrator's command, or the answer of somebody who is invited to be one.
    Administrator(Who),
    /// An operator's command.
    Operator {
        /// The ticket that it was given on, which names no person.
        reference: Reference,
    },
    /// The rules': a deduction, a halt, a resume.
    System,
}

impl Actor {
    /// A person's doing.
    #[must_use]
    pub fn of(person: &PersonId) -> Self {
        Self::Administrator(Who::of(person))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl Entry {
    /// The administrators, and those invited to be one, whom it names by their IDs.
    pub fn administrators(&self) -> impl Iterator<Item = &PersonId> {
        let actor = match &self.actor {
            Actor::Administrator(Who::Person { person }) => Some(person),
            Actor::Administrator(Who::Older { .. }) | Actor::Operator { .. } | Actor::System => {
                None
            }
        };
        let other = match &self.event {
            Event::AdministratorChange {
                who: Who::Person { person },
                ..
            }
            | Event::Invitation { person, .. }
            | Event::InvitationEnd { person, .. } => Some(person),
            _ => None,
        };
        actor.into_iter().chain(other)
    }

    /// The user whom it is about.
    #[must_use]
    pub fn whom(&self) -> Option<&Whom> {
        match &self.event {
            Event::CardIssue { whom, .. }
            | Event::CardReissue { whom, .. }
            | Event::SmsReservation { whom, .. } => Some(whom),
            _ => None,
        }
    }

    /// The users whom it names by their IDs.
    pub fn users(&self) -> impl Iterator<Item = &PersonId> {
        let whom = self.whom().and_then(|whom| match whom {
            Whom::Person { person } => Some(person),
            Whom::Older { .. } => None,
        });
        let from = match &self.event {
            Event::CardReissue { from, .. } => from.as_ref(),
            _ => None,
        };
        whom.into_iter().chain(from)
    }

    /// The bytes that are hashed: the entry without its hash, in the canonical form of RFC 8785.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        clippy::expect_used,
        reason = "every member of an entry has a JSON form; an entry without one must never be written"
    )]
    pub fn hashed_form(&self) -> String {
        let mut members = serde_json::to_value(self).expect("an entry has a JSON form");
        if let Value::Object(members) = &mut members {
            members.remove("hash");
        }
        let mut text = String::with_capacity(640);
        write_canonical(&members, &mut text);
        text
    }

    /// The hash that the entry should have.
    #[must_use]
    pub fn computed_hash(&self) -> Hash {
        Hash::of(self.hashed_form().as_bytes())
    }

    /// The entry with the hash that it should have.
    #[must_use]
    pub(crate) fn sealed(mut self) -> Self {
        self.hash = self.computed_hash();
        self
    }
}

/// RFC 8785 for the values that entries hold: objects, lists, strings and whole numbers.
///
/// `serde_json`'s own map is sorted only while no crate of the build asks it to keep the order of insertion, so
/// the sorting is done here.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|&(name, _)| name);
            write_list(out, ('{', '}'), members, |(name, value), out| {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            });
        }
        Value::Array(items) => write_list(out, ('[', ']'), items, write_canonical),
        _ => out.push_str(&value.to_string()),
    }
}

fn write_list<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}
