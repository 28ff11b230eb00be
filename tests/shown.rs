//! What a snapshot shows of an answer: the status, and the body with a name in place of everything random.

use crate::harness::{Answered, CARD_LINK_BASE, Call, System};
use serde_json::Value;
use std::fmt;

/// The longest line of a snapshot, in characters.
const WIDTH: usize = 100;

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replayed = if self.replayed { ", replayed" } else { "" };
        writeln!(f, "{}{replayed}", self.status)?;
        // What is not JSON is shown as it came.
        match &self.body {
            Value::Null => f.write_str(&self.text),
            body => f.write_str(&shown(body)),
        }
    }
}

/// A value as snapshots show it.
pub(crate) fn shown(value: &Value) -> String {
    laid_out(&Names::default().named("", value), 0)
}

/// Sends requests that are refused, and shows a line for each: what was wrong with it, and the problem it got.
pub(crate) async fn problems(
    system: &System,
    calls: impl IntoIterator<Item = (impl fmt::Display, Call)>,
) -> String {
    let mut lines = Vec::new();
    for (what, call) in calls {
        let answer = system.send(call).await;
        let member = |name: &str| answer.body[name].as_str();
        let (code, detail) = (answer.problem(), member("detail").unwrap_or_default());
        assert!(member("title").is_some(), "{what}: {answer}");
        assert!(member("type").is_some(), "{what}: {answer}");
        lines.push(format!("{what} → {} {code}: {detail}", answer.status));
    }
    lines.join("\n")
}

/// A body as a line of a table: the beginning of it, if it is long.
pub(crate) fn beginning(body: &Value) -> String {
    let text = body.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(60).chain(['…']).collect()
}

/// The names given to random values so far: the same value gets the same name again.
#[derive(Default)]
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn named(&mut self, member: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.named(name, value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.named(member, item)).collect(),
            Value::String(text) => kind_of_random(member, text)
                .map_or_else(|| value.clone(), |kind| self.name(kind, text).into()),
            _ => value.clone(),
        }
    }

    fn name(&mut self, kind: &'static str, text: &str) -> String {
        let alike = self.0.iter().filter(|(known, _)| *known == kind);
        let place = alike.clone().position(|(_, known)| known == text);
        let number = 1 + place.unwrap_or_else(|| alike.count());
        if place.is_none() {
            self.0.push((kind, text.to_owned()));
        }
        format!("[{kind} {number}]")
    }
}

/// What a text is if it is random: it is told by its form, or by the member whose value it is.
fn kind_of_random(member: &str, text: &str) -> Option<&'static str> {
    let length = text.len();
    let hex = || text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups = |sizes: &[usize]| text.split('-').map(str::len).eq(sizes.iter().copied());
    match member {
        "site_id" => Some("site"),
        "next_cursor" => Some("cursor"),
        "last_four" | "code_last_four" => Some("last four"),
        "code_id" => Some("code ID"),
        "person" => Some("person"),
        "by" if length == 16 => Some("person"),
        _ if text.starts_with(CARD_LINK_BASE) => Some("link"),
        _ if length == 64 && hex() => Some("hash"),
        _ if groups(&[8, 4, 4, 4, 12]) => Some("id"),
        _ if groups(&[5, 5, 5, 5]) => Some("code"),
        "device_id" if length == 10 && !text.contains('-') => Some("device"),
        _ => None,
    }
}

/// A value on one line where it fits, and a member a line where it does not.
fn laid_out(value: &Value, indent: usize) -> String {
    let line = on_one_line(value);
    if indent + line.chars().count() <= WIDTH {
        return line;
    }
    let margin = " ".repeat(indent + 2);
    let (open, members, close) = match value {
        Value::Object(members) => {
            let member =
                |(name, value)| format!("{margin}\"{name}\": {}", laid_out(value, indent + 2));
            ('{', members.iter().map(member).collect::<Vec<_>>(), '}')
        }
        Value::Array(items) => {
            let item = |value| format!("{margin}{}", laid_out(value, indent + 2));
            ('[', items.iter().map(item).collect(), ']')
        }
        _ => return line,
    };
    format!("{open}\n{}\n{}{close}", members.join(",\n"), &margin[2..])
}

fn on_one_line(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member = |(name, value)| format!("\"{name}\": {}", on_one_line(value));
            format!("{{ {} }}", joined(members.iter().map(member).collect()))
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(on_one_line).collect())),
        _ => value.to_string(),
    }
}
