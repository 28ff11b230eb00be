//! Warnings before a site falls short (rule 17).
//!
//! A site remembers the last warning that is still true. When the day on which it falls short moves away, by a recharge
//! or a removal, that warning is forgotten as far as it is true no more, so that a later shortage warns again. When the
//! day comes nearer at once, only the nearest of the warnings is given.

use crate::domain::model::entry::Event;
use crate::domain::model::site::Site;
use crate::domain::rules::forecast::shortage;
use crate::domain::values::calendar::DaysBefore;
use jiff::Timestamp;
use jiff::civil::Date;

impl From<DaysBefore> for u8 {
    fn from(days: DaysBefore) -> Self {
        days.days()
    }
}

/// The warning that a site gets on a date, if any.
pub(crate) fn due(site: &Site, today: Date) -> Option<(DaysBefore, Event)> {
    let short = shortage(site)?;
    let days = DaysBefore::reached(today, short.on)?;
    let event = Event::Warning {
        days_before: days,
        falls_short_on: short.on,
        missing: short.missing,
    };
    site.warned
        .is_none_or(|warned| days < warned)
        .then_some((days, event))
}

/// What a site was warned of, as far as it is still true on a date.
pub(crate) fn still_true(site: &Site, today: Date) -> Option<DaysBefore> {
    let warned = site.warned?;
    let reached = DaysBefore::reached(today, shortage(site)?.on)?;
    Some(warned.max(reached))
}

/// When a site gets its next warning, in its own zone.
pub(crate) fn next(site: &Site) -> Option<Timestamp> {
    let mut widest_first = DaysBefore::ALL.into_iter().rev();
    let days = widest_first.find(|days| site.warned.is_none_or(|warned| *days < warned))?;
    site.time_zone.start_of(days.before(shortage(site)?.on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_warning_is_reached_on_its_date_and_not_before() {
        let short = date(2027, 3, 1);
        for (today, expected) in [
            (date(2027, 1, 31), None),
            (date(2027, 2, 1), Some(DaysBefore::TwentyEight)),
            (date(2027, 2, 21), Some(DaysBefore::TwentyEight)),
            (date(2027, 2, 22), Some(DaysBefore::Seven)),
            (date(2027, 2, 27), Some(DaysBefore::Seven)),
            (date(2027, 2, 28), Some(DaysBefore::One)),
            (date(2027, 3, 1), Some(DaysBefore::One)),
        ] {
            assert_eq!(DaysBefore::reached(today, short), expected, "{today}");
        }
        assert_eq!(DaysBefore::TwentyEight.before(Date::MIN), Date::MIN);
    }

    #[test]
    fn a_number_of_days_is_read_and_written_as_such() {
        assert_eq!(serde_json::to_string(&DaysBefore::Seven).unwrap(), "7");
        assert_eq!(
            serde_json::from_str::<DaysBefore>("28").unwrap(),
            DaysBefore::TwentyEight
        );
        assert!(serde_json::from_str::<DaysBefore>("8").is_err());
    }
}
