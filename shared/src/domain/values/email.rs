//! E-mail addresses.
//!
//! Two spellings that a person could not tell apart are one address or none (rule 18): whoever is invited in one and signs
//! in with the other is the same person.

use crate::domain::values::text::{InvalidName, half_width, has_no_ink, text_type, tidy};
use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

text_type! {
    /// An e-mail address of at most 254 bytes (RFC 5321): before the `@` in composed form with its ASCII letters in lower
    /// case, after it the domain as UTS #46 shows it, whether it was given in Unicode or in Punycode.
    Email
}

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const MAX_BYTES: usize = 254;

impl Email {
    /// Reads an e-mail address as a person types or pastes it: with what has no ink around it, `mailto:` before it, a dot
    /// after it, or in full-width letters.
    ///
    /// # Errors
    /// It is not one `@` between a name and a domain, is longer than 254 bytes, or has in its name white space, a control
    /// character, one without ink, one that looks like another, or one of `/ ? # % \`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        read(text).map(Self).ok_or(InvalidName {
            what: "email",
            rule: "one e-mail address such as kim@example.com, of at most 254 bytes, without spaces, invisible \
                   characters and / ? # % \\",
        })
    }

    /// Reads the address that a token names. Nothing of its name is forgiven: at its mail server another spelling may be
    /// another person.
    ///
    /// # Errors
    /// As [`Self::parse`], or its name is in another form than that of [`Self::parse`].
    pub fn of_token(text: &str) -> Result<Self, InvalidName> {
        let name = |text: &str| text.split_once('@').map(|(name, _)| composed(name));
        let given = name(text).map(|name| name.to_ascii_lowercase());
        let address = Self::parse(text)?;
        (given == name(address.as_str()))
            .then_some(address)
            .ok_or(InvalidName {
                what: "email",
                rule: "an e-mail address in its usual form",
            })
    }
}

/// The one form of an address.
fn read(text: &str) -> Option<String> {
    let text: String = tidy(text).chars().map(half_width).collect();
    let scheme = text
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let (name, domain) = text[scheme.map_or(0, str::len)..].split_once('@')?;
    // Of ASCII alone: Unicode folds other letters into these, and so other people's addresses.
    let name = composed(name).to_ascii_lowercase();
    // A gateway decodes a path before it is cut into parts, and the last five would change where it leads.
    let refused =
        |c: char| c.is_whitespace() || c.is_control() || has_no_ink(c) || "@/?#%\\".contains(c);
    // A ligature or a letter in a circle is another way to write a letter, which another address has.
    let looks_like_another = ComposingNormalizerBorrowed::new_nfkc().normalize(&name) != name;
    if name.is_empty() || name.chars().any(refused) || looks_like_another {
        return None;
    }
    let domain = domain.strip_suffix(['.', '\u{3002}']).unwrap_or(domain);
    let rules = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), rules.0, rules.1, DnsLength::Verify);
    let ascii = ascii.ok()?;
    let (domain, shown) = Uts46::new().to_unicode(ascii.as_bytes(), rules.0, rules.1);
    shown.ok()?;
    let longest = name.len() + 1 + ascii.len().max(domain.len());
    (longest <= MAX_BYTES).then(|| format!("{name}@{domain}"))
}

fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(text)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Option<String> {
        Email::parse(text).ok().map(String::from)
    }

    #[test]
    fn spellings_that_nobody_can_tell_apart_are_one_address() {
        for (typed, expected) in [
            (" Kim@Example.com ", "kim@example.com"),
            ("\u{200b}kim@example.com", "kim@example.com"),
            ("\u{feff}kim@example.com\u{202c}", "kim@example.com"),
            ("mailto:kim@example.com", "kim@example.com"),
            ("MailTo:Kim@example.com", "kim@example.com"),
            ("kim@example.com.", "kim@example.com"),
            ("ｋｉｍ＠ｅｘａｍｐｌｅ．ｃｏｍ", "kim@example.com"),
            ("kim@bücher.example", "kim@bücher.example"),
            ("kim@BÜCHER.example", "kim@bücher.example"),
            ("kim@bu\u{308}cher.example", "kim@bücher.example"),
            ("kim@xn--bcher-kva.example", "kim@bücher.example"),
            ("jo\u{308}rg@example.com", "jörg@example.com"),
            ("김@예.example", "김@예.example"),
        ] {
            assert_eq!(parsed(typed).as_deref(), Some(expected), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "kim@.",
            "a@b@c",
            "a b@c",
            "a\u{7}@b",
            "a\u{200b}a@b",
            "a@b\u{202e}c d",
            "a@b..c",
            "a@-b",
            "a/b@c",
            "\u{fb01}n@example.com",
            "mailto:@example.com",
            "kim@xn--0.example",
        ] {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(243))).is_err());
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(242))).is_ok());
    }

    #[test]
    fn a_token_is_read_strictly() {
        for (text, is_read) in [
            ("kim@example.com", true),
            ("Kim@Example.com", true),
            ("jo\u{308}rg@b\u{fc}cher.example", true),
            ("\u{200b}kim@example.com", false),
            ("ｋｉｍ@example.com", false),
            ("mailto:kim@example.com", false),
            (" kim@example.com", false),
        ] {
            assert_eq!(Email::of_token(text).is_ok(), is_read, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_read_once(text in ".{0,20}@.{0,20}") {
            if let Ok(address) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(address.as_str()), Ok(address.clone()));
                prop_assert_eq!(Email::of_token(address.as_str()), Ok(address));
            }
        }
    }
}
