//! Mobile numbers: E.164 in and out, national spelling understood by the site's country (rule 13).
//!
//! Google's metadata, which the `rlibphonenumber` crate carries, says what is a number and of which kind. A number is
//! personal data: only its owner's record and the network that sends messages show it.

use crate::domain::values::country::Country;
use crate::domain::values::text::{half_width, has_no_ink};
use icu_properties::props::{Dash, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest spelling of a number that is read: E.164's fifteen digits, with a separator after each.
const MAX_SPELLING: usize = 32;

/// How a link to a number begins (RFC 3966).
const LINK: &str = "tel:";

/// How many digits of a number are shown at its end.
const SHOWN_AT_END: usize = 2;

/// A mobile number in E.164. Its `Debug` form and its mask hide all but a few digits.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mobile(String);

/// A number as somebody spelled it, not yet read. It is as personal as one that was: its `Debug` form hides it.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpelledNumber(String);

impl SpelledNumber {
    /// Takes a spelling.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Reads the number, as [`Mobile::parse`] does.
    ///
    /// # Errors
    /// As there.
    pub fn read(&self, country: &Country) -> Result<Mobile, InvalidMobile> {
        Mobile::parse(&self.0, country)
    }
}

impl fmt::Debug for SpelledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpelledNumber(…)")
    }
}

/// A text is not a mobile number. The error never repeats the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidMobile {
    /// It cannot be read as a number at all.
    #[error(
        "mobile must be a phone number such as +43 664 1234567, at most {MAX_SPELLING} characters; without + it is \
         read as one of the site's country"
    )]
    Unreadable,
    /// Its country has no such number.
    #[error("mobile is no number of its country's numbering plan")]
    NoSuchNumber,
    /// It is a fixed line, a premium service, or another kind of number that takes no message.
    #[error("mobile must be a mobile number, and this is another kind of number")]
    NotMobile,
}

impl Mobile {
    /// Reads a number in any usual spelling; one without a country calling code is a number of `country`.
    ///
    /// # Errors
    /// [`InvalidMobile`] says what is wrong.
    pub fn parse(text: &str, country: &Country) -> Result<Self, InvalidMobile> {
        let number = read(text, country.as_str().parse().ok())?;
        // North America and a few others do not tell mobile numbers from fixed lines.
        match number.get_type() {
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => {}
            _ => return Err(InvalidMobile::NotMobile),
        }
        Ok(Self(number.format_as(PhoneNumberFormat::E164).into_owned()))
    }

    /// The number in E.164: a plus and at most fifteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country whose number it is. `None` where it belongs to no country, as the numbers of some satellites.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        let number = read(&self.0, None).ok()?;
        Country::parse(number.get_region_code()?.as_region_str().as_str()).ok()
    }

    /// Whether it is a number of this country, which may share its numbers with a neighbour: those of Åland are Finland's
    /// as well.
    #[must_use]
    pub fn is_of(&self, country: &Country) -> bool {
        let number = read(&self.0, None).ok();
        let region: Option<Region> = country.as_str().parse().ok();
        // The crate's `is_valid_for_region` looks at the pattern alone, and not at the calling code.
        number.zip(region).is_some_and(|(number, region)| {
            PHONE_NUMBER_UTIL.get_country_code_for_region(region) == Some(number.country_code)
                && number.is_valid_for_region(region)
        })
    }

    /// The number as it may be shown and kept: the country calling code, and the last two digits.
    #[must_use]
    pub fn masked(&self) -> String {
        let code = read(&self.0, None).map_or(0, |number| number.country_code);
        let shown = format!("+{code}");
        let hidden = self.0.len().saturating_sub(shown.len() + SHOWN_AT_END);
        let end = &self.0[self.0.len().saturating_sub(SHOWN_AT_END)..];
        format!("{shown}{}{end}", "*".repeat(hidden))
    }
}

/// Reads a number that its country has.
fn read(text: &str, country: Option<Region>) -> Result<PhoneNumber, InvalidMobile> {
    let text = keyed(text).ok_or(InvalidMobile::Unreadable)?;
    let number = PhoneNumber::parse(&text, country).map_err(|_| InvalidMobile::Unreadable)?;
    if number.is_valid() {
        Ok(number)
    } else {
        Err(InvalidMobile::NoSuchNumber)
    }
}

/// A spelling as a telephone's keys have it: without what has no ink, its digits and dashes those of ASCII.
fn keyed(text: &str) -> Option<String> {
    let with_ink = text.chars().filter(|&c| !has_no_ink(c));
    let plain = with_ink
        .take(MAX_SPELLING + LINK.len() + 1)
        .map(|c| match half_width(c) {
            c if c.is_whitespace() => ' ',
            c if CodePointSetData::new::<Dash>().contains(c) => '-',
            c => digit(c).unwrap_or(c),
        });
    let plain: String = plain.collect();
    let text = plain.trim();
    let link = text
        .get(..LINK.len())
        .filter(|start| start.eq_ignore_ascii_case(LINK));
    let text = &text[link.map_or(0, str::len)..];
    let known = |c: char| c.is_ascii_digit() || " ()-./+".contains(c);
    (text.len() <= MAX_SPELLING && text.chars().all(known)).then(|| text.to_owned())
}

/// The ASCII digit of a decimal digit of any script. Each script has its ten digits in a row, from zero up, as Unicode's
/// stability policy guarantees.
fn digit(c: char) -> Option<char> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_digit = |code: u32| categories.get32(code) == GeneralCategory::DecimalNumber;
    let code = u32::from(c);
    if c.is_ascii() || !is_digit(code) {
        return c.is_ascii_digit().then_some(c);
    }
    let before = (0..code).rev().take_while(|&code| is_digit(code)).count();
    u32::try_from(before % 10)
        .ok()
        .and_then(|value| char::from_digit(value, 10))
}

impl fmt::Debug for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mobile({})", self.masked())
    }
}

impl TryFrom<String> for Mobile {
    type Error = InvalidMobile;
    /// Takes a number as it is stored, in E.164, without asking again whether its country has it.
    fn try_from(text: String) -> Result<Self, InvalidMobile> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let right = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        right.then_some(Self(text)).ok_or(InvalidMobile::Unreadable)
    }
}

impl From<Mobile> for String {
    fn from(mobile: Mobile) -> Self {
        mobile.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    #[test]
    fn usual_spellings_are_read_by_the_sites_country() {
        for (text, at, expected) in [
            ("+43 664 1234567", "KR", "+436641234567"),
            ("0664/123 45 67", "AT", "+436641234567"),
            ("010-1234-5678", "KR", "+821012345678"),
            (" (0)664 1234567 ", "AT", "+436641234567"),
            ("00 49 1512 3456789", "AT", "+4915123456789"),
            ("(201) 555-0123", "US", "+12015550123"),
            ("+1 416 555 0123", "US", "+14165550123"),
            ("07400 123456", "GB", "+447400123456"),
        ] {
            let read = Mobile::parse(text, &country(at));
            assert_eq!(read.as_ref().map(Mobile::as_str), Ok(expected), "{text}");
        }
    }

    /// Another table can be named by `PHONE_NUMBERS`, as the differential check does (`tests/python`).
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may be told what to read")]
    fn every_spelling_of_the_table_is_read_as_libphonenumber_reads_it() {
        let table = std::env::var("PHONE_NUMBERS").map_or_else(
            |_| include_str!("../../../../tests/data/phone-numbers.csv").to_owned(),
            |path| std::fs::read_to_string(path).unwrap(),
        );
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let mut rows = 0;
        for row in reader.records() {
            let row = row.unwrap();
            let read = Mobile::parse(&row[1], &country(&row[0]));
            let read = read.as_ref().map_or("", Mobile::as_str);
            assert_eq!(read, &row[2], "{row:?}");
            rows += 1;
        }
        assert!(rows > 2_000, "{rows}");
    }

    #[test]
    fn what_a_clipboard_adds_makes_no_difference() {
        for (text, at, expected) in [
            ("\u{202a}+43 664 1234567\u{202c}", "AT", "+436641234567"),
            ("\u{2068}0664 1234567\u{2069}", "AT", "+436641234567"),
            ("\u{feff}0664\u{200b}1234567", "AT", "+436641234567"),
            ("０１０－１２３４－５６７８", "KR", "+821012345678"),
            ("＋８２ １０ １２３４ ５６７８", "AT", "+821012345678"),
            ("٠١٠٠ ١٢٣ ٤٥٦٧", "EG", "+201001234567"),
            ("۰۹۱۲ ۳۴۵ ۶۷۸۹", "IR", "+989123456789"),
            ("0664–123–45–67", "AT", "+436641234567"),
            ("0664 123\u{2212}4567", "AT", "+436641234567"),
            ("0664\u{ad}1234567", "AT", "+436641234567"),
            ("0664\u{202f}123\u{3000}4567", "AT", "+436641234567"),
            ("tel:+43-664-1234567", "KR", "+436641234567"),
            ("TEL:06641234567", "AT", "+436641234567"),
        ] {
            let read = Mobile::parse(text, &country(at));
            assert_eq!(read.as_ref().map(Mobile::as_str), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn a_territory_that_shares_its_numbers_has_them_too() {
        for (at, text, other) in [
            ("AX", "+358 41 2345678", "FI"),
            ("BL", "+590 690 001234", "GP"),
            ("MF", "+590 690 001234", "GP"),
            ("CC", "+61 412 345 678", "AU"),
            ("CX", "+61 412 345 678", "AU"),
            ("EH", "+212 650 123456", "MA"),
            ("IM", "+44 7924 123456", "GB"),
            ("SJ", "+47 412 34 567", "NO"),
            ("VA", "+39 312 345 6789", "IT"),
            ("XK", "+383 43 201 234", "AL"),
        ] {
            let mobile = Mobile::parse(text, &country(at)).unwrap();
            assert!(mobile.is_of(&country(at)), "{at}");
            assert!(!mobile.is_of(&country("JP")), "{at}");
            let shared = at != "XK";
            assert_eq!(mobile.is_of(&country(other)), shared, "{at} and {other}");
        }
    }

    #[test]
    fn what_takes_no_message_is_refused() {
        use InvalidMobile::{NoSuchNumber, NotMobile, Unreadable};
        for (text, expected) in [
            ("", Unreadable),
            ("kim", Unreadable),
            ("0664 123 456 # 7", Unreadable),
            ("+", Unreadable),
            ("1234567890123456789012345678901234", Unreadable),
            ("+999 123 456 789", Unreadable),
            ("0664 12", NoSuchNumber),
            ("+43 1 5880110000", NotMobile),
            ("01 588 01-0", NotMobile),
            ("0900 123456", NotMobile),
            ("0800 123456", NotMobile),
        ] {
            assert_eq!(Mobile::parse(text, &country("AT")), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_country_is_known_where_several_share_a_calling_code() {
        for (text, expected) in [
            ("+436641234567", "AT"),
            ("+12015550123", "US"),
            ("+14165550123", "CA"),
            ("+77012345678", "KZ"),
            ("+79161234567", "RU"),
        ] {
            let mobile = Mobile::parse(text, &country("AT")).unwrap();
            assert_eq!(mobile.country(), Some(country(expected)), "{text}");
        }
    }

    #[test]
    fn a_mask_shows_the_calling_code_and_two_digits() {
        let mobile = Mobile::parse("+436641234567", &country("AT")).unwrap();
        assert_eq!(mobile.masked(), "+43********67");
        assert_eq!(format!("{mobile:?}"), "Mobile(+43********67)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_read_is_read_again(text in "[+0-9 ()./\u{2013}\u{200e}\u{660}-\u{669}\u{ff10}-\u{ff19}tel:-]{0,40}", at in "AT|KR|US|GB|RU|ZZ") {
            if let Ok(mobile) = Mobile::parse(&text, &country(&at)) {
                prop_assert_eq!(Mobile::parse(mobile.as_str(), &country("JP")), Ok(mobile.clone()));
                prop_assert_eq!(Mobile::try_from(mobile.as_str().to_owned()), Ok(mobile));
            }
        }
    }
}
