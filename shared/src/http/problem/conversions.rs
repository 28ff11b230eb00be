//! The conversion of every error to a problem.

use super::{Problem, ProblemCode};
use crate::commands::{
    BatchError, CommandError, CreateSiteError, DeviceNotFound, EmailNotVerified, MessageError,
    ReadError, RedeemError, RegisterError, RemoveError, ReplaceError, SiteNotFound, UserRefused,
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
use serde_json::json;
use std::error::Error;

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
            RedeemError::TooManyWrong(limit) => {
                let problem = Self::new(ProblemCode::TooManyWrongCodes, error.to_string());
                problem.retry_after(limit.again_in_seconds)
            }
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
            CodeRefused::Expired(last) => Self::new(ProblemCode::CodeExpired, detail)
                .with("expires_on", last.to_string())
                .with("expires_at", last.ends_at().to_string()),
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
            ChargeRefused::PaymentRequired { owed, available } => {
                let problem = Self::new(ProblemCode::PaymentRequired, detail);
                problem.with("needed", owed).with("available", available)
            }
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
            AdministratorRefused::Invited { .. } => ProblemCode::InvitationExists,
            AdministratorRefused::TooManyInvitations => ProblemCode::TooManyInvitations,
            AdministratorRefused::NotInvited => ProblemCode::InvitationNotFound,
            AdministratorRefused::SentTooOften => ProblemCode::TooManySendings,
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
            RemoveError::NotFound(error) => error.into(),
        }
    }
}

impl From<ReplaceError> for Problem {
    fn from(error: ReplaceError) -> Self {
        let detail = error.to_string();
        match error {
            ReplaceError::Refused(refused) => refused.into(),
            ReplaceError::NotFound(error) => error.into(),
            ReplaceError::Exists(device) => {
                Self::new(ProblemCode::DeviceExists, detail).with("device_ids", json!([device]))
            }
        }
    }
}

impl From<DeviceNotFound> for Problem {
    fn from(error: DeviceNotFound) -> Self {
        Self::new(ProblemCode::DeviceNotFound, error.to_string())
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
            CardRefused::AnotherHolder => Self::new(ProblemCode::AnotherHolder, detail),
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
            MessageRefused::TooMany { limit, .. } => {
                let problem = Self::new(ProblemCode::TooManyMessages, detail);
                return problem.retry_after(limit.again_in_seconds);
            }
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
