//! A partner's account: what it issued and voided, what was applied of it, and the sites that got it.
//!
//! Every line of an issue, a fetch or a voiding is written in the transaction of what it tells of. What was applied is told by
//! the codes themselves, and how much a site got by the site, which the same transaction writes anyway. So the account costs
//! next to nothing, and can be proved against the codes and the statements. Nothing of it is ever changed or deleted.

use crate::domain::model::code::{CodeValue, Recharge};
use crate::domain::values::amount::SMS_A_CREDIT;
use crate::domain::values::ids::{BatchId, PartnerId, SiteId};
use crate::domain::values::names::{Reason, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of a partner's history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryLine {
    /// Whose.
    pub partner_id: PartnerId,
    /// Unique among the lines of one instant, and the same when the same thing is written again.
    pub id: String,
    /// What happened. This is also its form in the contract.
    pub content: HistoryContent,
}

/// What a line of a history says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct HistoryContent {
    /// When.
    pub at: Timestamp,
    /// The batch.
    pub batch_id: BatchId,
    /// How many codes.
    pub codes: u32,
    /// The credits that they carry together.
    pub credits: u64,
    /// The maintenance credits that they carry together.
    pub maintenance_credits: u64,
    /// What happened to them.
    #[serde(flatten)]
    pub event: PartnerEvent,
}

/// What happened to codes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PartnerEvent {
    /// They were issued.
    Issued {
        /// By whom.
        by: Subject,
    },
    /// The plain codes were handed out again.
    Fetched {
        /// To whom.
        by: Subject,
    },
    /// They were voided.
    Voided {
        /// By whom.
        by: Subject,
        /// Why.
        reason: Reason,
    },
    /// One was applied.
    Applied {
        /// To which site.
        site_id: SiteId,
        /// The code's last four symbols.
        code_last_four: String,
        /// Which balance it recharged.
        recharge: Recharge,
    },
}

impl HistoryContent {
    /// What happened to `codes` codes of one value.
    #[must_use]
    pub fn of(
        at: Timestamp,
        batch_id: BatchId,
        codes: u32,
        value: CodeValue,
        event: PartnerEvent,
    ) -> Self {
        // At most 10,000 codes of at most a million credits each.
        Self {
            at,
            batch_id,
            codes,
            credits: value.credits() * u64::from(codes),
            maintenance_credits: value.maintenance_credits() * u64::from(codes),
            event,
        }
    }
}

/// What a site got of a partner's codes, in all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// How many codes.
    pub codes: u64,
    /// Regular credits.
    pub credits: u64,
    /// Maintenance credits.
    pub maintenance_credits: u64,
    /// Messages.
    pub sms: u64,
}

impl Received {
    /// With one more code of this value, applied to this balance.
    #[must_use]
    pub fn and(self, value: CodeValue, recharge: Recharge) -> Self {
        let (credits, maintenance_credits) = (value.credits(), value.maintenance_credits());
        // Codes carry at most a million, and a balance has room for nine thousand million of them.
        match recharge {
            Recharge::Credits => Self {
                codes: self.codes + 1,
                credits: self.credits + credits,
                maintenance_credits: self.maintenance_credits + maintenance_credits,
                sms: self.sms,
            },
            Recharge::Sms => Self {
                codes: self.codes + 1,
                sms: self.sms + credits * SMS_A_CREDIT,
                ..self
            },
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            codes: self.codes + other.codes,
            credits: self.credits + other.credits,
            maintenance_credits: self.maintenance_credits + other.maintenance_credits,
            sms: self.sms + other.sms,
        }
    }
}

/// What a site got of one partner, and when it last did.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ReceivedFrom {
    /// What it got.
    #[serde(flatten)]
    pub received: Received,
    /// When it last applied one of the partner's codes.
    pub last_applied_at: Timestamp,
}

impl ReceivedFrom {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            received: self.received.plus(other.received),
            last_applied_at: self.last_applied_at.max(other.last_applied_at),
        }
    }
}
