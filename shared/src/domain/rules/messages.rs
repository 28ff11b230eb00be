//! Reserving and refunding messages (rules 13 and 14), and the limits that guard against misuse.

use crate::domain::model::change::{Change, Decision, Guard};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::message::{
    Message, MessageState, NotSent, NumberCount, Outgoing, Sender,
};
use crate::domain::model::site::{Site, Status, countries_of};
use crate::domain::model::user::User;
use crate::domain::rules::draft::Draft;
use crate::domain::rules::settle::{Begun, begin};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::parts::TooLong;
use crate::domain::values::phone::Mobile;
use jiff::Timestamp;

/// The most messages of a site in an hour.
pub const MAX_OF_SITE_AN_HOUR: u32 = 500;

/// The most messages of a site in a day.
pub const MAX_OF_SITE_A_DAY: u32 = 2_000;

/// The most messages of a site to one number in an hour.
pub const MAX_TO_NUMBER_AN_HOUR: u32 = 5;

/// The most messages of a site to one number in a day.
pub const MAX_TO_NUMBER_A_DAY: u32 = 10;

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
