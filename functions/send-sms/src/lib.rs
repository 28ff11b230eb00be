//! `send-sms`: sends messages to the users of a site, above all the links of their cards, and shows what became of them.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands::{self, MessageToSend, Sms};
use site_credits::domain::model::card::Card;
use site_credits::domain::values::ids::MessageId;
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::http::{self, Answer, Arrival, CardPages, DeliveryBody, MessageBody, Problem};
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

impl SendSms {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "POST /sites/{site_id}/sms/messages" => self.send(&arrival).await,
            "POST /sites/{site_id}/sms/messages/preview" => self.preview(&arrival).await,
            "GET /sites/{site_id}/sms/messages" => self.list(&arrival).await,
            "GET /sites/{site_id}/sms/messages/{message_id}" => self.show(&arrival).await,
            "POST /sites/{site_id}/users/{user_id}/card/deliveries" => self.deliver(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn send(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let wish = arrival.body::<MessageBody>()?.read();
        self.carry_out(arrival, &wish).await
    }

    async fn deliver(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let DeliveryBody {} = arrival.body()?;
        let wish = MessageToSend {
            user_id: http::user_id(arrival)?,
            text: None,
        };
        self.carry_out(arrival, &wish).await
    }

    async fn carry_out(&self, arrival: &Arrival, wish: &MessageToSend) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let link = |card: &Card| self.link(card, arrival);
        let done =
            commands::deliver_message(&self.store, &self.sms(), &site_id, wish, &link, &asker)
                .await?;
        Ok(http::sent_message_answer(&done))
    }

    async fn preview(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let wish = arrival.body::<MessageBody>()?.read();
        let link = |card: &Card| self.link(card, arrival);
        let preview =
            commands::preview_message(&self.store, &self.sms(), &site_id, &wish, &link, &asker)
                .await?;
        Ok(http::message_preview_answer(&preview))
    }

    async fn list(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let page = http::page_of(arrival, MessageId::parse)?;
        let messages = commands::list_messages(&self.store, &site_id, &page, &asker).await?;
        Ok(http::messages_answer(&messages))
    }

    async fn show(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let message_id = http::message_id(arrival)?;
        let message = commands::message(&self.store, &site_id, &message_id, &asker).await?;
        Ok(http::message_answer(&message))
    }

    fn sms(&self) -> Sms<'_> {
        Sms {
            pseudonyms: &self.pseudonyms,
            network: &self.network,
        }
    }

    fn link(&self, card: &Card, arrival: &Arrival) -> Result<String, StoreError> {
        let link = self.cards.link(card, arrival);
        link.map_err(|error| StoreError::Defect(Box::new(error)))
    }
}
