//! What is tried again, how often, and for how long.

use super::StoreError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// How often a command is tried in all.
const MAX_ATTEMPTS: u32 = 10;
/// How often one part of a long command is tried, within the command's own time.
const MAX_PATIENT_ATTEMPTS: u32 = 100;
/// No attempt starts later than this after the first: with a read and a write that are both not answered, a command
/// ends within 8 s, and its function has 10.
const MAX_TIME: Duration = Duration::from_secs(4);
/// The longest wait before the second attempt; it doubles with every further one.
const FIRST_WAIT_MS: u64 = 16;
/// The longest wait of all.
const LONGEST_WAIT_MS: u64 = 400;

/// Why a request to the table failed, as far as trying again goes.
#[derive(Debug)]
pub enum Failure {
    /// It surely changed nothing: throttled, or in conflict with another.
    NotApplied(Box<dyn Error + Send + Sync>),
    /// It may have changed something: no answer came, or the table failed inside.
    Unknown(Box<dyn Error + Send + Sync>),
    /// Trying again would not help.
    Fatal(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Classifies what the SDK reports, by its type and code and never by a message.
    pub(super) fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        const NOT_APPLIED: [&str; 5] = [
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ThrottlingException",
            "TransactionConflictException",
            "TransactionInProgressException",
        ];
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let status = service.raw().status().as_u16();
                if NOT_APPLIED.contains(&code) {
                    Self::NotApplied(Box::new(error))
                } else if status >= 500 {
                    Self::Unknown(Box::new(error))
                } else {
                    Self::Fatal(Box::new(error))
                }
            }
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => Self::Unknown(Box::new(error)),
            _ => Self::Fatal(Box::new(error)),
        }
    }
}

/// Counts the attempts of one command, and waits between them.
#[derive(Debug)]
pub struct Attempts {
    begun: u32,
    most: u32,
    until: Instant,
    unanswered: bool,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            begun: 1,
            most: MAX_ATTEMPTS,
            unanswered: false,
            until: Instant::now() + MAX_TIME,
        }
    }
}

impl Attempts {
    /// The attempts of one part of a command that ends at an instant of its own: a table that is used for the first
    /// time takes a few thousand writes a second, and refuses what is more for a while.
    pub(crate) fn patient(until: Instant) -> Self {
        Self {
            most: MAX_PATIENT_ATTEMPTS,
            until,
            ..Self::default()
        }
    }

    /// Waits before another attempt: a random time up to a bound that doubles, so that those who raced once do
    /// not meet again.
    ///
    /// # Errors
    /// The attempts or the time are used up: [`StoreError::Busy`] with the last failure, or
    /// [`StoreError::OutcomeUnknown`] once a write went unanswered, as nobody can then say that nothing was changed.
    pub async fn again(
        &mut self,
        last: Option<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), StoreError> {
        let bound = (FIRST_WAIT_MS << (self.begun - 1).min(16)).min(LONGEST_WAIT_MS);
        // Without entropy the wait is the bound itself, which is only less fair.
        let random = getrandom::u64().unwrap_or(bound);
        let wait = Duration::from_millis(random % (bound + 1));
        if self.begun >= self.most || Instant::now() + wait >= self.until {
            return Err(if self.unanswered {
                StoreError::OutcomeUnknown
            } else {
                StoreError::Busy(last)
            });
        }
        self.begun += 1;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Remembers that a write was sent and not answered.
    pub fn unanswered(&mut self) {
        self.unanswered = true;
    }

    /// Waits before a write is sent or decided again.
    ///
    /// # Errors
    /// As [`Attempts::again`]; a fatal failure at once.
    pub async fn write_again(&mut self, failure: Failure) -> Result<(), StoreError> {
        self.unanswered |= matches!(failure, Failure::Unknown(_));
        self.read_again(failure).await
    }

    /// Waits before a request is sent again that may be carried out any number of times.
    ///
    /// # Errors
    /// As [`Attempts::again`]; a fatal failure at once.
    pub(crate) async fn read_again(&mut self, failure: Failure) -> Result<(), StoreError> {
        match failure {
            Failure::NotApplied(error) | Failure::Unknown(error) => self.again(Some(error)).await,
            Failure::Fatal(error) => Err(StoreError::Refused(error)),
        }
    }
}
