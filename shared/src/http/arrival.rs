//! A request as it arrives: who asks, when, and for what.

use super::problem::Problem;
use crate::commands::{Asker, PartnerAsker, SiteNotFound};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PartnerId, SiteId};
use crate::domain::values::names::Subject;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use data_encoding::BASE64;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::HashMap;

/// The longest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
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
        Ok(Asker {
            email: self.email(),
            now: self.now()?,
            idempotency_key: self.idempotency_key()?,
        })
    }

    /// The partner who asks, when, and under which idempotency key.
    ///
    /// # Errors
    /// As [`Arrival::asker`]; or the token is not that of the path's partner.
    pub fn partner(&self) -> Result<PartnerAsker, Problem> {
        let not_allowed = || Problem::not_allowed("this is not the partner of the token");
        let id = self.parameter("partner_id").ok_or_else(not_allowed)?;
        let id = PartnerId::parse(id).map_err(|_| not_allowed())?;
        if self.claim("partner_id") != Some(id.as_str()) {
            return Err(not_allowed());
        }
        let by = self.claim("sub").and_then(|sub| Subject::parse(sub).ok());
        let now = self.now()?;
        Ok(PartnerAsker {
            id,
            by: by.ok_or_else(|| Problem::not_allowed("the token has no subject"))?,
            now,
            idempotency_key: self.idempotency_key()?,
        })
    }

    fn now(&self) -> Result<Timestamp, Problem> {
        let time = self.event.request_context.time_epoch;
        let now = Timestamp::from_millisecond(time).ok().filter(|_| time > 0);
        now.ok_or_else(|| Problem::malformed("requestContext.timeEpoch is missing"))
    }

    /// A parameter of the path.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.event.path_parameters.get(name).map(String::as_str)
    }

    /// Whether the caller would rather have CSV than JSON: by the weights of `Accept` (RFC 9110, section 12.5.1).
    #[must_use]
    pub fn prefers_csv(&self) -> bool {
        let accept = self.event.headers.get("accept");
        let accept = accept.and_then(|value| value.to_str().ok());
        // The most specific range that names a type is the one that counts.
        let weight = |kind: &str, media_type: &str| {
            let ranges = [media_type, kind, "*/*"].into_iter();
            let mut weights = ranges.filter_map(|wanted| {
                accept.unwrap_or_default().split(',').find_map(|range| {
                    let mut parts = range.split(';').map(str::trim);
                    let named = parts.next()?.to_ascii_lowercase();
                    let q = parts.find_map(|part| part.strip_prefix("q="));
                    (named == wanted).then(|| thousandths(q))
                })
            });
            weights.next().unwrap_or_default()
        };
        weight("text/*", "text/csv") > weight("application/*", "application/json")
    }

    /// The site of the path.
    ///
    /// # Errors
    /// A text that is no site ID names no site.
    pub fn site_id(&self) -> Result<SiteId, Problem> {
        self.parameter("site_id")
            .and_then(|id| SiteId::parse(id).ok())
            .ok_or_else(|| SiteNotFound.into())
    }

    /// The body, read from JSON. A request that has one has no query.
    ///
    /// # Errors
    /// There is a query; or the body is missing, too long, no UTF-8, no JSON, or not of the form; the problem says which.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let bytes = self.bytes(MAX_BODY_BYTES)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::malformed("the body is not UTF-8 text"))?;
        // Serde would read the members of a list by their places, too.
        match text.trim_start().chars().next() {
            None => {
                return Err(Problem::malformed(
                    "the body is missing: it must be a JSON object",
                ));
            }
            Some('{') => {}
            Some(_) => return Err(Problem::malformed("the body must be a JSON object")),
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = serde_path_to_error::deserialize(&mut reader);
        let body = read.map_err(|error| {
            let place = error.path().to_string();
            let what = error.into_inner();
            Problem::malformed(match place.as_str() {
                "." => format!("the body cannot be read: {what}"),
                place => format!("the body cannot be read: {place}: {what}"),
            })
        })?;
        reader
            .end()
            .map_err(|error| Problem::malformed(format!("the body cannot be read: {error}")))?;
        Ok(body)
    }

    /// The body's bytes. A request that has a body has no query.
    ///
    /// # Errors
    /// There is a query, or the body has more than `limit` bytes or is no Base64 where the event says so.
    pub(super) fn bytes(&self, limit: usize) -> Result<Cow<'_, [u8]>, Problem> {
        self.query(&[])?;
        let bytes = self.body_bytes()?;
        if bytes.len() > limit {
            return Err(Problem::malformed(format!(
                "the body is longer than {limit} bytes"
            )));
        }
        Ok(bytes)
    }

    /// The API's own name, as the gateway says it.
    pub(super) fn domain(&self) -> &str {
        let domain = self.event.request_context.domain_name.as_deref();
        domain.unwrap_or_default()
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
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
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
        let verified = self.claim("email_verified") == Some("true");
        let email = self.claim("email").filter(|_| verified)?;
        Email::parse(email).ok()
    }

    /// A claim of the token that the gateway's authorizer verified.
    fn claim(&self, name: &str) -> Option<&str> {
        let authorizer = self.event.request_context.authorizer.as_ref()?;
        let claims = &authorizer.jwt.as_ref()?.claims;
        claims.get(name).map(String::as_str)
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

/// A weight of `Accept`, 0 to 1 with at most three decimals, in thousandths; 1 where there is none.
fn thousandths(q: Option<&str>) -> u16 {
    let Some(q) = q else { return 1_000 };
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    let decimals = format!("{decimals:0<3}");
    match (whole, decimals.get(..3).and_then(|text| text.parse().ok())) {
        ("0", Some(thousandths)) => thousandths,
        ("1", _) => 1_000,
        _ => 0,
    }
}
