//! The text of a file, whose bytes are in UTF-8 unless a byte order mark or `Content-Type` says otherwise.
//!
//! A charset is never guessed: a guess can be wrong, and then people get other names. A file that cannot be read as
//! what it is said to be is refused whole. If its lines without umlauts alone were imported, the corrected file would
//! add their people twice.

use axum::http::{HeaderMap, header};
use encoding_rs::{Encoding, UTF_8};
use std::borrow::Cow;

/// Why a file is no text.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum NoText {
    /// `Content-Type` names a charset that nobody knows.
    #[error("the charset of Content-Type is unknown: it must be one such as utf-8 or windows-1252")]
    UnknownCharset,
    /// `Content-Type` names another charset than the file is in.
    #[error("the file is in UTF-8, and Content-Type names another charset")]
    OtherCharset,
    /// Its bytes are no text in its charset.
    #[error(
        "the file is not text in {0}: save it as \"CSV UTF-8\", or send it as application/octet-stream with its charset, \
         such as application/octet-stream; charset=windows-1252"
    )]
    NotIn(&'static str),
    /// A program left U+FFFD where it could not read a character, as a gateway does that takes every text for UTF-8.
    #[error(
        "the file has a replacement character (U+FFFD) for one that was lost: save it as \"CSV UTF-8\""
    )]
    Damaged,
}

/// The charset that `Content-Type` names, by its label in the Encoding Standard; `None` where it names none.
///
/// # Errors
/// No such charset is known.
pub(super) fn declared(headers: &HeaderMap) -> Result<Option<&'static Encoding>, NoText> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let parameters = content_type.unwrap_or_default().split(';').skip(1);
    let charset = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let Some((_, label)) = charset else {
        return Ok(None);
    };
    let label = label.trim().trim_matches('"');
    let known = Encoding::for_label_no_replacement(label.as_bytes());
    known.map(Some).ok_or(NoText::UnknownCharset)
}

/// The text of a file. A byte order mark counts for more than what was declared, as it does in browsers.
///
/// # Errors
/// The bytes are no text in that charset, or their text has been damaged before.
pub(super) fn text_of<'a>(
    bytes: &'a [u8],
    declared: Option<&'static Encoding>,
) -> Result<Cow<'a, str>, NoText> {
    let marked = Encoding::for_bom(bytes);
    let (charset, mark) = marked.unwrap_or((declared.unwrap_or(UTF_8), 0));
    let bytes = bytes.get(mark..).unwrap_or_default();
    // In nearly every other charset these bytes would be text as well, though nobody's name.
    if charset != UTF_8 && mark == 0 && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
        return Err(NoText::OtherCharset);
    }
    let text = charset.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or(NoText::NotIn(charset.name()))?;
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(NoText::Damaged);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn charset(content_type: &'static str) -> Result<Option<&'static str>, NoText> {
        let value = HeaderValue::from_static(content_type);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
        Ok(declared(&headers)?.map(Encoding::name))
    }

    fn read(bytes: &[u8], label: &str) -> Result<String, NoText> {
        text_of(bytes, Encoding::for_label(label.as_bytes())).map(Cow::into_owned)
    }

    fn utf_16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    #[test]
    fn a_charset_is_read_as_content_type_may_write_it() {
        for (content_type, expected) in [
            ("text/csv", None),
            ("text/csv; header=present", None),
            ("text/csv; charset=utf-8", Some("UTF-8")),
            ("text/csv;header=present;Charset=\"UTF8\"", Some("UTF-8")),
            (
                "application/octet-stream; charset=ISO-8859-1",
                Some("windows-1252"),
            ),
            ("text/csv; charset = Shift_JIS", Some("Shift_JIS")),
            ("text/csv; charset=ks_c_5601-1987", Some("EUC-KR")),
        ] {
            assert_eq!(charset(content_type), Ok(expected), "{content_type}");
        }
        for unknown in [
            "text/csv; charset=",
            "text/csv; charset=klingon",
            "text/csv; charset=iso-2022-kr",
        ] {
            assert_eq!(charset(unknown), Err(NoText::UnknownCharset), "{unknown}");
        }
    }

    #[test]
    fn a_file_is_read_in_the_charset_that_it_is_said_to_be_in() {
        for (bytes, label, expected) in [
            (&b"M\xc3\xbcller"[..], "", "Müller"),
            (b"\xef\xbb\xbfM\xc3\xbcller", "", "Müller"),
            (b"\xef\xbb\xbfM\xc3\xbcller", "windows-1252", "Müller"),
            (b"M\xfcller", "windows-1252", "Müller"),
            (b"M\x9fller", "macintosh", "Müller"),
            (b"\x8e\x52\x93\x63", "shift_jis", "山田"),
            (b"\xb1\xe8\xbf\xb5\xc8\xf1", "windows-949", "김영희"),
            (b"Kim", "windows-1252", "Kim"),
            (
                &utf_16("\u{feff}Müller 𠮷", u16::to_le_bytes),
                "",
                "Müller 𠮷",
            ),
            (
                &utf_16("\u{feff}Müller 𠮷", u16::to_be_bytes),
                "utf-8",
                "Müller 𠮷",
            ),
            (&utf_16("Müller", u16::to_le_bytes), "utf-16le", "Müller"),
        ] {
            assert_eq!(
                read(bytes, label),
                Ok(expected.to_owned()),
                "{bytes:?} {label}"
            );
        }
    }

    #[test]
    fn a_file_that_would_be_misread_is_refused() {
        for (bytes, label, expected) in [
            (&b"M\xfcller"[..], "", NoText::NotIn("UTF-8")),
            (b"M\xfcller", "utf-8", NoText::NotIn("UTF-8")),
            (b"\x8e", "shift_jis", NoText::NotIn("Shift_JIS")),
            (b"\xff\xfeM", "", NoText::NotIn("UTF-16LE")),
            (b"\xff\xfe\x00\xd8", "", NoText::NotIn("UTF-16LE")),
            (b"M\xc3\xbcller", "windows-1252", NoText::OtherCharset),
            (b"M\xef\xbf\xbdller", "", NoText::Damaged),
        ] {
            assert_eq!(read(bytes, label), Err(expected), "{bytes:?} {label}");
        }
    }
}
