//! Balances and their changes: whole numbers, checked, and never below zero.

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

impl Changes {
    /// No change of any balance.
    pub const NONE: Self = Self {
        credits: 0,
        maintenance_credits: 0,
        sms: 0,
    };

    /// Takes `credits` regular credits.
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be taken.
    pub fn take_credits(credits: u64) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            credits: -signed(credits)?,
            ..Self::NONE
        })
    }

    /// Takes `credits` maintenance credits.
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be taken.
    pub fn take_maintenance_credits(credits: u64) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            maintenance_credits: -signed(credits)?,
            ..Self::NONE
        })
    }

    /// Takes `sms` SMS.
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be taken.
    pub fn take_sms(sms: u64) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            sms: -signed(sms)?,
            ..Self::NONE
        })
    }

    /// Gives `sms` SMS back.
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be given back.
    pub fn add_sms(sms: u64) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            sms: signed(sms)?,
            ..Self::NONE
        })
    }

    /// Takes everything that there is.
    ///
    /// # Errors
    /// Never of balances, which are at most [`MAX_BALANCE`].
    pub fn take_all(balances: Balances) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            credits: -signed(balances.credits)?,
            maintenance_credits: -signed(balances.maintenance_credits)?,
            sms: -signed(balances.sms)?,
        })
    }

    /// Adds credits and maintenance credits.
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be added.
    pub fn add_credits(credits: u64, maintenance_credits: u64) -> Result<Self, BalanceOutOfRange> {
        Ok(Self {
            credits: signed(credits)?,
            maintenance_credits: signed(maintenance_credits)?,
            sms: 0,
        })
    }

    /// Adds the SMS that `credits` are worth (rule 2).
    ///
    /// # Errors
    /// More than [`MAX_BALANCE`] can never be added.
    pub fn add_sms_for(credits: u64) -> Result<Self, BalanceOutOfRange> {
        let sms = credits.checked_mul(SMS_A_CREDIT).ok_or(BalanceOutOfRange)?;
        Ok(Self {
            sms: signed(sms)?,
            ..Self::NONE
        })
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

fn signed(amount: u64) -> Result<i64, BalanceOutOfRange> {
    i64::try_from(amount)
        .ok()
        .filter(|_| amount <= MAX_BALANCE)
        .ok_or(BalanceOutOfRange)
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
        let all = ten.after(Changes::take_credits(10).unwrap()).unwrap();
        assert_eq!(all, Balances::default());
        assert_eq!(
            ten.after(Changes::take_credits(11).unwrap()),
            Err(BalanceOutOfRange)
        );
        let full = Balances {
            sms: MAX_BALANCE - 49,
            ..Balances::default()
        };
        assert_eq!(
            full.after(Changes::add_sms_for(1).unwrap()),
            Err(BalanceOutOfRange)
        );
        assert_eq!(
            Changes::add_credits(MAX_BALANCE + 1, 0),
            Err(BalanceOutOfRange)
        );
        assert_eq!(Changes::add_sms_for(u64::MAX), Err(BalanceOutOfRange));
    }

    #[test]
    fn a_credit_is_worth_fifty_sms() {
        assert_eq!(Changes::add_sms_for(3).unwrap().sms, 150);
    }
}
