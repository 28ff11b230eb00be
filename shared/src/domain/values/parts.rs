//! The parts of a message: what its text costs (rule 13).

use serde::{Deserialize, Serialize};

/// The most parts of one message.
pub const MAX_PARTS: u32 = 10;

/// How a text is written on the air.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// Seven bits a character, of the alphabet of 3GPP TS 23.038, section 6.2.1.
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// Two bytes a UTF-16 unit.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

impl Encoding {
    /// How many units fit a message of one part, and each part of a longer one.
    fn capacity(self) -> (u32, u32) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// The units that a character takes.
    fn units(self, character: char) -> u32 {
        match self {
            Self::Gsm7 if GSM_EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            // One or two, by the definition of UTF-16.
            Self::Ucs2 => u32::from(character.len_utf16() == 2) + 1,
        }
    }
}

/// The default alphabet, without the escape character.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// What takes an escape character before it.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a text costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How it is written.
    pub encoding: Encoding,
    /// The units of all its characters together.
    pub units: u32,
    /// The parts: one SMS each.
    pub parts: u32,
}

/// A text is longer than a message may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the message would have {parts} parts, and may have {MAX_PARTS}")]
pub struct TooLong {
    /// The parts that it would have.
    pub parts: u32,
}

/// Counts the parts of a text (rule 13). No character is cut by the end of a part: neither an escaped one of GSM-7 nor a
/// pair of surrogates of UCS-2.
///
/// # Errors
/// It has too many.
pub fn measure(text: &str) -> Result<Measured, TooLong> {
    let gsm = |c: char| GSM_BASIC.contains(c) || GSM_EXTENSION.contains(c);
    let encoding = if text.chars().all(gsm) {
        Encoding::Gsm7
    } else {
        Encoding::Ucs2
    };
    let (whole, part) = encoding.capacity();
    let units = text
        .chars()
        .map(|c| encoding.units(c))
        .fold(0, u32::saturating_add);
    let parts = if units <= whole {
        1
    } else {
        let (mut parts, mut room) = (1_u32, part);
        for needed in text.chars().map(|c| encoding.units(c)) {
            if needed > room {
                parts = parts.saturating_add(1);
                room = part;
            }
            room -= needed;
        }
        parts
    };
    if parts > MAX_PARTS {
        return Err(TooLong { parts });
    }
    Ok(Measured {
        encoding,
        units,
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> (Encoding, u32, u32) {
        let Measured {
            encoding,
            units,
            parts,
        } = measure(text).unwrap();
        (encoding, units, parts)
    }

    #[test]
    fn hard_cases_of_counting() {
        use Encoding::{Gsm7, Ucs2};
        let of = |text: &str, times: usize| text.repeat(times);
        for (text, expected) in [
            (String::new(), (Gsm7, 0, 1)),
            (of("a", 160), (Gsm7, 160, 1)),
            (of("a", 161), (Gsm7, 161, 2)),
            (of("a", 306), (Gsm7, 306, 2)),
            (of("a", 307), (Gsm7, 307, 3)),
            (of("한", 70), (Ucs2, 70, 1)),
            (of("한", 71), (Ucs2, 71, 2)),
            (of("한", 134), (Ucs2, 134, 2)),
            (of("한", 135), (Ucs2, 135, 3)),
            // Each character of the extension takes two.
            (of("€", 80), (Gsm7, 160, 1)),
            (of("€", 81), (Gsm7, 162, 2)),
            ("^{}\\[~]|€\u{c}".to_owned(), (Gsm7, 20, 1)),
            // At the end of a part, 152 of 153 used, it does not fit any more: 152 + 2 | 154 more would be 3 parts.
            (of("a", 152) + "€" + &of("a", 151), (Gsm7, 305, 2)),
            (of("a", 152) + "€" + &of("a", 152), (Gsm7, 306, 3)),
            (of("a", 151) + "€" + &of("a", 153), (Gsm7, 306, 2)),
            // An emoji at the 70th place takes the 71st too.
            (of("a", 69) + "😀", (Ucs2, 71, 2)),
            (of("a", 68) + "😀", (Ucs2, 70, 1)),
            // A pair of surrogates at a part's edge: 66 + 2 do not fit 67.
            (of("a", 66) + "😀" + &of("a", 65), (Ucs2, 133, 2)),
            (of("a", 66) + "😀" + &of("a", 66), (Ucs2, 134, 3)),
            (of("a", 65) + "😀" + &of("a", 67), (Ucs2, 134, 2)),
            (of("😀", 35), (Ucs2, 70, 1)),
            (of("😀", 36), (Ucs2, 72, 2)),
            (of("😀", 66), (Ucs2, 132, 2)),
            (of("😀", 67), (Ucs2, 134, 3)),
            // A family is one picture, and eleven units.
            ("👨‍👩‍👧‍👦".to_owned(), (Ucs2, 11, 1)),
            // What looks alike is not of the alphabet.
            ("Ç".to_owned(), (Gsm7, 1, 1)),
            ("ç".to_owned(), (Ucs2, 1, 1)),
            ("it’s".to_owned(), (Ucs2, 4, 1)),
            ("`".to_owned(), (Ucs2, 1, 1)),
            ("é ä ñ ß Δ Ω".to_owned(), (Gsm7, 11, 1)),
            ("e\u{301}".to_owned(), (Ucs2, 2, 1)),
        ] {
            assert_eq!(measured(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_alphabet_has_what_the_standard_says() {
        // 127 characters and the escape.
        assert_eq!(GSM_BASIC.chars().count(), 127);
        assert_eq!(GSM_EXTENSION.chars().count(), 10);
    }

    #[test]
    fn a_message_has_at_most_ten_parts() {
        assert_eq!(measure(&"a".repeat(1_530)).unwrap().parts, 10);
        assert_eq!(measure(&"a".repeat(1_531)), Err(TooLong { parts: 11 }));
    }
}
