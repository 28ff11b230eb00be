//! What the newtypes over text have in common.

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
            type Error = $crate::domain::values::text::InvalidName;
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

/// A text of one line, trimmed, and of 1 to `most` characters.
pub(crate) fn line(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let right = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    right.then(|| text.to_owned())
}

pub(crate) fn plain(text: &str, also: &str) -> Option<String> {
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
