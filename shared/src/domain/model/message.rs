//! A message to a user, the states it goes through (rule 14), and how many were sent.
//!
//! ```text
//! reserved ──claimed──▶ sending ──accepted──▶ sent ──receipt──▶ delivered, undelivered
//!    │                     ├──surely not accepted──▶ failed     the SMS are given back
//!    │                     └──no answer──▶ unknown              the SMS stay charged, and it is not sent again
//!    └──left behind──▶ failed                                   nobody claimed it: it was surely not sent
//! ```
//!
//! Whoever claims a message sends it, and only one command can claim it, so no message is sent twice. A message that
//! was claimed and then abandoned may have been sent.

use crate::domain::model::limit::{DAY, HOUR, LimitReached, until_next};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::ids::{CommandId, MessageId};
use crate::domain::values::parts::Measured;
use crate::domain::values::person::Whom;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long after its reservation a message that is not resolved comes up on the agenda: longer than any function lives
/// that could still be sending it.
const RESOLVED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What a message is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// The link of the user's card.
    Card,
    /// A text of the site's own.
    Notice,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Charged, and not sent yet.
    Reserved,
    /// Somebody is sending it.
    Sending,
    /// Handed to the network.
    Sent,
    /// Surely not sent, and given back.
    Failed,
    /// It may have been sent or not; it stays charged.
    Unknown,
    /// A receipt says that it arrived.
    Delivered,
    /// A receipt says that it did not arrive. The network was paid all the same.
    Undelivered,
}

/// Why a message surely was not sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The network takes no message to this number.
    InvalidNumber,
    /// Its owner wants no messages.
    OptedOut,
    /// The network was too busy, past the retries.
    Throttled,
    /// The network refused it for a reason of ours, such as a spending limit or a permission.
    Refused,
    /// Nobody came to send it.
    LeftBehind,
}

/// A message to a user. It has neither the number nor the text, and what it has of the user leads to nobody once they are
/// removed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its ID: a UUID of version 7, so that messages sort by age.
    #[serde(rename = "message_id")]
    pub id: MessageId,
    /// To whom.
    #[serde(flatten)]
    pub whom: Whom,
    /// To which of the numbers that the user had.
    #[serde(default)]
    pub number: u32,
    /// The number, masked; in the first form alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The country of the number.
    pub country: Country,
    /// What it is about.
    pub template: Template,
    /// In which language.
    pub language: Language,
    /// What it costs.
    #[serde(flatten)]
    pub measured: Measured,
    /// What became of it.
    pub state: MessageState,
    /// When it was charged.
    pub reserved_at: Timestamp,
    /// The entry that charged it.
    pub entry: u64,
    /// Why it was not sent. Noted before its SMS are given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_sent: Option<NotSent>,
    /// What the receipt says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

impl Message {
    /// When it comes up on the agenda, as long as it is not resolved.
    #[must_use]
    pub fn agenda_at(&self) -> Option<Timestamp> {
        match self.state {
            MessageState::Reserved | MessageState::Sending => Some(
                self.reserved_at
                    .saturating_add(RESOLVED_AFTER)
                    .unwrap_or(self.reserved_at),
            ),
            MessageState::Sent
            | MessageState::Failed
            | MessageState::Unknown
            | MessageState::Delivered
            | MessageState::Undelivered => None,
        }
    }
}

/// How many messages were sent in the hour and on the day (of UTC) of the last.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct SendWindow {
    /// The hour, counted from 1970.
    pub hour: i64,
    /// The messages of that hour.
    pub in_hour: u32,
    /// The day, counted from 1970.
    pub day: i64,
    /// The messages of that day.
    pub in_day: u32,
}

impl SendWindow {
    /// Counts one more message, unless that is too many.
    pub(crate) fn one_more(
        self,
        now: Timestamp,
        an_hour: u32,
        a_day: u32,
    ) -> Result<Self, LimitReached> {
        let seconds = now.as_second();
        let (hour, day) = (seconds.div_euclid(HOUR), seconds.div_euclid(DAY));
        let in_hour = if self.hour == hour { self.in_hour } else { 0 };
        let in_day = if self.day == day { self.in_day } else { 0 };
        let reached = |most, what, length| LimitReached {
            what,
            most,
            again_in_seconds: until_next(length, now),
        };
        if in_day >= a_day {
            return Err(reached(a_day, "messages in a day", DAY));
        }
        if in_hour >= an_hour {
            return Err(reached(an_hour, "messages in an hour", HOUR));
        }
        Ok(Self {
            hour,
            in_hour: in_hour + 1,
            day,
            in_day: in_day + 1,
        })
    }
}

/// How many messages a site sent to one number. The number is found by a keyed hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NumberCount {
    /// The keyed hash.
    pub key: String,
    /// How many.
    pub window: SendWindow,
    /// One more after every change; 0 where there is none yet.
    pub version: u64,
}

impl NumberCount {
    /// A number that nothing was sent to.
    #[must_use]
    pub fn none(key: String) -> Self {
        Self {
            key,
            window: SendWindow::default(),
            version: 0,
        }
    }
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its ID.
    pub id: MessageId,
    /// What it is about.
    pub template: Template,
    /// In which language it is.
    pub language: Language,
    /// What it costs.
    pub measured: Measured,
}

/// Who may say that a message was not sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sender {
    /// The one who claimed it.
    Claimed(CommandId),
    /// Nobody claimed it.
    Nobody,
}

/// A step of a message after its reservation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MessageStep {
    /// From reserved to sending: from now on this command alone may send it.
    Claim {
        /// Who claims it.
        by: CommandId,
    },
    /// From sending or unknown, by its own sender, to sent.
    Confirm {
        /// Who sent it.
        by: CommandId,
        /// The network's ID.
        network_id: String,
    },
    /// The sender notes that the message surely was not sent, before its SMS are given back.
    NotSent {
        /// Who claimed it.
        by: CommandId,
        /// Why.
        why: NotSent,
    },
    /// From sending to unknown: nobody can say whether it was sent.
    Unknown,
    /// To failed.
    Fail {
        /// Why it was not sent.
        why: NotSent,
        /// Who says so.
        sender: Sender,
    },
    /// From sent, delivered or undelivered to one of the latter two. A receipt may come twice, and the last one counts.
    Receipt {
        /// Whether it arrived.
        delivered: bool,
        /// What the carrier says.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_a_day_have_limits_of_their_own() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut window = SendWindow::default();
        for minute in 0..5 {
            let now = at(&format!("2026-12-09T08:{minute:02}:00Z"));
            window = window.one_more(now, 5, 10).unwrap();
        }
        let reached = window
            .one_more(at("2026-12-09T08:59:59Z"), 5, 10)
            .unwrap_err();
        assert_eq!((reached.most, reached.again_in_seconds), (5, 1));
        for minute in 0..5 {
            let now = at(&format!("2026-12-09T09:{minute:02}:00Z"));
            window = window.one_more(now, 5, 10).unwrap();
        }
        let reached = window
            .one_more(at("2026-12-09T23:59:58Z"), 5, 10)
            .unwrap_err();
        assert_eq!((reached.most, reached.again_in_seconds), (10, 2));
        assert!(window.one_more(at("2026-12-10T00:00:00Z"), 5, 10).is_ok());
    }
}
