//! What is wrong with a body, member by member.

use crate::http::problem::Problem;
use serde_json::json;

/// The most faults that one answer names.
const MAX_FAULTS: usize = 20;
/// The longest text of a request that an answer repeats, in characters.
const MAX_REPEATED: usize = 40;
/// The most changes of a letter that still make a word a misspelling of another.
const MAX_TYPING_ERRORS: usize = 2;

/// One fault.
#[derive(Debug)]
struct Fault {
    /// Where: a JSON pointer (RFC 6901), empty for the body itself.
    pointer: String,
    /// What is wrong, and what is allowed.
    detail: String,
}

/// The faults of a body, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one, up to the most that are named.
    pub(super) fn add(&mut self, pointer: &str, detail: impl Into<String>) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(Fault {
                pointer: pointer.to_owned(),
                detail: detail.into(),
            });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Faults> for Problem {
    fn from(Faults(faults): Faults) -> Self {
        let said: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
        let errors = faults.iter().map(|fault| {
            // In a URI's fragment, as RFC 9457 shows it.
            json!({ "pointer": format!("#{}", fault.pointer), "detail": fault.detail })
        });
        Self::malformed(said.join("; ")).with("errors", errors.collect::<Vec<_>>())
    }
}

/// What a fault speaks of: a member by its name, and one further down by its place too, such as `devices/0/name`.
pub(super) fn subject(pointer: &str) -> &str {
    pointer.strip_prefix('/').unwrap_or("the body")
}

/// The place of the object that has a member, as it comes before what is wrong with that member.
pub(super) fn inside(pointer: &str) -> String {
    match pointer.rsplit_once('/') {
        None | Some(("", _)) => String::new(),
        Some((object, _)) => format!("{}: ", subject(object)),
    }
}

/// A text of a request, as an answer may repeat it: short, and on one line.
pub(super) fn repeated(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(MAX_REPEATED).collect()
}

/// What was probably meant: the known word that differs in case or in a letter or two, or has this one as a part.
pub(super) fn meant(text: &str, known: &[&'static str]) -> String {
    let text = text.to_lowercase();
    let distance = |word: &&&str| strsim::osa_distance(&text, word);
    let is_part = |word: &str| word.split('_').any(|part| part == text);
    let near = known.iter().min_by_key(distance);
    let near = near.filter(|word| {
        let errors = strsim::osa_distance(&text, word);
        errors <= MAX_TYPING_ERRORS && errors * 2 < word.len()
    });
    let found = near.or_else(|| known.iter().find(|word| is_part(word)));
    found.map_or_else(String::new, |word| format!(": did you mean {word}?"))
}

/// Words in a sentence: `a, b or c`.
pub(in crate::http) fn listed(words: &[&str]) -> String {
    match words {
        [] => "none".to_owned(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
