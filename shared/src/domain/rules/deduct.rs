//! The scheduled deduction of one site (rules 6, 7, 10 and 17).

use crate::domain::model::change::Change;
use crate::domain::model::entry::Actor;
use crate::domain::model::site::{Site, Status};
use crate::domain::rules::draft::Draft;
use crate::domain::rules::settle::{Settled, settle};
use crate::domain::rules::warnings;
use jiff::Timestamp;

/// What the scheduled deduction does with one site.
#[derive(Debug)]
pub struct Deduction {
    /// What is to be committed.
    pub change: Change,
    /// Due dates are left: the site is to be deducted again after this.
    pub more: bool,
}

/// Charges the due dates of a site that were not charged yet, oldest first, until it falls short (rule 10), and warns a
/// site that will (rule 17).
///
/// `None` where nothing is due: then nothing is written either.
#[must_use]
pub fn deduct(site: Site, now: Timestamp) -> Option<Deduction> {
    if site.status != Status::Activated {
        // Only a recharge or a removal resumes a halted site (rule 9).
        return None;
    }
    let mut draft = Draft::of(site, now);
    let settled = settle(&mut draft);
    if settled == Settled::UntilToday
        && let Some((days, warning)) = warnings::due(&draft.site, draft.today)
    {
        draft.record(Actor::System, warning);
        draft.site.warned = Some(days);
    }
    (draft.entries() > 0).then(|| Deduction {
        change: draft.finish(Vec::new()),
        more: settled == Settled::InPart,
    })
}
