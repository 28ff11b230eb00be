//! Messages: previewed, reserved, sent once, confirmed or given back (rules 13 and 14).
//!
//! Who may meet whom, and which condition tells them apart:
//!
//! ```text
//! one request sent twice            one reserves; the other finds the request, and claims the message if nobody did
//! two who would send one message    MESSAGE_RESERVED fails for the slower, who sends nothing
//! a sender that died before it sent the message stays reserved or sending; the agenda gives it back, or marks it
//! a sender that was only slow       confirms or gives back what the agenda marked as unknown, by MESSAGE_OWN
//! giving back twice                 MESSAGE_OWN or MESSAGE_RESERVED fails for the slower, and the version of the site
//! ```

use super::people::site_and_user;
use super::{
    Asker, CommandError, Done, Page, PageOf, ReadError, SiteCommand, SiteNotFound, UserRefused,
    authorized, execute, list,
};
use crate::domain::model::change::Decision;
use crate::domain::model::entry::Event;
use crate::domain::model::message::{
    Message, MessageState, NotSent, NumberCount, Outgoing, Sender, Template,
};
use crate::domain::model::site::{Site, Status};
use crate::domain::model::user::{User, live};
use crate::domain::rules::cards::CardRefused;
use crate::domain::rules::messages::{MessageRefused, refund, reserve};
use crate::domain::rules::wording::{card_message, language_for, notice_message};
use crate::domain::values::ids::{CommandId, MessageId, SiteId, UserId};
use crate::domain::values::names::MessageText;
use crate::domain::values::parts::{Measured, measure};
use crate::domain::values::phone::Mobile;
use crate::domain::values::pseudonym::Pseudonyms;
use crate::sns::{NetworkError, SendOutcome, SmsNetwork};
use crate::store::{
    Attempts, Commit, CommitFailed, Failure, Key, Listing, NetworkMessage, Store, StoreError,
    decode_message, decode_number, decode_site, decode_user,
};

/// What messages are made of and sent by.
#[derive(Debug)]
pub struct Sms<'a> {
    /// What makes the keyed hashes of numbers.
    pub pseudonyms: &'a Pseudonyms,
    /// The network that they are handed to.
    pub network: &'a SmsNetwork,
}

/// A message that is wished for.
#[derive(Clone, Debug)]
pub struct MessageWish {
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
    /// What the site holds.
    pub before: u64,
    /// What it would hold.
    pub after: u64,
}

/// A message, worded.
struct Worded {
    text: String,
    mobile: Mobile,
    outgoing: Outgoing,
}

impl MessageWish {
    /// The one canonical text of what is asked for.
    fn wish(&self) -> String {
        serde_json::json!(["send message", self.user_id, self.text]).to_string()
    }

    fn word(
        &self,
        site: &Site,
        user: &User,
        link_of: impl FnOnce(&crate::domain::model::card::Card) -> Result<String, StoreError>,
        now: jiff::Timestamp,
    ) -> Result<Worded, CommandError<MessageError>> {
        let refused = |error: MessageError| CommandError::Refused(error);
        let mobile = user.profile.mobile.clone();
        let mobile = mobile.ok_or_else(|| refused(MessageRefused::NoNumber.into()))?;
        let language = language_for(site);
        let (template, text) = if let Some(text) = &self.text {
            (Template::Notice, notice_message(&site.name, text.as_str()))
        } else {
            let none = || refused(UserRefused::Card(CardRefused::NotFound).into());
            let link = link_of(live(user).ok_or_else(none)?)?;
            (Template::Card, card_message(&language, &site.name, &link))
        };
        let measured: Measured =
            measure(&text).map_err(|error| refused(MessageRefused::from(error).into()))?;
        Ok(Worded {
            text,
            mobile,
            outgoing: Outgoing {
                id: MessageId::reserved_at(site.time(now)),
                template,
                language,
                measured,
            },
        })
    }
}

/// Makes the link of a card.
type LinkOf<'a> =
    &'a (dyn Fn(&crate::domain::model::card::Card) -> Result<String, StoreError> + Sync);

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
    wish: &MessageWish,
    link_of: LinkOf<'_>,
    asker: &Asker,
) -> Result<MessagePreview, CommandError<MessageError>> {
    let by = asker.email.clone().ok_or(SiteNotFound)?;
    let (site, user) = site_and_user(store, site_id, &wish.user_id, asker)
        .await
        .map_err(of_user)?;
    let worded = wish.word(&site, &user, link_of, asker.now)?;
    let number = number_of(store, sms, site_id, &worded.mobile).await?;
    let before = site.balances.sms;
    // By doing it to a copy: so it is refused for the same reasons.
    let mut site = site;
    let after = loop {
        let decided = reserve(site, &user, &worded.outgoing, &number, &by, asker.now);
        match decided.map_err(|refused| CommandError::Refused(refused.into()))? {
            Decision::Done { change, .. } => break change.site.balances.sms,
            Decision::Unchanged(site) => break site.balances.sms,
            // Each settles due dates that were missed, of which there is an end.
            Decision::SettleFirst(change) => site = change.site,
        }
    };
    Ok(MessagePreview {
        text: worded.text,
        to: worded.mobile.masked(),
        outgoing: worded.outgoing,
        before,
        after,
    })
}

async fn number_of(
    store: &Store,
    sms: &Sms<'_>,
    site_id: &SiteId,
    mobile: &Mobile,
) -> Result<NumberCount, StoreError> {
    let key = sms.pseudonyms.number_key(site_id, mobile);
    let keys = [Key::Number(site_id.clone(), key.clone())];
    let item = store
        .load(&keys, &mut Attempts::default())
        .await?
        .pop()
        .flatten();
    counted(item.as_ref(), key)
}

fn counted(item: Option<&crate::store::Item>, key: String) -> Result<NumberCount, StoreError> {
    let known = item.map(decode_number).transpose()?;
    Ok(known.unwrap_or_else(|| NumberCount::none(key)))
}

/// Reserves a message and sends it: once, whatever is repeated, raced or lost.
///
/// # Errors
/// See [`MessageError`] and [`CommandError`]. What became of a message that was reserved is its state and no error: the
/// message is shown as it is now, also to a repetition.
pub async fn deliver_message(
    store: &Store,
    sms: &Sms<'_>,
    site_id: &SiteId,
    wish: &MessageWish,
    link_of: LinkOf<'_>,
    asker: &Asker,
) -> Result<Done<Message>, CommandError<MessageError>> {
    let by = asker.email.clone().ok_or(SiteNotFound)?;
    // Before the first answer is looked for: what a repetition needs to send what was left behind, if it is still there.
    let known = site_and_user(store, site_id, &wish.user_id, asker)
        .await
        .map_err(of_user);
    let mut refused_anyway = false;
    let mut read_version = 0;
    let worded = known.and_then(|(site, user)| {
        read_version = user.version;
        let worded = wish.word(&site, &user, link_of, asker.now)?;
        // Nobody asks the network about a message that is refused anyway, for what is known without another read.
        let nothing_sent = NumberCount::none(String::new());
        let decided = reserve(site, &user, &worded.outgoing, &nothing_sent, &by, asker.now);
        refused_anyway = decided.is_err();
        Ok(worded)
    });
    let number_key = match &worded {
        Ok(worded) => Some(sms.pseudonyms.number_key(site_id, &worded.mobile)),
        Err(_) => None,
    };
    let mut also = vec![Key::User(site_id.clone(), wish.user_id.clone())];
    also.extend(
        number_key
            .iter()
            .map(|key| Key::Number(site_id.clone(), key.clone())),
    );
    let command = SiteCommand {
        site_id,
        asker,
        command_id: CommandId::random(),
        wish: wish.wish(),
        also,
    };
    let mut network_asked = false;
    if let Ok(worded) = &worded
        && !refused_anyway
        && !is_known(store, &command).await?
    {
        network_asked = true;
        // A number that opted out is refused before anything is charged.
        let opted_out = sms.network.is_opted_out(&worded.mobile).await;
        if opted_out.map_err(|error| CommandError::Refused(MessageError::Network(error)))? {
            return Err(CommandError::Refused(MessageRefused::OptedOut.into()));
        }
    }
    let done = execute(store, &command, &|_, _| (), |site, known| {
        let (Ok(Worded { outgoing, .. }), Some(key)) = (&worded, &number_key) else {
            return Err(CommandError::Refused(MessageError::NotFound));
        };
        let item = known.also[0].as_ref();
        let item = item.ok_or(CommandError::Refused(UserRefused::NotFound.into()))?;
        let user = decode_user(item).map_err(StoreError::from)?;
        let number = counted(known.also[1].as_ref(), key.clone())?;
        let decided = reserve(site, &user, outgoing, &number, &by, asker.now);
        let decided = decided.map_err(|refused| CommandError::Refused(refused.into()))?;
        if !network_asked || user.version != read_version {
            // Something changed between the two reads: the number or the card, or what had been refused before the network
            // was asked. Whoever asks again asks of what is there now.
            return Err(StoreError::Busy(None).into());
        }
        Ok(decided)
    })
    .await;
    let (done, worded) = match (done, worded) {
        // Nobody had answered it before, and it is refused for what was found at first.
        (Err(CommandError::Refused(MessageError::NotFound)), Err(error)) => return Err(error),
        (done, worded) => (done?, worded.ok()),
    };
    let event = done.entry.as_ref().map(|entry| &entry.event);
    let Some(Event::SmsReservation { message_id, .. }) = event else {
        return Err(StoreError::defect("the entry reserves no message").into());
    };
    let message_id = message_id.clone();
    let sending = Sending {
        store,
        site_id,
        message_id: &message_id,
        command_id: &command.command_id,
        now: asker.now,
    };
    let message = sending.carry_on(sms, worded.as_ref(), done.replayed).await;
    // The message is charged, and perhaps sent: nobody may say that nothing was changed.
    let message = message.map_err(|error| match error {
        StoreError::Busy(_) => StoreError::OutcomeUnknown,
        other => other,
    })?;
    Ok(Done {
        entry: done.entry,
        command_id: done.command_id,
        view: message,
        replayed: done.replayed,
    })
}

/// Whether a request of this key was carried out before.
async fn is_known(
    store: &Store,
    command: &SiteCommand<'_>,
) -> Result<bool, CommandError<MessageError>> {
    let Some(key) = &command.asker.idempotency_key else {
        return Ok(false);
    };
    let whose = crate::store::RequestOf::Site(command.site_id.clone());
    let key = Key::Request(whose, key.clone());
    let item = store
        .load(&[key], &mut Attempts::default())
        .await?
        .pop()
        .flatten();
    Ok(super::remembered(item.as_ref(), command.asker.now)?.is_some())
}

/// The sending of one message by one command.
struct Sending<'a> {
    store: &'a Store,
    site_id: &'a SiteId,
    message_id: &'a MessageId,
    command_id: &'a CommandId,
    now: jiff::Timestamp,
}

impl Sending<'_> {
    async fn message(&self) -> Result<(Message, Option<CommandId>), StoreError> {
        let key = Key::Message(self.site_id.clone(), self.message_id.clone());
        let item = self
            .store
            .load(&[key], &mut Attempts::default())
            .await?
            .pop()
            .flatten();
        let item = item.ok_or_else(|| StoreError::defect("a message that was reserved is gone"))?;
        Ok(decode_message(&item)?)
    }

    /// Sends a message that was reserved, and shows it as it is then. One that another call reserved, which may have died, is
    /// sent as it was reserved, or not at all.
    async fn carry_on(
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
                && reserved.number_key == sms.pseudonyms.number_key(self.site_id, &worded.mobile)
                && reserved.state == MessageState::Reserved;
            // What cannot be asked of the network is not sent, and is given back from the agenda.
            if !same || sms.network.is_opted_out(&worded.mobile).await != Ok(false) {
                return Ok(reserved);
            }
        }
        self.send_if_reserved(sms, worded).await?;
        Ok(self.message().await?.0)
    }

    /// Claims the message, hands it to the network, and remembers what came of it. What cannot be remembered is resolved
    /// from the agenda.
    async fn send_if_reserved(&self, sms: &Sms<'_>, worded: &Worded) -> Result<(), StoreError> {
        if !self.claim().await? {
            return Ok(());
        }
        let handed = sms.network.send(&worded.mobile, &worded.text).await;
        let id = self.message_id.as_str();
        let remembered = match handed {
            SendOutcome::Accepted(network_id) => self.confirm(&network_id).await,
            SendOutcome::NotSent(why, error) => {
                tracing::warn!(message_id = id, %error, "a message was not sent");
                self.give_back(why).await
            }
            SendOutcome::Unknown(error) => {
                tracing::warn!(message_id = id, %error, "nobody can say whether a message was sent");
                self.mark_unknown().await
            }
        };
        if let Err(error) = remembered {
            // It was sent or not, and the caller is told the state that is known.
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                message_id = id,
                error,
                "what came of a message could not be remembered"
            );
        }
        Ok(())
    }

    /// Whether this command alone may send the message.
    async fn claim(&self) -> Result<bool, StoreError> {
        let mut attempts = Attempts::default();
        loop {
            let claimed = self
                .store
                .claim_message(self.site_id, self.message_id, self.command_id);
            match claimed.await {
                Ok(()) => return Ok(true),
                // By somebody else; or by this command, whose write had no answer.
                Err(CommitFailed::Lost(_)) => {
                    let (message, by) = self.message().await?;
                    let own = by.as_ref() == Some(self.command_id);
                    return Ok(own && message.state == MessageState::Sending);
                }
                Err(failed) => again(&mut attempts, failed).await?,
            }
        }
    }

    async fn confirm(&self, network_id: &str) -> Result<(), StoreError> {
        let (site, message, by) = (self.site_id, self.message_id, self.command_id);
        take(|| {
            self.store
                .confirm_message(site, message, by, network_id, self.now)
        })
        .await
    }

    async fn mark_unknown(&self) -> Result<(), StoreError> {
        take(|| self.store.message_unknown(self.site_id, self.message_id)).await
    }

    /// Notes first that the message was not sent: that is one item, which nobody else writes. Then, if the site is too busy
    /// to take its SMS back just now, the agenda gives them back.
    async fn give_back(&self, why: NotSent) -> Result<(), StoreError> {
        let (site, message, by) = (self.site_id, self.message_id, self.command_id);
        take(|| self.store.message_not_sent(site, message, by, why)).await?;
        let sender = Sender::Claimed(self.command_id.clone());
        give_back(
            self.store,
            self.site_id,
            self.message_id,
            why,
            sender,
            self.now,
        )
        .await
        .map(drop)
    }
}

/// Takes a step until it is taken, or is another's to take: it may be tried any number of times.
async fn take<F: Future<Output = Result<(), CommitFailed>>>(
    mut step: impl FnMut() -> F,
) -> Result<(), StoreError> {
    let mut attempts = Attempts::default();
    loop {
        match step().await {
            Ok(()) | Err(CommitFailed::Lost(_)) => return Ok(()),
            Err(failed) => again(&mut attempts, failed).await?,
        }
    }
}

/// Waits before a step is tried again that may be taken any number of times.
async fn again(attempts: &mut Attempts, failed: CommitFailed) -> Result<(), StoreError> {
    match failed {
        CommitFailed::Lost(_) => attempts.again(None).await,
        CommitFailed::Failed(Failure::NotApplied(error) | Failure::Unknown(error)) => {
            attempts.again(Some(error)).await
        }
        CommitFailed::Failed(Failure::Fatal(error)) => Err(StoreError::Refused(error)),
    }
}

/// Gives the SMS of a message back, unless that was done or something else is known of it. True if this did it.
async fn give_back(
    store: &Store,
    site_id: &SiteId,
    message_id: &MessageId,
    why: NotSent,
    sender: Sender,
    now: jiff::Timestamp,
) -> Result<bool, StoreError> {
    let mut attempts = Attempts::default();
    let command_id = CommandId::random();
    loop {
        let keys = [
            Key::Site(site_id.clone()),
            Key::Message(site_id.clone(), message_id.clone()),
        ];
        let mut items = store.load(&keys, &mut attempts).await?.into_iter();
        let gone = || StoreError::defect("a message that was reserved is gone");
        let site = decode_site(&items.next().flatten().ok_or_else(gone)?)?;
        let (message, claimed_by) = decode_message(&items.next().flatten().ok_or_else(gone)?)?;
        let open = match &sender {
            Sender::Nobody => message.state == MessageState::Reserved,
            Sender::Claimed(by) => {
                let unresolved = [MessageState::Sending, MessageState::Unknown];
                claimed_by.as_ref() == Some(by) && unresolved.contains(&message.state)
            }
        };
        if !open {
            // Given back by now: perhaps by this very call, whose write had no answer.
            return Ok(message.state == MessageState::Failed);
        }
        let done = if site.status == Status::Deleted {
            // What it held was given up, and nobody is left to whom anything could be given back.
            store
                .message_failed(site_id, message_id, why, &sender)
                .await
        } else {
            let change = refund(site, &message, why, sender.clone(), now);
            let change = change.map_err(StoreError::defect)?;
            let commit = Commit {
                change: &change,
                command_id: &command_id,
                request: None,
            };
            store.commit(&[commit]).await
        };
        match done {
            Ok(()) => return Ok(true),
            Err(failed) => again(&mut attempts, failed).await?,
        }
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

/// Resolves a message that was reserved and left. Nothing is sent.
///
/// # Errors
/// The table could not be read or written; the message is still on the agenda.
pub async fn resolve_message(
    store: &Store,
    site_id: &SiteId,
    message_id: &MessageId,
    now: jiff::Timestamp,
) -> Result<Resolved, StoreError> {
    let resolving = Sending {
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
            return resolving.mark_unknown().await.map(|()| Resolved::Unknown);
        }
        _ => return Ok(Resolved::Before),
    };
    let own = give_back(store, site_id, message_id, why, sender, now).await?;
    Ok(if own {
        Resolved::GivenBack
    } else {
        Resolved::Before
    })
}

/// Lists a site's messages, the newest first, in two round trips.
///
/// # Errors
/// See [`ReadError`].
pub async fn list_messages(
    store: &Store,
    site_id: &SiteId,
    page: &PageOf,
    asker: &Asker,
) -> Result<Page<Message>, ReadError> {
    let mut attempts = Attempts::default();
    authorized(store.site_by_id(site_id, &mut attempts).await?, asker)?;
    let listing = Listing::messages(site_id);
    let decode = |item: &crate::store::Item| Ok(decode_message(item)?.0);
    Ok(list(store, &listing, page, &mut attempts, decode).await?)
}

/// Shows a message, in one round trip.
///
/// # Errors
/// See [`MessageError`] and [`CommandError`].
pub async fn message(
    store: &Store,
    site_id: &SiteId,
    message_id: &MessageId,
    asker: &Asker,
) -> Result<Message, CommandError<MessageError>> {
    let keys = [
        Key::Site(site_id.clone()),
        Key::Message(site_id.clone(), message_id.clone()),
    ];
    let mut items = store
        .load(&keys, &mut Attempts::default())
        .await?
        .into_iter();
    let site = items.next().flatten().map(|item| decode_site(&item));
    authorized(site.transpose().map_err(StoreError::from)?, asker)?;
    let message = items.next().flatten().map(|item| decode_message(&item));
    let message = message.transpose().map_err(StoreError::from)?;
    Ok(message
        .ok_or(CommandError::Refused(MessageError::NotFound))?
        .0)
}

/// Remembers what a receipt says of the message of the network's ID. False where there is none: the account may send
/// other messages than these, and a message of which nothing is known has no ID. A receipt gives nothing back.
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
    let key = Key::Network(network_id.to_owned());
    let found = store.load(&[key], &mut attempts).await?.pop().flatten();
    let Some(found) = found else { return Ok(false) };
    let found = NetworkMessage::decode(&found)?;
    let (site, message) = (&found.site_id, &found.message_id);
    take(|| store.message_receipt(site, message, delivered, receipt)).await?;
    Ok(true)
}
