//! SMS: what a message costs (rule 13), the states it goes through (rule 14), and the guards against misuse.
//!
//! ```text
//! reserved ──claimed──▶ sending ──accepted──▶ sent ──receipt──▶ delivered, undelivered
//!    │                     ├──surely not accepted──▶ failed     the SMS are given back
//!    │                     └──no answer──▶ unknown              the SMS stay charged, and it is not sent again
//!    └──left behind──▶ failed                                   nobody claimed it: it was surely not sent
//! ```
//!
//! Whoever claims a message sends it, and one alone can: so no message is sent twice. One that was claimed and of which
//! nothing was heard may have been sent.

use super::amount::{BalanceOutOfRange, Changes};
use super::change::{Change, Decision, Draft, Guard};
use super::deduction::{Begun, begin};
use super::entry::{Actor, Event};
use super::identity::{CommandId, Country, Email, Language, MessageId, UserId};
use super::person::User;
use super::phone::Mobile;
use super::site::{Site, Status};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The most parts of one message.
pub const MAX_PARTS: u32 = 10;
/// The most messages of a site in an hour.
pub const MAX_OF_SITE_AN_HOUR: u32 = 500;
/// The most messages of a site in a day.
pub const MAX_OF_SITE_A_DAY: u32 = 2_000;
/// The most messages of a site to one number in an hour.
pub const MAX_TO_NUMBER_AN_HOUR: u32 = 5;
/// The most messages of a site to one number in a day.
pub const MAX_TO_NUMBER_A_DAY: u32 = 10;
/// The most countries that a site may send to.
pub const MAX_SMS_COUNTRIES: usize = 20;
/// How long after its reservation a message that is not resolved comes up on the agenda: longer than any function lives
/// that could still be sending it.
const RESOLVED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How a text is written on the air.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// Seven bits a character, of the alphabet of 3GPP TS 23.038, section 6.2.1.
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// Two bytes a UTF-16 unit.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

impl Encoding {
    /// How many units fit a message of one part, and each part of a longer one.
    fn capacity(self) -> (u32, u32) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// The units that a character takes.
    fn units(self, character: char) -> u32 {
        match self {
            Self::Gsm7 if GSM_EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            // One or two, by the definition of UTF-16.
            Self::Ucs2 => u32::from(character.len_utf16() == 2) + 1,
        }
    }
}

/// The default alphabet, without the escape character.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What takes an escape character before it.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a text costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How it is written.
    pub encoding: Encoding,
    /// The units of all its characters together.
    pub units: u32,
    /// The parts: one SMS each.
    pub parts: u32,
}

/// A text is longer than a message may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the message would have {parts} parts, and may have {MAX_PARTS}")]
pub struct TooLong {
    /// The parts that it would have.
    pub parts: u32,
}

/// Counts the parts of a text (rule 13). No character is cut by the end of a part: neither an escaped one of GSM-7 nor a
/// pair of surrogates of UCS-2.
///
/// # Errors
/// It has too many.
pub fn measure(text: &str) -> Result<Measured, TooLong> {
    let gsm = |c: char| GSM_BASIC.contains(c) || GSM_EXTENSION.contains(c);
    let encoding = if text.chars().all(gsm) {
        Encoding::Gsm7
    } else {
        Encoding::Ucs2
    };
    let (whole, part) = encoding.capacity();
    let units = text
        .chars()
        .map(|c| encoding.units(c))
        .fold(0, u32::saturating_add);
    let parts = if units <= whole {
        1
    } else {
        let (mut parts, mut room) = (1_u32, part);
        for needed in text.chars().map(|c| encoding.units(c)) {
            if needed > room {
                parts = parts.saturating_add(1);
                room = part;
            }
            room -= needed;
        }
        parts
    };
    if parts > MAX_PARTS {
        return Err(TooLong { parts });
    }
    Ok(Measured {
        encoding,
        units,
        parts,
    })
}

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

/// A message to a user. It has neither the number nor the text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its ID: a UUID of version 7, so that messages sort by age.
    #[serde(rename = "message_id")]
    pub id: MessageId,
    /// To whom.
    pub user_id: UserId,
    /// The number, masked.
    pub to: String,
    /// The country of the number.
    pub country: Country,
    /// The keyed hash of the number, by which a repetition knows it again.
    pub number_key: String,
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
    /// Counts one more message; `None` where that is too many.
    fn one_more(self, now: Timestamp, an_hour: u32, a_day: u32) -> Option<Self> {
        let (hour, day) = (
            now.as_second().div_euclid(3_600),
            now.as_second().div_euclid(86_400),
        );
        let in_hour = if self.hour == hour { self.in_hour } else { 0 };
        let in_day = if self.day == day { self.in_day } else { 0 };
        (in_hour < an_hour && in_day < a_day).then_some(Self {
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

/// Why a message is not sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MessageRefused {
    /// The user has no number.
    #[error("this user has no mobile number")]
    NoNumber,
    /// The number is not one of a country that the site sends to.
    #[error(
        "this site sends no messages to {country}: sms_countries of its settings are {allowed}"
    )]
    Country {
        /// The country of the number.
        country: String,
        /// The countries that the site sends to.
        allowed: String,
    },
    /// The number's owner wants no messages.
    #[error("the owner of this number has opted out of messages")]
    OptedOut,
    /// The site, or the number, had too many.
    #[error("{0}")]
    TooMany(&'static str),
    /// The text is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The site is halted, or is by what is due today.
    #[error("the site is halted until it is recharged")]
    PaymentRequired,
    /// There are too few SMS.
    #[error("the message takes {needed} SMS, and there are {available}")]
    InsufficientSms {
        /// One for each part.
        needed: u64,
        /// The balance.
        available: u64,
    },
    /// Never in practice: no more than the balance is ever taken.
    #[error(transparent)]
    Balance(#[from] BalanceOutOfRange),
}

/// The countries that a site sends to: its own if it names none.
#[must_use]
pub fn countries_of(site: &Site) -> &[Country] {
    match &site.sms_countries {
        Some(countries) => countries,
        None => std::slice::from_ref(&site.country),
    }
}

/// The country of a number that a site may send to.
fn allowed_country(site: &Site, mobile: &Mobile) -> Result<Country, MessageRefused> {
    let allowed = countries_of(site);
    let country = mobile.country();
    match country {
        Some(country) if allowed.contains(&country) => Ok(country),
        country => Err(MessageRefused::Country {
            country: country.map_or_else(|| "numbers of no country".to_owned(), String::from),
            allowed: allowed
                .iter()
                .map(Country::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Reserves a message: takes its SMS, one a part. Nothing is sent by that.
///
/// # Errors
/// [`MessageRefused`] says why, and nothing changes.
pub fn reserve(
    site: Site,
    user: &User,
    outgoing: &Outgoing,
    number: &NumberCount,
    by: &Email,
    now: Timestamp,
) -> Result<Decision, MessageRefused> {
    let mut draft = match begin(site, now)? {
        Begun::Draft(draft) => draft,
        Begun::SettleFirst(change) => return Ok(Decision::SettleFirst(change)),
    };
    if draft.site.status == Status::PaymentRequired {
        return Err(MessageRefused::PaymentRequired);
    }
    let mobile = user
        .profile
        .mobile
        .as_ref()
        .ok_or(MessageRefused::NoNumber)?;
    let country = allowed_country(&draft.site, mobile)?;
    let at = draft.at();
    let of_site = draft.site.sms_window.unwrap_or_default();
    let of_site = of_site.one_more(at, MAX_OF_SITE_AN_HOUR, MAX_OF_SITE_A_DAY);
    draft.site.sms_window = Some(of_site.ok_or(MessageRefused::TooMany(
        "this site has sent as many messages as it may in an hour or a day",
    ))?);
    let to_number = number
        .window
        .one_more(at, MAX_TO_NUMBER_AN_HOUR, MAX_TO_NUMBER_A_DAY);
    let to_number = to_number.ok_or(MessageRefused::TooMany(
        "this number was sent as many messages as it may be in an hour or a day",
    ))?;
    let parts = outgoing.measured.parts;
    let changes = Changes::take_sms(u64::from(parts))?;
    if draft.site.balances.after(changes).is_err() {
        return Err(MessageRefused::InsufficientSms {
            needed: u64::from(parts),
            available: draft.site.balances.sms,
        });
    }
    let own_entry = draft.entries();
    let event = Event::SmsReservation {
        message_id: outgoing.id.clone(),
        user_id: user.id.clone(),
        to: mobile.masked(),
        parts,
    };
    draft.record(Actor::Administrator { email: by.clone() }, event, changes)?;
    let message = Message {
        id: outgoing.id.clone(),
        user_id: user.id.clone(),
        to: mobile.masked(),
        country,
        number_key: number.key.clone(),
        template: outgoing.template,
        language: outgoing.language.clone(),
        measured: outgoing.measured,
        state: MessageState::Reserved,
        reserved_at: at,
        entry: draft.site.sequence,
        not_sent: None,
        receipt: None,
    };
    let guards = vec![
        Guard::UserUnchanged {
            id: user.id.clone(),
            version: user.version,
        },
        Guard::NumberCounted {
            number: NumberCount {
                window: to_number,
                version: number.version + 1,
                ..number.clone()
            },
            at,
        },
        Guard::MessageReserved(Box::new(message)),
    ];
    Ok(Decision::Done {
        change: draft.finish(guards),
        own_entry,
    })
}

/// Who may say that a message was not sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sender {
    /// The one who claimed it.
    Claimed(CommandId),
    /// Nobody claimed it.
    Nobody,
}

/// Gives the SMS of a message back that surely was not sent. Its guard lets that happen once.
///
/// # Errors
/// The balance would rise above its limit.
pub fn refund(
    site: Site,
    message: &Message,
    why: NotSent,
    sender: Sender,
    now: Timestamp,
) -> Result<Change, BalanceOutOfRange> {
    let mut draft = Draft::of(site, now);
    let parts = message.measured.parts;
    let event = Event::SmsRefund {
        message_id: message.id.clone(),
        parts,
        reason: why,
    };
    draft.record(Actor::System, event, Changes::add_sms(u64::from(parts))?)?;
    let failed = Guard::MessageFailed {
        id: message.id.clone(),
        why,
        sender,
    };
    Ok(draft.finish(vec![failed]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> (Encoding, u32, u32) {
        let Measured {
            encoding,
            units,
            parts,
        } = measure(text).unwrap();
        (encoding, units, parts)
    }

    #[test]
    fn hard_cases_of_counting() {
        use Encoding::{Gsm7, Ucs2};
        let of = |text: &str, times: usize| text.repeat(times);
        for (text, expected) in [
            (String::new(), (Gsm7, 0, 1)),
            (of("a", 160), (Gsm7, 160, 1)),
            (of("a", 161), (Gsm7, 161, 2)),
            (of("a", 306), (Gsm7, 306, 2)),
            (of("a", 307), (Gsm7, 307, 3)),
            (of("한", 70), (Ucs2, 70, 1)),
            (of("한", 71), (Ucs2, 71, 2)),
            (of("한", 134), (Ucs2, 134, 2)),
            (of("한", 135), (Ucs2, 135, 3)),
            // Each character of the extension takes two.
            (of("€", 80), (Gsm7, 160, 1)),
            (of("€", 81), (Gsm7, 162, 2)),
            ("^{}\\[~]|€\u{c}".to_owned(), (Gsm7, 20, 1)),
            // At the end of a part, 152 of 153 used, it does not fit any more: 152 + 2 | 154 more would be 3 parts.
            (of("a", 152) + "€" + &of("a", 151), (Gsm7, 305, 2)),
            (of("a", 152) + "€" + &of("a", 152), (Gsm7, 306, 3)),
            (of("a", 151) + "€" + &of("a", 153), (Gsm7, 306, 2)),
            // An emoji at the 70th place takes the 71st too.
            (of("a", 69) + "😀", (Ucs2, 71, 2)),
            (of("a", 68) + "😀", (Ucs2, 70, 1)),
            // A pair of surrogates at a part's edge: 66 + 2 do not fit 67.
            (of("a", 66) + "😀" + &of("a", 65), (Ucs2, 133, 2)),
            (of("a", 66) + "😀" + &of("a", 66), (Ucs2, 134, 3)),
            (of("a", 65) + "😀" + &of("a", 67), (Ucs2, 134, 2)),
            (of("😀", 35), (Ucs2, 70, 1)),
            (of("😀", 36), (Ucs2, 72, 2)),
            (of("😀", 66), (Ucs2, 132, 2)),
            (of("😀", 67), (Ucs2, 134, 3)),
            // A family is one picture, and eleven units.
            ("👨‍👩‍👧‍👦".to_owned(), (Ucs2, 11, 1)),
            // What looks alike is not of the alphabet.
            ("Ç".to_owned(), (Gsm7, 1, 1)),
            ("ç".to_owned(), (Ucs2, 1, 1)),
            ("it’s".to_owned(), (Ucs2, 4, 1)),
            ("`".to_owned(), (Ucs2, 1, 1)),
            ("é ä ñ ß Δ Ω".to_owned(), (Gsm7, 11, 1)),
            ("e\u{301}".to_owned(), (Ucs2, 2, 1)),
        ] {
            assert_eq!(measured(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_alphabet_has_what_the_standard_says() {
        // 127 characters and the escape.
        assert_eq!(GSM_BASIC.chars().count(), 127);
        assert_eq!(GSM_EXTENSION.chars().count(), 10);
    }

    #[test]
    fn a_message_has_at_most_ten_parts() {
        assert_eq!(measure(&"a".repeat(1_530)).unwrap().parts, 10);
        assert_eq!(measure(&"a".repeat(1_531)), Err(TooLong { parts: 11 }));
    }

    #[test]
    fn an_hour_and_a_day_have_limits_of_their_own() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut window = SendWindow::default();
        for minute in 0..5 {
            let now = at(&format!("2026-12-09T08:{minute:02}:00Z"));
            window = window.one_more(now, 5, 10).unwrap();
        }
        assert_eq!(window.one_more(at("2026-12-09T08:59:59Z"), 5, 10), None);
        for minute in 0..5 {
            let now = at(&format!("2026-12-09T09:{minute:02}:00Z"));
            window = window.one_more(now, 5, 10).unwrap();
        }
        assert_eq!(window.one_more(at("2026-12-09T23:59:59Z"), 5, 10), None);
        assert!(window.one_more(at("2026-12-10T00:00:00Z"), 5, 10).is_some());
    }
}
