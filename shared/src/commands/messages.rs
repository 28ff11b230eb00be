//! Messages: previewed, reserved, sent and shown (rules 13 and 14). What happens between the reservation and the
//! receipt is in `deliveries.rs`.

use super::asker::{Admitted, Asker, CommandError, ReadError, authorized};
use super::command::Command;
use super::deliveries::{Delivery, Sms, Worded};
use super::execute::{Done, execute, settled};
use super::pages::{Page, PageOf, list_of_site};
use super::people::MessageView;
use super::subject::OnSite;
use super::users::{UserRefused, site_and_user};
use crate::domain::model::card::Card;
use crate::domain::model::entry::Event;
use crate::domain::model::message::{Message, NumberCount, Outgoing, Template};
use crate::domain::model::site::Site;
use crate::domain::model::user::User;
use crate::domain::rules::cards::CardRefused;
use crate::domain::rules::draft::{Draft, Outcome};
use crate::domain::rules::messages::{MessageRefused, reserve};
use crate::domain::rules::settle::{Start, start};
use crate::domain::rules::wording::{card_message, language_for, notice_message};
use crate::domain::values::ids::{MessageId, SiteId, UserId};
use crate::domain::values::names::MessageText;
use crate::domain::values::parts::measure;
use crate::domain::values::person::Whom;
use crate::sns::NetworkError;
use crate::store::{Attempts, Item, Listing, Store, StoreError, TypedKey, decode_message};
use jiff::Timestamp;

/// The items that a reservation writes beside the site, its entry and the request: the user and what leads to them, the
/// count, the message.
const ITEMS: usize = 4;

/// A message that is asked for.
#[derive(Clone, Debug)]
pub struct MessageToSend {
    /// To whom.
    pub user_id: UserId,
    /// A text of the site's own; the link of the user's card where there is none.
    pub text: Option<MessageText>,
}

/// Why a message is not sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MessageError {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] MessageRefused),
    /// The user, or their card, is not there.
    #[error(transparent)]
    User(#[from] UserRefused),
    /// The network does not say whether the number opted out. Nothing was charged.
    #[error("the network could not be asked whether the number opted out")]
    Network(#[source] NetworkError),
    /// The site has no such message.
    #[error("there is no such message")]
    NotFound,
}

/// What a message would be.
#[derive(Clone, Debug)]
pub struct MessagePreview {
    /// The text.
    pub text: String,
    /// The number, masked.
    pub to: String,
    /// What the message would be about, in which language, and what it costs.
    pub outgoing: Outgoing,
    /// The SMS that the site has.
    pub before: u64,
    /// The SMS that it would have.
    pub after: u64,
}

/// Makes the link of a card.
type LinkOf<'a> = &'a (dyn Fn(&Card) -> Result<String, StoreError> + Sync);

impl MessageToSend {
    fn word(
        &self,
        site: &Site,
        user: &User,
        link_of: LinkOf<'_>,
        now: Timestamp,
    ) -> Result<Worded, CommandError<MessageError>> {
        let mobile = user.profile.mobile.clone();
        let mobile = mobile.ok_or_else(|| CommandError::refused(MessageRefused::NoNumber))?;
        let language = language_for(site);
        let (template, text) = if let Some(text) = &self.text {
            (Template::Notice, notice_message(&site.name, text.as_str()))
        } else {
            let no_card = || CommandError::refused(UserRefused::Card(CardRefused::NotFound));
            let link = link_of(user.live_card().ok_or_else(no_card)?)?;
            (Template::Card, card_message(&language, &site.name, &link))
        };
        let measured = measure(&text).map_err(MessageRefused::from);
        Ok(Worded {
            text,
            mobile,
            outgoing: Outgoing {
                id: MessageId::reserved_at(site.time(now)),
                template,
                language,
                measured: measured.map_err(CommandError::refused)?,
            },
            whom: Whom::of(&user.person),
            number: user.numbers,
            user_version: user.version,
        })
    }
}

fn of_user(error: CommandError<UserRefused>) -> CommandError<MessageError> {
    match error {
        CommandError::SiteNotFound(error) => error.into(),
        CommandError::KeyReused => CommandError::KeyReused,
        CommandError::Refused(refused) => CommandError::Refused(refused.into()),
        CommandError::Store(error) => error.into(),
    }
}

/// Says what a message would be and cost. Nothing is charged, sent, or asked of the network.
///
/// # Errors
/// See [`MessageError`] and [`CommandError`].
pub async fn preview_message(
    store: &Store,
    sms: &Sms<'_>,
    site_id: &SiteId,
    message: &MessageToSend,
    link_of: LinkOf<'_>,
    asker: &Asker,
) -> Result<MessagePreview, CommandError<MessageError>> {
    let read = site_and_user(store, site_id, &message.user_id, asker).await;
    let (Admitted { site, by }, user) = read.map_err(of_user)?;
    let worded = message.word(&site, &user, link_of, asker.now)?;
    let number_key = sms.pseudonyms.number_key(site_id, &worded.mobile);
    let number = TypedKey::number(site_id, &number_key);
    let number = store.read(number, &mut Attempts::default()).await?;
    let number = number.unwrap_or_else(|| NumberCount::none(number_key));
    let before = site.balances.sms;
    // The preview reserves on a copy, so it is refused for the same reasons.
    let draft = settled_copy(site, asker.now);
    let reserved = reserve(draft, &user, &worded.outgoing, &number, &by.person);
    Ok(MessagePreview {
        text: worded.text,
        to: worded.mobile.masked(),
        outgoing: worded.outgoing,
        before,
        after: reserved.map_err(CommandError::refused)?.site.balances.sms,
    })
}

/// A site, settled in as many changes as it takes.
fn settled_copy(mut site: Site, now: Timestamp) -> Draft {
    loop {
        match start(site, ITEMS, now) {
            Start::Ready(draft) => return draft,
            Start::SettleFirst(change) => site = change.site,
        }
    }
}

/// Reserves a message and sends it: once, whatever is repeated, raced or lost.
///
/// # Errors
/// See [`MessageError`] and [`CommandError`]. What became of a reserved message is its state and not an error: the
/// message is shown as it is now, to a repetition too.
pub async fn deliver_message(
    store: &Store,
    sms: &Sms<'_>,
    site_id: &SiteId,
    message: &MessageToSend,
    link_of: LinkOf<'_>,
    asker: &Asker,
) -> Result<Done<MessageView>, CommandError<MessageError>> {
    asker.address()?;
    let canonical = serde_json::json!(["send message", message.user_id, message.text]).to_string();
    let command = Command::on_site(site_id, asker, &canonical);
    // Before the first answer is looked for: what a repetition needs to send a message that was left behind.
    let read = site_and_user(store, site_id, &message.user_id, asker).await;
    let mut refused_anyway = true;
    let worded = read
        .map_err(of_user)
        .and_then(|(Admitted { site, by }, user)| {
            let worded = message.word(&site, &user, link_of, asker.now)?;
            // The network is not asked about a message that what was read refuses already.
            let nothing_sent = NumberCount::none(String::new());
            let draft = settled_copy(site, asker.now);
            refused_anyway =
                reserve(draft, &user, &worded.outgoing, &nothing_sent, &by.person).is_err();
            Ok(worded)
        });
    let mut network_asked = false;
    if let Ok(worded) = &worded
        && !refused_anyway
        && !is_repeated(store, &command).await?
    {
        network_asked = true;
        // A number that opted out is refused before anything is charged.
        let opted_out = sms.network.is_opted_out(&worded.mobile).await;
        let opted_out =
            opted_out.map_err(|error| CommandError::Refused(MessageError::Network(error)));
        if opted_out? {
            return Err(CommandError::refused(MessageRefused::OptedOut));
        }
    }
    let reservation = Reservation {
        site_id,
        user_id: &message.user_id,
        asker,
        number_key: worded
            .as_ref()
            .ok()
            .map(|worded| sms.pseudonyms.number_key(site_id, &worded.mobile)),
        worded: worded.as_ref().ok(),
        network_asked,
    };
    let done = match (reservation.carry_out(store, &command).await, worded) {
        // It was not reserved before, and is refused for what was read at first.
        (Err(CommandError::Refused(MessageError::NotFound)), Err(error)) => return Err(error),
        (done, worded) => (done?, worded.ok()),
    };
    let (done, worded) = done;
    let event = done.entry.as_ref().map(|entry| &entry.event);
    let Some(Event::SmsReservation { message_id, .. }) = event else {
        return Err(StoreError::defect("the entry reserves no message").into());
    };
    let delivery = Delivery {
        store,
        site_id,
        message_id: &message_id.clone(),
        command_id: &command.id,
        now: asker.now,
    };
    let sent = delivery.carry_on(sms, worded.as_ref(), done.replayed).await;
    let sent = sent.map_err(charged)?;
    let known = worded.filter(|worded| (&sent.whom, sent.number) == (&worded.whom, worded.number));
    let shown = match known {
        Some(worded) => MessageView {
            message: sent,
            user_id: Some(message.user_id.clone()),
            to: Some(worded.mobile.masked()),
        },
        None => shown(store, site_id, sent).await.map_err(charged)?,
    };
    Ok(done.map(|()| shown))
}

/// An error after a message was charged, and perhaps sent: nobody may say that nothing was changed.
fn charged(error: StoreError) -> StoreError {
    match error {
        StoreError::Busy(_) => StoreError::OutcomeUnknown,
        other => other,
    }
}

/// A message, with what is known of whom it is to.
async fn shown(
    store: &Store,
    site_id: &SiteId,
    message: Message,
) -> Result<MessageView, StoreError> {
    let mut attempts = Attempts::default();
    let mut shown = MessageView::of(store, site_id, vec![message], &mut attempts).await?;
    shown
        .pop()
        .ok_or_else(|| StoreError::defect("a message was not shown"))
}

/// Whether a request of this key was carried out before.
async fn is_repeated(store: &Store, command: &Command<OnSite<'_>>) -> Result<bool, StoreError> {
    let mut attempts = Attempts::default();
    let first = command.first_answer(store, &mut attempts).await?;
    Ok(first.is_some())
}

/// The reservation of a message.
struct Reservation<'a> {
    site_id: &'a SiteId,
    user_id: &'a UserId,
    asker: &'a Asker,
    number_key: Option<String>,
    /// The message, if it can be sent.
    worded: Option<&'a Worded>,
    /// The network said that the number did not opt out.
    network_asked: bool,
}

impl Reservation<'_> {
    async fn carry_out(
        &self,
        store: &Store,
        command: &Command<OnSite<'_>>,
    ) -> Result<Done<()>, CommandError<MessageError>> {
        let number = self.number_key.as_ref();
        let number = number.map(|key| TypedKey::number(self.site_id, key));
        let reads = (TypedKey::user(self.site_id, self.user_id), number);
        execute(
            store,
            command,
            &reads,
            |Admitted { site, by }, (user, number), _| {
                let (Some(worded), Some(key)) = (self.worded, &self.number_key) else {
                    return Err(CommandError::Refused(MessageError::NotFound));
                };
                let user = user.ok_or_else(|| CommandError::refused(UserRefused::NotFound))?;
                let number = number.unwrap_or_else(|| NumberCount::none(key.clone()));
                let rule = |draft| {
                    reserve(draft, &user, &worded.outgoing, &number, &by.person)
                        .map(Outcome::Changed)
                };
                let step = settled(site, ITEMS, self.asker.now, rule, |_| ());
                let step = step.map_err(CommandError::refused)?;
                if !self.network_asked || user.version != worded.user_version {
                    // Something changed between the two reads: the number or the card, or what had been refused before the
                    // network was asked. A repetition asks about what is there now.
                    return Err(StoreError::Busy(None).into());
                }
                Ok(step)
            },
        )
        .await
    }
}

/// Lists a site's messages, the newest first, in four round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_messages(
    store: &Store,
    site_id: &SiteId,
    page: &PageOf,
    asker: &Asker,
) -> Result<Page<MessageView>, ReadError> {
    let listing = Listing::messages(site_id);
    let decode = |item: &Item| Ok(decode_message(item)?.0);
    let page = list_of_site(store, site_id, &listing, page, asker, decode).await?;
    let mut attempts = Attempts::default();
    Ok(Page {
        items: MessageView::of(store, site_id, page.items, &mut attempts).await?,
        next: page.next,
    })
}

/// Shows a message, in three round trips.
///
/// # Errors
/// See [`MessageError`] and [`CommandError`].
pub async fn message(
    store: &Store,
    site_id: &SiteId,
    message_id: &MessageId,
    asker: &Asker,
) -> Result<MessageView, CommandError<MessageError>> {
    let reads = (
        TypedKey::site(site_id),
        TypedKey::message(site_id, message_id),
    );
    let (site, message) = store.read(reads, &mut Attempts::default()).await?;
    authorized(site, asker)?;
    let (message, _) = message.ok_or(CommandError::Refused(MessageError::NotFound))?;
    Ok(shown(store, site_id, message).await?)
}
