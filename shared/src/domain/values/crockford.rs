//! Crockford's Base32: the alphabet of license codes and site IDs.
//!
//! Source: Douglas Crockford, "Base 32", <https://www.crockford.com/base32.html>. The symbols I, L, O and U are
//! not used; I and L are read as 1, and O as 0.

use crate::domain::values::text::{half_width, has_no_ink};
use icu_properties::CodePointSetData;
use icu_properties::props::Dash;

/// The thirty-two symbols, each at the place of its value.
pub const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The value of one symbol, 0 to 31, with the mix-ups forgiven; `None` for anything else, `U` included.
#[must_use]
pub fn value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    SYMBOLS
        .iter()
        .position(|&known| char::from(known) == symbol)
        .and_then(|place| u8::try_from(place).ok())
}

/// Writes the lowest `5 × symbols` bits of `bits`, most significant first. At most 25 symbols fit 128 bits.
#[must_use]
pub fn encode(bits: u128, symbols: u32) -> String {
    values(bits, symbols)
        .map(|value| char::from(SYMBOLS[usize::from(value)]))
        .collect()
}

/// The values of the symbols that [`encode`] writes.
pub fn values(bits: u128, symbols: u32) -> impl Iterator<Item = u8> {
    let places = (0..symbols).rev();
    places.filter_map(move |place| u8::try_from((bits >> (5 * place)) & 31).ok())
}

/// A text is not so many symbols.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotSymbols {
    /// It has another number of letters and digits.
    Count(usize),
    /// It has a character that is no symbol.
    Other,
}

/// Reads exactly `symbols` symbols, and forgives case, full width, what stands between and around them, and the mix-ups of
/// O with 0 and of I and L with 1.
///
/// # Errors
/// There are fewer or more symbols, or any other character.
pub fn decode(text: &str, symbols: u32) -> Result<u128, NotSymbols> {
    let text = text.trim_matches(|c: char| is_separator(c) || is_mark(c));
    let characters = text.chars().filter(|&c| !is_separator(c));
    let mut bits = 0_u128;
    let mut read = 0;
    for character in characters.map(half_width) {
        let value = value(character).ok_or(NotSymbols::Other)?;
        bits = (bits << 5) | u128::from(value);
        read += 1;
    }
    match u32::try_from(read) {
        Ok(read) if read == symbols => Ok(bits),
        _ => Err(NotSymbols::Count(read)),
    }
}

/// What people and word processors put between the groups of a code: white space, what has no ink, and dashes.
fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || has_no_ink(character)
        || CodePointSetData::new::<Dash>().contains(character)
        // What a Japanese keyboard has on the key of the hyphen, full and half width, and the soft hyphen of old fonts.
        || matches!(character, '\u{30fc}' | '\u{ff70}' | '\u{2043}')
}

/// What a sentence puts around a code.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | ';' | ':' | '!' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '<' | '>' | '\u{ab}' | '\u{bb}'
            | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' | '\u{3001}' | '\u{3002}' | '\u{300c}'..='\u{300f}'
            | '\u{ff0e}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for bits in [0, 1, 31, 32, 0x1234_5678_9abc, (1 << 100) - 1] {
            assert_eq!(decode(&encode(bits, 20), 20), Ok(bits));
        }
    }

    #[test]
    fn mix_ups_case_and_separators_are_forgiven() {
        let bits = decode("01ABCDEFGH", 10);
        assert!(bits.is_ok());
        for spelling in [
            "oiabcdefgh",
            "Ol-AbC DeF–gH",
            " 0\u{a0}1 abcde-fgh\n",
            "\u{feff}01ab\u{200e}cd\u{2060}ef\u{202a}gh",
            "０１ＡＢＣ－ＤＥＦＧＨ",
            "01abcーdefgh",
            "“01ABC-DEFGH.”",
            "01abcdefgh。",
        ] {
            assert_eq!(decode(spelling, 10), bits, "{spelling:?}");
        }
    }

    #[test]
    fn other_characters_and_lengths_are_refused() {
        for (text, expected) in [
            ("", NotSymbols::Count(0)),
            ("0123", NotSymbols::Count(4)),
            ("01234U6789", NotSymbols::Other),
            ("0123456789A", NotSymbols::Count(11)),
            ("012345678é", NotSymbols::Other),
            ("01234567_9", NotSymbols::Other),
        ] {
            assert_eq!(decode(text, 10), Err(expected), "{text:?}");
        }
    }
}
