//! Balances and their changes: whole numbers, never below zero and never above [`MAX_BALANCE`].

use serde::{Deserialize, Serialize};

/// The largest balance of each kind: 2^53 − 1, the largest whole number that every JSON reader keeps exactly.
pub const MAX_BALANCE: u64 = (1 << 53) - 1;

/// How many SMS one credit becomes when a code is applied to SMS (rule 2).
pub const SMS_A_CREDIT: u64 = 50;

/// The three balances of a site, in credits, maintenance credits and messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balances {
    /// Regular credits.
    pub credits: u64,
    /// Maintenance credits, which only regular sites hold.
    pub maintenance_credits: u64,
    /// Messages.
    pub sms: u64,
}

/// What one entry adds to each balance, or takes from it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Regular credits.
    pub credits: i64,
    /// Maintenance credits.
    pub maintenance_credits: i64,
    /// Messages.
    pub sms: i64,
}

/// A change would take a balance below zero, or above [`MAX_BALANCE`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a balance would leave the range 0 to {MAX_BALANCE}")]
pub struct BalanceOutOfRange;

/// An amount beyond 2^63 becomes that bound, which [`Balances::after`] refuses like any other that is too large.
impl Changes {
    /// No change of any balance.
    pub const NONE: Self = Self {
        credits: 0,
        maintenance_credits: 0,
        sms: 0,
    };

    /// Takes regular credits.
    #[must_use]
    pub fn take_credits(credits: u64) -> Self {
        Self {
            credits: 0_i64.saturating_sub_unsigned(credits),
            ..Self::NONE
        }
    }

    /// Takes maintenance credits.
    #[must_use]
    pub fn take_maintenance_credits(credits: u64) -> Self {
        Self {
            maintenance_credits: 0_i64.saturating_sub_unsigned(credits),
            ..Self::NONE
        }
    }

    /// Takes SMS.
    #[must_use]
    pub fn take_sms(sms: u64) -> Self {
        Self {
            sms: 0_i64.saturating_sub_unsigned(sms),
            ..Self::NONE
        }
    }

    /// Takes everything that there is.
    #[must_use]
    pub fn take_all(balances: Balances) -> Self {
        Self {
            credits: 0_i64.saturating_sub_unsigned(balances.credits),
            maintenance_credits: 0_i64.saturating_sub_unsigned(balances.maintenance_credits),
            sms: 0_i64.saturating_sub_unsigned(balances.sms),
        }
    }

    /// Adds credits and maintenance credits.
    #[must_use]
    pub fn add_credits(credits: u64, maintenance_credits: u64) -> Self {
        Self {
            credits: 0_i64.saturating_add_unsigned(credits),
            maintenance_credits: 0_i64.saturating_add_unsigned(maintenance_credits),
            sms: 0,
        }
    }

    /// Adds SMS.
    #[must_use]
    pub fn add_sms(sms: u64) -> Self {
        Self {
            sms: 0_i64.saturating_add_unsigned(sms),
            ..Self::NONE
        }
    }

    /// Adds the SMS that `credits` are worth (rule 2).
    #[must_use]
    pub fn add_sms_for(credits: u64) -> Self {
        Self::add_sms(credits.saturating_mul(SMS_A_CREDIT))
    }
}

impl Balances {
    /// The balances after `changes`.
    ///
    /// # Errors
    /// One of them would fall below zero or rise above [`MAX_BALANCE`].
    pub fn after(self, changes: Changes) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            credits: moved(self.credits, changes.credits)?,
            maintenance_credits: moved(self.maintenance_credits, changes.maintenance_credits)?,
            sms: moved(self.sms, changes.sms)?,
        })
    }
}

fn moved(balance: u64, change: i64) -> Result<u64, BalanceOutOfRange> {
    balance
        .checked_add_signed(change)
        .filter(|&after| after <= MAX_BALANCE)
        .ok_or(BalanceOutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_stays_between_zero_and_its_limit() {
        let ten = Balances {
            credits: 10,
            ..Balances::default()
        };
        let all = ten.after(Changes::take_credits(10)).unwrap();
        assert_eq!(all, Balances::default());
        let full = Balances {
            sms: MAX_BALANCE - 49,
            ..Balances::default()
        };
        for (balances, changes) in [
            (ten, Changes::take_credits(11)),
            (ten, Changes::take_credits(u64::MAX)),
            (full, Changes::add_sms_for(1)),
            (
                Balances::default(),
                Changes::add_credits(MAX_BALANCE + 1, 0),
            ),
            (Balances::default(), Changes::add_sms_for(u64::MAX)),
        ] {
            assert_eq!(balances.after(changes), Err(BalanceOutOfRange));
        }
    }

    #[test]
    fn a_credit_is_worth_fifty_sms() {
        assert_eq!(Changes::add_sms_for(3).sms, 150);
    }
}
