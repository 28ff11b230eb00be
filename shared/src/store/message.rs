//! What becomes of a message after its reservation: each step is one transaction of one or two items, under the condition
//! that the message is where the step begins.

use super::commit::lost_or_failed;
use super::items::{NetworkMessage, encode};
use super::keys::Key;
use super::retry::Failure;
use super::{CommitFailed, Store};
use crate::domain::model::message::{MessageState, NotSent, Sender};
use crate::domain::values::ids::{CommandId, MessageId, SiteId};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::Timestamp;
use std::error::Error;

/// Nobody claimed the message, and nobody gave it back.
const MESSAGE_RESERVED: &str = "#state = :reserved";
/// Somebody claimed the message, and nobody knows what became of it.
const MESSAGE_SENDING: &str = "#state = :sending";
/// This command claimed the message, and nothing is known of it but perhaps that nothing is known.
const MESSAGE_OWN: &str = "claimed_by = :own AND #state IN (:sending, :unknown)";
/// The network took the message. A receipt may come twice, and the last one counts.
const MESSAGE_SENT: &str = "#state IN (:sent, :delivered, :undelivered)";

/// How long the network's ID finds a message, in seconds: receipts come within three days.
const NETWORK_ID_KEPT_S: i64 = 7 * 86_400;

fn word(state: MessageState) -> AttributeValue {
    let word = match state {
        MessageState::Reserved => "reserved",
        MessageState::Sending => "sending",
        MessageState::Sent => "sent",
        MessageState::Failed => "failed",
        MessageState::Unknown => "unknown",
        MessageState::Delivered => "delivered",
        MessageState::Undelivered => "undelivered",
    };
    AttributeValue::S(word.to_owned())
}

fn reason(why: NotSent) -> AttributeValue {
    let word = match why {
        NotSent::InvalidNumber => "invalid_number",
        NotSent::OptedOut => "opted_out",
        NotSent::Throttled => "throttled",
        NotSent::Refused => "refused",
        NotSent::LeftBehind => "left_behind",
    };
    AttributeValue::S(word.to_owned())
}

impl Store {
    /// Claims a reserved message for one command, which alone may send it from then on.
    ///
    /// # Errors
    /// Lost where it was claimed or given back before; see [`CommitFailed`].
    pub async fn claim_message(
        &self,
        site: &SiteId,
        message: &MessageId,
        by: &CommandId,
    ) -> Result<(), CommitFailed> {
        let update = self.message(&Key::Message(site.clone(), message.clone()));
        let update = update
            .condition_expression(MESSAGE_RESERVED)
            .update_expression("SET #state = :sending, claimed_by = :own")
            .expression_attribute_values(":reserved", word(MessageState::Reserved))
            .expression_attribute_values(":sending", word(MessageState::Sending))
            .expression_attribute_values(":own", AttributeValue::S(by.as_str().to_owned()));
        self.step(update.build(), None).await
    }

    /// Remembers that the network took a message, and under which ID.
    ///
    /// # Errors
    /// Lost where it is another command's, or known to be sent or failed; see [`CommitFailed`].
    pub async fn confirm_message(
        &self,
        site: &SiteId,
        message: &MessageId,
        by: &CommandId,
        network_id: &str,
        now: Timestamp,
    ) -> Result<(), CommitFailed> {
        let update = self.message(&Key::Message(site.clone(), message.clone()));
        let update = update
            .condition_expression(MESSAGE_OWN)
            .update_expression(
                "SET #state = :sent, network_id = :id REMOVE agenda_shard, agenda_at",
            )
            .expression_attribute_values(":own", AttributeValue::S(by.as_str().to_owned()))
            .expression_attribute_values(":sending", word(MessageState::Sending))
            .expression_attribute_values(":unknown", word(MessageState::Unknown))
            .expression_attribute_values(":sent", word(MessageState::Sent))
            .expression_attribute_values(":id", AttributeValue::S(network_id.to_owned()));
        let found_by = NetworkMessage {
            site_id: site.clone(),
            message_id: message.clone(),
            expires_at: now.as_second() + NETWORK_ID_KEPT_S,
        };
        self.step(update.build(), Some((network_id, found_by)))
            .await
    }

    /// Notes that a message was surely not sent, before its SMS are given back.
    ///
    /// # Errors
    /// Lost where it is another command's, or known to be sent or failed; see [`CommitFailed`].
    pub async fn message_not_sent(
        &self,
        site: &SiteId,
        message: &MessageId,
        by: &CommandId,
        why: NotSent,
    ) -> Result<(), CommitFailed> {
        let update = self.message(&Key::Message(site.clone(), message.clone()));
        let update = update
            .condition_expression(MESSAGE_OWN)
            .update_expression("SET not_sent = :why")
            .expression_attribute_values(":own", AttributeValue::S(by.as_str().to_owned()))
            .expression_attribute_values(":sending", word(MessageState::Sending))
            .expression_attribute_values(":unknown", word(MessageState::Unknown))
            .expression_attribute_values(":why", reason(why));
        self.step(update.build(), None).await
    }

    /// Remembers that nobody can say whether a message was sent.
    ///
    /// # Errors
    /// Lost where something is known; see [`CommitFailed`].
    pub async fn message_unknown(
        &self,
        site: &SiteId,
        message: &MessageId,
    ) -> Result<(), CommitFailed> {
        let update = self.message(&Key::Message(site.clone(), message.clone()));
        let update = update
            .condition_expression(MESSAGE_SENDING)
            .update_expression("SET #state = :unknown REMOVE agenda_shard, agenda_at")
            .expression_attribute_values(":sending", word(MessageState::Sending))
            .expression_attribute_values(":unknown", word(MessageState::Unknown));
        self.step(update.build(), None).await
    }

    /// Marks a message of a deleted site as failed, to which nothing can be given back.
    ///
    /// # Errors
    /// Lost where something else is known of it; see [`CommitFailed`].
    pub async fn message_failed(
        &self,
        site: &SiteId,
        message: &MessageId,
        why: NotSent,
        sender: &Sender,
    ) -> Result<(), CommitFailed> {
        let key = Key::Message(site.clone(), message.clone());
        let item = self.fail_message(&key, why, sender);
        let item = item.map_err(|error| CommitFailed::Failed(Failure::Fatal(error)))?;
        self.transact(vec![item]).await.map_err(lost_or_failed)
    }

    /// Remembers what a receipt says of a message.
    ///
    /// # Errors
    /// Lost where the message was never handed to the network; see [`CommitFailed`].
    pub async fn message_receipt(
        &self,
        site: &SiteId,
        message: &MessageId,
        delivered: bool,
        receipt: &str,
    ) -> Result<(), CommitFailed> {
        let state = if delivered {
            MessageState::Delivered
        } else {
            MessageState::Undelivered
        };
        let update = self.message(&Key::Message(site.clone(), message.clone()));
        let update = update
            .condition_expression(MESSAGE_SENT)
            .update_expression("SET #state = :state, receipt = :receipt")
            .expression_attribute_values(":sent", word(MessageState::Sent))
            .expression_attribute_values(":delivered", word(MessageState::Delivered))
            .expression_attribute_values(":undelivered", word(MessageState::Undelivered))
            .expression_attribute_values(":state", word(state))
            .expression_attribute_values(":receipt", AttributeValue::S(receipt.to_owned()));
        self.step(update.build(), None).await
    }

    /// Marks a message as failed, as part of the transaction that gives its SMS back.
    pub(super) fn fail_message(
        &self,
        key: &Key,
        why: NotSent,
        sender: &Sender,
    ) -> Result<TransactWriteItem, Box<dyn Error + Send + Sync>> {
        let update = self
            .message(key)
            .update_expression(
                "SET #state = :failed, not_sent = :why REMOVE agenda_shard, agenda_at",
            )
            .expression_attribute_values(":failed", word(MessageState::Failed))
            .expression_attribute_values(":why", reason(why));
        let update = match sender {
            Sender::Nobody => update
                .condition_expression(MESSAGE_RESERVED)
                .expression_attribute_values(":reserved", word(MessageState::Reserved)),
            Sender::Claimed(by) => update
                .condition_expression(MESSAGE_OWN)
                .expression_attribute_values(":own", AttributeValue::S(by.as_str().to_owned()))
                .expression_attribute_values(":sending", word(MessageState::Sending))
                .expression_attribute_values(":unknown", word(MessageState::Unknown)),
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn message(&self, key: &Key) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .expression_attribute_names("#state", "state")
    }

    /// One step of a message, and what finds it by the network's ID.
    async fn step(
        &self,
        update: Result<Update, BuildError>,
        found_by: Option<(&str, NetworkMessage)>,
    ) -> Result<(), CommitFailed> {
        let items = || -> Result<Vec<TransactWriteItem>, Box<dyn Error + Send + Sync>> {
            let mut items = vec![TransactWriteItem::builder().update(update?).build()];
            if let Some((id, found_by)) = found_by {
                let item = encode(&Key::Network(id.to_owned()), &found_by)?;
                // Written again it says the same.
                items.push(self.put_over(item)?);
            }
            Ok(items)
        };
        let items = items().map_err(|error| CommitFailed::Failed(Failure::Fatal(error)))?;
        self.transact(items).await.map_err(lost_or_failed)
    }
}
