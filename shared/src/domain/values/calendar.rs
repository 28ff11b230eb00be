//! Anchor days and due dates (rules 6 and 9).
//!
//! A device's anchor day is the day of the month on which it was registered. Its due date in a month is that
//! day, or the month's last day where the month is shorter. Devices that share an anchor day share every due
//! date, so a site needs no more than one counter for each of the 31 days.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most devices one site may have.
pub const MAX_DEVICES: u32 = 10_000;

/// The day of the month, 1 to 31, on which a device was registered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AnchorDay(u8);

impl AnchorDay {
    /// The anchor day of a device that was registered on `date`.
    #[must_use]
    pub fn of(date: Date) -> Self {
        // A civil date's day is 1 to 31, so the sign never matters.
        Self(date.day().unsigned_abs())
    }

    /// Reads a day of the month; `None` outside 1 to 31.
    #[must_use]
    pub fn new(day: u8) -> Option<Self> {
        (1..=31).contains(&day).then_some(Self(day))
    }

    /// The day, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.0
    }

    fn index(self) -> usize {
        usize::from(self.0 - 1)
    }
}

/// How many of some devices have which anchor day, as an entry tells it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, u32>", into = "BTreeMap<String, u32>")]
pub struct AnchorDays(BTreeMap<AnchorDay, u32>);

/// A text is no day of the month.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an anchor day is 1 to 31")]
pub struct InvalidAnchorDay;

impl AnchorDays {
    /// Whether there are none, as in an entry of the first form, which did not tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many devices there are.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// The days, and how many devices have each.
    pub fn iter(&self) -> impl Iterator<Item = (AnchorDay, u32)> + '_ {
        self.0.iter().map(|(&anchor, &count)| (anchor, count))
    }
}

impl FromIterator<(AnchorDay, u32)> for AnchorDays {
    fn from_iter<I: IntoIterator<Item = (AnchorDay, u32)>>(days: I) -> Self {
        Self(days.into_iter().collect())
    }
}

impl TryFrom<BTreeMap<String, u32>> for AnchorDays {
    type Error = InvalidAnchorDay;

    fn try_from(days: BTreeMap<String, u32>) -> Result<Self, InvalidAnchorDay> {
        let days = days.into_iter().map(|(day, count)| {
            let anchor = day.parse().ok().and_then(AnchorDay::new);
            Ok((anchor.ok_or(InvalidAnchorDay)?, count))
        });
        days.collect()
    }
}

impl From<AnchorDays> for BTreeMap<String, u32> {
    fn from(days: AnchorDays) -> Self {
        let days = days.0.into_iter();
        days.map(|(anchor, count)| (anchor.day().to_string(), count))
            .collect()
    }
}

/// How many devices a site has, by anchor day.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Devices([u32; 31]);

/// The site has [`MAX_DEVICES`] already, or would.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a site has at most {MAX_DEVICES} devices")]
pub struct TooManyDevices;

impl Devices {
    /// How many devices there are.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// How many devices have this anchor day.
    #[must_use]
    pub fn count(&self, anchor: AnchorDay) -> u32 {
        self.0[anchor.index()]
    }

    /// Every anchor day that has devices, and how many.
    pub fn by_anchor(&self) -> impl Iterator<Item = (AnchorDay, u32)> + '_ {
        (1..=31)
            .map(AnchorDay)
            .map(|anchor| (anchor, self.count(anchor)))
            .filter(|&(_, count)| count > 0)
    }

    /// Adds devices of one anchor day.
    ///
    /// # Errors
    /// There would be more than [`MAX_DEVICES`].
    pub fn add(&mut self, anchor: AnchorDay, count: u32) -> Result<(), TooManyDevices> {
        let after = self.total().checked_add(count);
        if after.is_none_or(|after| after > MAX_DEVICES) {
            return Err(TooManyDevices);
        }
        self.0[anchor.index()] += count;
        Ok(())
    }

    /// Removes one device of an anchor day; `false`, and nothing changes, where there is none.
    #[must_use]
    pub fn remove(&mut self, anchor: AnchorDay) -> bool {
        let counter = &mut self.0[anchor.index()];
        let some = *counter > 0;
        *counter -= u32::from(some);
        some
    }

    /// How many devices have a due date on `date`: those of its day of the month and, on the last day of a
    /// month, those of all later days too.
    #[must_use]
    pub fn due_on(&self, date: Date) -> u32 {
        self.0[anchors_due_on(date)].iter().sum()
    }

    /// Those devices, by anchor day.
    #[must_use]
    pub fn anchor_days_due_on(&self, date: Date) -> AnchorDays {
        let due = anchors_due_on(date);
        self.by_anchor()
            .filter(|(anchor, _)| due.contains(&anchor.index()))
            .collect()
    }

    /// The devices that have at least one due date after `after` and until `through`, by anchor day (rule 9: overdue
    /// counts each device once, however long the halt).
    #[must_use]
    pub fn with_due_date_between(&self, after: Date, through: Date) -> AnchorDays {
        // Two due dates of one anchor day are at most 31 days apart, so 31 days hold one of each.
        let mut seen = [false; 31];
        for date in dates_after(after, through).take(31) {
            seen[anchors_due_on(date)].fill(true);
        }
        self.by_anchor()
            .filter(|(anchor, _)| seen[anchor.index()])
            .collect()
    }

    /// The first due date after `after`; `None` without devices, or at the end of the calendar.
    #[must_use]
    pub fn next_due_date(&self, after: Date) -> Option<Date> {
        dates_after(after, Date::MAX)
            .take(31)
            .find(|&date| self.due_on(date) > 0)
    }
}

/// Every date after `after` until `through`, in order.
pub fn dates_after(after: Date, through: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(after.tomorrow().ok(), |date| date.tomorrow().ok())
        .take_while(move |&date| date <= through)
}

/// The places, in an array of 31, of the anchor days that are due on `date`.
fn anchors_due_on(date: Date) -> std::ops::Range<usize> {
    let day = AnchorDay::of(date);
    let end = if date.day() == date.days_in_month() {
        31
    } else {
        usize::from(day.day())
    };
    day.index()..end
}

/// How many days before it falls short a site is warned.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum DaysBefore {
    /// A day before.
    One,
    /// A week before.
    Seven,
    /// Four weeks before.
    TwentyEight,
}

/// A number of days at which nobody is warned.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a warning is given 28, 7 or 1 days before, not {0}")]
pub struct NoSuchWarning(u8);

impl DaysBefore {
    /// All of them, the nearest first.
    pub(crate) const ALL: [Self; 3] = [Self::One, Self::Seven, Self::TwentyEight];

    /// The number of days.
    #[must_use]
    pub fn days(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Seven => 7,
            Self::TwentyEight => 28,
        }
    }

    /// The date of the warning before a date; the first of the calendar, if it would lie before that.
    pub(crate) fn before(self, falls_short_on: Date) -> Date {
        falls_short_on.saturating_sub(i64::from(self.days()).days())
    }

    /// The nearest warning whose date has come.
    pub(crate) fn reached(today: Date, falls_short_on: Date) -> Option<Self> {
        let mut nearest_first = Self::ALL.into_iter();
        nearest_first.find(|days| today >= days.before(falls_short_on))
    }
}

impl TryFrom<u8> for DaysBefore {
    type Error = NoSuchWarning;
    fn try_from(days: u8) -> Result<Self, NoSuchWarning> {
        let mut all = Self::ALL.into_iter();
        all.find(|known| known.days() == days)
            .ok_or(NoSuchWarning(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn devices(anchors: &[u8]) -> Devices {
        let mut devices = Devices::default();
        for &day in anchors {
            devices.add(AnchorDay::new(day).unwrap(), 1).unwrap();
        }
        devices
    }

    fn due_dates(devices: &Devices, after: Date, through: Date) -> Vec<(Date, u32)> {
        dates_after(after, through)
            .map(|date| (date, devices.due_on(date)))
            .filter(|&(_, count)| count > 0)
            .collect()
    }

    #[test]
    fn the_31st_falls_on_the_last_day_of_a_shorter_month_and_comes_back() {
        let found = due_dates(&devices(&[31]), date(2027, 1, 31), date(2027, 5, 31));
        let days: Vec<Date> = found.iter().map(|&(date, _)| date).collect();
        assert_eq!(
            days,
            [
                date(2027, 2, 28),
                date(2027, 3, 31),
                date(2027, 4, 30),
                date(2027, 5, 31)
            ]
        );
    }

    #[test]
    fn the_29th_30th_and_31st_meet_in_february_and_part_again() {
        let devices = devices(&[28, 29, 30, 31]);
        assert_eq!(devices.due_on(date(2027, 2, 28)), 4);
        assert_eq!(devices.due_on(date(2028, 2, 28)), 1);
        assert_eq!(devices.due_on(date(2028, 2, 29)), 3);
        assert_eq!(devices.due_on(date(2028, 3, 29)), 1);
        assert_eq!(devices.due_on(date(2028, 4, 30)), 2);
    }

    #[test]
    fn overdue_counts_each_device_once_however_long_the_halt() {
        let devices = devices(&[5, 5, 20, 31]);
        let halted = date(2027, 1, 4);
        let overdue = |after, through| devices.with_due_date_between(after, through).total();
        assert_eq!(overdue(halted, halted), 0);
        assert_eq!(overdue(halted, date(2027, 1, 5)), 2);
        assert_eq!(overdue(halted, date(2027, 1, 20)), 3);
        assert_eq!(overdue(halted, date(2027, 1, 31)), 4);
        assert_eq!(overdue(halted, date(2031, 1, 31)), 4);
    }

    #[test]
    fn a_site_has_a_limit_of_devices() {
        let mut devices = Devices::default();
        let anchor = AnchorDay::new(7).unwrap();
        devices.add(anchor, MAX_DEVICES).unwrap();
        assert_eq!(devices.add(anchor, 1), Err(TooManyDevices));
        assert_eq!(devices.add(anchor, u32::MAX), Err(TooManyDevices));
        assert_eq!(devices.total(), MAX_DEVICES);
    }

    fn any_date() -> impl Strategy<Value = Date> {
        (1990_i16..2100, 1_i8..=12, 1_i8..=31).prop_map(|(year, month, day)| {
            let first = date(year, month, 1);
            date(year, month, day.min(first.days_in_month()))
        })
    }

    proptest! {
        #[test]
        fn every_anchor_day_is_due_once_in_every_month(month in any_date(), day in 1_u8..=31) {
            let devices = devices(&[day]);
            let first = month.first_of_month();
            let found = due_dates(&devices, first.yesterday().unwrap(), first.last_of_month());
            prop_assert_eq!(found.len(), 1);
            let expected = i8::try_from(day).unwrap().min(first.days_in_month());
            prop_assert_eq!(found[0].0.day(), expected);
        }

        #[test]
        fn the_next_due_date_is_the_first_that_is_due(after in any_date(), days in prop::collection::vec(1_u8..=31, 1..5)) {
            let devices = devices(&days);
            let next = devices.next_due_date(after).unwrap();
            prop_assert!(devices.due_on(next) > 0);
            for date in dates_after(after, next.yesterday().unwrap()) {
                prop_assert_eq!(devices.due_on(date), 0);
            }
        }
    }
}
