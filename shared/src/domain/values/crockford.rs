//! Crockford's Base32: the alphabet of license codes and site IDs.
//!
//! Source: Douglas Crockford, "Base 32", <https://www.crockford.com/base32.html>. The symbols I, L, O and U are
//! not used; I and L are read as 1, and O as 0.

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
    (0..symbols)
        .rev()
        .filter_map(|place| usize::try_from((bits >> (5 * place)) & 31).ok())
        .map(|value| char::from(SYMBOLS[value]))
        .collect()
}

/// Reads exactly `symbols` symbols, and forgives case, white space, hyphens and dashes between them, and the
/// mix-ups of O with 0 and of I and L with 1.
///
/// `None` where there are fewer or more symbols, or any other character.
#[must_use]
pub fn decode(text: &str, symbols: u32) -> Option<u128> {
    let mut bits = 0_u128;
    let mut read = 0_u32;
    for character in text.chars().filter(|&c| !is_separator(c)) {
        read += 1;
        if read > symbols {
            return None;
        }
        bits = (bits << 5) | u128::from(value(character)?);
    }
    (read == symbols).then_some(bits)
}

/// What people and word processors put between the groups of a code.
fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}' | '\u{200b}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for bits in [0, 1, 31, 32, 0x1234_5678_9abc, (1 << 100) - 1] {
            assert_eq!(decode(&encode(bits, 20), 20), Some(bits));
        }
    }

    #[test]
    fn mix_ups_case_and_separators_are_forgiven() {
        let bits = decode("01ABCDEFGH", 10);
        assert!(bits.is_some());
        for spelling in ["oiabcdefgh", "Ol-AbC DeF–gH", " 0\u{a0}1 abcde-fgh\n"] {
            assert_eq!(decode(spelling, 10), bits, "{spelling:?}");
        }
    }

    #[test]
    fn other_characters_and_lengths_are_refused() {
        for text in [
            "",
            "0123",
            "01234U6789",
            "0123456789A",
            "012345678é",
            "01234567_9",
        ] {
            assert_eq!(decode(text, 10), None, "{text:?}");
        }
    }
}
