//! The building blocks of schemas.

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{Object, Schema, SchemaType};

/// A schema that serializes to exactly this JSON.
pub(super) fn raw(schema: Value) -> RefOr<Schema> {
    let members = match schema {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let mut object = Object::with_type(SchemaType::AnyValue);
    object.extensions = Some(members.into_iter().collect::<Extensions>());
    RefOr::T(Schema::Object(object))
}

/// A reference to the schema of this name.
#[must_use]
pub fn to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn or_null(name: &str) -> Value {
    json!({ "anyOf": [to(name), { "type": "null" }] })
}

pub(super) fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

pub(super) fn name(pattern: &str, longest: u32) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn number(minimum: u64, maximum: u64) -> Value {
    json!({ "type": "integer", "minimum": minimum, "maximum": maximum })
}

/// An amount of `least` to `most` that is deducted, and therefore negative.
pub(super) fn taken(most: u64, least: u64) -> Value {
    json!({ "type": "integer", "minimum": -i128::from(most), "maximum": -i128::from(least) })
}

pub(super) fn zero() -> Value {
    json!({ "const": 0 })
}

/// An object that has all of these members and no other.
pub(super) fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties = members
        .iter()
        .map(|(name, of)| ((*name).to_owned(), of.clone()));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties.collect::<Map<_, _>>(),
    })
}

/// Lets an object be without some of its members.
pub(super) fn not_required(object: &mut Value, names: &[&str]) {
    if let Some(required) = object["required"].as_array_mut() {
        required.retain(|name| !name.as_str().is_some_and(|name| names.contains(&name)));
    }
}

/// An object that may be without some of its members.
pub(super) fn object_with_optional(members: &[(&str, Value)], optional: &[&str]) -> Value {
    let mut object = object(members);
    not_required(&mut object, optional);
    object
}

pub(super) fn with(mut schema: Value, name: &str, rule: Value) -> Value {
    schema[name] = rule;
    schema
}

/// One of several objects, distinguished by their `kind`.
pub(super) fn one_of(suffix: &str, kinds: &[&str]) -> Value {
    let of = |kind: &&str| to(&named(kind, suffix))["$ref"].clone();
    let mapping = kinds.iter().map(|kind| ((*kind).to_owned(), of(kind)));
    json!({
        "oneOf": kinds.iter().map(|kind| json!({ "$ref": of(kind) })).collect::<Vec<_>>(),
        "discriminator": { "propertyName": "kind", "mapping": mapping.collect::<Map<_, _>>() },
    })
}

/// The name of a schema, such as `SiteCreationEntry` of `site_creation`.
pub(super) fn named(kind: &str, suffix: &str) -> String {
    let words = kind.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + suffix
}
