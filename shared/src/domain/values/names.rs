//! Names and other short texts that people give.

use crate::domain::values::text::{InvalidName, half_width, line, plain, text_type, tidy, written};

text_type! {
    /// A site's name: 1 to 100 characters, none of them a control character. Names may repeat.
    SiteName
}

text_type! {
    /// A person's name: 1 to 100 characters, none of them a control character, and the first none with which a
    /// spreadsheet begins a formula, in ASCII or in full width.
    PersonName
}

text_type! {
    /// A text of a site's own, for a message: 1 to 500 characters, none of them a control character but the new line.
    MessageText
}

text_type! {
    /// Who acts for a partner: the `sub` claim of the token, at most 255 characters.
    Subject
}

text_type! {
    /// Why a partner voids codes: 1 to 100 characters, none of them a control character. It is repeated on each of ten
    /// thousand codes, and a function answers at most 6 MB, in which a character takes up to four bytes.
    Reason
}

text_type! {
    /// The ticket that an operator acts on: 1 to 64 ASCII letters, digits, `-`, `_`, `.`, `/` and `#`. It is never erased, so
    /// it is to be a number, which names no person.
    Reference
}

impl PersonName {
    /// Reads a person's name and tidies it.
    ///
    /// # Errors
    /// Nothing visible is left, it is longer than 100 characters, has a control character, or begins with `=`, `+`, `-`
    /// or `@`, also in full width.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100)
            .filter(|name| !name.starts_with(|c: char| "=+-@".contains(half_width(c))))
            .map(Self)
            .ok_or(InvalidName {
                what: "name",
                rule: "1 to 100 characters, at least one of them visible, without control characters, the first none of = + - @",
            })
    }
}

impl MessageText {
    /// Reads a text and tidies it. A line may end as any system ends it.
    ///
    /// # Errors
    /// Nothing visible is left, it is longer than 500 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        written(&tidy(&lines), 500, |c| c.is_control() && c != '\n')
            .map(Self)
            .ok_or(InvalidName {
                what: "text",
                rule: "1 to 500 characters, at least one of them visible, without control characters other than new \
                       lines",
            })
    }
}

impl SiteName {
    /// Reads a name and tidies it.
    ///
    /// # Errors
    /// Nothing visible is left, it is longer than 100 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100).map(Self).ok_or(InvalidName {
            what: "name",
            rule: "1 to 100 characters, at least one of them visible, without control characters",
        })
    }
}

impl Subject {
    /// Reads a subject.
    ///
    /// # Errors
    /// It is empty, or has more characters than OpenID Connect Core 1.0, section 2, allows.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        (1..=255)
            .contains(&text.chars().count())
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidName {
                what: "sub",
                rule: "1 to 255 characters",
            })
    }
}

impl Reason {
    /// Reads a reason and tidies it.
    ///
    /// # Errors
    /// Nothing visible is left, it is longer than 100 characters, or it has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        line(text, 100).map(Self).ok_or(InvalidName {
            what: "reason",
            rule: "1 to 100 characters, at least one of them visible, without control characters",
        })
    }
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        plain(text, "-_./#").map(Self).ok_or(InvalidName {
            what: "reference",
            rule: "the number of a ticket: 1 to 64 ASCII letters, digits, hyphens, underscores, dots, slashes and #",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_not_called_as_a_formula_begins() {
        for start in [
            "=",
            "+",
            "-",
            "@",
            "＝",
            "＋",
            "－",
            "＠",
            " ＝",
            "\u{200b}=",
        ] {
            assert!(
                PersonName::parse(&format!("{start}1+1")).is_err(),
                "{start}"
            );
        }
        for name in ["Kim-Ann", "Kim＝Ann", "#1", "＃1", "ー", "Ann;=1+1"] {
            assert!(PersonName::parse(name).is_ok(), "{name}");
        }
    }
}
