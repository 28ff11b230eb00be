//! The form in which something is stored.
//!
//! Entries are never rewritten, and other items only when something about them changes, so a table holds items of every form
//! that there ever was. Each says which it has, an entry in what is hashed too. A form is read for ever.
//!
//! | form | since | what is different |
//! |---|---|---|
//! | 1 | the first, which says nothing | administrators were named by their addresses, users by the IDs that people gave |
//! | 2 | | a random ID names a person in everything that is never erased |

use serde::{Deserialize, Serialize};

/// A form that this release reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Form(u8);

/// A later release wrote it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("its form is {0}, and this release reads 1 to {now}", now = Form::NOW.0)]
pub struct UnknownForm(u8);

impl Form {
    /// The form that is written.
    pub const NOW: Self = Self(2);

    /// Whether it is the first, which did not say so.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0 == 1
    }
}

impl Default for Form {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Form {
    type Error = UnknownForm;

    fn try_from(form: u8) -> Result<Self, UnknownForm> {
        (1..=Self::NOW.0)
            .contains(&form)
            .then_some(Self(form))
            .ok_or(UnknownForm(form))
    }
}

impl From<Form> for u8 {
    fn from(form: Form) -> Self {
        form.0
    }
}
