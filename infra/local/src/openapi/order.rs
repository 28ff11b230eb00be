//! The order in which the contract is written.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What comes first in an object of the document. Everything else follows by name.
const FIRST: &[&str] = &[
    "openapi",
    "info",
    "title",
    "version",
    "servers",
    "security",
    "tags",
    "paths",
    "operationId",
    "name",
    "in",
    "summary",
    "description",
    "parameters",
    "requestBody",
    "get",
    "post",
    "patch",
    "delete",
    "type",
    "additionalProperties",
    "required",
    "properties",
    "headers",
    "content",
    "schema",
];

/// JSON whose objects are written in an order for readers: members of a schema as its type has them.
pub(super) struct Ordered<'a>(pub(super) &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => write_object(members, FIRST, serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            value => value.serialize(serializer),
        }
    }
}

/// The members of a schema, in the order of those that are required.
struct Members<'a>(&'a Map<String, Value>, Vec<&'a str>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(self.0, &self.1, serializer)
    }
}

fn write_object<S: Serializer>(
    members: &Map<String, Value>,
    first: &[&str],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let place = |name: &String| {
        first
            .iter()
            .position(|first| first == name)
            .unwrap_or(first.len())
    };
    let mut names: Vec<&String> = members.keys().collect();
    names.sort_by_key(|name| (place(name), *name));
    let mut map = serializer.serialize_map(Some(names.len()))?;
    for name in names {
        match (&members[name], name.as_str()) {
            (Value::Object(properties), "properties") => {
                let required = members.get("required").and_then(Value::as_array);
                let required = required.into_iter().flatten().filter_map(Value::as_str);
                map.serialize_entry(name, &Members(properties, required.collect()))?;
            }
            (value, _) => map.serialize_entry(name, &Ordered(value))?,
        }
    }
    map.end()
}
