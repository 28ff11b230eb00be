//! The items of a message, of the count of messages to a number, and of the network's ID of a message.

use super::site::agenda_instant;
use crate::domain::model::agenda;
use crate::domain::model::message::{
    Message, MessageState, MessageStep, NotSent, NumberCount, SendWindow, Sender,
};
use crate::domain::values::ids::{CommandId, MessageId, SiteId};
use crate::store::conditional::{ABSENT, Conditional};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{Key, SK};
use crate::store::reads::TypedKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nobody claimed the message, and nobody gave it back.
const MESSAGE_RESERVED: &str = "#state = :reserved";
/// Somebody claimed the message, and nobody knows what became of it.
const MESSAGE_SENDING: &str = "#state = :sending";
/// This command claimed the message, and at most its outcome is known to be unknown.
const MESSAGE_OWN: &str = "claimed_by = :own AND #state IN (:sending, :unknown)";
/// The network took the message.
const MESSAGE_SENT: &str = "#state IN (:sent, :delivered, :undelivered)";

/// How long the network's ID finds a message, in seconds: receipts come within three days.
const NETWORK_ID_KEPT_S: i64 = 7 * 86_400;

#[derive(Serialize, Deserialize)]
struct MessageAttributes {
    #[serde(flatten)]
    message: Message,
    /// The network's ID, once it took the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_id: Option<String>,
    /// Who sends it: the one command that claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_by: Option<CommandId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_at: Option<String>,
}

fn encode_message(site: &SiteId, message: &Message) -> Result<Item, CorruptItem> {
    let at = message.agenda_at().map(agenda_instant);
    let attributes = MessageAttributes {
        message: message.clone(),
        network_id: None,
        claimed_by: None,
        agenda_shard: at.as_ref().map(|_| agenda::shard_of(site).to_string()),
        agenda_at: at,
    };
    encode(&Key::Message(site.clone(), message.id.clone()), &attributes)
}

/// Reads a message, and who claimed it.
///
/// # Errors
/// The item is corrupt.
pub fn decode_message(item: &Item) -> Result<(Message, Option<CommandId>), CorruptItem> {
    let attributes: MessageAttributes = decode(item)?;
    Ok((attributes.message, attributes.claimed_by))
}

#[derive(Serialize, Deserialize)]
struct NumberAttributes {
    #[serde(flatten)]
    window: SendWindow,
    version: u64,
    /// When the item may be forgotten: the table's TTL.
    expires_at: i64,
}

/// How long it is remembered how many messages a number was sent, in seconds: longer than the day that is counted.
const NUMBER_KEPT_S: i64 = 2 * 86_400;

fn encode_number(site: &SiteId, number: &NumberCount, at: Timestamp) -> Result<Item, CorruptItem> {
    let attributes = NumberAttributes {
        window: number.window,
        version: number.version,
        expires_at: at.as_second() + NUMBER_KEPT_S,
    };
    encode(&Key::Number(site.clone(), number.key.clone()), &attributes)
}

/// Reads how many messages a number was sent.
///
/// # Errors
/// The item is corrupt.
pub fn decode_number(item: &Item) -> Result<NumberCount, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: NumberAttributes = decode(item)?;
    let key = second_part(item, SK).map(str::to_owned);
    Ok(NumberCount {
        key: key.ok_or_else(|| corrupt("its key has no hash"))?,
        window: attributes.window,
        version: attributes.version,
    })
}

/// Which message the network's ID belongs to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NetworkMessage {
    /// The site.
    pub site_id: SiteId,
    /// The message.
    pub message_id: MessageId,
    /// When the item may be forgotten: the table's TTL.
    pub expires_at: i64,
}

/// Reads which message the network's ID belongs to.
///
/// # Errors
/// The item is corrupt.
pub fn decode_network_message(item: &Item) -> Result<NetworkMessage, CorruptItem> {
    decode(item)
}

impl TypedKey<(Message, Option<CommandId>)> {
    /// A message of a site, and who claimed it.
    #[must_use]
    pub fn message(site: &SiteId, message: &MessageId) -> Self {
        Self {
            key: Key::Message(site.clone(), message.clone()),
            decode: decode_message,
        }
    }
}

impl TypedKey<NumberCount> {
    /// How many messages a site sent to a number, by the keyed hash of the number.
    #[must_use]
    pub fn number(site: &SiteId, number_key: &str) -> Self {
        Self {
            key: Key::Number(site.clone(), number_key.to_owned()),
            decode: decode_number,
        }
    }
}

impl TypedKey<NetworkMessage> {
    /// Which message the network's ID belongs to.
    #[must_use]
    pub fn network_message(network_id: &str) -> Self {
        Self {
            key: Key::Network(network_id.to_owned()),
            decode: decode_network_message,
        }
    }
}

pub(super) fn reserved(site: &SiteId, message: &Message) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_message(site, message)?).when(ABSENT))
}

pub(super) fn counted(
    site: &SiteId,
    number: &NumberCount,
    at: Timestamp,
) -> Result<Conditional, CorruptItem> {
    let item = encode_number(site, number, at)?;
    Ok(Conditional::put_over(item, number.version))
}

/// Written again it says the same, so it needs no condition.
pub(super) fn found_by(
    network_id: &str,
    site_id: &SiteId,
    message_id: &MessageId,
    at: Timestamp,
) -> Result<Conditional, CorruptItem> {
    let message = NetworkMessage {
        site_id: site_id.clone(),
        message_id: message_id.clone(),
        expires_at: at.as_second() + NETWORK_ID_KEPT_S,
    };
    let key = Key::Network(network_id.to_owned());
    Ok(Conditional::put(encode(&key, &message)?))
}

/// One step of a message, from the state in which it starts.
pub(super) fn stepped(site: &SiteId, message: &MessageId, step: &MessageStep) -> Conditional {
    let key = Key::Message(site.clone(), message.clone());
    let update = |expression| Conditional::update(key, expression).name("#state", "state");
    match step {
        MessageStep::Claim { by } => {
            let claimed = update("#state = :sending, claimed_by = :own");
            from_reserved(claimed)
                .text(":sending", word(MessageState::Sending))
                .text(":own", by.as_str())
        }
        MessageStep::Confirm { by, network_id } => {
            let confirmed =
                update("#state = :sent, network_id = :id REMOVE agenda_shard, agenda_at");
            from_own(confirmed, by)
                .text(":sent", word(MessageState::Sent))
                .text(":id", network_id)
        }
        MessageStep::NotSent { by, why } => {
            from_own(update("not_sent = :why"), by).text(":why", reason(*why))
        }
        MessageStep::Unknown => update("#state = :unknown REMOVE agenda_shard, agenda_at")
            .when(MESSAGE_SENDING)
            .text(":sending", word(MessageState::Sending))
            .text(":unknown", word(MessageState::Unknown)),
        MessageStep::Fail { why, sender } => {
            let failed = update("#state = :failed, not_sent = :why REMOVE agenda_shard, agenda_at")
                .text(":failed", word(MessageState::Failed))
                .text(":why", reason(*why));
            match sender {
                Sender::Nobody => from_reserved(failed),
                Sender::Claimed(by) => from_own(failed, by),
            }
        }
        MessageStep::Receipt { delivered, text } => {
            let state = if *delivered {
                MessageState::Delivered
            } else {
                MessageState::Undelivered
            };
            update("#state = :state, receipt = :receipt")
                .when(MESSAGE_SENT)
                .text(":sent", word(MessageState::Sent))
                .text(":delivered", word(MessageState::Delivered))
                .text(":undelivered", word(MessageState::Undelivered))
                .text(":state", word(state))
                .text(":receipt", text)
        }
    }
}

fn from_reserved(step: Conditional) -> Conditional {
    let reserved = word(MessageState::Reserved);
    step.when(MESSAGE_RESERVED).text(":reserved", reserved)
}

fn from_own(step: Conditional, by: &CommandId) -> Conditional {
    step.when(MESSAGE_OWN)
        .text(":own", by.as_str())
        .text(":sending", word(MessageState::Sending))
        .text(":unknown", word(MessageState::Unknown))
}

fn word(state: MessageState) -> &'static str {
    match state {
        MessageState::Reserved => "reserved",
        MessageState::Sending => "sending",
        MessageState::Sent => "sent",
        MessageState::Failed => "failed",
        MessageState::Unknown => "unknown",
        MessageState::Delivered => "delivered",
        MessageState::Undelivered => "undelivered",
    }
}

fn reason(why: NotSent) -> &'static str {
    match why {
        NotSent::InvalidNumber => "invalid_number",
        NotSent::OptedOut => "opted_out",
        NotSent::Throttled => "throttled",
        NotSent::Refused => "refused",
        NotSent::LeftBehind => "left_behind",
    }
}
