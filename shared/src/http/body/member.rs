//! How a body is read: each member by itself, so that all faults are told at once, and in the words of the contract.

use super::faults::{Faults, inside, listed, meant, repeated, subject};
use crate::domain::model::code::Recharge;
use crate::domain::model::site::{Role, SiteType};
use crate::domain::model::user::UserKind;
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::ids::{CheckedSiteId, DeviceId, UserId};
use crate::domain::values::names::{MessageText, PersonName, Reason, SiteName};
use crate::domain::values::phone::SpelledNumber;
use crate::domain::values::time_zone::TimeZone;
use crate::http::query::plain_date;
use crate::http::words;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What can stand in a body.
pub trait Member: Sized {
    /// Reads it, and adds what is wrong with it at this place; `None` if anything is.
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self>;

    /// What it is where it is left out; `None` if it may not be.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// An object of the contract.
pub trait Body: Member {
    /// The names of its members.
    const MEMBERS: &'static [&'static str];
}

/// The members of an object that were not read yet.
pub(in crate::http) struct Members<'a> {
    left: Map<String, Value>,
    at: &'a str,
}

impl<'a> Members<'a> {
    /// Those of this object.
    pub(in crate::http) fn of(value: Value, at: &'a str, faults: &mut Faults) -> Option<Self> {
        let Value::Object(left) = value else {
            faults.add(at, format!("{} must be a JSON object", subject(at)));
            return None;
        };
        Some(Self { left, at })
    }

    /// Takes one.
    pub(in crate::http) fn take<T: Member>(
        &mut self,
        name: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        let at = format!("{}/{name}", self.at);
        match self.left.remove(name) {
            Some(value) => T::read(value, &at, faults),
            None => T::absent().or_else(|| {
                faults.add(&at, format!("{} is missing", subject(&at)));
                None
            }),
        }
    }

    /// Refuses what is left.
    pub(in crate::http) fn end(self, known: &[&'static str], faults: &mut Faults) {
        for name in self.left.keys() {
            let pointer = name.replace('~', "~0").replace('/', "~1");
            let rule = match meant(name, known) {
                none if none.is_empty() => format!(": it takes {}", listed(known)),
                meant => meant,
            };
            let at = format!("{}/{}", self.at, repeated(&pointer));
            faults.add(&at, format!("{} is not known here{rule}", subject(&at)));
        }
    }
}

/// Declares a body: a struct of which each member is read by itself.
macro_rules! body {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, utoipa::ToSchema)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::http::body::Member for $name {
            fn read(
                value: serde_json::Value,
                at: &str,
                faults: &mut $crate::http::body::Faults,
            ) -> Option<Self> {
                #[allow(unused_mut, reason = "an empty object has nothing to take")]
                let mut members = $crate::http::body::Members::of(value, at, faults)?;
                $(let $field = members.take(stringify!($field), faults);)*
                members.end(<Self as $crate::http::body::Body>::MEMBERS, faults);
                Some(Self { $($field: $field?,)* })
            }
        }

        impl $crate::http::body::Body for $name {
            const MEMBERS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}
pub(in crate::http) use body;

impl<T: Member> Member for Option<T> {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value, at, faults).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Member> Member for Vec<T> {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let Value::Array(items) = value else {
            faults.add(at, format!("{} must be a list", subject(at)));
            return None;
        };
        let read: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(place, item)| T::read(item, &format!("{at}/{place}"), faults))
            .collect();
        read.into_iter().collect()
    }
}

/// A member of a change: left out it stays as it is, and null clears it.
#[derive(Debug)]
pub struct Patch<T>(pub Option<Option<T>>);

impl<T: Member> Member for Patch<T> {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        Option::read(value, at, faults).map(|value| Self(Some(value)))
    }

    fn absent() -> Option<Self> {
        Some(Self(None))
    }
}

impl Member for String {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let Value::String(text) = value else {
            faults.add(at, format!("{} must be a text", subject(at)));
            return None;
        };
        Some(text)
    }
}

impl Member for SpelledNumber {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        String::read(value, at, faults).map(|text| Self::new(&text))
    }
}

impl Member for Date {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let date = value.as_str().and_then(plain_date);
        if date.is_none() {
            faults.add(
                at,
                format!("{} must be a date such as 2026-12-09", subject(at)),
            );
        }
        date
    }
}

/// The largest whole number that every reader of JSON tells from its neighbours (RFC 8259, section 6).
const MAX_EXACT: u64 = (1 << 53) - 1;

/// A whole number, also one that is written as `4.0` or `1e3`: JSON knows one kind of numbers.
fn whole(value: &Value) -> Option<u64> {
    let exact = || {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        // Without an exponent, and exactly: it has no fraction.
        format!("{number:.0}").parse().ok()
    };
    value
        .as_u64()
        .or_else(exact)
        .filter(|&number| number <= MAX_EXACT)
}

impl Member for u64 {
    fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let number = whole(&value);
        if number.is_none() {
            faults.add(
                at,
                format!("{} must be a whole number, 0 or more", subject(at)),
            );
        }
        number
    }
}

/// Declares the texts that have a form.
macro_rules! texts {
    ($($type:ty),*) => {$(
        impl Member for $type {
            fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
                let text = String::read(value, at, faults)?;
                let parsed = Self::parse(&text);
                parsed.map_err(|error| faults.add(at, format!("{}{error}", inside(at)))).ok()
            }
        }
    )*};
}

texts!(
    CheckedSiteId,
    Country,
    DeviceId,
    Email,
    Language,
    MessageText,
    PersonName,
    Reason,
    SiteName,
    TimeZone,
    UserId
);

/// Reads one of these words.
pub(in crate::http) fn word<T: for<'de> Deserialize<'de>>(
    value: Value,
    known: &[&'static str],
    at: &str,
    faults: &mut Faults,
) -> Option<T> {
    let said = value.as_str().map(|text| meant(text, known));
    let read = T::deserialize(value).ok();
    if read.is_none() {
        let rule = format!(
            "{} must be {}{}",
            subject(at),
            listed(known),
            said.unwrap_or_default()
        );
        faults.add(at, rule);
    }
    read
}

/// Declares the members that are one of a few words.
macro_rules! words_of {
    ($($type:ty: $words:expr;)*) => {$(
        impl Member for $type {
            fn read(value: Value, at: &str, faults: &mut Faults) -> Option<Self> {
                word(value, $words, at, faults)
            }
        }
    )*};
}

words_of! {
    SiteType: words::SITE_TYPE;
    Role: words::ROLE;
    Recharge: words::RECHARGE;
    UserKind: words::USER_KIND;
}
