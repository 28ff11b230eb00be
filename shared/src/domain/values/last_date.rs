//! The last date on which a code can be applied (rule 1).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, offset};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a date ends last on Earth: twelve hours west of Greenwich.
const LAST_TO_END: Offset = offset(-12);

/// A last date, which ends for every site at the same instant: when it has ended everywhere on Earth.
///
/// A site's own time zone has no say in it. A site can move west, where a date is still to come that was over before.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LastDate(Date);

impl LastDate {
    /// The earliest date that is not over at an instant: today, where a date ends last.
    #[must_use]
    pub fn earliest(now: Timestamp) -> Self {
        Self(LAST_TO_END.to_datetime(now).date())
    }

    /// The first instant at which it is over, noon UTC of the next day. A date that ends after the calendar does, in the
    /// year 9999, ends with it.
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        let next = self.0.tomorrow().map(|next| next.at(0, 0, 0, 0));
        let end = next.and_then(|midnight| LAST_TO_END.to_timestamp(midnight));
        end.unwrap_or(Timestamp::MAX)
    }

    /// Whether it is over. This compares dates, as the condition of the write does.
    #[must_use]
    pub fn is_over(self, now: Timestamp) -> bool {
        self < Self::earliest(now)
    }

    /// The date.
    #[must_use]
    pub fn date(self) -> Date {
        self.0
    }
}

impl From<Date> for LastDate {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl fmt::Display for LastDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::values::time_zone::TimeZone;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_is_over_at_noon_utc_of_the_next_day() {
        let last = LastDate::from(date(2027, 12, 31));
        assert_eq!(last.ends_at(), at("2028-01-01T12:00:00Z"));
        assert!(!last.is_over(at("2028-01-01T11:59:59.999999999Z")));
        assert!(last.is_over(at("2028-01-01T12:00:00Z")));
    }

    #[test]
    fn a_date_is_never_over_before_it_has_ended_at_a_site() {
        let last = LastDate::from(date(2027, 12, 31));
        for name in [
            "Pacific/Kiritimati",
            "Europe/Vienna",
            "Pacific/Pago_Pago",
            "Etc/GMT+12",
        ] {
            let zone = TimeZone::parse(name).unwrap();
            let tomorrow = zone.start_of(date(2028, 1, 1)).unwrap();
            assert!(tomorrow <= last.ends_at(), "{name}");
        }
    }

    #[test]
    fn a_date_that_ends_after_the_calendar_ends_with_it() {
        for last in [date(9999, 12, 30), Date::MAX] {
            let last = LastDate::from(last);
            assert_eq!(last.ends_at(), Timestamp::MAX);
            assert!(!last.is_over(at("9999-12-01T00:00:00Z")));
        }
    }

    proptest! {
        #[test]
        fn dates_and_instants_tell_the_same(day in -20_000_i32..20_000, second in -2_000_000_000_i64..2_000_000_000) {
            let last = LastDate::from(date(2000, 1, 1) + jiff::ToSpan::days(day));
            let now = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(last.is_over(now), now >= last.ends_at());
            // Around the end itself.
            for nanosecond in [-1, 0, 1] {
                let near = last.ends_at() + jiff::SignedDuration::from_nanos(nanosecond);
                prop_assert_eq!(last.is_over(near), nanosecond >= 0);
            }
        }
    }
}
