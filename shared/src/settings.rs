//! Settings: the only reader of the environment.
//!
//! Credentials, region and endpoint are the variables that Lambda and every SDK know. They are read here by name,
//! because a Lambda function needs no other source of credentials. Everything is read when a function starts, so that a
//! variable that is missing fails the start; what is made of it may be made at its first use.

use crate::domain::values::card_link::CardLinks;
use crate::domain::values::license_code::{CodeChecker, CodeIssuer};
use crate::domain::values::pseudonym::Pseudonyms;
use crate::domain::values::secret::{InvalidSecrets, SecretMissing, Secrets};
use crate::http::cards::CardPages;
use crate::sns::{SmsNetwork, Topic};
use crate::store::Store;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpClient, http_client_fn};
use std::time::Duration;

/// The longest wait for a connection to the table.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest wait for one answer of the table.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The roots that sign for AWS: Amazon's own four, and Starfield's, by which older stores know them.
/// Source: <https://www.amazontrust.com/repository/>.
const ROOTS: &[u8] = include_bytes!("amazon-trust-services.pem");

/// A variable is missing or malformed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable is missing.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    /// The secrets cannot be read.
    #[error("the environment variable {0} cannot be read: {1}")]
    Secrets(&'static str, #[source] InvalidSecrets),
    /// Codes of the newest secret could be issued, but not checked.
    #[error(transparent)]
    SecretMissing(#[from] SecretMissing),
    /// The TLS roots cannot be read.
    #[error("the TLS roots cannot be read")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The table, from `TABLE_NAME`, `AWS_REGION`, the credentials, and `AWS_ENDPOINT_URL_DYNAMODB` if it is there.
///
/// # Errors
/// A variable is missing.
pub fn store() -> Result<Store, SettingsError> {
    let table = required("TABLE_NAME")?;
    let region = required("AWS_REGION")?;
    let mut config = aws_sdk_dynamodb::Config::builder()
        .region(Region::new(region))
        .credentials_provider(credentials()?)
        .http_client(http_client()?);
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB"));
    Ok(Store::new(client(config), table))
}

/// The secrets that check codes, from `CODE_CHECK_SECRETS`.
///
/// # Errors
/// The variable is missing or cannot be read.
pub fn code_checker() -> Result<CodeChecker, SettingsError> {
    Ok(CodeChecker::new(secrets("CODE_CHECK_SECRETS")?))
}

/// The secrets that derive and check codes, from `CODE_DERIVE_SECRETS` and `CODE_CHECK_SECRETS`. Only `issue-codes` has
/// them.
///
/// # Errors
/// A variable is missing or cannot be read, or the newest secret that derives codes is not among those that check them.
pub fn code_issuer() -> Result<CodeIssuer, SettingsError> {
    Ok(CodeIssuer::new(
        secrets("CODE_DERIVE_SECRETS")?,
        secrets("CODE_CHECK_SECRETS")?,
    )?)
}

/// Where cards are downloaded, from `CARD_SECRETS`, and `CARD_LINK_BASE` if it is there.
///
/// # Errors
/// The secrets are missing or cannot be read.
pub fn card_pages() -> Result<CardPages, SettingsError> {
    Ok(CardPages {
        links: CardLinks::new(secrets("CARD_SECRETS")?),
        base: variable("CARD_LINK_BASE"),
    })
}

/// The pseudonyms of requests about users and of phone numbers, from `CARD_SECRETS`.
///
/// # Errors
/// The secrets are missing or cannot be read.
pub fn pseudonyms() -> Result<Pseudonyms, SettingsError> {
    Ok(Pseudonyms::new(secrets("CARD_SECRETS")?))
}

/// The network that sends messages, from the region, the credentials, and `SMS_SENDER_ID` if it is there.
///
/// # Errors
/// A variable is missing.
pub fn sms_network() -> Result<SmsNetwork, SettingsError> {
    Ok(SmsNetwork::new(sns()?, variable("SMS_SENDER_ID")))
}

/// The topic of notices, from `NOTICE_TOPIC_ARN`, the region and the credentials.
///
/// # Errors
/// A variable is missing.
pub fn notice_topic() -> Result<Topic, SettingsError> {
    Ok(Topic::new(sns()?, required("NOTICE_TOPIC_ARN")?))
}

/// The configuration of a client of SNS.
fn sns() -> Result<aws_sdk_sns::config::Builder, SettingsError> {
    let mut config = aws_sdk_sns::Config::builder()
        .region(aws_sdk_sns::config::Region::new(required("AWS_REGION")?))
        .credentials_provider(credentials()?)
        .http_client(http_client()?);
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL_SNS"));
    Ok(config)
}

fn credentials() -> Result<Credentials, SettingsError> {
    Ok(Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

fn secrets(name: &'static str) -> Result<Secrets, SettingsError> {
    Secrets::parse(&required(name)?).map_err(|error| SettingsError::Secrets(name, error))
}

/// A client whose requests are sent once: only the store decides what is tried again.
#[must_use]
pub fn client(config: aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ANSWER_TIMEOUT);
    let config = config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// One HTTP client, one TLS stack, and five roots instead of the 145 of an operating system.
///
/// The SDK has an HTTP client validate itself, and this one would parse the roots for that and drop the result. Behind a
/// function it is only asked for a connector, so the roots are parsed once, at the first request.
fn http_client() -> Result<SharedHttpClient, SettingsError> {
    let builder = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls_context()?);
    let client = builder.build_https();
    Ok(http_client_fn(move |settings, components| {
        client.http_connector(settings, components)
    }))
}

fn tls_context() -> Result<TlsContext, SettingsError> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build();
    context.map_err(|error| SettingsError::Tls(error.into()))
}

fn required(name: &'static str) -> Result<String, SettingsError> {
    variable(name).ok_or(SettingsError::Missing(name))
}

/// A variable that is set and not empty: a template can set one to nothing, but not remove it.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is the one reader of the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{CryptoMode, Provider, tls_context};
    use aws_smithy_http_client::Connector;

    /// A root that cannot be parsed would be a panic at the first request of a function.
    #[test]
    fn the_roots_can_be_parsed() {
        Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls_context().unwrap())
            .build();
    }
}
