//! The bodies of requests and answers about messages.

use super::answer::Answer;
use super::arrival::Arrival;
use super::problem::Problem;
use crate::commands::{Done, MessageError, MessagePreview, MessageToSend, Page};
use crate::domain::model::message::Message;
use crate::domain::values::ids::{MessageId, UserId};
use crate::domain::values::names::MessageText;
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of `POST …/sms/messages` and `POST …/sms/messages/preview`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageBody {
    /// To whom.
    pub user_id: UserId,
    /// A text of the site's own; the link of the user's card where it is left out.
    #[serde(default)]
    pub text: Option<MessageText>,
}

impl MessageBody {
    /// The message that is asked for.
    #[must_use]
    pub fn read(self) -> MessageToSend {
        MessageToSend {
            user_id: self.user_id,
            text: self.text,
        }
    }
}

/// The body of `POST …/card/deliveries`: an object without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryBody {}

/// The message of the path.
///
/// # Errors
/// A text that is no message ID names no message.
pub fn message_id(arrival: &Arrival) -> Result<MessageId, Problem> {
    let id = arrival.parameter("message_id");
    id.and_then(|id| MessageId::parse(id).ok())
        .ok_or_else(|| MessageError::NotFound.into())
}

/// The answer to a message that was sent, or surely not, or perhaps: 201 with its state and the entry that charged it.
#[must_use]
pub fn sent_message_answer(done: &Done<Message>) -> Answer {
    let body = json!({ "message": shown(&done.answer), "entry": done.entry });
    Answer::json(201, &body).replayed(done.replayed)
}

/// The answer to a preview.
#[must_use]
pub fn message_preview_answer(preview: &MessagePreview) -> Answer {
    let measured = preview.outgoing.measured;
    let body = json!({
        "text": preview.text,
        "to": preview.to,
        "template": preview.outgoing.template,
        "language": preview.outgoing.language,
        "encoding": measured.encoding,
        "units": measured.units,
        "parts": measured.parts,
        "before": { "sms": preview.before },
        "after": { "sms": preview.after },
    });
    Answer::json(200, &body)
}

/// The answer to a request for a message.
#[must_use]
pub fn message_answer(message: &Message) -> Answer {
    Answer::json(200, &json!({ "message": shown(message) }))
}

/// The answer to a request for a site's messages.
#[must_use]
pub fn messages_answer(page: &Page<Message>) -> Answer {
    let messages: Vec<Value> = page.items.iter().map(shown).collect();
    Answer::json(
        200,
        &json!({ "messages": messages, "next_cursor": page.next }),
    )
}

fn shown(message: &Message) -> Value {
    json!({
        "message_id": message.id,
        "user_id": message.user_id,
        "to": message.to,
        "country": message.country,
        "template": message.template,
        "language": message.language,
        "encoding": message.measured.encoding,
        "units": message.measured.units,
        "parts": message.measured.parts,
        "state": message.state,
        "reserved_at": message.reserved_at,
        "entry": message.entry,
        "not_sent": message.not_sent,
        "receipt": message.receipt,
    })
}
