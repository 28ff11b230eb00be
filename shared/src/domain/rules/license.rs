//! A site's license at an instant, as its administrators see it, and as a partner does.

use crate::domain::model::account::Received;
use crate::domain::model::site::{Site, SiteType, Status};
use crate::domain::rules::forecast::{
    NextDeduction, Shortage, covered_until, due_soon, next_deduction, overdue, shortage,
};
use crate::domain::values::amount::Balances;
use crate::domain::values::country::Country;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::SiteId;
use crate::domain::values::names::SiteName;
use crate::domain::values::time_zone::TimeZone;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A site, as a partner whose codes it applied sees it. This is also its form in the contract.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SiteOfPartner {
    /// The site.
    pub site_id: SiteId,
    /// Its name.
    pub site_name: SiteName,
    /// Where it is.
    pub country: Country,
    /// How it pays.
    pub site_type: SiteType,
    /// Whether it runs.
    pub status: Status,
    /// How many devices it has.
    pub devices: u32,
    /// The credits that they cost a month; none on a regular site.
    pub monthly_cost: u32,
    /// The last date whose deductions the balance covers, as in the site's own license.
    pub covered_until: Option<Date>,
    /// What it got of this partner.
    pub received: Received,
    /// When it last applied one of this partner's codes.
    pub last_applied_at: Timestamp,
}

impl SiteOfPartner {
    /// What a partner sees of a site.
    #[must_use]
    pub fn of(site: &Site, received: Received, last_applied_at: Timestamp) -> Self {
        Self {
            site_id: site.id.clone(),
            site_name: site.name.clone(),
            country: site.country.clone(),
            site_type: site.site_type,
            status: site.status,
            devices: site.devices.total(),
            monthly_cost: site.monthly_cost(),
            covered_until: covered_until(site),
            received,
            last_applied_at,
        }
    }
}

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
    /// Where its statement ends. Only a license that was remembered with a request before licenses said so has none: a first
    /// answer is repeated word for word, and until it is forgotten it stays as it was given.
    #[serde(flatten)]
    pub head: Option<Head>,
}

/// Where a site's statement ends: a statement alone does not show that its end was cut off (rule 16).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The sequence number of the last entry.
    pub sequence: u64,
    /// Its hash.
    pub last_hash: Hash,
}

/// What is to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is due from now until 30 days from today, together with what is overdue.
    pub credits_due_30_days: u64,
    /// The last date whose deductions the balance covers, or for a halted site covered. None where the balance
    /// never falls short: a regular site, one without devices, or not before the calendar ends in the year 9999.
    pub covered_until: Option<Date>,
    /// The due date that halts the site if nothing changes, and the credits that are missing on it. None where the balance
    /// never falls short, and of a halted site, which has fallen short already.
    #[serde(default)]
    pub falls_short: Option<Shortage>,
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
            falls_short: shortage(site),
        },
        overdue: Overdue {
            credits: overdue(site, today),
        },
        head: Some(Head {
            sequence: site.sequence,
            last_hash: site.last_hash,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::site::NewSite;
    use crate::domain::rules::sites::create;
    use crate::domain::values::calendar::{AnchorDay, Devices, dates_after};
    use crate::domain::values::email::Email;
    use crate::domain::values::ids::PersonId;
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn site(opened: Date, anchors: &[u8], credits: u64) -> Site {
        let new = NewSite {
            id: SiteId::parse("K7QP01M99").unwrap(),
            name: SiteName::parse("Harbour Gym").unwrap(),
            country: Country::parse("AT").unwrap(),
            time_zone: TimeZone::parse("UTC").unwrap(),
            language: crate::domain::values::country::Language::default(),
            site_type: SiteType::Dynamic,
            master: Email::parse("kim@example.com").unwrap(),
            person: PersonId::random(),
        };
        let mut site = create(new, noon(opened)).site;
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
        let rich = site(today, &[31], crate::domain::values::amount::MAX_BALANCE);
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
    fn a_remembered_license_is_repeated_word_for_word() {
        let today = date(2027, 1, 31);
        let license = view(&site(today, &[31], 5), noon(today));
        let text = serde_json::to_string(&license).unwrap();
        assert!(text.contains(r#""sequence":1,"last_hash":""#), "{text}");
        let read: License = serde_json::from_str(&text).unwrap();
        assert_eq!(read, license);
        // As it was remembered before licenses said where their statements end.
        let (older, _) = text.split_once(r#","sequence":"#).unwrap();
        let older = format!("{older}}}");
        let read: License = serde_json::from_str(&older).unwrap();
        assert_eq!(read.head, None);
        assert_eq!(serde_json::to_string(&read).unwrap(), older);
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
