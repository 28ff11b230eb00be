//! Settling a site: charging due dates, halting and resuming (rules 7 to 11).

use crate::domain::model::change::{Change, MAX_ITEMS};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{MAX_ADMINISTRATORS, Site, SiteType, Status};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::forecast::overdue;
use crate::domain::values::amount::{BalanceOutOfRange, Changes};
use crate::domain::values::calendar::dates_after;
use jiff::Timestamp;

/// The most due dates that one change charges: two months of daily due dates. A site that missed more is charged
/// in several transactions, so that each fits one.
pub const DUE_DATES_A_CHANGE: usize = 62;

/// The items of a change beside its due dates, and the devices or administrators that it adds or removes: the site, the
/// request, the command's own entries (two where a site is handed over) and guards (a code, and two of its partner's
/// account), and a halt, or an overdue deduction and a resume.
pub(crate) const OTHER_ITEMS: usize = 9;

const _: () = assert!(DUE_DATES_A_CHANGE + OTHER_ITEMS + MAX_ADMINISTRATORS <= MAX_ITEMS);

/// How far a site was settled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Settled {
    /// Every due date until today was charged, or the site is halted.
    UntilToday,
    /// As many due dates were charged as one change may, and there are more.
    InPart,
}

/// How a command begins (rule 11).
pub(crate) enum Begun {
    /// Everything that was due is charged in this draft, and the command goes on with it.
    Draft(Draft),
    /// More due dates were missed than one change may charge.
    SettleFirst(Change),
}

/// Begins a command: what is due of a site that runs is charged first. A halted site is left as it is: it resumes by a
/// recharge or a removal alone (rule 9).
pub(crate) fn begin(site: Site, now: Timestamp) -> Result<Begun, BalanceOutOfRange> {
    begin_with(site, DUE_DATES_A_CHANGE, now)
}

/// As [`begin`], and charges at most `most` due dates.
pub(crate) fn begin_with(
    site: Site,
    most: usize,
    now: Timestamp,
) -> Result<Begun, BalanceOutOfRange> {
    let mut draft = Draft::of(site, now);
    let runs = draft.site.status == Status::Activated;
    if runs && settle(&mut draft, most)? == Settled::InPart {
        return Ok(Begun::SettleFirst(draft.finish(Vec::new())));
    }
    Ok(Begun::Draft(draft))
}

/// Brings a site up to today: an activated one is charged for each due date it missed, until it falls short; a
/// halted one pays what is overdue and resumes, if its balance covers that. Charges at most `most` due dates.
pub(crate) fn settle(draft: &mut Draft, most: usize) -> Result<Settled, BalanceOutOfRange> {
    match (draft.site.site_type, draft.site.status) {
        (SiteType::Regular, _) | (_, Status::Deleted) => Ok(Settled::UntilToday),
        (SiteType::Dynamic, Status::Activated) => charge_due_dates(draft, most),
        (SiteType::Dynamic, Status::PaymentRequired) => {
            pay_overdue(draft).map(|()| Settled::UntilToday)
        }
    }
}

fn charge_due_dates(draft: &mut Draft, most: usize) -> Result<Settled, BalanceOutOfRange> {
    if draft.site.devices.total() == 0 {
        draft.site.charged_through = draft.today;
        return Ok(Settled::UntilToday);
    }
    let mut charged = 0;
    for due_on in dates_after(draft.site.charged_through, draft.today) {
        let devices = draft.site.devices.due_on(due_on);
        if charged == most && devices > 0 {
            return Ok(Settled::InPart);
        }
        if draft.site.balances.credits < u64::from(devices) {
            draft.site.status = Status::PaymentRequired;
            // What was warned of has come: also where the site resumes in this very change, a later shortage is another.
            draft.site.warned = None;
            draft.record(
                Actor::System,
                Event::Halt { due_on, devices },
                Changes::NONE,
            )?;
            return Ok(Settled::UntilToday);
        }
        if devices > 0 {
            let taken = Changes::take_credits(u64::from(devices))?;
            draft.record(Actor::System, Event::Deduction { due_on, devices }, taken)?;
            charged += 1;
        }
        draft.site.charged_through = due_on;
    }
    Ok(Settled::UntilToday)
}

fn pay_overdue(draft: &mut Draft) -> Result<(), BalanceOutOfRange> {
    let devices = overdue(&draft.site, draft.today);
    if draft.site.balances.credits < u64::from(devices) {
        return Ok(());
    }
    if devices > 0 {
        let event = Event::OverdueDeduction {
            charged_through: draft.site.charged_through,
            paid_through: draft.today,
            devices,
        };
        draft.record(
            Actor::System,
            event,
            Changes::take_credits(u64::from(devices))?,
        )?;
    }
    draft.site.status = Status::Activated;
    draft.site.charged_through = draft.today;
    let resumed_on = draft.today;
    draft.record(Actor::System, Event::Resume { resumed_on }, Changes::NONE)
}
