//! What is due next, when the balance falls short, and what a halted site owes.

use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::values::calendar::{AnchorDays, dates_after};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a halted site owes: one credit for each device with a due date after the last date charged, once.
pub(crate) fn overdue(site: &Site, today: Date) -> u32 {
    overdue_devices(site, today).total()
}

/// The devices that a halted site owes a credit for, by anchor day.
pub(crate) fn overdue_devices(site: &Site, today: Date) -> AnchorDays {
    match site.status {
        Status::Activated | Status::Deleted => AnchorDays::default(),
        Status::PaymentRequired => site
            .devices
            .with_due_date_between(site.charged_through, today),
    }
}

/// How many days the forecast looks ahead.
const FORECAST_DAYS: i32 = 30;

/// The next deduction.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NextDeduction {
    /// The due date, in the site's zone. Not after today where it is about to be charged.
    pub on: Date,
    /// What it takes.
    pub credits: u32,
    /// Whether the balance covers it.
    pub sufficient: bool,
}

pub(crate) fn next_deduction(site: &Site) -> Option<NextDeduction> {
    if site.site_type == SiteType::Regular || site.status != Status::Activated {
        return None;
    }
    let on = site.devices.next_due_date(site.charged_through)?;
    let credits = site.devices.due_on(on);
    Some(NextDeduction {
        on,
        credits,
        sufficient: site.balances.credits >= u64::from(credits),
    })
}

pub(crate) fn due_soon(site: &Site, today: Date) -> u64 {
    if site.monthly_cost() == 0 {
        return 0;
    }
    let from = match site.status {
        Status::Activated => site.charged_through,
        Status::PaymentRequired | Status::Deleted => today,
    };
    let until = today.saturating_add(FORECAST_DAYS.days());
    let due = dates_after(from, until).map(|date| u64::from(site.devices.due_on(date)));
    u64::from(overdue(site, today)) + due.sum::<u64>()
}

/// The day before the one on which the balance falls short.
pub(crate) fn covered_until(site: &Site) -> Option<Date> {
    match site.status {
        Status::PaymentRequired if site.monthly_cost() > 0 => Some(site.charged_through),
        Status::PaymentRequired | Status::Deleted => None,
        Status::Activated => shortage(site)?.on.yesterday().ok(),
    }
}

/// The due date that the balance of a site that runs will not cover.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Shortage {
    /// The date, in the site's zone.
    pub on: Date,
    /// The credits that are missing on it.
    pub missing: u64,
}

/// Finds when the balance falls short, if it ever does.
///
/// Every month charges each device once, so whole months are skipped by a division.
pub(crate) fn shortage(site: &Site) -> Option<Shortage> {
    let monthly = u64::from(site.monthly_cost());
    if monthly == 0 || site.status != Status::Activated {
        return None;
    }
    let first_month_end = site.charged_through.last_of_month();
    let first = walk(
        site,
        site.charged_through,
        first_month_end,
        site.balances.credits,
    );
    let rest = match first {
        Walk::FallsShort(shortage) => return Some(shortage),
        Walk::Covered { rest } => rest,
    };
    let months = i32::try_from(rest / monthly).ok()?;
    // Bounded, as a span of more months than the calendar has cannot be made.
    let months_until = (months < 12 * 10_000).then(|| months.months())?;
    let covered = first_month_end
        .first_of_month()
        .checked_add(months_until)
        .ok()?
        .last_of_month();
    match walk(
        site,
        covered,
        covered.checked_add(31.days()).ok()?,
        rest % monthly,
    ) {
        Walk::FallsShort(shortage) => Some(shortage),
        Walk::Covered { .. } => None,
    }
}

enum Walk {
    FallsShort(Shortage),
    Covered { rest: u64 },
}

fn walk(site: &Site, after: Date, through: Date, credits: u64) -> Walk {
    let mut rest = credits;
    for date in dates_after(after, through) {
        let due = u64::from(site.devices.due_on(date));
        match rest.checked_sub(due) {
            Some(less) => rest = less,
            None => {
                return Walk::FallsShort(Shortage {
                    on: date,
                    missing: due - rest,
                });
            }
        }
    }
    Walk::Covered { rest }
}
