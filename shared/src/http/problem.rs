//! Problems (RFC 9457): the one place where an error becomes an HTTP status.
//!
//! 500 means a defect, and 503 that it is worth trying again; everything else is the caller's to change.

use super::answer::Answer;
use crate::commands::{CommandError, ReadError, RedeemError, SiteNotFound};
use crate::domain::redemption::CodeRefused;
use crate::store::StoreError;
use serde_json::{Map, Value, json};
use std::error::Error;

/// The stable codes of problems.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProblemCode {
    /// 400: body, parameter or header cannot be read.
    MalformedRequest,
    /// 404: no such site, or the caller is none of its administrators.
    SiteNotFound,
    /// 422: mistyped, forged, or never issued.
    CodeNotRecognised,
    /// 409: applied before.
    CodeAlreadyApplied,
    /// 410: its last date is over.
    CodeExpired,
    /// 410: its partner voided it.
    CodeVoided,
    /// 422: issued for another site.
    CodeNotForThisSite,
    /// 422: it has maintenance credits, which SMS cannot be recharged with.
    CodeNotForSms,
    /// 422: it has maintenance credits, which a dynamic site cannot spend.
    CodeNotForDynamicSites,
    /// 422: a balance would rise above its limit.
    BalanceLimit,
    /// 422: same key, other body.
    IdempotencyKeyReused,
    /// 503: throttled or contended past the retries; nothing was changed.
    Busy,
    /// 503: a write was sent and its outcome is not known; repeat the request with the same key.
    OutcomeUnknown,
    /// 500: a defect.
    InternalError,
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

    /// The code, its status, and its title.
    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::MalformedRequest => ("malformed-request", 400, "The request cannot be read"),
            Self::SiteNotFound => ("site-not-found", 404, "There is no such site"),
            Self::CodeNotRecognised => ("code-not-recognised", 422, "The code is not recognised"),
            Self::CodeAlreadyApplied => {
                ("code-already-applied", 409, "The code was applied before")
            }
            Self::CodeExpired => ("code-expired", 410, "The code has expired"),
            Self::CodeVoided => ("code-voided", 410, "The code was voided"),
            Self::CodeNotForThisSite => (
                "code-not-for-this-site",
                422,
                "The code is for another site",
            ),
            Self::CodeNotForSms => ("code-not-for-sms", 422, "The code cannot recharge SMS"),
            Self::CodeNotForDynamicSites => (
                "code-not-for-dynamic-sites",
                422,
                "The code is for regular sites",
            ),
            Self::BalanceLimit => ("balance-limit", 422, "The balance would be too large"),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                422,
                "The idempotency key was used before",
            ),
            Self::Busy => ("busy", 503, "Too busy just now; nothing was changed"),
            Self::OutcomeUnknown => (
                "outcome-unknown",
                503,
                "Repeat the request with the same idempotency key",
            ),
            Self::InternalError => ("internal-error", 500, "Something is wrong here"),
        }
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
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
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

    /// The answer.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        let (code, status, title) = self.code.row();
        let mut body = json!({
            "type": format!("urn:site-credits:problem:{code}"),
            "title": title,
            "status": status,
            "code": code,
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more);
        }
        let answer = Answer::text(status, "application/problem+json", body.to_string());
        if status == 503 {
            answer.with_header("retry-after", "1")
        } else {
            answer
        }
    }
}

impl From<SiteNotFound> for Problem {
    fn from(error: SiteNotFound) -> Self {
        Self::new(ProblemCode::SiteNotFound, error.to_string())
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
            StoreError::Corrupt(_) | StoreError::Refused(_) => (
                ProblemCode::InternalError,
                "this is not your request's fault; it was logged",
            ),
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
