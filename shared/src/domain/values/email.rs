//! E-mail addresses.

use crate::domain::values::text::{InvalidName, text_type};

text_type! {
    /// An e-mail address, its ASCII letters in lower case, at most 254 bytes (RFC 5321). Compared without case.
    Email
}

impl Email {
    /// Reads an e-mail address, trims it, and lowers its case.
    ///
    /// # Errors
    /// It is not one `@` between two parts of visible characters, has one of `/ ? # % \`, or is longer than 254 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        // Of ASCII alone: Unicode folds other letters into these, and so other people's addresses.
        let text = text.trim().to_ascii_lowercase();
        // A gateway decodes a path before it is cut into parts, and the last five would change where it leads.
        let visible = !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "/?#%\\".contains(c));
        let parts = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        (visible && parts && text.len() <= 254)
            .then_some(Self(text))
            .ok_or(InvalidName {
                what: "email",
                rule: "one e-mail address of at most 254 bytes, without / ? # % and \\",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses_are_compared_without_case() {
        assert_eq!(
            Email::parse(" Kim@Example.com ").unwrap().as_str(),
            "kim@example.com"
        );
        for bad in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "a@b@c",
            "a b@c",
            "a\u{7}@b",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }
}
