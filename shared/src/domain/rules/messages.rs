//! Reserving and refunding messages (rules 13 and 14), and the limits that guard against misuse.

use crate::domain::model::change::{Change, Write};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::limit::LimitReached;
use crate::domain::model::message::{
    Message, MessageState, MessageStep, NotSent, NumberCount, Outgoing, Sender,
};
use crate::domain::model::site::Site;
use crate::domain::model::user::User;
use crate::domain::rules::draft::{ChargeRefused, Draft};
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::country::Country;
use crate::domain::values::ids::PersonId;
use crate::domain::values::parts::TooLong;
use crate::domain::values::person::Whom;
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
    #[error("{whose} {limit}")]
    TooMany {
        /// Whose limit was reached.
        whose: &'static str,
        /// Which.
        limit: LimitReached,
    },
    /// The text is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The site is halted, or has too few SMS: one for each part.
    #[error(transparent)]
    Charge(#[from] ChargeRefused),
}

/// The country of a number that a site may send to.
fn allowed_country(site: &Site, mobile: &Mobile) -> Result<Country, MessageRefused> {
    let allowed = site.sms_countries();
    // A territory's numbers count as its neighbour's, with whom it shares them.
    match allowed.iter().find(|country| mobile.is_of(country)) {
        Some(country) => Ok(country.clone()),
        None => Err(MessageRefused::Country {
            country: mobile
                .country()
                .map_or_else(|| "numbers of no country".to_owned(), String::from),
            allowed: allowed
                .iter()
                .map(Country::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Reserves a message: takes its SMS, one a part. This sends nothing.
pub(crate) fn reserve(
    mut draft: Draft,
    user: &User,
    outgoing: &Outgoing,
    number: &NumberCount,
    by: &PersonId,
) -> Result<Change, MessageRefused> {
    draft.require_running()?;
    let mobile = user.profile.mobile.as_ref();
    let mobile = mobile.ok_or(MessageRefused::NoNumber)?;
    let country = allowed_country(&draft.site, mobile)?;
    let at = draft.at();
    let of_site = draft.site.sms_window.unwrap_or_default();
    let of_site = of_site.one_more(at, MAX_OF_SITE_AN_HOUR, MAX_OF_SITE_A_DAY);
    let too_many = |whose| move |limit| MessageRefused::TooMany { whose, limit };
    let of_site = of_site.map_err(too_many("this site has sent"))?;
    let to_number = number.window;
    let to_number = to_number.one_more(at, MAX_TO_NUMBER_AN_HOUR, MAX_TO_NUMBER_A_DAY);
    let to_number = to_number.map_err(too_many("this number was sent"))?;
    let parts = outgoing.measured.parts;
    let event = Event::SmsReservation {
        message_id: outgoing.id.clone(),
        whom: Whom::of(&user.person),
        to: None,
        parts,
    };
    draft.charge(by, event, Changes::take_sms(parts.into()))?;
    draft.site.sms_window = Some(of_site);
    let site_id = draft.site.id.clone();
    let message = Message {
        id: outgoing.id.clone(),
        whom: Whom::of(&user.person),
        number: user.numbers,
        to: None,
        country,
        template: outgoing.template,
        language: outgoing.language.clone(),
        measured: outgoing.measured,
        state: MessageState::Reserved,
        reserved_at: at,
        entry: draft.site.sequence,
        not_sent: None,
        receipt: None,
    };
    let number = NumberCount {
        window: to_number,
        version: number.version + 1,
        ..number.clone()
    };
    let mut writes = named(user);
    writes.push(Write::NumberCounted {
        site_id: site_id.clone(),
        number,
        at,
    });
    writes.push(Write::MessageReserved {
        site_id,
        message: Box::new(message),
    });
    Ok(draft.finish(writes))
}

/// The user as they were read, whom an entry now names by their ID; at the first time, the item that leads to them.
fn named(user: &User) -> Vec<Write> {
    if user.is_named {
        return vec![Write::UserUnchanged {
            site_id: user.site_id.clone(),
            user_id: user.id.clone(),
            version: user.version,
        }];
    }
    let user = User {
        is_named: true,
        version: user.version + 1,
        ..user.clone()
    };
    vec![
        Write::person_named(&user),
        Write::UserChanged(Box::new(user)),
    ]
}

/// Gives back the SMS of a message that surely was not sent. The step of the message lets that happen once.
///
/// # Errors
/// The balance would rise above its limit.
pub(crate) fn refund(
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
    draft.apply(Actor::System, event, Changes::add_sms(parts.into()))?;
    let failed = Write::Message {
        site_id: draft.site.id.clone(),
        message_id: message.id.clone(),
        step: MessageStep::Fail { why, sender },
    };
    Ok(draft.finish(vec![failed]))
}
