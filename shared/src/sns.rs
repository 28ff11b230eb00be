//! SNS: the topic that notices are published to, and the network that sends messages to phones.

use crate::domain::model::message::NotSent;
use crate::domain::rules::wording::Notice;
use crate::domain::values::phone::Mobile;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::config::{BehaviorVersion, Builder};
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use getrandom::u64 as random;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

/// How often a request is sent while the network is too busy to take it.
const MAX_ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt; it doubles with every further one.
const FIRST_WAIT_MS: u64 = 200;
/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest wait for one answer. A longer wait leaves fewer outcomes unknown.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that is made at its first use. Making one costs nearly as much as the whole start of a function without
/// it, and few invocations need it.
#[derive(Clone, Debug)]
struct LazyClient {
    config: Builder,
    client: OnceLock<Client>,
}

impl LazyClient {
    /// Takes the client's configuration. Its requests are sent once: no message is sent again by itself.
    fn new(config: Builder) -> Self {
        let client = OnceLock::new();
        Self { config, client }
    }

    fn get(&self) -> &Client {
        self.client.get_or_init(|| {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ANSWER_TIMEOUT);
            let config = self.config.clone();
            let config = config
                .behavior_version(BehaviorVersion::v2026_01_12())
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts.build());
            Client::from_conf(config.build())
        })
    }
}

/// A notice was not published, or may not have been.
#[derive(Debug, thiserror::Error)]
#[error("a notice could not be published")]
pub struct NotPublished(#[source] Box<dyn Error + Send + Sync>);

/// The topic of notices.
#[derive(Clone, Debug)]
pub struct Topic {
    client: LazyClient,
    arn: String,
}

impl Topic {
    /// Takes the configuration of a client, and the topic's ARN.
    #[must_use]
    pub fn new(config: Builder, arn: String) -> Self {
        let client = LazyClient::new(config);
        Self { client, arn }
    }

    /// Publishes a notice, with attributes that subscriptions can filter by.
    ///
    /// # Errors
    /// It was not published, or may not have been. Publishing it again is harmless, because subscribers recognise a
    /// repeat by its ID.
    pub async fn publish(&self, site_id: &str, notice: &Notice) -> Result<(), NotPublished> {
        let attribute = |value: &str| {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value);
            value.build().map_err(|error| NotPublished(error.into()))
        };
        let mut request = self
            .client
            .get()
            .publish()
            .topic_arn(&self.arn)
            .subject(&notice.subject)
            .message(&notice.text)
            .message_attributes("site_id", attribute(site_id)?)
            .message_attributes("kind", attribute(notice.kind)?)
            .message_attributes("language", attribute(notice.language.as_str())?)
            .message_attributes(notice.id_name(), attribute(&notice.id)?)
            .message_attributes("at", attribute(&notice.at.to_string())?);
        for (name, value) in &notice.more {
            request = request.message_attributes(*name, attribute(value)?);
        }
        let done = request.send().await;
        done.map(|_| ()).map_err(|error| NotPublished(error.into()))
    }
}

/// The code and status of the network's error, or why it did not answer. Its message is not kept, because it repeats the
/// number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the network: {0}")]
pub struct NetworkError(String);

/// What came of sending a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SendOutcome {
    /// The network took it, under this ID.
    Accepted(String),
    /// The network surely did not take it.
    NotSent(NotSent, NetworkError),
    /// The network may have taken it.
    Unknown(NetworkError),
}

/// The network that sends messages.
#[derive(Clone, Debug)]
pub struct SmsNetwork {
    client: LazyClient,
    sender_id: Option<String>,
}

impl SmsNetwork {
    /// Takes the configuration of a client, and the sender that messages show where a country allows it.
    #[must_use]
    pub fn new(config: Builder, sender_id: Option<String>) -> Self {
        let client = LazyClient::new(config);
        Self { client, sender_id }
    }

    /// Whether the owner of a number opted out of messages.
    ///
    /// # Errors
    /// The network does not say.
    pub async fn is_opted_out(&self, mobile: &Mobile) -> Result<bool, NetworkError> {
        let mut attempt = 1;
        loop {
            let request = self.client.get().check_if_phone_number_is_opted_out();
            match request.phone_number(mobile.as_str()).send().await {
                Ok(answer) => return Ok(answer.is_opted_out()),
                Err(error) => match outcome_of(&error) {
                    SendOutcome::NotSent(NotSent::Throttled, _) if attempt < MAX_ATTEMPTS => {
                        wait(&mut attempt).await;
                    }
                    // Nobody opted out of a number that the network does not know. Sending to it will say so.
                    SendOutcome::NotSent(NotSent::InvalidNumber, _) => return Ok(false),
                    // After a time-out the function has no time to ask again.
                    _ => return Err(named(&error)),
                },
            }
        }
    }

    /// Sends a message, and sends it again only where the network surely did not take it.
    pub async fn send(&self, mobile: &Mobile, text: &str) -> SendOutcome {
        let mut attempt = 1;
        loop {
            match self.send_once(mobile, text).await {
                SendOutcome::NotSent(NotSent::Throttled, _) if attempt < MAX_ATTEMPTS => {
                    wait(&mut attempt).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn send_once(&self, mobile: &Mobile, text: &str) -> SendOutcome {
        let attribute = |value: &str| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
        };
        let mut request = self
            .client
            .get()
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
                    return SendOutcome::NotSent(NotSent::Refused, NetworkError(name.to_owned()));
                }
            }
        }
        match request.send().await {
            Ok(answer) => match answer.message_id {
                Some(id) => SendOutcome::Accepted(id),
                None => SendOutcome::Unknown(NetworkError("no ID".to_owned())),
            },
            Err(error) => outcome_of(&error),
        }
    }
}

/// What an error means, by its type, code and status and never by its message.
fn outcome_of<E>(error: &SdkError<E>) -> SendOutcome
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
                // The number is the only parameter that can be wrong: the sender is checked at deployment.
                "InvalidParameter" | "ParameterValueInvalid" | "ValidationError" => {
                    Some(NotSent::InvalidNumber)
                }
                _ if status == 429 => Some(NotSent::Throttled),
                _ if status < 500 => Some(NotSent::Refused),
                _ => None,
            }
        }
        // A time-out looks the same whether or not the message arrived.
        _ => None,
    };
    match why {
        Some(why) => SendOutcome::NotSent(why, named(error)),
        None => SendOutcome::Unknown(named(error)),
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
