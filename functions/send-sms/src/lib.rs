//! `send-sms`: sends messages to the users of a site, above all the links of their cards, and shows what became of them.

use site_credits::commands::{self, Asker, MessageToSend, Sms};
use site_credits::domain::model::card::Card;
use site_credits::domain::values::ids::{MessageId, SiteId, UserId};
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::http::cards::CardPages;
use site_credits::http::extract::ApiHost;
use site_credits::http::messages::{
    DeliveryBody, MessageBody, MessagePage, PreviewedMessage, SentMessage, ShownMessage,
};
use site_credits::http::{
    Created, Cursors, Declare, Function, JsonObject, PageAfter, Problem, Query, Reply, refusals,
};
use site_credits::sns::SmsNetwork;
use site_credits::store::{Store, StoreError};

/// The function, with what it needs.
#[derive(Debug)]
pub struct SendSms {
    /// The table.
    pub store: Store,
    /// Where cards are downloaded.
    pub cards: CardPages,
    /// What stands for requests about users and for phone numbers.
    pub pseudonyms: Pseudonyms,
    /// The network that messages are handed to.
    pub network: SmsNetwork,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<SendSms>>() -> R {
    R::default()
        .add(
            "POST /sites/{site_id}/sms/messages",
            send,
            refusals::MESSAGE,
        )
        .add(
            "POST /sites/{site_id}/sms/messages/preview",
            preview,
            refusals::MESSAGE_PREVIEW,
        )
        .add("GET /sites/{site_id}/sms/messages", list, refusals::NONE)
        .add(
            "GET /sites/{site_id}/sms/messages/{message_id}",
            show,
            refusals::NONE,
        )
        .add(
            "POST /sites/{site_id}/users/{user_id}/card/deliveries",
            deliver,
            refusals::MESSAGE,
        )
}

async fn send(
    JsonObject(body): JsonObject<MessageBody>,
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<SendSms>,
    ApiHost(host): ApiHost,
) -> Result<Created<SentMessage>, Problem> {
    function
        .deliver(&site_id, &body.read(), &host, &asker)
        .await
}

async fn deliver(
    JsonObject(DeliveryBody {}): JsonObject<DeliveryBody>,
    user_id: UserId,
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<SendSms>,
    ApiHost(host): ApiHost,
) -> Result<Created<SentMessage>, Problem> {
    let card = MessageToSend {
        user_id,
        text: None,
    };
    function.deliver(&site_id, &card, &host, &asker).await
}

async fn preview(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<MessageBody>,
    Function(function): Function<SendSms>,
    ApiHost(host): ApiHost,
) -> Result<Reply<PreviewedMessage>, Problem> {
    let (store, sms, message) = (&function.store, function.sms(), body.read());
    let link = |card: &Card| function.link(card, &host);
    let preview = commands::preview_message(store, &sms, &site_id, &message, &link, &asker).await?;
    Ok(Reply::ok(preview))
}

async fn list(
    site_id: SiteId,
    asker: Asker,
    Query(PageAfter { page, .. }): Query<PageAfter<MessageId>>,
    cursors: Cursors,
    Function(function): Function<SendSms>,
) -> Result<Reply<MessagePage>, Problem> {
    let messages = commands::list_messages(&function.store, &site_id, &page, &asker).await?;
    Ok(Reply::page(messages, &cursors))
}

async fn show(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<SendSms>,
    message_id: MessageId,
) -> Result<Reply<ShownMessage>, Problem> {
    let message = commands::message(&function.store, &site_id, &message_id, &asker).await?;
    Ok(Reply::ok(message))
}

impl SendSms {
    async fn deliver(
        &self,
        site_id: &SiteId,
        message: &MessageToSend,
        host: &str,
        asker: &Asker,
    ) -> Result<Created<SentMessage>, Problem> {
        let link = |card: &Card| self.link(card, host);
        let (store, sms) = (&self.store, self.sms());
        let done = commands::deliver_message(store, &sms, site_id, message, &link, asker).await?;
        Ok(done.into())
    }

    fn sms(&self) -> Sms<'_> {
        Sms {
            pseudonyms: &self.pseudonyms,
            network: &self.network,
        }
    }

    fn link(&self, card: &Card, host: &str) -> Result<String, StoreError> {
        let link = self.cards.link(card, host);
        link.map_err(|error| StoreError::Defect(Box::new(error)))
    }
}
