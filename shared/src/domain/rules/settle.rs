//! Settling a site: charging due dates, halting and resuming (rules 7 to 11).

use crate::domain::model::change::{Change, MAX_ITEMS};
use crate::domain::model::entry::{Actor, Event};
use crate::domain::model::site::{MAX_ADMINISTRATORS, Site, SiteType, Status};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::forecast::overdue_devices;
use crate::domain::values::amount::Changes;
use crate::domain::values::calendar::dates_after;
use jiff::Timestamp;

/// The most due dates that one change charges: two months of daily due dates. A site that missed more is charged
/// in several transactions, so that each fits one.
pub const DUE_DATES_A_CHANGE: usize = 62;

/// The items of a change beside its due dates, and beside the devices or administrators that it adds or removes: the
/// site, the request, the command's own entries (two where a site is handed over) and writes (a code, and two items of
/// its partner's account), and a halt, or an overdue deduction and a resume.
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

/// How a command on a site starts (rule 11).
pub(crate) enum Start {
    /// Everything that was due is charged in this draft, and the command goes on with it.
    Ready(Draft),
    /// More due dates were missed than fit beside the command in one transaction: they are charged first.
    SettleFirst(Change),
}

/// Starts a command that writes `items` items of its own beside the site, its entries and its request. What is due of a
/// site that runs is charged first. A halted site is left as it is: only a recharge or a removal resumes it (rule 9).
pub(crate) fn start(site: Site, items: usize, now: Timestamp) -> Start {
    // One entry more may be a halt, which is counted among the other items.
    let room = DUE_DATES_A_CHANGE.min(MAX_ITEMS.saturating_sub(OTHER_ITEMS + items));
    let mut draft = Draft::of(site, now);
    let settled = match draft.site.status {
        Status::Activated => settle(&mut draft),
        Status::PaymentRequired | Status::Deleted => Settled::UntilToday,
    };
    if settled == Settled::UntilToday && draft.entries() <= room + 1 {
        Start::Ready(draft)
    } else {
        Start::SettleFirst(draft.finish(Vec::new()))
    }
}

/// Brings a site up to today: an activated one is charged for each due date it missed, until it falls short; a
/// halted one pays what is overdue and resumes, if its balance covers that.
pub(crate) fn settle(draft: &mut Draft) -> Settled {
    match (draft.site.site_type, draft.site.status) {
        (SiteType::Regular, _) | (_, Status::Deleted) => Settled::UntilToday,
        (SiteType::Dynamic, Status::Activated) => charge_due_dates(draft),
        (SiteType::Dynamic, Status::PaymentRequired) => {
            pay_overdue(draft);
            Settled::UntilToday
        }
    }
}

fn charge_due_dates(draft: &mut Draft) -> Settled {
    if draft.site.devices.total() == 0 {
        draft.site.charged_through = draft.today;
        return Settled::UntilToday;
    }
    let mut charged = 0;
    for due_on in dates_after(draft.site.charged_through, draft.today) {
        let devices = draft.site.devices.due_on(due_on);
        if devices > 0 {
            if charged == DUE_DATES_A_CHANGE {
                return Settled::InPart;
            }
            let price = Changes::take_credits(devices.into());
            let anchor_days = draft.site.devices.anchor_days_due_on(due_on);
            let event = Event::Deduction {
                due_on,
                devices,
                anchor_days: anchor_days.clone(),
            };
            if draft.apply(Actor::System, event, price).is_err() {
                draft.site.status = Status::PaymentRequired;
                // The halt that was warned of has come. Even if this very change resumes the site, a later shortage is
                // another one.
                draft.site.warned = None;
                let halt = Event::Halt {
                    due_on,
                    devices,
                    anchor_days,
                };
                draft.record(Actor::System, halt);
                return Settled::UntilToday;
            }
            charged += 1;
        }
        draft.site.charged_through = due_on;
    }
    Settled::UntilToday
}

fn pay_overdue(draft: &mut Draft) {
    // What made it possible: a recharge, a removal, or a move.
    let because_of = draft.own_sequence();
    let anchor_days = overdue_devices(&draft.site, draft.today);
    let devices = anchor_days.total();
    if devices > 0 {
        let event = Event::OverdueDeduction {
            charged_through: draft.site.charged_through,
            paid_through: draft.today,
            devices,
            anchor_days,
            because_of,
        };
        let price = Changes::take_credits(devices.into());
        if draft.apply(Actor::System, event, price).is_err() {
            return;
        }
    }
    draft.site.status = Status::Activated;
    draft.site.charged_through = draft.today;
    let resume = Event::Resume {
        resumed_on: draft.today,
        because_of,
    };
    draft.record(Actor::System, resume);
}
