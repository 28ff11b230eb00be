//! A request as it arrives: who asks, when, and for what.

use super::problem::Problem;
use crate::commands::Asker;
use crate::commands::SiteNotFound;
use crate::domain::identity::{Email, SiteId};
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use data_encoding::BASE64;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::HashMap;

/// The longest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// The longest idempotency key, in characters.
const MAX_KEY_LENGTH: usize = 100;

/// A request that has arrived. Its parts are read one by one, each with its own problem.
#[derive(Debug)]
pub struct Arrival {
    /// The route's key, as the gateway matched it: `POST /sites/{site_id}/license/preview`.
    pub route: String,
    /// The gateway's ID of the request, for the log.
    pub request_id: String,
    event: ApiGatewayV2httpRequest,
}

impl Arrival {
    /// Takes an event.
    pub(super) fn of(event: ApiGatewayV2httpRequest) -> Self {
        let context = &event.request_context;
        Self {
            route: context
                .route_key
                .clone()
                .or_else(|| event.route_key.clone())
                .unwrap_or_default(),
            request_id: context.request_id.clone().unwrap_or_default(),
            event,
        }
    }

    /// Who asks, when, and under which idempotency key.
    ///
    /// # Errors
    /// The key is not 1 to 100 visible ASCII characters, or the event has no time.
    pub fn asker(&self) -> Result<Asker, Problem> {
        let time = self.event.request_context.time_epoch;
        let now = Timestamp::from_millisecond(time).ok().filter(|_| time > 0);
        Ok(Asker {
            email: self.email(),
            now: now.ok_or_else(|| Problem::malformed("requestContext.timeEpoch is missing"))?,
            idempotency_key: self.idempotency_key()?,
        })
    }

    /// The site of the path.
    ///
    /// # Errors
    /// A text that is no site ID names no site.
    pub fn site_id(&self) -> Result<SiteId, Problem> {
        let text = self.event.path_parameters.get("site_id");
        text.and_then(|id| SiteId::parse(id).ok())
            .ok_or_else(|| SiteNotFound.into())
    }

    /// The body, read from JSON.
    ///
    /// # Errors
    /// It is missing, too long, no UTF-8, no JSON, or not of the form; the problem says which.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let bytes = self.body_bytes()?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Problem::malformed(format!(
                "the body is longer than {MAX_BODY_BYTES} bytes"
            )));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::malformed("the body is not UTF-8 text"))?;
        if text.trim().is_empty() {
            return Err(Problem::malformed(
                "the body is missing: it must be a JSON object",
            ));
        }
        serde_json::from_str(text)
            .map_err(|error| Problem::malformed(format!("the body cannot be read: {error}")))
    }

    /// The query's parameters, each at most once and of a known name.
    ///
    /// # Errors
    /// Another name, or one twice.
    pub fn query(&self, known: &[&str]) -> Result<HashMap<String, String>, Problem> {
        let mut parameters = HashMap::new();
        for (name, value) in self.event.query_string_parameters.iter() {
            if !known.contains(&name) {
                return Err(Problem::malformed(format!(
                    "the query has an unknown parameter: it takes {}",
                    known.join(", ")
                )));
            }
            if parameters
                .insert(name.to_owned(), value.to_owned())
                .is_some()
            {
                return Err(Problem::malformed(format!(
                    "the query has the parameter {name} twice"
                )));
            }
        }
        Ok(parameters)
    }

    /// The address that the issuer verified. An unverified one opens nothing (rule 15).
    fn email(&self) -> Option<Email> {
        let claims = &self
            .event
            .request_context
            .authorizer
            .as_ref()?
            .jwt
            .as_ref()?
            .claims;
        let verified = claims
            .get("email_verified")
            .is_some_and(|claim| claim == "true");
        let email = claims.get("email").filter(|_| verified)?;
        Email::parse(email).ok()
    }

    fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        let Some(value) = self.event.headers.get("idempotency-key") else {
            return Ok(None);
        };
        let key = value.to_str().unwrap_or_default();
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || !(1..=MAX_KEY_LENGTH).contains(&key.len()) {
            let rule = format!(
                "the header Idempotency-Key must be 1 to {MAX_KEY_LENGTH} visible ASCII characters"
            );
            return Err(Problem::malformed(rule));
        }
        Ok(Some(key.to_owned()))
    }

    fn body_bytes(&self) -> Result<Cow<'_, [u8]>, Problem> {
        let body = self.event.body.as_deref().unwrap_or_default();
        if !self.event.is_base64_encoded {
            return Ok(Cow::Borrowed(body.as_bytes()));
        }
        let bytes = BASE64.decode(body.as_bytes());
        bytes
            .map(Cow::Owned)
            .map_err(|_| Problem::malformed("the body is not Base64, as the event says"))
    }
}
