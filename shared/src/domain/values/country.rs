//! What follows from a site's country: a time zone and a language, which the site may change.
//!
//! Neither table is ours. The zones are those of `zone.tab` of the IANA time zone database, unchanged
//! (<https://data.iana.org/time-zones/tz-link.html>). The languages are Unicode's likely subtags (UTS #35), as ICU4X
//! carries them.

use crate::domain::values::text::{InvalidName, text_type};
use crate::domain::values::time_zone::TimeZone;
use icu_locale::{LanguageIdentifier, LocaleExpander, TransformResult};
use jiff::{SignedDuration, Timestamp};

text_type! {
    /// A country: an ISO 3166-1 alpha-2 code, in upper case.
    Country
}

text_type! {
    /// A language: the two or three letters of its code in BCP 47, in lower case.
    Language
}

impl Language {
    /// Reads a language's code, in either case.
    ///
    /// # Errors
    /// It is not two or three ASCII letters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        ((2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidName {
                what: "language",
                rule: "a two- or three-letter code such as en",
            })
    }
}

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

impl Country {
    /// Reads a country's code, in either case.
    ///
    /// # Errors
    /// It is not two ASCII letters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| Self(text.to_ascii_uppercase()))
            .ok_or(InvalidName {
                what: "country",
                rule: "a two-letter ISO 3166-1 code",
            })
    }
}

/// The countries and their zones.
const ZONES: &str = include_str!("zone.tab");

/// Kosovo has telephone numbers (+383) and no code in ISO 3166-1, which the database keeps to. Its code here is that of
/// Unicode's CLDR, and its time that of the zone that the database has for it.
const KOSOVO: (&str, &str) = ("XK", "Europe/Belgrade");

/// No time zone follows from a country.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoTimeZone {
    /// The IANA database lists no zone for it: it is not a country, or nobody lives there.
    #[error(transparent)]
    Unknown(#[from] InvalidName),
    /// It has several that show different times, and none for most of it.
    #[error("time_zone must be named, as {country} has several: {}", zones.join(", "))]
    Several {
        /// The country.
        country: Country,
        /// Its zones.
        zones: Vec<&'static str>,
    },
}

/// The time zone of a country: its only one, the first of several that show the same time now and half a year from
/// now, or the one that the database says is that of most of the country, or of its mainland.
///
/// # Errors
/// See [`NoTimeZone`].
pub fn time_zone_of(country: &Country, now: Timestamp) -> Result<TimeZone, NoTimeZone> {
    let rows = zones_of(country);
    let zones = rows.iter().map(|(name, _)| TimeZone::parse(name));
    let zones: Vec<TimeZone> = zones.collect::<Result<_, _>>()?;
    let later = now
        .checked_add(SignedDuration::from_hours(24 * 182))
        .unwrap_or(now);
    let alike = |zone: &TimeZone| {
        [now, later].map(|at| zone.offset(at)) == [now, later].map(|at| zones[0].offset(at))
    };
    let main = rows
        .iter()
        .position(|(_, note)| note.starts_with("most of ") || note.ends_with("(mainland)"));
    let chosen = if zones.iter().all(alike) {
        0
    } else {
        main.ok_or_else(|| NoTimeZone::Several {
            country: country.clone(),
            zones: rows.iter().map(|(name, _)| *name).collect(),
        })?
    };
    let unknown = InvalidName {
        what: "country",
        rule: "the ISO 3166-1 code of a country that has a time zone, such as AT",
    };
    Ok(zones.into_iter().nth(chosen).ok_or(unknown)?)
}

/// Whether the database knows a country.
#[must_use]
pub fn is_known(country: &Country) -> bool {
    !zones_of(country).is_empty()
}

/// The names of a country's zones, each with the note that tells it from the others.
fn zones_of(country: &Country) -> Vec<(&'static str, &'static str)> {
    if country.as_str() == KOSOVO.0 {
        return vec![(KOSOVO.1, "")];
    }
    let rows = ZONES.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.filter_map(|row| {
        let mut columns = row.split('\t');
        let code = columns.next()?;
        let zone = columns.nth(1)?;
        (code == country.as_str()).then(|| (zone, columns.next().unwrap_or_default()))
    });
    rows.collect()
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

    fn zone(code: &str) -> Result<TimeZone, NoTimeZone> {
        time_zone_of(&country(code), "2026-12-09T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn time_zone_and_language_follow_the_country() {
        for (code, name, language) in [
            ("AR", "America/Argentina/Buenos_Aires", "es"),
            ("AT", "Europe/Vienna", "de"),
            ("DE", "Europe/Berlin", "de"),
            ("ES", "Europe/Madrid", "es"),
            ("KR", "Asia/Seoul", "ko"),
            ("NO", "Europe/Oslo", "nb"),
            ("NZ", "Pacific/Auckland", "en"),
            ("PT", "Europe/Lisbon", "pt"),
            ("UA", "Europe/Kyiv", "uk"),
            ("VN", "Asia/Ho_Chi_Minh", "vi"),
            ("XK", "Europe/Belgrade", "sq"),
        ] {
            assert_eq!(zone(code).unwrap().as_str(), name);
            assert_eq!(language_of(&country(code)).as_str(), language, "{code}");
        }
        assert!(matches!(zone("XX"), Err(NoTimeZone::Unknown(_))));
        assert_eq!(language_of(&country("XX")), Language::default());
    }

    #[test]
    fn a_country_that_does_not_decide_it_is_asked() {
        for (code, first) in [
            ("AU", "Australia/Lord_Howe"),
            ("BR", "America/Noronha"),
            ("CA", "America/St_Johns"),
            ("RU", "Europe/Kaliningrad"),
            ("US", "America/New_York"),
        ] {
            let Err(NoTimeZone::Several { zones, .. }) = zone(code) else {
                panic!("{code}");
            };
            assert_eq!(zones[0], first);
        }
    }

    #[test]
    fn every_zone_of_the_table_is_compiled_in() {
        let rows = ZONES.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<&str> = rows.map(|row| row.split('\t').nth(2).unwrap()).collect();
        assert!(names.len() > 400, "{}", names.len());
        for name in names {
            assert!(TimeZone::parse(name).is_ok(), "{name}");
        }
    }
}
