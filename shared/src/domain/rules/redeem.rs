//! Applying a code to a site (rules 1 to 3 and 9).

use crate::domain::model::account::{Received, ReceivedFrom};
use crate::domain::model::change::{Change, Write};
use crate::domain::model::code::{Application, Code, CodeState, Recharge};
use crate::domain::model::entry::{CodeReference, Event};
use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::forecast::overdue;
use crate::domain::rules::settle::settle;
use crate::domain::values::amount::{BalanceOutOfRange, Balances, Changes};
use crate::domain::values::ids::{CommandId, PartnerId, PersonId, SiteId};
use crate::domain::values::last_date::LastDate;
use jiff::Timestamp;

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
    /// Its last date is over.
    #[error("this code expired at {}, when {} had ended everywhere on Earth", .0.ends_at(), .0)]
    Expired(LastDate),
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
    pub person: PersonId,
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
    check(&draft.site, code, recharge, draft.at())?;
    let reference = CodeReference {
        code_id: code.key.clone(),
        code_last_four: code.last_four.clone(),
        batch_id: code.batch_id.clone(),
        partner_id: code.partner_id.clone(),
    };
    let (credits, maintenance_credits) = (code.value.credits(), code.value.maintenance_credits());
    let (event, changes) = match recharge {
        Recharge::Credits => (
            Event::Redemption(reference),
            Changes::add_credits(credits, maintenance_credits),
        ),
        Recharge::Sms => (
            Event::SmsRedemption(reference),
            Changes::add_sms_for(credits),
        ),
    };
    draft.apply_by(&by.person, event, changes)?;
    let applied = Write::CodeApplied {
        key: code.key.clone(),
        application: Application {
            site_id: draft.site.id.clone(),
            entry_sequence: draft.site.sequence,
            at: draft.at(),
            recharge: Some(recharge),
            command_id: by.command_id.clone(),
        },
    };
    let first_of = receive(&mut draft, code, recharge);
    settle(&mut draft);
    Ok(Change {
        first_of,
        ..draft.finish(vec![applied])
    })
}

/// Adds a code up for its partner, and says whose it is if the site had none of that partner before.
fn receive(draft: &mut Draft, code: &Code, recharge: Recharge) -> Option<PartnerId> {
    let at = draft.at();
    let partner_id = &code.partner_id;
    let before = draft.site.received.get(partner_id);
    let first_of = before.is_none().then(|| partner_id.clone());
    let received = before.map_or(Received::default(), |before| before.received);
    let after = ReceivedFrom {
        received: received.and(code.value, recharge),
        last_applied_at: at,
    };
    draft.site.received.insert(partner_id.clone(), after);
    first_of
}

fn check(site: &Site, code: &Code, recharge: Recharge, at: Timestamp) -> Result<(), CodeRefused> {
    match &code.state {
        CodeState::Outstanding => {}
        CodeState::Applied(application) if application.site_id == site.id => {
            return Err(CodeRefused::AppliedHere(application.clone()));
        }
        CodeState::Applied(_) => return Err(CodeRefused::AppliedElsewhere),
        CodeState::Voided(_) => return Err(CodeRefused::Voided),
    }
    if code
        .bound_to
        .as_ref()
        .is_some_and(|bound| *bound != site.id)
    {
        return Err(CodeRefused::BoundElsewhere);
    }
    if let Some(expires_on) = code.expires_on.filter(|last| last.is_over(at)) {
        return Err(CodeRefused::Expired(expires_on));
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
    /// What is owed now.
    pub overdue_before: u32,
    /// What stays owed after, of a site that stays halted.
    pub overdue_after: u32,
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
        overdue_before: overdue(site, site.today(now)),
        overdue_after: overdue(&after, after.today(now)),
        site_id: after.id,
        before: site.balances,
        after: after.balances,
        status_before: site.status,
        status_after: after.status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::code::{CodeValue, Voiding};
    use crate::domain::model::site::NewSite;
    use crate::domain::rules::sites::create;
    use crate::domain::values::amount::MAX_BALANCE;
    use crate::domain::values::country::Country;
    use crate::domain::values::email::Email;
    use crate::domain::values::ids::BatchId;
    use crate::domain::values::license_code::CodeKey;
    use crate::domain::values::names::{Reason, SiteName, Subject};
    use crate::domain::values::time_zone::TimeZone;
    use jiff::civil::date;

    fn now() -> Timestamp {
        "2026-12-09T12:00:00Z".parse().unwrap()
    }

    fn site(site_type: SiteType) -> Site {
        let new = NewSite {
            id: SiteId::parse("K7QP01M99").unwrap(),
            name: SiteName::parse("Harbour Gym").unwrap(),
            country: Country::parse("AT").unwrap(),
            time_zone: TimeZone::parse("Europe/Vienna").unwrap(),
            language: crate::domain::values::country::Language::default(),
            site_type,
            master: Email::parse("kim@example.com").unwrap(),
            person: PersonId::random(),
        };
        create(new, now()).site
    }

    fn code(credits: u64, maintenance_credits: u64) -> Code {
        Code {
            key: CodeKey::from_stored("00112233445566778899aabbccddeeff"),
            last_four: "7Q4Z".to_owned(),
            value: CodeValue::new(credits, maintenance_credits).unwrap(),
            expires_on: None,
            bound_to: None,
            partner_id: PartnerId::parse("acme").unwrap(),
            batch_id: BatchId::parse("019b0212-0000-7000-8000-000000000000").unwrap(),
            index: 0,
            state: CodeState::Outstanding,
        }
    }

    fn kim() -> Redeemer {
        Redeemer {
            person: PersonId::random(),
            command_id: CommandId::random(),
        }
    }

    #[test]
    fn a_balance_at_its_limit_takes_no_more() {
        let mut full = site(SiteType::Regular);
        full.balances.credits = MAX_BALANCE - 9;
        assert!(redeem(full.clone(), &code(9, 0), Recharge::Credits, &kim(), now()).is_ok());
        let refused = redeem(full, &code(10, 0), Recharge::Credits, &kim(), now()).unwrap_err();
        assert_eq!(refused, CodeRefused::BalanceLimit(BalanceOutOfRange));
        let mut full = site(SiteType::Regular);
        full.balances.sms = MAX_BALANCE - 49;
        let refused = redeem(full, &code(1, 0), Recharge::Sms, &kim(), now()).unwrap_err();
        assert_eq!(refused, CodeRefused::BalanceLimit(BalanceOutOfRange));
    }

    #[test]
    fn a_voided_code_says_so_before_anything_else() {
        let mut voided = code(1, 1);
        voided.state = CodeState::Voided(Voiding {
            at: now(),
            by: Subject::parse("partner").unwrap(),
            reason: Reason::parse("stolen").unwrap(),
            command_id: CommandId::random(),
        });
        voided.expires_on = Some(date(2020, 1, 1).into());
        let refused = redeem(
            site(SiteType::Dynamic),
            &voided,
            Recharge::Sms,
            &kim(),
            now(),
        );
        assert_eq!(refused.unwrap_err(), CodeRefused::Voided);
    }

    #[test]
    fn a_code_expires_by_the_time_of_the_entry_that_would_apply_it() {
        let mut expiring = code(1, 0);
        expiring.expires_on = Some(date(2026, 12, 8).into());
        let early = now() - jiff::SignedDuration::from_nanos(1);
        let applied = |last_entry_at: Timestamp, now: Timestamp| {
            let mut site = site(SiteType::Regular);
            site.last_entry_at = last_entry_at;
            redeem(site, &expiring, Recharge::Credits, &kim(), now).map(|_| ())
        };
        let expired = Err(CodeRefused::Expired(date(2026, 12, 8).into()));
        assert_eq!(applied(early, early), Ok(()));
        assert_eq!(applied(early, now()), expired);
        // The event came late, and its entry would have the time of the one before.
        assert_eq!(applied(now(), early), expired);
    }

    #[test]
    fn a_preview_is_what_applying_does() {
        let site = site(SiteType::Regular);
        let shown = preview(&site, &code(7, 2), Recharge::Credits, &kim(), now()).unwrap();
        let change = redeem(site.clone(), &code(7, 2), Recharge::Credits, &kim(), now()).unwrap();
        assert_eq!(
            (shown.before, shown.after),
            (site.balances, change.site.balances)
        );
        assert_eq!(change.expected_version(), Some(site.version));
    }
}
