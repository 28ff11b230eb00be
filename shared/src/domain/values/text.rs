//! What the newtypes over text have in common (rule 18).
//!
//! Text arrives from clipboards, spreadsheets and keyboards of every script. It is brought to Unicode's composed form
//! (NFC, UAX #15), and what has no ink is cut off at its ends: white space, `Default_Ignorable_Code_Point` and
//! `Bidi_Control` (UAX #44).

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};

/// A text is not a valid name of its kind. `what` names the kind, `rule` what a valid one looks like.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidName {
    /// The kind of name, as the contract spells it.
    pub what: &'static str,
    /// What a valid one looks like.
    pub rule: &'static str,
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident) => {
        text_type! {
            $(#[$meta])*
            $name, $crate::domain::values::text::InvalidName
        }
    };
    ($(#[$meta:meta])* $name:ident, $error:ty) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}
pub(crate) use text_type;

/// The pattern of Braille without a dot, which Unicode counts among the visible.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether a character has no ink of its own, as a zero-width space or a mark of direction.
pub(crate) fn has_no_ink(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<BidiControl>().contains(c)
}

/// Whether a reader sees a character.
fn is_visible(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || has_no_ink(c) || c == BRAILLE_BLANK)
}

/// The text without what has no ink at its ends.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || has_no_ink(c))
}

/// The text in its composed form, without what has no ink at its ends: how every text that people give is read.
#[must_use]
pub fn tidy(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    trimmed(&composed).to_owned()
}

/// The ASCII character that a full-width one stands for, as keyboards of East Asia type it; any other as it is.
pub(crate) fn half_width(c: char) -> char {
    let ascii = u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32);
    match c {
        '\u{ff01}'..='\u{ff5e}' => ascii.unwrap_or(c),
        _ => c,
    }
}

/// A text of one line, tidied, of 1 to `most` characters and at least one that is visible.
pub(crate) fn line(text: &str, most: usize) -> Option<String> {
    written(&tidy(text), most, char::is_control)
}

/// A text of 1 to `most` characters, at least one of them visible, and none that is `refused`.
pub(crate) fn written(text: &str, most: usize, refused: impl Fn(char) -> bool) -> Option<String> {
    let right = text.chars().count() <= most && text.chars().any(is_visible);
    (right && !text.chars().any(refused)).then(|| text.to_owned())
}

/// 1 to 64 ASCII letters, digits and characters of `also`.
pub(crate) fn plain(text: &str, also: &str) -> Option<String> {
    let text = trimmed(text);
    let valid = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    ((1..=64).contains(&text.len()) && text.chars().all(valid)).then(|| text.to_owned())
}

/// A UUID of version 7.
pub(crate) fn uuid_of(at: jiff::Timestamp) -> String {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(
        uuid::NoContext,
        seconds,
        at.subsec_nanosecond().unsigned_abs(),
    );
    uuid::Uuid::new_v7(time).to_string()
}

pub(crate) fn uuid(text: &str, what: &'static str) -> Result<String, InvalidName> {
    uuid::Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == 36)
        .map(|id| id.to_string())
        .ok_or(InvalidName {
            what,
            rule: "a UUID in its hyphenated form",
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What has no ink, and where it comes from: a page, a spreadsheet, a messenger, a contact.
    const NO_INK: &str = "[\u{200b}\u{feff}\u{2060}\u{ad}\u{200e}\u{202a}\u{202c}\u{2066}\u{3164}\u{180e} \t\u{a0}\u{3000}]{0,4}";

    proptest! {
        #[test]
        fn what_has_no_ink_at_the_ends_makes_no_difference(before in NO_INK, text in "\\PC{0,20}", after in NO_INK) {
            prop_assert_eq!(tidy(&format!("{before}{text}{after}")), tidy(&text));
        }

        #[test]
        fn a_text_is_tidied_once(text in ".{0,40}") {
            prop_assert_eq!(tidy(&tidy(&text)), tidy(&text));
        }

        #[test]
        fn composed_and_decomposed_are_one_text(text in "[a-zà-ɏΆ-ώ가-힣が-ポ]{1,20}") {
            let decomposed = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
            prop_assert_eq!(line(&decomposed, 100), line(&text, 100));
        }

        #[test]
        fn nothing_visible_is_no_text(text in NO_INK) {
            prop_assert_eq!(line(&text, 100), None);
            prop_assert_eq!(line(&format!("{text}\u{2800}{text}"), 100), None);
        }
    }
}
