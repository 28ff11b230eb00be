//! Messages to the users of a site.

use super::body::body;
use super::cursors::pages;
use super::schemas::{
    Instant, MaskedNumber, MessageLanguage, NextCursor, Parts, Sequence, SmsReservationEntry,
    TypedId, Units,
};
use crate::commands::{Done, MessagePreview, MessageToSend, MessageView, Page};
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{MessageState, NotSent, Template};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::ids::{MessageId, UserId};
use crate::domain::values::names::MessageText;
use crate::domain::values::parts::Encoding;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/sms/messages` and `POST …/sms/messages/preview`.
    pub struct MessageBody {
        /// The recipient.
        #[schema(value_type = TypedId)]
        pub user_id: UserId,
        /// The site's own text; if omitted, the message carries the link to the user's card.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 1_000, pattern = r"^[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F-\x9F]+$")]
        pub text: Option<MessageText>,
    }
}

impl MessageBody {
    /// The requested message.
    #[must_use]
    pub fn read(self) -> MessageToSend {
        MessageToSend {
            user_id: self.user_id,
            text: self.text,
        }
    }
}

body! {
    /// The body of `POST …/card/deliveries`: an empty object.
    pub struct DeliveryBody {}
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// Its ID.
    pub message_id: MessageId,
    /// The recipient; null once they were removed.
    pub user_id: Option<UserId>,
    /// The number, masked; null once the recipient has another, or was removed.
    #[schema(value_type = Option<MaskedNumber>)]
    pub to: Option<String>,
    /// The country of the number.
    pub country: Country,
    /// Its template.
    pub template: Template,
    /// Its language.
    #[schema(value_type = MessageLanguage)]
    pub language: Language,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// Its length, in units of its encoding.
    #[schema(value_type = Units)]
    pub units: u32,
    /// The number of parts; each costs one SMS.
    #[schema(value_type = Parts)]
    pub parts: u32,
    /// Its delivery state.
    pub state: MessageState,
    /// When it was charged.
    #[schema(value_type = Instant)]
    pub reserved_at: Timestamp,
    /// The entry that charged it.
    #[schema(value_type = Sequence)]
    pub entry: u64,
    /// Why it was not sent; null unless it certainly was not.
    pub not_sent: Option<NotSent>,
    /// What the delivery receipt says; null if there is none.
    #[schema(max_length = 200)]
    pub receipt: Option<String>,
}

impl From<MessageView> for Message {
    fn from(view: MessageView) -> Self {
        let message = view.message;
        Self {
            message_id: message.id,
            user_id: view.user_id,
            to: view.to,
            country: message.country,
            template: message.template,
            language: message.language,
            encoding: message.measured.encoding,
            units: message.measured.units,
            parts: message.measured.parts,
            state: message.state,
            reserved_at: message.reserved_at,
            entry: message.entry,
            not_sent: message.not_sent,
            receipt: message.receipt,
        }
    }
}

/// The answer to sending a message, whether it was sent, was not sent, or its outcome is unknown.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentMessage {
    /// The message.
    pub message: Message,
    /// The entry that charged it.
    #[schema(value_type = SmsReservationEntry)]
    pub entry: Option<Entry>,
}

impl From<Done<MessageView>> for SentMessage {
    fn from(done: Done<MessageView>) -> Self {
        Self {
            message: done.answer.into(),
            entry: done.entry,
        }
    }
}

/// The answer to a preview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessagePreview)]
pub struct PreviewedMessage {
    /// The text.
    #[schema(min_length = 1)]
    pub text: String,
    /// The number, masked.
    #[schema(value_type = MaskedNumber)]
    pub to: String,
    /// Its template.
    pub template: Template,
    /// Its language.
    #[schema(value_type = MessageLanguage)]
    pub language: Language,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// Its length, in units of its encoding.
    #[schema(value_type = Units)]
    pub units: u32,
    /// The number of parts; each costs one SMS.
    #[schema(value_type = Parts)]
    pub parts: u32,
    /// The site's balance now.
    pub before: SmsBalance,
    /// The site's balance after sending.
    pub after: SmsBalance,
}

/// A site's balance of SMS.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmsBalance {
    /// The number of SMS.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub sms: u64,
}

impl From<MessagePreview> for PreviewedMessage {
    fn from(preview: MessagePreview) -> Self {
        let measured = preview.outgoing.measured;
        Self {
            text: preview.text,
            to: preview.to,
            template: preview.outgoing.template,
            language: preview.outgoing.language,
            encoding: measured.encoding,
            units: measured.units,
            parts: measured.parts,
            before: SmsBalance {
                sms: preview.before,
            },
            after: SmsBalance { sms: preview.after },
        }
    }
}

/// The answer to a request for a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownMessage {
    /// The message.
    pub message: Message,
}

impl From<MessageView> for ShownMessage {
    fn from(message: MessageView) -> Self {
        Self {
            message: message.into(),
        }
    }
}

pages!(MessagePage);

/// The answer to a request for a site's messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    /// The messages.
    #[schema(max_items = 100)]
    pub messages: Vec<Message>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<MessageView>> for MessagePage {
    fn from(page: Page<MessageView>) -> Self {
        Self {
            messages: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        }
    }
}
