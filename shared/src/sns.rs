//! SNS: the topic that notices are published to, and the network that messages are handed to.

use crate::domain::model::message::NotSent;
use crate::domain::rules::wording::Notice;
use crate::domain::values::phone::Mobile;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use getrandom::u64 as random;
use std::error::Error;
use std::time::Duration;

/// How often a message, or the question whether a number opted out, is sent where the network is too busy.
const MAX_ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt; it doubles with every further one.
const FIRST_WAIT_MS: u64 = 200;

/// A notice was not published, or may not have been.
#[derive(Debug, thiserror::Error)]
#[error("a notice could not be published")]
pub struct NotPublished(#[source] Box<dyn Error + Send + Sync>);

/// The topic of notices.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// Takes a client, and the topic's ARN.
    #[must_use]
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Publishes a notice, with attributes that subscriptions can filter by.
    ///
    /// # Errors
    /// It was not published, or may not have been; publishing it again is harmless, as its ID tells repeats.
    pub async fn publish(&self, site_id: &str, notice: &Notice) -> Result<(), NotPublished> {
        let attribute = |value: &str| {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value);
            value.build().map_err(|error| NotPublished(error.into()))
        };
        let request = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .subject(&notice.subject)
            .message(&notice.text)
            .message_attributes("site_id", attribute(site_id)?)
            .message_attributes("kind", attribute(notice.kind)?)
            .message_attributes("language", attribute(notice.language.as_str())?)
            .message_attributes("entry_id", attribute(&notice.id)?)
            .message_attributes("at", attribute(&notice.at.to_string())?);
        let done = request.send().await;
        done.map(|_| ()).map_err(|error| NotPublished(error.into()))
    }
}

/// The network's own code of an error, its status, or what kind of silence it was. The network's words are not kept: they
/// repeat the number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the network: {0}")]
pub struct NetworkError(String);

/// What became of a message that was handed to the network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Handed {
    /// The network took it, under this ID.
    Accepted(String),
    /// It surely did not take it.
    NotSent(NotSent, NetworkError),
    /// Nobody can say.
    Unknown(NetworkError),
}

/// The network that messages are handed to.
#[derive(Clone, Debug)]
pub struct SmsNetwork {
    client: Client,
    sender_id: Option<String>,
}

impl SmsNetwork {
    /// Takes a client, which must not retry by itself, and who messages are from, where a country shows that.
    #[must_use]
    pub fn new(client: Client, sender_id: Option<String>) -> Self {
        Self { client, sender_id }
    }

    /// Whether a number's owner wants no messages.
    ///
    /// # Errors
    /// The network does not say.
    pub async fn is_opted_out(&self, mobile: &Mobile) -> Result<bool, NetworkError> {
        let mut attempt = 1;
        loop {
            let request = self.client.check_if_phone_number_is_opted_out();
            match request.phone_number(mobile.as_str()).send().await {
                Ok(answer) => return Ok(answer.is_opted_out()),
                Err(error) => match handed(&error) {
                    Handed::NotSent(NotSent::Throttled, _) if attempt < MAX_ATTEMPTS => {
                        wait(&mut attempt).await;
                    }
                    // Nobody opted out of a number that the network does not know: it says so when it is sent to.
                    Handed::NotSent(NotSent::InvalidNumber, _) => return Ok(false),
                    // Asked in vain for as long as an answer may take: a function has no time to ask again.
                    _ => return Err(named(&error)),
                },
            }
        }
    }

    /// Hands a message to the network. It is sent again only where the network surely did not take it.
    pub async fn send(&self, mobile: &Mobile, text: &str) -> Handed {
        let mut attempt = 1;
        loop {
            match self.send_once(mobile, text).await {
                Handed::NotSent(NotSent::Throttled, _) if attempt < MAX_ATTEMPTS => {
                    wait(&mut attempt).await;
                }
                handed => return handed,
            }
        }
    }

    async fn send_once(&self, mobile: &Mobile, text: &str) -> Handed {
        let attribute = |value: &str| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
        };
        let mut request = self
            .client
            .publish()
            .phone_number(mobile.as_str())
            .message(text);
        let attributes = [
            ("AWS.SNS.SMS.SMSType", Some("Transactional")),
            ("AWS.SNS.SMS.SenderID", self.sender_id.as_deref()),
        ];
        for (name, value) in attributes {
            match value.map(attribute) {
                None => {}
                Some(Ok(value)) => request = request.message_attributes(name, value),
                Some(Err(_)) => {
                    return Handed::NotSent(NotSent::Refused, NetworkError(name.to_owned()));
                }
            }
        }
        match request.send().await {
            Ok(answer) => match answer.message_id {
                Some(id) => Handed::Accepted(id),
                None => Handed::Unknown(NetworkError("no ID".to_owned())),
            },
            Err(error) => handed(&error),
        }
    }
}

/// What an error means, by its type, code and status and never by its message.
fn handed<E>(error: &SdkError<E>) -> Handed
where
    E: ProvideErrorMetadata,
{
    let why = match error {
        // It was never sent.
        SdkError::ConstructionFailure(_) => Some(NotSent::Refused),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            match service.err().code().unwrap_or_default() {
                "Throttled" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => {
                    Some(NotSent::Throttled)
                }
                "OptedOut" => Some(NotSent::OptedOut),
                // Of its parameters it is the number that can be wrong: the sender is checked when it is deployed.
                "InvalidParameter" | "ParameterValueInvalid" | "ValidationError" => {
                    Some(NotSent::InvalidNumber)
                }
                _ if status == 429 => Some(NotSent::Throttled),
                _ if status < 500 => Some(NotSent::Refused),
                _ => None,
            }
        }
        // Also a time-out before anything arrived looks like this, and one after.
        _ => None,
    };
    match why {
        Some(why) => Handed::NotSent(why, named(error)),
        None => Handed::Unknown(named(error)),
    }
}

fn named<E: ProvideErrorMetadata>(error: &SdkError<E>) -> NetworkError {
    NetworkError(match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("no code");
            format!("{code}, status {}", service.raw().status().as_u16())
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "not reached, or no answer".to_owned(),
        SdkError::ResponseError(_) => "an answer that cannot be read".to_owned(),
        _ => "a request that cannot be made".to_owned(),
    })
}

/// Waits a random time up to a bound that doubles.
async fn wait(attempt: &mut u32) {
    let bound = FIRST_WAIT_MS << (*attempt - 1).min(8);
    let wait = random().unwrap_or(bound) % (bound + 1);
    *attempt += 1;
    tokio::time::sleep(Duration::from_millis(wait)).await;
}
