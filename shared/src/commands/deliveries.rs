//! What becomes of a message after its reservation: it is claimed, sent once, and confirmed or given back (rule 14).
//!
//! Who may meet whom, and which condition tells them apart:
//!
//! ```text
//! one request sent twice            one reserves; the other finds the request, and claims the message if nobody did
//! two who would send one message    MESSAGE_RESERVED fails for the slower, which sends nothing
//! a sender that died before it sent the message stays reserved or sending; the agenda gives it back, or marks it
//! a sender that was only slow       confirms or gives back what the agenda marked as unknown, by MESSAGE_OWN
//! giving back twice                 MESSAGE_OWN or MESSAGE_RESERVED fails for the slower, and the version of the site
//! ```

use super::steps::{self, Next, take};
use crate::domain::model::change::Write;
use crate::domain::model::message::{
    Message, MessageState, MessageStep, NotSent, Outgoing, Sender,
};
use crate::domain::model::site::Status;
use crate::domain::rules::messages::refund;
use crate::domain::values::ids::{CommandId, MessageId, SiteId};
use crate::domain::values::person::Whom;
use crate::domain::values::phone::Mobile;
use crate::domain::values::pseudonym::Pseudonyms;
use crate::sns::{SendOutcome, SmsNetwork};
use crate::store::{Attempts, Committed, Store, StoreError, TypedKey};
use jiff::Timestamp;

/// What messages are made of and sent by.
#[derive(Debug)]
pub struct Sms<'a> {
    /// What makes the keyed hashes of numbers.
    pub pseudonyms: &'a Pseudonyms,
    /// The network that they are handed to.
    pub network: &'a SmsNetwork,
}

/// A message, worded.
pub(super) struct Worded {
    pub(super) text: String,
    pub(super) mobile: Mobile,
    pub(super) outgoing: Outgoing,
    /// Whom it was worded for, and for which of their numbers.
    pub(super) whom: Whom,
    pub(super) number: u32,
    /// The version of the user that it was worded for.
    pub(super) user_version: u64,
}

/// The delivery of one message by one command.
pub(super) struct Delivery<'a> {
    pub(super) store: &'a Store,
    pub(super) site_id: &'a SiteId,
    pub(super) message_id: &'a MessageId,
    pub(super) command_id: &'a CommandId,
    pub(super) now: Timestamp,
}

impl Delivery<'_> {
    /// Sends a message that was reserved, and shows it as it is then. A message that another call reserved, which may have
    /// died, is sent as it was reserved, or not at all.
    pub(super) async fn carry_on(
        &self,
        sms: &Sms<'_>,
        worded: Option<&Worded>,
        replayed: bool,
    ) -> Result<Message, StoreError> {
        let Some(worded) = worded else {
            return Ok(self.message().await?.0);
        };
        if replayed {
            let (reserved, _) = self.message().await?;
            let same = reserved.measured == worded.outgoing.measured
                && (&reserved.whom, reserved.number) == (&worded.whom, worded.number)
                && reserved.state == MessageState::Reserved;
            // If the network cannot be asked, the message is not sent, and the agenda gives it back.
            if !same || sms.network.is_opted_out(&worded.mobile).await != Ok(false) {
                return Ok(reserved);
            }
        }
        self.send_if_reserved(sms, worded).await?;
        Ok(self.message().await?.0)
    }

    async fn message(&self) -> Result<(Message, Option<CommandId>), StoreError> {
        let key = TypedKey::message(self.site_id, self.message_id);
        let message = self.store.read(key, &mut Attempts::default()).await?;
        message.ok_or_else(|| StoreError::defect("a message that was reserved is gone"))
    }

    /// Claims the message, hands it to the network, and remembers the outcome. If that cannot be remembered, the agenda
    /// resolves the message.
    async fn send_if_reserved(&self, sms: &Sms<'_>, worded: &Worded) -> Result<(), StoreError> {
        if !self.claim().await? {
            return Ok(());
        }
        let outcome = sms.network.send(&worded.mobile, &worded.text).await;
        let message_id = self.message_id.as_str();
        let remembered = match outcome {
            SendOutcome::Accepted(network_id) => self.confirm(network_id).await,
            SendOutcome::NotSent(why, error) => {
                tracing::warn!(message_id, %error, "message not sent");
                self.give_back_as_not_sent(why).await
            }
            SendOutcome::Unknown(error) => {
                tracing::warn!(message_id, %error, "message possibly sent");
                self.step(MessageStep::Unknown, None).await.map(drop)
            }
        };
        if let Err(error) = remembered {
            // The caller is shown the state that is known.
            let error: &dyn std::error::Error = &error;
            tracing::error!(message_id, error, "outcome of message not recorded");
        }
        Ok(())
    }

    /// Takes a step of the message, unless it is not where the step starts.
    async fn step(&self, step: MessageStep, more: Option<Write>) -> Result<Committed, StoreError> {
        let step = Write::Message {
            site_id: self.site_id.clone(),
            message_id: self.message_id.clone(),
            step,
        };
        let writes: Vec<Write> = [step].into_iter().chain(more).collect();
        let mut attempts = Attempts::default();
        let committed = self
            .store
            .commit_surely(&writes, self.command_id, &mut attempts);
        committed.await
    }

    /// Whether this command alone may send the message.
    async fn claim(&self) -> Result<bool, StoreError> {
        let by = self.command_id.clone();
        match self.step(MessageStep::Claim { by }, None).await? {
            Committed::Now => Ok(true),
            // By somebody else; or by this command, whose write had no answer.
            Committed::Lost => {
                let (message, by) = self.message().await?;
                let own = by.as_ref() == Some(self.command_id);
                Ok(own && message.state == MessageState::Sending)
            }
        }
    }

    async fn confirm(&self, network_id: String) -> Result<(), StoreError> {
        let found_by = Write::MessageFoundBy {
            network_id: network_id.clone(),
            site_id: self.site_id.clone(),
            message_id: self.message_id.clone(),
            at: self.now,
        };
        let by = self.command_id.clone();
        let confirm = MessageStep::Confirm { by, network_id };
        self.step(confirm, Some(found_by)).await.map(drop)
    }

    /// Notes first that the message was not sent: that is one item, which nobody else writes. If the site is then too busy
    /// to take its SMS back, the agenda gives them back.
    async fn give_back_as_not_sent(&self, why: NotSent) -> Result<(), StoreError> {
        let by = self.command_id.clone();
        self.step(MessageStep::NotSent { by, why }, None).await?;
        let sender = Sender::Claimed(self.command_id.clone());
        self.give_back(why, sender).await.map(drop)
    }

    /// Gives the SMS of the message back, unless that was done or something else is known of it. True if it failed and was
    /// given back by now.
    async fn give_back(&self, why: NotSent, sender: Sender) -> Result<bool, StoreError> {
        let refund = Refund {
            site_id: self.site_id,
            message_id: self.message_id,
            why,
            sender,
            now: self.now,
        };
        let by = CommandId::random();
        take(self.store, &by, &mut Attempts::default(), &refund).await
    }
}

/// The refund of a message. True if it failed, and its SMS were given back by now.
struct Refund<'a> {
    site_id: &'a SiteId,
    message_id: &'a MessageId,
    why: NotSent,
    sender: Sender,
    now: Timestamp,
}

impl steps::Step for Refund<'_> {
    type Done = bool;

    async fn decide(
        &self,
        store: &Store,
        attempts: &mut Attempts,
    ) -> Result<Next<bool>, StoreError> {
        let reads = (
            TypedKey::site(self.site_id),
            TypedKey::message(self.site_id, self.message_id),
        );
        let (site, message) = store.read(reads, attempts).await?;
        let gone = || StoreError::defect("a message that was reserved is gone");
        let (site, (message, claimed_by)) = site.zip(message).ok_or_else(gone)?;
        let open = match &self.sender {
            Sender::Nobody => message.state == MessageState::Reserved,
            Sender::Claimed(by) => {
                let unresolved = [MessageState::Sending, MessageState::Unknown];
                claimed_by.as_ref() == Some(by) && unresolved.contains(&message.state)
            }
        };
        if !open {
            return Ok(Next::Done(message.state == MessageState::Failed));
        }
        let (why, sender) = (self.why, self.sender.clone());
        let writes = if site.status == Status::Deleted {
            // What it held was given up, and nobody is left to whom anything could be given back.
            vec![Write::Message {
                site_id: self.site_id.clone(),
                message_id: self.message_id.clone(),
                step: MessageStep::Fail { why, sender },
            }]
        } else {
            let change = refund(site, &message, why, sender, self.now);
            change.map_err(StoreError::defect)?.into_writes()
        };
        Ok(Next::Commit(writes, true))
    }
}

/// What became of a message that was left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resolved {
    /// Nobody had claimed it: its SMS were given back.
    GivenBack,
    /// It was claimed, and may have been sent: it stays charged.
    Unknown,
    /// It was resolved before.
    Before,
}

/// Resolves a message that was reserved and left. This sends nothing.
///
/// # Errors
/// The table could not be read or written; the message is still on the agenda.
pub async fn resolve_message(
    store: &Store,
    site_id: &SiteId,
    message_id: &MessageId,
    now: Timestamp,
) -> Result<Resolved, StoreError> {
    let resolving = Delivery {
        store,
        site_id,
        message_id,
        command_id: &CommandId::random(),
        now,
    };
    let (message, claimed_by) = resolving.message().await?;
    if message.agenda_at().is_none_or(|at| at > now) {
        // The index lags behind the table.
        return Ok(Resolved::Before);
    }
    let (why, sender) = match (message.state, message.not_sent, claimed_by) {
        (MessageState::Reserved, _, _) => (NotSent::LeftBehind, Sender::Nobody),
        // Its sender noted that it was not sent, and came no further.
        (MessageState::Sending, Some(why), Some(by)) => (why, Sender::Claimed(by)),
        (MessageState::Sending, _, _) => {
            resolving.step(MessageStep::Unknown, None).await?;
            return Ok(Resolved::Unknown);
        }
        _ => return Ok(Resolved::Before),
    };
    Ok(if resolving.give_back(why, sender).await? {
        Resolved::GivenBack
    } else {
        Resolved::Before
    })
}

/// Records what a receipt says of the message with the network's ID. False where there is none: the account may send
/// other messages than these, and a message whose outcome is unknown has no ID. A receipt gives nothing back.
///
/// # Errors
/// The table could not be read or written.
pub async fn record_receipt(
    store: &Store,
    network_id: &str,
    delivered: bool,
    receipt: &str,
) -> Result<bool, StoreError> {
    let mut attempts = Attempts::default();
    let key = TypedKey::network_message(network_id);
    let Some(found) = store.read(key, &mut attempts).await? else {
        return Ok(false);
    };
    let step = Write::Message {
        site_id: found.site_id,
        message_id: found.message_id,
        step: MessageStep::Receipt {
            delivered,
            text: receipt.to_owned(),
        },
    };
    let by = CommandId::random();
    store
        .commit_surely(&[step], &by, &mut Attempts::default())
        .await?;
    Ok(true)
}
