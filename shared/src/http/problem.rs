//! Problems (RFC 9457): the one place where an error becomes an HTTP status.
//!
//! 500 means a defect, and 503 that it is worth trying again; everything else is the caller's to change.

use super::headers;
use crate::commands::{
    BatchError, CommandError, CreateSiteError, EmailNotVerified, MessageError, ReadError,
    RedeemError, RegisterError, RemoveError, SiteNotFound, UserRefused,
};
use crate::domain::rules::administrators::AdministratorRefused;
use crate::domain::rules::cards::CardRefused;
use crate::domain::rules::devices::{RegistrationRefused, RemovalRefused};
use crate::domain::rules::draft::ChargeRefused;
use crate::domain::rules::messages::MessageRefused;
use crate::domain::rules::redeem::CodeRefused;
use crate::domain::rules::sites::{DeletionRefused, SettingsRefused};
use crate::domain::values::country::NoTimeZone;
use crate::domain::values::secret::SecretMissing;
use crate::domain::values::text::InvalidName;
use crate::store::StoreError;
use crate::telemetry;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::sync::Arc;

/// Declares the codes, with everything that belongs to each: its text, its status, its title.
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
    /// Body, parameter or header cannot be read.
    MalformedRequest = "malformed-request", 400, "The request cannot be read";
    /// No such site, or the caller is none of its administrators.
    SiteNotFound = "site-not-found", 404, "There is no such site";
    /// A role that does not allow it, another partner's ID, or no verified e-mail address.
    NotAllowed = "not-allowed", 403, "This is not allowed";
    /// The partner has no such batch.
    BatchNotFound = "batch-not-found", 404, "There is no such batch";
    /// The site has no such device.
    DeviceNotFound = "device-not-found", 404, "There is no such device";
    /// The site has no such administrator.
    AdministratorNotFound = "administrator-not-found", 404, "There is no such administrator";
    /// The site has a device of this ID.
    DeviceExists = "device-exists", 409, "The device exists";
    /// The person is an administrator already.
    AdministratorExists = "administrator-exists", 409, "The administrator exists";
    /// The master can hand a site over, and cannot leave it.
    LastMaster = "last-master", 409, "A site has one master";
    /// The site holds balances, and nothing says that they are given up.
    SiteNotEmpty = "site-not-empty", 409, "The site holds balances";
    /// The site has no such user.
    UserNotFound = "user-not-found", 404, "There is no such user";
    /// The site has a user of this ID.
    UserExists = "user-exists", 409, "The user exists";
    /// The user has no card, or a link leads to none.
    CardNotFound = "card-not-found", 404, "There is no such card";
    /// The user has a card.
    CardExists = "card-exists", 409, "The user has a card";
    /// The site would have more users than a site may.
    TooManyUsers = "too-many-users", 422, "The site has too many users";
    /// The site would have more devices than a site may.
    TooManyDevices = "too-many-devices", 422, "The site has too many devices";
    /// The site would have more administrators than a site may.
    TooManyAdministrators = "too-many-administrators", 422, "The site has too many administrators";
    /// The site has no such message.
    MessageNotFound = "message-not-found", 404, "There is no such message";
    /// The user has no mobile number.
    NoMobileNumber = "no-mobile-number", 422, "The user has no mobile number";
    /// The number's country is none that the site sends messages to.
    SmsCountryNotAllowed = "sms-country-not-allowed", 422, "No messages go to this country";
    /// The number's owner has opted out of messages.
    OptedOut = "opted-out", 409, "The owner of the number wants no messages";
    /// The site, or the number, had as many messages as may be in an hour or a day.
    TooManyMessages = "too-many-messages", 429, "There are too many messages";
    /// The message would have too many parts.
    MessageTooLong = "message-too-long", 422, "The message is too long";
    /// There are fewer SMS than are needed.
    InsufficientSms = "insufficient-sms", 402, "There are too few SMS";
    /// There are fewer credits than are needed.
    InsufficientCredits = "insufficient-credits", 402, "There are too few credits";
    /// The site is halted, and this needs it running.
    PaymentRequired = "payment-required", 402, "The site is halted";
    /// Mistyped, forged, or never issued.
    CodeNotRecognised = "code-not-recognised", 422, "The code is not recognised";
    /// Applied before.
    CodeAlreadyApplied = "code-already-applied", 409, "The code was applied before";
    /// Its last date is over.
    CodeExpired = "code-expired", 410, "The code has expired";
    /// Its partner voided it.
    CodeVoided = "code-voided", 410, "The code was voided";
    /// Issued for another site.
    CodeNotForThisSite = "code-not-for-this-site", 422, "The code is for another site";
    /// It has maintenance credits, which SMS cannot be recharged with.
    CodeNotForSms = "code-not-for-sms", 422, "The code cannot recharge SMS";
    /// It has maintenance credits, which a dynamic site cannot spend.
    CodeNotForDynamicSites = "code-not-for-dynamic-sites", 422, "The code is for regular sites";
    /// A balance would rise above its limit.
    BalanceLimit = "balance-limit", 422, "The balance would be too large";
    /// Same key, other body.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "The idempotency key was used before";
    /// Throttled or contended past the retries; nothing was changed.
    Busy = "busy", 503, "Too busy just now; nothing was changed";
    /// A write was sent and its outcome is not known; repeat the request with the same key.
    OutcomeUnknown = "outcome-unknown", 503, "Repeat the request with the same idempotency key";
    /// A defect.
    InternalError = "internal-error", 500, "Something is wrong here";
}

impl ProblemCode {
    /// The code, as the contract spells it.
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

    /// What names it among all problems of the world.
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:site-credits:problem:{}", self.as_str())
    }
}

/// A problem, on its way to become an answer.
#[derive(Debug)]
pub struct Problem {
    /// Which.
    pub code: ProblemCode,
    detail: String,
    more: Map<String, Value>,
    /// The cause of a defect or an outage: logged, never shown.
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            more: Map::new(),
            source: None,
        }
    }

    /// The request cannot be read, and why.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::MalformedRequest, detail)
    }

    /// The caller may not do this, and why.
    pub(super) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::NotAllowed, detail)
    }

    /// Something of ours is not as it should be.
    pub(super) fn defect(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(cause.into()),
            ..Self::new(
                ProblemCode::InternalError,
                "this is not your request's fault; it was logged",
            )
        }
    }

    /// The gateway was given a route that this function does not have: a mistake of the deployment.
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

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
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
        if status == 503 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, headers, body.to_string())
    }
}

/// What the log says of a problem; a defect or an outage has its causes.
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

impl From<SiteNotFound> for Problem {
    fn from(error: SiteNotFound) -> Self {
        Self::new(ProblemCode::SiteNotFound, error.to_string())
    }
}

impl From<EmailNotVerified> for Problem {
    fn from(error: EmailNotVerified) -> Self {
        Self::not_allowed(error.to_string())
    }
}

impl From<InvalidName> for Problem {
    fn from(error: InvalidName) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<NoTimeZone> for Problem {
    fn from(error: NoTimeZone) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<SecretMissing> for Problem {
    fn from(error: SecretMissing) -> Self {
        Self::defect(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (code, detail) = match &error {
            StoreError::Busy(_) => (ProblemCode::Busy, "nothing was changed; try again"),
            StoreError::OutcomeUnknown => (
                ProblemCode::OutcomeUnknown,
                "the request may have been carried out: repeat it with the same Idempotency-Key",
            ),
            StoreError::Corrupt(_) | StoreError::Defect(_) | StoreError::Refused(_) => {
                return Self::defect(error);
            }
        };
        Self {
            source: Some(Box::new(error)),
            ..Self::new(code, detail)
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::SiteNotFound(error) => error.into(),
            ReadError::EmailNotVerified(error) => error.into(),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl<R: Error + Into<Self> + 'static> From<CommandError<R>> for Problem {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::SiteNotFound(error) => error.into(),
            CommandError::KeyReused => {
                Self::new(ProblemCode::IdempotencyKeyReused, error.to_string())
            }
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Store(error) => error.into(),
        }
    }
}

impl From<RedeemError> for Problem {
    fn from(error: RedeemError) -> Self {
        match error {
            RedeemError::NotRecognised(error) => {
                Self::new(ProblemCode::CodeNotRecognised, error.to_string())
            }
            RedeemError::Refused(refused) => refused.into(),
        }
    }
}

impl From<CodeRefused> for Problem {
    fn from(error: CodeRefused) -> Self {
        let detail = error.to_string();
        match error {
            CodeRefused::AppliedHere(application) => {
                Self::new(ProblemCode::CodeAlreadyApplied, detail)
                    .with("applied_at", application.at.to_string())
                    .with("entry", application.entry_sequence)
            }
            CodeRefused::AppliedElsewhere => Self::new(ProblemCode::CodeAlreadyApplied, detail),
            CodeRefused::Voided => Self::new(ProblemCode::CodeVoided, detail),
            CodeRefused::Expired { expires_on, .. } => Self::new(ProblemCode::CodeExpired, detail)
                .with("expires_on", expires_on.to_string()),
            CodeRefused::BoundElsewhere => Self::new(ProblemCode::CodeNotForThisSite, detail),
            CodeRefused::NotForSms => Self::new(ProblemCode::CodeNotForSms, detail),
            CodeRefused::NotForDynamicSites => {
                Self::new(ProblemCode::CodeNotForDynamicSites, detail)
            }
            CodeRefused::BalanceLimit(_) => Self::new(ProblemCode::BalanceLimit, detail),
        }
    }
}

impl From<CreateSiteError> for Problem {
    fn from(error: CreateSiteError) -> Self {
        match error {
            // Three random IDs in a row were taken: the source of randomness is broken.
            CreateSiteError::Exists => Self::defect(error),
        }
    }
}

impl From<ChargeRefused> for Problem {
    fn from(error: ChargeRefused) -> Self {
        let detail = error.to_string();
        match error {
            ChargeRefused::PaymentRequired => Self::new(ProblemCode::PaymentRequired, detail),
            ChargeRefused::InsufficientCredits { needed, available } => {
                Self::new(ProblemCode::InsufficientCredits, detail)
                    .with("needed", needed)
                    .with("available", available)
            }
            ChargeRefused::InsufficientSms { needed, available } => {
                Self::new(ProblemCode::InsufficientSms, detail)
                    .with("needed", needed)
                    .with("available", available)
            }
        }
    }
}

impl From<SettingsRefused> for Problem {
    fn from(error: SettingsRefused) -> Self {
        match error {
            SettingsRefused::Nothing | SettingsRefused::Countries => {
                Self::malformed(error.to_string())
            }
        }
    }
}

impl From<DeletionRefused> for Problem {
    fn from(error: DeletionRefused) -> Self {
        let detail = error.to_string();
        match error {
            DeletionRefused::NotAllowed => Self::not_allowed(detail),
            DeletionRefused::NotEmpty(balances) => {
                Self::new(ProblemCode::SiteNotEmpty, detail).with("balances", json!(balances))
            }
        }
    }
}

impl From<AdministratorRefused> for Problem {
    fn from(error: AdministratorRefused) -> Self {
        let code = match error {
            AdministratorRefused::NotAllowed(_) => ProblemCode::NotAllowed,
            AdministratorRefused::Exists { .. } => ProblemCode::AdministratorExists,
            AdministratorRefused::NotFound => ProblemCode::AdministratorNotFound,
            AdministratorRefused::LastMaster => ProblemCode::LastMaster,
            AdministratorRefused::TooMany => ProblemCode::TooManyAdministrators,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        let detail = error.to_string();
        match error {
            RegisterError::Refused(refused) => refused.into(),
            RegisterError::Exists(devices) => {
                Self::new(ProblemCode::DeviceExists, detail).with("device_ids", json!(devices))
            }
        }
    }
}

impl From<RegistrationRefused> for Problem {
    fn from(error: RegistrationRefused) -> Self {
        let detail = error.to_string();
        match error {
            RegistrationRefused::Charge(refused) => refused.into(),
            RegistrationRefused::Count => Self::malformed(detail),
            RegistrationRefused::TooManyDevices(_) => {
                Self::new(ProblemCode::TooManyDevices, detail)
            }
        }
    }
}

impl From<RemoveError> for Problem {
    fn from(error: RemoveError) -> Self {
        match error {
            RemoveError::Refused(RemovalRefused::NotCounted(_)) => Self::defect(error),
            RemoveError::NotFound => Self::new(ProblemCode::DeviceNotFound, error.to_string()),
        }
    }
}

impl From<UserRefused> for Problem {
    fn from(error: UserRefused) -> Self {
        let detail = error.to_string();
        match error {
            UserRefused::Exists => Self::new(ProblemCode::UserExists, detail),
            UserRefused::NotFound => Self::new(ProblemCode::UserNotFound, detail),
            UserRefused::Nothing | UserRefused::Mobile(_) => Self::malformed(detail),
            UserRefused::Full(_) => Self::new(ProblemCode::TooManyUsers, detail),
            UserRefused::Card(refused) => refused.into(),
        }
    }
}

impl From<CardRefused> for Problem {
    fn from(error: CardRefused) -> Self {
        let detail = error.to_string();
        match error {
            CardRefused::Exists => Self::new(ProblemCode::CardExists, detail),
            CardRefused::NotFound => Self::new(ProblemCode::CardNotFound, detail),
            CardRefused::Validity { .. } => Self::malformed(detail),
            CardRefused::Charge(refused) => refused.into(),
        }
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        let detail = error.to_string();
        match error {
            MessageError::Refused(refused) => refused.into(),
            MessageError::User(refused) => refused.into(),
            MessageError::NotFound => Self::new(ProblemCode::MessageNotFound, detail),
            MessageError::Network(_) => Self {
                source: Some(Box::new(error)),
                ..Self::new(ProblemCode::Busy, "nothing was changed; try again")
            },
        }
    }
}

impl From<MessageRefused> for Problem {
    fn from(error: MessageRefused) -> Self {
        let detail = error.to_string();
        let code = match error {
            MessageRefused::NoNumber => ProblemCode::NoMobileNumber,
            MessageRefused::Country { .. } => ProblemCode::SmsCountryNotAllowed,
            MessageRefused::OptedOut => ProblemCode::OptedOut,
            MessageRefused::TooMany(_) => ProblemCode::TooManyMessages,
            MessageRefused::TooLong(_) => ProblemCode::MessageTooLong,
            MessageRefused::Charge(refused) => return refused.into(),
        };
        Self::new(code, detail)
    }
}

impl From<BatchError> for Problem {
    fn from(error: BatchError) -> Self {
        let detail = error.to_string();
        match error {
            BatchError::Invalid(_) => Self::malformed(detail),
            BatchError::NotFound => Self::new(ProblemCode::BatchNotFound, detail),
            BatchError::CodeNotRecognised { place, .. } => {
                Self::new(ProblemCode::CodeNotRecognised, detail).with("place", place)
            }
            BatchError::KeyReused => Self::new(ProblemCode::IdempotencyKeyReused, detail),
            BatchError::SecretMissing(error) => error.into(),
            BatchError::Store(error) => error.into(),
        }
    }
}
