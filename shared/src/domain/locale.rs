//! What follows from a site's country: a time zone and a language, which the site may change.
//!
//! Neither table is ours. The zones are those of `zone.tab` of the IANA time zone database, unchanged
//! (<https://data.iana.org/time-zones/tz-link.html>); it lists a country's most populous zone first where it can. The
//! languages are Unicode's likely subtags (UTS #35), as ICU4X carries them.

use super::identity::{Country, InvalidName, Language, TimeZone};
use icu_locale::{LanguageIdentifier, LocaleExpander, TransformResult};

/// The countries and their zones.
const ZONES: &str = include_str!("zone.tab");

/// The first time zone of a country.
///
/// # Errors
/// The IANA database lists no zone for it: it is no country, or nobody lives there.
pub fn time_zone_of(country: &Country) -> Result<TimeZone, InvalidName> {
    let rows = ZONES.lines().filter(|line| !line.starts_with('#'));
    let mut zones = rows.filter_map(|row| {
        let mut columns = row.split('\t');
        let code = columns.next()?;
        (code == country.as_str()).then(|| columns.nth(1)).flatten()
    });
    let unknown = InvalidName {
        what: "country",
        rule: "the ISO 3166-1 code of a country that has a time zone, such as AT",
    };
    zones.next().ok_or(unknown).and_then(TimeZone::parse)
}

/// The language that is most likely in a country; English where nothing is known of it.
#[must_use]
pub fn language_of(country: &Country) -> Language {
    let likely = || {
        let mut place: LanguageIdentifier = format!("und-{country}").parse().ok()?;
        let found = LocaleExpander::new_extended().maximize(&mut place);
        (found == TransformResult::Modified)
            .then(|| Language::parse(place.language.as_str()).ok())
            .flatten()
    };
    likely().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    #[test]
    fn time_zone_and_language_follow_the_country() {
        for (code, zone, language) in [
            ("AT", "Europe/Vienna", "de"),
            ("BR", "America/Noronha", "pt"),
            ("KR", "Asia/Seoul", "ko"),
            ("MX", "America/Mexico_City", "es"),
            ("NO", "Europe/Oslo", "nb"),
            ("US", "America/New_York", "en"),
            ("VN", "Asia/Ho_Chi_Minh", "vi"),
        ] {
            assert_eq!(time_zone_of(&country(code)).unwrap().as_str(), zone);
            assert_eq!(language_of(&country(code)).as_str(), language, "{code}");
        }
        assert!(time_zone_of(&country("XX")).is_err());
        assert_eq!(language_of(&country("XX")), Language::default());
    }

    #[test]
    fn every_country_of_the_table_has_a_zone_that_is_compiled_in() {
        let mut codes: Vec<&str> = ZONES
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| &line[..2])
            .collect();
        codes.dedup();
        assert!(codes.len() > 240, "{}", codes.len());
        for code in codes {
            assert!(time_zone_of(&country(code)).is_ok(), "{code}");
        }
    }
}
