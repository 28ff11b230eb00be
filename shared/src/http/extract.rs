//! Extractors: a handler's signature says what it needs, and its extractors run in that order.

use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use crate::commands::{
    Asker, BatchError, EmailNotVerified, MessageError, PartnerAsker, SiteNotFound, UserRefused,
};
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::values::card_link::CardToken;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{
    BatchId, DeviceId, MessageId, PartnerId, PersonId, SiteId, UserId,
};
use crate::domain::values::names::Subject;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;

/// The longest idempotency key, in characters.
const MAX_KEY_LENGTH: usize = 100;

/// The caller, the time of the request, and its idempotency key.
impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self {
            email: verified_email(parts),
            now: now(parts)?,
            idempotency_key: idempotency_key(parts)?,
            known_as: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}

/// The caller's e-mail address, which the token's issuer has verified.
#[derive(Debug)]
pub struct VerifiedEmail(pub Email);

impl<S: Send + Sync> FromRequestParts<S> for VerifiedEmail {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(verified_email(parts).ok_or(EmailNotVerified)?))
    }
}

/// The partner, the time of the request, and its idempotency key. The path and the token must name the same partner.
impl<S: Send + Sync> FromRequestParts<S> for PartnerAsker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let not_allowed = || Problem::not_allowed("this is not the partner of the token");
        let id = parameter(parts, "partner_id").and_then(|id| PartnerId::parse(id).ok());
        let id = id
            .filter(|id| claim(parts, "partner_id") == Some(id.as_str()))
            .ok_or_else(not_allowed)?;
        let by = claim(parts, "sub").and_then(|sub| Subject::parse(sub).ok());
        Ok(Self {
            id,
            by: by.ok_or_else(|| Problem::not_allowed("the token has no subject"))?,
            now: now(parts)?,
            idempotency_key: idempotency_key(parts)?,
        })
    }
}

/// The site. A text that is not a valid ID is answered as an unknown ID is, and one with a typing error is told of it.
impl<S: Send + Sync> FromRequestParts<S> for SiteId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parameter(parts, "site_id").unwrap_or_default();
        Ok(Self::parse(text).map_err(SiteNotFound::from)?)
    }
}

impl Extracted for SiteId {
    fn describe(operation: &mut Operation) {
        operation.parameters.push("SiteId");
        operation.can_be(&[ProblemCode::SiteNotFound]);
    }
}

/// The site that the caller is invited to. A text that is not a valid ID is answered as one of a site that invites nobody.
#[derive(Debug)]
pub struct InvitingSite(pub SiteId);

impl<S: Send + Sync> FromRequestParts<S> for InvitingSite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let site = parameter(parts, "site_id").and_then(|id| SiteId::parse(id).ok());
        Ok(Self(site.ok_or(AdministratorRefused::NotInvited)?))
    }
}

impl Extracted for InvitingSite {
    fn describe(operation: &mut Operation) {
        operation.parameters.push("SiteId");
        operation.can_be(&[ProblemCode::InvitationNotFound]);
    }
}

/// Declares path parameters. A text that is not a valid ID is answered as an unknown ID is.
macro_rules! path_parameters {
    ($($name:literal, $type:ty, $parameter:literal, $problem:ident, $not_found:expr;)*) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $type {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let text = parameter(parts, $name);
                let parsed = text.and_then(|text| Self::parse(text).ok());
                parsed.ok_or_else(|| $not_found.into())
            }
        }

        impl Extracted for $type {
            fn describe(operation: &mut Operation) {
                operation.parameters.push($parameter);
                operation.can_be(&[ProblemCode::$problem]);
            }
        }
    )*};
}

path_parameters! {
    "email", Email, "Email", AdministratorNotFound, AdministratorRefused::NotFound;
    "person", PersonId, "PersonId", InvitationNotFound, AdministratorRefused::NotInvited;
    "device_id", DeviceId, "DeviceId", DeviceNotFound, crate::commands::DeviceNotFound;
    "user_id", UserId, "UserId", UserNotFound, UserRefused::NotFound;
    "message_id", MessageId, "MessageId", MessageNotFound, MessageError::NotFound;
    "batch_id", BatchId, "BatchId", BatchNotFound, BatchError::NotFound;
}

impl<S: Send + Sync> FromRequestParts<S> for CardToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = parameter(parts, "token").and_then(Self::parse);
        token.ok_or_else(no_card_of_link)
    }
}

impl Extracted for CardToken {
    fn describe(operation: &mut Operation) {
        operation.parameters.push("CardToken");
        operation.can_be(&[ProblemCode::CardNotFound]);
    }
}

/// The problem of a link that leads to no card.
#[must_use]
pub fn no_card_of_link() -> Problem {
    Problem::new(ProblemCode::CardNotFound, "this link leads to no card")
}

/// The API's own host name, as the gateway reports it.
#[derive(Debug)]
pub struct ApiHost(pub String);

impl<S: Send + Sync> FromRequestParts<S> for ApiHost {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let host = context(parts).and_then(|context| context.domain_name.clone());
        Ok(Self(host.unwrap_or_default()))
    }
}

/// A parameter of the path, as the gateway decoded it.
fn parameter<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.path_parameters_ref()?.first(name)
}

fn context(parts: &Parts) -> Option<&ApiGatewayV2httpRequestContext> {
    match parts.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    }
}

/// A claim of the token that the gateway's authorizer verified.
fn claim<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let authorizer = context(parts)?.authorizer.as_ref()?;
    let claims = &authorizer.jwt.as_ref()?.claims;
    claims.get(name).map(String::as_str)
}

/// The e-mail address, if the issuer has verified it. An unverified address gives no access (rule 15).
fn verified_email(parts: &Parts) -> Option<Email> {
    let verified = claim(parts, "email_verified") == Some("true");
    let email = claim(parts, "email").filter(|_| verified)?;
    Email::of_token(email).ok()
}

/// The time at which the gateway received the request.
fn now(parts: &Parts) -> Result<Timestamp, Problem> {
    let time = context(parts).map_or(0, |context| context.time_epoch);
    let now = Timestamp::from_millisecond(time).ok().filter(|_| time > 0);
    now.ok_or_else(|| Problem::malformed("requestContext.timeEpoch is missing"))
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let mut values = parts.headers.get_all("idempotency-key").into_iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    // The gateway joins headers of one name by commas, so a comma stands for a second key.
    let visible = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',');
    let is_one = values.next().is_none();
    if !is_one || !visible || !(1..=MAX_KEY_LENGTH).contains(&key.len()) {
        let rule = format!(
            "the header Idempotency-Key must stand once, with 1 to {MAX_KEY_LENGTH} visible ASCII characters without \
             a comma"
        );
        return Err(Problem::malformed(rule));
    }
    Ok(Some(key.to_owned()))
}

impl Extracted for Asker {
    fn describe(operation: &mut Operation) {
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}

impl Extracted for VerifiedEmail {
    fn describe(operation: &mut Operation) {
        operation.can_be(&[ProblemCode::NotAllowed]);
    }
}

impl Extracted for PartnerAsker {
    fn describe(operation: &mut Operation) {
        operation.parameters.push("PartnerId");
        operation.can_be(&[ProblemCode::MalformedRequest, ProblemCode::NotAllowed]);
    }
}

impl Extracted for ApiHost {
    fn describe(_: &mut Operation) {}
}
