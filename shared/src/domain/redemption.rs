//! Applying a code to a site (rules 1 to 3 and 9).

use super::amount::{BalanceOutOfRange, Balances, Changes};
use super::change::{Change, Draft, Guard};
use super::code::{Application, Code, CodeState};
use super::deduction::{DUE_DATES_A_CHANGE, settle};
use super::entry::{Actor, CodeReference, Event};
use super::identity::{CommandId, Email, SiteId};
use super::site::{Site, SiteType, Status};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// Which balance a code recharges.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recharge {
    /// Credits and maintenance credits, 1:1.
    Credits,
    /// SMS, 50 for each credit.
    Sms,
}

/// Why a code cannot be applied to a site.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodeRefused {
    /// It was applied to this site before.
    #[error("this code was applied to this site at {}, as entry {}", .0.at, .0.entry_sequence)]
    AppliedHere(Application),
    /// It was applied to another site, of which nothing is said.
    #[error("this code was applied to another site")]
    AppliedElsewhere,
    /// It was voided by the partner who issued it.
    #[error("this code was voided by the partner who issued it")]
    Voided,
    /// Its last date is over, in the site's time zone.
    #[error("this code could be applied until {expires_on}; at this site it is {today}")]
    Expired {
        /// The last date.
        expires_on: Date,
        /// The site's date.
        today: Date,
    },
    /// It was issued for another site.
    #[error("this code was issued for another site")]
    BoundElsewhere,
    /// It has maintenance credits, which SMS cannot be recharged with.
    #[error("a code with maintenance credits cannot recharge SMS")]
    NotForSms,
    /// It has maintenance credits, which a dynamic site could never spend.
    #[error(
        "a dynamic site cannot spend maintenance credits, so it does not take a code that has any"
    )]
    NotForDynamicSites,
    /// The site's balance would rise above its limit.
    #[error("with this code, {0}")]
    BalanceLimit(#[from] BalanceOutOfRange),
}

/// Who applies a code, and in which command.
#[derive(Clone, Debug)]
pub struct Redeemer {
    /// Who.
    pub email: Email,
    /// The command.
    pub command_id: CommandId,
}

/// Applies a code to a site, whole: the value is added, then what is due is charged, or what is overdue is paid
/// and the site resumed (rules 9 and 11).
///
/// The first entry of the change is the redemption.
///
/// # Errors
/// [`CodeRefused`] says why the code cannot be applied to this site.
pub fn redeem(
    site: Site,
    code: &Code,
    recharge: Recharge,
    by: &Redeemer,
    now: Timestamp,
) -> Result<Change, CodeRefused> {
    let mut draft = Draft::of(site, now);
    check(&draft.site, code, recharge, draft.today)?;
    let reference = CodeReference {
        code_id: code.key.clone(),
        code_last_four: code.last_four.clone(),
        batch_id: code.batch_id.clone(),
        partner_id: code.partner_id.clone(),
    };
    let value = code.value;
    let (event, changes) = match recharge {
        Recharge::Credits => (
            Event::Redemption(reference),
            Changes::add_credits(value.credits(), value.maintenance_credits())?,
        ),
        Recharge::Sms => (
            Event::SmsRedemption(reference),
            Changes::add_sms_for(value.credits())?,
        ),
    };
    let actor = Actor::Administrator {
        email: by.email.clone(),
    };
    draft.record(actor, event, changes)?;
    let guard = Guard::CodeApplied {
        key: code.key.clone(),
        application: Application {
            site_id: draft.site.id.clone(),
            entry_sequence: draft.site.sequence,
            at: draft.at(),
            by: by.email.clone(),
            command_id: by.command_id.clone(),
        },
        today: draft.today,
    };
    // A backlog of more due dates than one change may charge stays on the agenda, the value already added.
    settle(&mut draft, DUE_DATES_A_CHANGE)?;
    Ok(draft.finish(vec![guard]))
}

fn check(site: &Site, code: &Code, recharge: Recharge, today: Date) -> Result<(), CodeRefused> {
    match &code.state {
        CodeState::Outstanding => {}
        CodeState::Applied(application) if application.site_id == site.id => {
            return Err(CodeRefused::AppliedHere(application.clone()));
        }
        CodeState::Applied(_) => return Err(CodeRefused::AppliedElsewhere),
        CodeState::Voided { .. } => return Err(CodeRefused::Voided),
    }
    if code
        .bound_to
        .as_ref()
        .is_some_and(|bound| *bound != site.id)
    {
        return Err(CodeRefused::BoundElsewhere);
    }
    if let Some(expires_on) = code.expires_on.filter(|&last| last < today) {
        return Err(CodeRefused::Expired { expires_on, today });
    }
    let maintenance = code.value.maintenance_credits() > 0;
    match (recharge, site.site_type) {
        (Recharge::Sms, _) if maintenance => Err(CodeRefused::NotForSms),
        (Recharge::Credits, SiteType::Dynamic) if maintenance => {
            Err(CodeRefused::NotForDynamicSites)
        }
        (Recharge::Credits | Recharge::Sms, SiteType::Dynamic | SiteType::Regular) => Ok(()),
    }
}

/// What applying a code would do (rule 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preview {
    /// The site that would be recharged.
    pub site_id: SiteId,
    /// The balances now.
    pub before: Balances,
    /// The balances after, with everything that applying it would also pay.
    pub after: Balances,
    /// The status now.
    pub status_before: Status,
    /// The status after.
    pub status_after: Status,
}

/// What [`redeem`] would do, by doing it to a copy.
///
/// # Errors
/// As [`redeem`].
pub fn preview(
    site: &Site,
    code: &Code,
    recharge: Recharge,
    by: &Redeemer,
    now: Timestamp,
) -> Result<Preview, CodeRefused> {
    let after = redeem(site.clone(), code, recharge, by, now)?.site;
    Ok(Preview {
        site_id: after.id,
        before: site.balances,
        after: after.balances,
        status_before: site.status,
        status_after: after.status,
    })
}
