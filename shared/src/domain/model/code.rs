//! A license code as the table stores it: what it carries, and what became of it (rule 1).

use crate::domain::values::ids::{BatchId, CommandId, PartnerId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::license_code::CodeKey;
use crate::domain::values::names::{Reason, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most credits, and the most maintenance credits, that one code may carry.
pub const MAX_CREDITS_A_CODE: u64 = 1_000_000;

/// What a code carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeValue {
    credits: u64,
    maintenance_credits: u64,
}

/// A code cannot carry this.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a code carries 0 to {MAX_CREDITS_A_CODE} credits and 0 to {MAX_CREDITS_A_CODE} maintenance credits, and not \
     zero of both"
)]
pub struct InvalidCodeValue;

impl CodeValue {
    /// Checks what a code is to carry (rule 1).
    ///
    /// # Errors
    /// Both are zero, or one is above [`MAX_CREDITS_A_CODE`].
    pub fn new(credits: u64, maintenance_credits: u64) -> Result<Self, InvalidCodeValue> {
        let most = credits.max(maintenance_credits);
        (1..=MAX_CREDITS_A_CODE)
            .contains(&most)
            .then_some(Self {
                credits,
                maintenance_credits,
            })
            .ok_or(InvalidCodeValue)
    }

    /// The credits.
    #[must_use]
    pub fn credits(self) -> u64 {
        self.credits
    }

    /// The maintenance credits.
    #[must_use]
    pub fn maintenance_credits(self) -> u64 {
        self.maintenance_credits
    }
}

/// What the table says of a code that was issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Code {
    /// What finds it.
    pub key: CodeKey,
    /// Its last four symbols.
    pub last_four: String,
    /// What it carries.
    pub value: CodeValue,
    /// The last date on which it can be applied.
    pub expires_on: Option<LastDate>,
    /// The only site it can be applied to.
    pub bound_to: Option<SiteId>,
    /// Who issued it.
    pub partner_id: PartnerId,
    /// The batch it was issued in.
    pub batch_id: BatchId,
    /// Its place in the batch.
    pub index: u32,
    /// Whether it was applied or voided.
    pub state: CodeState,
}

/// A code's state. Expiry is not one: it depends on the instant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CodeState {
    /// It can be applied.
    Outstanding,
    /// It was applied, for good.
    Applied(Application),
    /// It was voided, for good.
    Voided(Voiding),
}

/// The voiding of a code by its partner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Voiding {
    /// When.
    pub at: Timestamp,
    /// Who, of the partner's people.
    pub by: Subject,
    /// Why.
    pub reason: Reason,
    /// The command that did it.
    pub command_id: CommandId,
}

/// The application of a code to a site. Its entry says who it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Application {
    /// The site.
    pub site_id: SiteId,
    /// The sequence number of the entry in the site's statement.
    pub entry_sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Which balance it recharged; the first form did not say.
    pub recharge: Option<Recharge>,
    /// The command that did it.
    pub command_id: CommandId,
}

/// Which balance a code recharges.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recharge {
    /// Credits and maintenance credits, 1:1.
    Credits,
    /// SMS, 50 for each credit.
    Sms,
}

impl Recharge {
    /// As the contract spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credits => "credits",
            Self::Sms => "sms",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_carries_something_and_not_too_much() {
        assert!(CodeValue::new(0, 0).is_err());
        assert!(CodeValue::new(0, 1).is_ok());
        assert!(CodeValue::new(MAX_CREDITS_A_CODE, 0).is_ok());
        assert!(CodeValue::new(MAX_CREDITS_A_CODE + 1, 0).is_err());
        assert!(CodeValue::new(1, MAX_CREDITS_A_CODE + 1).is_err());
    }
}
