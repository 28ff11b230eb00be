//! A partner's account: what it issued and voided, what was applied of it, and the sites that got it.
//!
//! Every line is written in the transaction of what it tells of, so that the account can be proved against the codes
//! and the statements. Lines are never changed and never deleted.

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

/// A code that a site applied, as its partner sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sale {
    /// The partner who issued the code.
    pub partner_id: PartnerId,
    /// The batch.
    pub batch_id: BatchId,
    /// The code's last four symbols.
    pub code_last_four: String,
    /// The site that applied it.
    pub site_id: SiteId,
    /// The number of the entry in the site's statement.
    pub entry_sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What the code carried.
    pub value: CodeValue,
    /// Which balance it recharged.
    pub recharge: Recharge,
}

impl Sale {
    /// Its line in the partner's history.
    #[must_use]
    pub fn history(&self) -> HistoryLine {
        let event = PartnerEvent::Applied {
            site_id: self.site_id.clone(),
            code_last_four: self.code_last_four.clone(),
            recharge: self.recharge,
        };
        HistoryLine {
            partner_id: self.partner_id.clone(),
            // Stored and not shown: how many entries a site has is not a partner's business.
            id: format!("{}-{}", self.site_id, self.entry_sequence),
            content: HistoryContent::of(self.at, self.batch_id.clone(), 1, self.value, event),
        }
    }

    /// What the site got.
    #[must_use]
    pub fn received(&self) -> Received {
        let (credits, maintenance_credits) =
            (self.value.credits(), self.value.maintenance_credits());
        match self.recharge {
            Recharge::Credits => Received {
                codes: 1,
                credits,
                maintenance_credits,
                sms: 0,
            },
            // At most fifty million.
            Recharge::Sms => Received {
                codes: 1,
                sms: credits * SMS_A_CREDIT,
                ..Received::default()
            },
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
