//! Time zones, by their names in the IANA database.

use crate::domain::values::text::InvalidName;
use serde::{Deserialize, Serialize};

/// A time zone of the IANA database, by its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl TimeZone {
    /// Finds a time zone, without regard to case.
    ///
    /// # Errors
    /// The compiled-in database has no zone of that name.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let zone = jiff::tz::TimeZone::get(name).ok();
        zone.and_then(|zone| {
            let name = zone.iana_name()?.to_owned();
            // The database's own word for a clock that nobody has set.
            (name != "Factory").then_some(Self { name, zone })
        })
        .ok_or(InvalidName {
            what: "time_zone",
            rule: "the name of a time zone of the IANA database, such as Europe/Vienna",
        })
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The date at an instant.
    #[must_use]
    pub fn date(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        self.zone.to_datetime(at).date()
    }

    /// How far the zone's clocks are from UTC at an instant.
    #[must_use]
    pub fn offset(&self, at: jiff::Timestamp) -> jiff::tz::Offset {
        self.zone.to_offset(at)
    }

    /// The first instant of a date, which is not midnight where the clocks skip it.
    ///
    /// A date that the zone skipped whole (Pacific/Apia, 30 December 2011) begins where the next one does.
    /// `None` only within a day of the calendar's end.
    #[must_use]
    pub fn start_of(&self, date: jiff::civil::Date) -> Option<jiff::Timestamp> {
        let midnight = self
            .zone
            .to_ambiguous_zoned_datetime(date.to_datetime(jiff::civil::Time::midnight()));
        midnight.compatible().ok().map(|start| start.timestamp())
    }
}

/// By name. Jiff compares the zones by a table of all names and their aliases, which every start of a function would have to
/// relocate.
impl PartialEq for TimeZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZone {}

impl TryFrom<String> for TimeZone {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::parse(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_begins_where_the_clocks_skip_midnight() {
        // Beirut's summer time begins at midnight: that day's first instant is 01:00.
        let zone = TimeZone::parse("Asia/Beirut").unwrap();
        let start = zone.start_of(date(2027, 3, 28)).unwrap();
        assert_eq!(start.to_string(), "2027-03-27T22:00:00Z");
        assert_eq!(zone.date(start), date(2027, 3, 28));
        let before = start - jiff::SignedDuration::from_millis(1);
        assert_eq!(zone.date(before), date(2027, 3, 27));
    }

    #[test]
    fn a_date_that_a_zone_skipped_begins_with_the_next() {
        let zone = TimeZone::parse("Pacific/Apia").unwrap();
        let start = zone.start_of(date(2011, 12, 30)).unwrap();
        assert_eq!(Some(start), zone.start_of(date(2011, 12, 31)));
        assert_eq!(zone.date(start), date(2011, 12, 31));
    }

    #[test]
    fn time_zones_are_those_of_the_database() {
        assert_eq!(
            TimeZone::parse("europe/vienna").unwrap().as_str(),
            "Europe/Vienna"
        );
        assert!(TimeZone::parse("Europe/Nowhere").is_err());
        assert!(TimeZone::parse("").is_err());
    }
}
