//! Problems (RFC 9457): the one place where an error becomes an HTTP status.
//!
//! 500 means a defect, and 503 means that the request can be retried. After any other problem, the caller must change
//! the request.

mod conversions;

use super::headers;
use crate::telemetry;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::sync::Arc;

/// Declares the codes, each with its text, status and title.
macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// The stable codes of problems.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum ProblemCode {
            $($(#[$doc])* $name,)*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> (&'static str, u16, &'static str) {
                match self {
                    $(Self::$name => ($code, $status, $title),)*
                }
            }
        }
    };
}

problem_codes! {
    /// The body, a parameter or a header is invalid.
    MalformedRequest = "malformed-request", 400, "The request cannot be read";
    /// There is no such site, or the caller is not one of its administrators.
    SiteNotFound = "site-not-found", 404, "There is no such site";
    /// The caller's role does not allow it, the partner is another one, or there is no verified e-mail address.
    NotAllowed = "not-allowed", 403, "This is not allowed";
    /// The partner has no such batch.
    BatchNotFound = "batch-not-found", 404, "There is no such batch";
    /// The site has no such device.
    DeviceNotFound = "device-not-found", 404, "There is no such device";
    /// The site has no such administrator.
    AdministratorNotFound = "administrator-not-found", 404, "There is no such administrator";
    /// The site already has a device with this ID.
    DeviceExists = "device-exists", 409, "The device exists";
    /// The person is already an administrator.
    AdministratorExists = "administrator-exists", 409, "The administrator exists";
    /// There is no such invitation, or it is over, was answered or withdrawn, or is not the caller's.
    InvitationNotFound = "invitation-not-found", 404, "There is no such invitation";
    /// The person is already invited.
    InvitationExists = "invitation-exists", 409, "The person is invited";
    /// The invitation was sent as often as it may be.
    TooManySendings = "too-many-sendings", 409, "The invitation was sent too often";
    /// The site would exceed the limit of open invitations.
    TooManyInvitations = "too-many-invitations", 409, "The site has too many invitations";
    /// The master must hand the site over before leaving it.
    LastMaster = "last-master", 409, "A site has one master";
    /// The site holds balances, and the request does not forfeit them.
    SiteNotEmpty = "site-not-empty", 409, "The site holds balances";
    /// The site has no such user.
    UserNotFound = "user-not-found", 404, "There is no such user";
    /// The site already has a user with this ID.
    UserExists = "user-exists", 409, "The user exists";
    /// The user has no card, or a link leads to none.
    CardNotFound = "card-not-found", 404, "There is no such card";
    /// The user already has a card.
    CardExists = "card-exists", 409, "The user has a card";
    /// Nothing would be left of the person to whom the card was issued.
    AnotherHolder = "another-holder", 409, "The card would be handed on";
    /// The site would exceed the limit of users.
    TooManyUsers = "too-many-users", 422, "The site has too many users";
    /// The site would exceed the limit of devices.
    TooManyDevices = "too-many-devices", 422, "The site has too many devices";
    /// The site would exceed the limit of administrators.
    TooManyAdministrators = "too-many-administrators", 422, "The site has too many administrators";
    /// The site has no such message.
    MessageNotFound = "message-not-found", 404, "There is no such message";
    /// The user has no mobile number.
    NoMobileNumber = "no-mobile-number", 422, "The user has no mobile number";
    /// The site does not send messages to the number's country.
    SmsCountryNotAllowed = "sms-country-not-allowed", 422, "No messages go to this country";
    /// The number's owner has opted out of messages.
    OptedOut = "opted-out", 409, "The owner of the number wants no messages";
    /// The hourly or daily limit of messages, for the site or for the number, has been reached.
    TooManyMessages = "too-many-messages", 429, "There are too many messages";
    /// The message would have too many parts.
    MessageTooLong = "message-too-long", 422, "The message is too long";
    /// The site has fewer SMS than are needed.
    InsufficientSms = "insufficient-sms", 402, "There are too few SMS";
    /// The site has fewer credits than are needed.
    InsufficientCredits = "insufficient-credits", 402, "There are too few credits";
    /// The site is halted, and the request requires an activated site.
    PaymentRequired = "payment-required", 402, "The site is halted";
    /// Mistyped, forged, or never issued.
    CodeNotRecognised = "code-not-recognised", 422, "The code is not recognised";
    /// The caller tried too many wrong codes in an hour.
    TooManyWrongCodes = "too-many-wrong-codes", 429, "There were too many wrong codes";
    /// Applied before.
    CodeAlreadyApplied = "code-already-applied", 409, "The code was applied before";
    /// Its expiry date has passed.
    CodeExpired = "code-expired", 410, "The code has expired";
    /// Its partner voided it.
    CodeVoided = "code-voided", 410, "The code was voided";
    /// Issued for another site.
    CodeNotForThisSite = "code-not-for-this-site", 422, "The code is for another site";
    /// It has maintenance credits, which cannot recharge SMS.
    CodeNotForSms = "code-not-for-sms", 422, "The code cannot recharge SMS";
    /// It has maintenance credits, which a dynamic site cannot spend.
    CodeNotForDynamicSites = "code-not-for-dynamic-sites", 422, "The code is for regular sites";
    /// A balance would rise above its limit.
    BalanceLimit = "balance-limit", 422, "The balance would be too large";
    /// The idempotency key was used before, for a different request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "The idempotency key was used before";
    /// Throttling or contention outlasted the retries; nothing was changed.
    Busy = "busy", 503, "Too busy just now; nothing was changed";
    /// A write was sent, and its outcome is unknown; repeat the request with the same key.
    OutcomeUnknown = "outcome-unknown", 503, "Repeat the request with the same idempotency key";
    /// A defect.
    InternalError = "internal-error", 500, "Something is wrong here";
}

impl ProblemCode {
    /// The code, as it is written in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// The title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The URI that identifies the problem type (`type` in RFC 9457).
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:site-credits:problem:{}", self.as_str())
    }
}

/// A problem that becomes the answer to a request.
#[derive(Debug)]
pub struct Problem {
    /// Its code.
    pub code: ProblemCode,
    detail: String,
    more: Map<String, Value>,
    /// In how many seconds it is worth trying again.
    retry_after: Option<i64>,
    /// The cause of a defect or an outage: logged, never shown.
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            more: Map::new(),
            retry_after: (code.status() == 503).then_some(1),
            source: None,
        }
    }

    /// The request is malformed; `detail` says why.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::MalformedRequest, detail)
    }

    /// The caller may not do this; `detail` says why.
    pub(super) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::NotAllowed, detail)
    }

    /// A defect in this system. Its cause is logged.
    pub(super) fn defect(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(cause.into()),
            ..Self::new(
                ProblemCode::InternalError,
                "this is not your request's fault; it was logged",
            )
        }
    }

    /// The gateway sent a request whose route this function does not have: a deployment error.
    #[must_use]
    pub fn unknown_route(route: &str) -> Self {
        let mut problem = Self::new(
            ProblemCode::InternalError,
            "this function does not have this route",
        );
        problem.source = Some(format!("the route {route:?} leads here").into());
        problem
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Worth trying again in so many seconds.
    pub(super) fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer's status, headers and body.
    pub(super) fn parts(&self) -> (StatusCode, HeaderMap, String) {
        let (code, status, title) = self.code.row();
        let mut body = json!({
            "type": self.code.urn(),
            "title": title,
            "status": status,
            "code": code,
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more.clone());
        }
        let mut headers = headers::of("application/problem+json");
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, headers, body.to_string())
    }
}

/// What is logged about a problem. Only a defect or an outage has causes.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: ProblemCode,
    pub(super) causes: Option<Arc<str>>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let causes = self
            .source
            .as_deref()
            .map(|source| telemetry::causes(source).into());
        let mut response = self.parts().into_response();
        response.extensions_mut().insert(Failure {
            code: self.code,
            causes,
        });
        response
    }
}
