//! A change: everything that one transaction writes, and the conditions under which it may.
//!
//! There is no other way to change a balance, and no check that is not also a condition of the write: the site
//! is written only over the version that was read, an entry only where there is none, and each [`Guard`] carries
//! the condition that its item must still meet.

use crate::domain::model::account::{HistoryLine, Sale};
use crate::domain::model::code::Application;
use crate::domain::model::device::Device;
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{Message, NotSent, NumberCount, Sender};
use crate::domain::model::site::Site;
use crate::domain::model::user::User;
use crate::domain::values::card_link::CardKey;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{DeviceId, MessageId, UserId};
use crate::domain::values::license_code::CodeKey;
use jiff::Timestamp;
use jiff::civil::Date;

/// What a command decided: the site as it will be, the entries that lead there, and the guards.
#[derive(Clone, Debug)]
pub struct Change {
    /// The site after the change, its version one above the one that was read; version 1 creates it.
    pub site: Site,
    /// The new entries, in order.
    pub entries: Vec<Entry>,
    /// What else is written, and under which condition.
    pub guards: Vec<Guard>,
}

impl Change {
    /// The version that the site must still have; `None` if it must not exist.
    #[must_use]
    pub fn expected_version(&self) -> Option<u64> {
        self.site
            .version
            .checked_sub(1)
            .filter(|&before| before > 0)
    }

    /// How many items the change writes.
    #[must_use]
    pub fn items(&self) -> usize {
        1 + self.entries.len() + self.guards.len()
    }
}

/// What a command decided.
#[derive(Debug)]
pub enum Decision {
    /// The command, done.
    Done {
        /// What is to be committed.
        change: Change,
        /// The place, among the new entries, of the command's own: those before it charge what was due.
        own_entry: usize,
    },
    /// The site is as it is to be, and nothing is due. Nothing of it is written.
    Unchanged(Site),
    /// The site missed more due dates than one change may charge. They are charged first, the command after.
    SettleFirst(Change),
}

/// An item beside the site and its entries that a change writes, with the condition that it must meet.
#[derive(Clone, Debug)]
pub enum Guard {
    /// The code must still be outstanding, unexpired on `today` and not bound to another site; it is marked as
    /// applied.
    CodeApplied {
        /// The code.
        key: CodeKey,
        /// What is written on it.
        application: Application,
        /// The site's date.
        today: Date,
    },
    /// The device must not exist; it is written.
    DeviceAdded(Device),
    /// The device must exist; it is deleted.
    DeviceRemoved(DeviceId),
    /// The user must not exist; it is written.
    UserAdded(Box<User>),
    /// The user must have the version before this one; it is written.
    UserChanged(Box<User>),
    /// The user must have this version; it is deleted.
    UserRemoved {
        /// Who.
        id: UserId,
        /// The version that was read.
        version: u64,
    },
    /// The user must have this version; nothing is written.
    UserUnchanged {
        /// Who.
        id: UserId,
        /// The version that was read.
        version: u64,
    },
    /// The message must not exist; it is written.
    MessageReserved(Box<Message>),
    /// The message must not have failed, and its sender must be this one; it is marked as failed.
    MessageFailed {
        /// Which.
        id: MessageId,
        /// Why it was not sent.
        why: NotSent,
        /// Who says so.
        sender: Sender,
    },
    /// What was sent to a number must be what was read; it is counted.
    NumberCounted {
        /// The count.
        number: NumberCount,
        /// When it was counted; it is kept for two days.
        at: Timestamp,
    },
    /// The card becomes findable by its link.
    CardLinked {
        /// By what.
        key: CardKey,
        /// Whose it is.
        user_id: UserId,
    },
    /// The card is found by its link no more.
    CardUnlinked(CardKey),
    /// The person becomes findable as an administrator of the site.
    AdministratorAdded {
        /// Who.
        email: Email,
    },
    /// The person is an administrator of the site no more.
    AdministratorRemoved {
        /// Who.
        email: Email,
    },
    /// What the site got of a partner is added up for that partner.
    SiteOfPartner(Sale),
    /// The line must not exist; it is added to a partner's history.
    InHistory(HistoryLine),
}

/// The most items of one transaction (DynamoDB's quota for `TransactWriteItems`).
pub const MAX_ITEMS: usize = 100;
