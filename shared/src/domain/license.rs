//! A site's license at an instant: its balances, what is due next, and how long they last.

use super::amount::Balances;
use super::calendar::dates_after;
use super::deduction::overdue;
use super::identity::{Country, SiteId, SiteName, TimeZone};
use super::site::{Site, SiteType, Status};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

/// How many days ahead the forecast adds up what is due.
const FORECAST_DAYS: i32 = 30;

/// The license of a site. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct License {
    /// The site.
    pub site_id: SiteId,
    /// Its name.
    pub site_name: SiteName,
    /// How it pays.
    pub site_type: SiteType,
    /// Where it is.
    pub country: Country,
    /// The zone in which its dates are counted.
    pub time_zone: TimeZone,
    /// Whether it runs.
    pub status: Status,
    /// What it holds.
    pub balances: Balances,
    /// How many devices it has.
    pub devices: u32,
    /// The next deduction; none for a regular site, a halted one, or one without devices.
    pub next_deduction: Option<NextDeduction>,
    /// What is to come.
    pub forecast: Forecast,
    /// What a halted site owes.
    pub overdue: Overdue,
}

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

/// What is to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is due from now until 30 days from today, together with what is overdue.
    pub credits_due_30_days: u64,
    /// The last date whose deductions the balance covers, or for a halted site covered. None where the balance
    /// never falls short: a regular site, one without devices, or not before the calendar ends in the year 9999.
    pub covered_until: Option<Date>,
}

/// What a halted site owes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Overdue {
    /// One credit for each device with a due date after the last date charged.
    pub credits: u32,
}

/// The license of a site as seen at `now`. Nothing is charged by looking.
#[must_use]
pub fn view(site: &Site, now: Timestamp) -> License {
    let today = site.today(now);
    License {
        site_id: site.id.clone(),
        site_name: site.name.clone(),
        site_type: site.site_type,
        country: site.country.clone(),
        time_zone: site.time_zone.clone(),
        status: site.status,
        balances: site.balances,
        devices: site.devices.total(),
        next_deduction: next_deduction(site),
        forecast: Forecast {
            credits_due_30_days: due_soon(site, today),
            covered_until: covered_until(site),
        },
        overdue: Overdue {
            credits: overdue(site, today),
        },
    }
}

fn next_deduction(site: &Site) -> Option<NextDeduction> {
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

fn due_soon(site: &Site, today: Date) -> u64 {
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
pub(super) fn covered_until(site: &Site) -> Option<Date> {
    match site.status {
        Status::PaymentRequired if site.monthly_cost() > 0 => Some(site.charged_through),
        Status::PaymentRequired | Status::Deleted => None,
        Status::Activated => shortage(site)?.on.yesterday().ok(),
    }
}

/// The due date that the balance of a site that runs will not cover.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shortage {
    /// The date, in the site's zone.
    pub(super) on: Date,
    /// The credits that are missing on it.
    pub(super) missing: u64,
}

/// Finds when the balance falls short, if it ever does.
///
/// Every month charges each device once, so whole months are skipped by a division.
pub(super) fn shortage(site: &Site) -> Option<Shortage> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{AnchorDay, Devices};
    use crate::domain::identity::Email;
    use crate::domain::site::{NewSite, create};
    use jiff::civil::date;
    use proptest::prelude::*;

    fn site(opened: Date, anchors: &[u8], credits: u64) -> Site {
        let new = NewSite {
            id: SiteId::parse("K7QP01M9").unwrap(),
            name: SiteName::parse("Harbour Gym").unwrap(),
            country: Country::parse("AT").unwrap(),
            time_zone: TimeZone::parse("UTC").unwrap(),
            language: crate::domain::identity::Language::default(),
            site_type: SiteType::Dynamic,
            master: Email::parse("kim@example.com").unwrap(),
        };
        let mut site = create(new, noon(opened)).unwrap().site;
        site.balances.credits = credits;
        let mut devices = Devices::default();
        for &day in anchors {
            devices.add(AnchorDay::new(day).unwrap(), 1).unwrap();
        }
        site.devices = devices;
        site
    }

    fn noon(date: Date) -> Timestamp {
        let zone = jiff::tz::TimeZone::UTC;
        zone.to_zoned_datetime(date.at(12, 0, 0, 0))
            .unwrap()
            .timestamp()
    }

    #[test]
    fn a_site_without_devices_or_without_end_is_covered_for_ever() {
        let today = date(2027, 1, 31);
        assert_eq!(
            view(&site(today, &[], 0), noon(today))
                .forecast
                .covered_until,
            None
        );
        let rich = site(today, &[31], crate::domain::amount::MAX_BALANCE);
        assert_eq!(view(&rich, noon(today)).forecast.covered_until, None);
        let mut regular = site(today, &[31], 5);
        regular.site_type = SiteType::Regular;
        let license = view(&regular, noon(today));
        assert_eq!(
            (license.forecast.covered_until, license.next_deduction),
            (None, None)
        );
        assert_eq!(license.forecast.credits_due_30_days, 0);
    }

    #[test]
    fn a_site_that_cannot_pay_the_next_date_is_covered_until_the_day_before() {
        let today = date(2027, 1, 31);
        let license = view(&site(today, &[31, 31, 30], 2), noon(today));
        assert_eq!(license.forecast.covered_until, Some(date(2027, 2, 27)));
        let next = license.next_deduction.unwrap();
        assert_eq!(
            (next.on, next.credits, next.sufficient),
            (date(2027, 2, 28), 3, false)
        );
        assert_eq!(license.forecast.credits_due_30_days, 3);
    }

    proptest! {
        #[test]
        fn the_forecast_is_what_walking_day_by_day_finds(
            day in 0_i32..1_500,
            anchors in prop::collection::vec(1_u8..=31, 1..6),
            credits in 0_u64..200,
        ) {
            let today = date(2027, 1, 1).checked_add(day.days()).unwrap();
            let site = site(today, &anchors, credits);
            let license = view(&site, noon(today));
            let mut rest = credits;
            let mut covered = today;
            for date in dates_after(today, Date::MAX) {
                let due = u64::from(site.devices.due_on(date));
                if rest < due {
                    break;
                }
                rest -= due;
                covered = date;
            }
            prop_assert_eq!(license.forecast.covered_until, Some(covered));
            let until = today.checked_add(30.days()).unwrap();
            let due: u32 = dates_after(today, until).map(|date| site.devices.due_on(date)).sum();
            prop_assert_eq!(license.forecast.credits_due_30_days, u64::from(due));
        }
    }
}
