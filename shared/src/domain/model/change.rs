//! A change: everything that one transaction writes, and the conditions under which it may.
//!
//! There is no other way to change a balance, and no check that is not also a condition of the write: the site is
//! written only over the version that was read, an entry only where there is none, and each [`Write`] carries the
//! condition that its item must still meet.

use crate::domain::model::account::HistoryLine;
use crate::domain::model::batch::Batch;
use crate::domain::model::code::{Application, Code, Voiding};
use crate::domain::model::device::Device;
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{Message, MessageStep, NumberCount};
use crate::domain::model::request::Request;
use crate::domain::model::site::{SentInvitation, Site};
use crate::domain::model::user::{Roster, User};
use crate::domain::values::card_link::CardKey;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{
    BatchId, DeviceId, MessageId, PartnerId, PersonId, SiteId, UserId,
};
use crate::domain::values::license_code::CodeKey;
use jiff::Timestamp;

/// The most items of one transaction (DynamoDB's quota for `TransactWriteItems`).
pub const MAX_ITEMS: usize = 100;

/// What a rule decided about a site.
#[derive(Clone, Debug)]
pub struct Change {
    /// The site after the change, its version one above the one that was read; version 1 creates it.
    pub site: Site,
    /// The new entries, in order.
    pub entries: Vec<Entry>,
    /// The command's own entry among them; the others charge what was due.
    pub own_entry: usize,
    /// The partner of whose codes the site gets its first by this change: the command's own entry leads from its account to
    /// the site.
    pub first_of: Option<PartnerId>,
    /// What else is written.
    pub writes: Vec<Write>,
}

impl Change {
    /// The version that the site must still have; `None` if it must not exist.
    #[must_use]
    pub fn expected_version(&self) -> Option<u64> {
        let before = self.site.version.checked_sub(1);
        before.filter(|&before| before > 0)
    }

    /// How many items the change writes.
    #[must_use]
    pub fn items(&self) -> usize {
        1 + self.entries.len() + self.writes.len()
    }

    /// The site, the entries, and what else is written.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        let mut first_of = self.first_of;
        let entries = self.entries.into_iter().enumerate();
        let mut writes = vec![Write::Site(Box::new(self.site))];
        writes.extend(entries.map(|(place, entry)| {
            let leads = first_of.take_if(|_| place == self.own_entry);
            match leads {
                Some(partner_id) => Write::FirstOfPartner(partner_id, Box::new(entry)),
                None => Write::Entry(Box::new(entry)),
            }
        }));
        writes.extend(self.writes);
        writes
    }
}

/// One item of a transaction, with the condition that it must meet.
#[derive(Clone, Debug)]
pub enum Write {
    /// The site must have the version before this one, or not exist if this is the first; it is written.
    Site(Box<Site>),
    /// The site must have this version; nothing is written.
    SiteUnchanged {
        /// Which.
        site_id: SiteId,
        /// The version that was read.
        version: u64,
    },
    /// The entry must not exist; it is written.
    Entry(Box<Entry>),
    /// The entry must not exist; it is written, and leads from the partner's account to the site.
    FirstOfPartner(PartnerId, Box<Entry>),
    /// No request may be remembered under this key, except one that expired; it is written.
    Request(Request),
    /// The request must be the one that was remembered; it is written over.
    RequestCompleted(Request),
    /// The code must still be outstanding, unexpired when it is applied, and not bound to another site; it is marked as
    /// applied.
    CodeApplied {
        /// The code.
        key: CodeKey,
        /// What is written on it.
        application: Application,
    },
    /// The code must not exist; it is written.
    CodeIssued(Box<Code>),
    /// The code must be outstanding; it is marked as voided.
    CodeVoided {
        /// The code.
        key: CodeKey,
        /// What is written on it.
        voiding: Voiding,
    },
    /// The batch must not exist; it is written, incomplete.
    BatchStarted(Box<Batch>),
    /// The batch must be incomplete; it is marked as complete.
    BatchCompleted {
        /// Whose.
        partner_id: PartnerId,
        /// Which.
        batch_id: BatchId,
    },
    /// The device must not exist; it is written.
    DeviceAdded(Device),
    /// The device must exist; it is written over.
    DeviceChanged(Device),
    /// The device must exist; it is deleted.
    DeviceRemoved {
        /// Whose.
        site_id: SiteId,
        /// Which.
        device_id: DeviceId,
    },
    /// The roster must have the version before this one, or not exist if this is the first; it is written.
    Roster {
        /// Whose.
        site_id: SiteId,
        /// The roster.
        roster: Roster,
    },
    /// The user must not exist; it is written.
    UserAdded(Box<User>),
    /// The user must have the version before this one; it is written.
    UserChanged(Box<User>),
    /// The user must have this version; it is deleted.
    UserRemoved {
        /// Whose.
        site_id: SiteId,
        /// Who.
        user_id: UserId,
        /// The version that was read.
        version: u64,
    },
    /// The user must have this version; nothing is written.
    UserUnchanged {
        /// Whose.
        site_id: SiteId,
        /// Who.
        user_id: UserId,
        /// The version that was read.
        version: u64,
    },
    /// Without a condition: a user can be found by their ID among persons from now on.
    PersonNamed {
        /// Of which site.
        site_id: SiteId,
        /// The ID.
        person: PersonId,
        /// Who.
        user_id: UserId,
    },
    /// Without a condition: nobody can be found by this ID any more.
    PersonForgotten {
        /// Of which site.
        site_id: SiteId,
        /// The ID.
        person: PersonId,
    },
    /// No card may have this key; the card can be found by its link from now on.
    CardLinked {
        /// By what.
        key: CardKey,
        /// Of which site.
        site_id: SiteId,
        /// Whose it is.
        user_id: UserId,
    },
    /// A card must have this key; it can no longer be found by its link.
    CardUnlinked(CardKey),
    /// The message must not exist; it is written.
    MessageReserved {
        /// Of which site.
        site_id: SiteId,
        /// The message.
        message: Box<Message>,
    },
    /// The message must be where the step starts; it is where the step ends.
    Message {
        /// Of which site.
        site_id: SiteId,
        /// Which.
        message_id: MessageId,
        /// The step.
        step: MessageStep,
    },
    /// Without a condition: the message can be found by the network's ID from now on.
    MessageFoundBy {
        /// The network's ID.
        network_id: String,
        /// Of which site.
        site_id: SiteId,
        /// Which.
        message_id: MessageId,
        /// When the network took it.
        at: Timestamp,
    },
    /// The count of messages to a number must be the one that was read; it is written, and kept for two days.
    NumberCounted {
        /// Of which site.
        site_id: SiteId,
        /// The count.
        number: NumberCount,
        /// When.
        at: Timestamp,
    },
    /// The person must have tried fewer wrong codes in the hour than `most`; one more is counted, and kept for two hours.
    WrongCodeCounted {
        /// Who.
        by: Email,
        /// When.
        at: Timestamp,
        /// How many may be.
        most: u32,
    },
    /// The person must not be an administrator of the site; they can be found as one from now on.
    AdministratorAdded {
        /// Who.
        email: Email,
        /// Of which site.
        site_id: SiteId,
    },
    /// The person must be an administrator of the site; they can no longer be found as one.
    AdministratorRemoved {
        /// Who.
        email: Email,
        /// Of which site.
        site_id: SiteId,
    },
    /// Without a condition: the invitation is written with its address, over an earlier sending of it.
    InvitationSent(Box<SentInvitation>),
    /// Without a condition: the invitation is deleted.
    InvitationErased {
        /// Of which site.
        site_id: SiteId,
        /// Whose.
        person: PersonId,
    },
    /// The address must be found as what was read: not as invited to the site, or as this person. It is found as invited from
    /// now on.
    Invited {
        /// Who.
        email: Email,
        /// To which site.
        site_id: SiteId,
        /// The ID of the person there.
        person: PersonId,
        /// The one that was read.
        found: Option<PersonId>,
        /// When the invitation is over.
        over_at: Timestamp,
    },
    /// Without a condition: the address is no longer found as invited.
    InvitedNoMore {
        /// Who.
        email: Email,
        /// To which site.
        site_id: SiteId,
    },
    /// The line must not exist; it is added to a partner's history.
    HistoryLine(HistoryLine),
}

impl Write {
    /// What leads from the ID of a person to a user.
    pub(crate) fn person_named(user: &User) -> Self {
        Self::PersonNamed {
            site_id: user.site_id.clone(),
            person: user.person.clone(),
            user_id: user.id.clone(),
        }
    }
}
