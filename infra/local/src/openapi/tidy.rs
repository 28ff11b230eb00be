//! Schemas that were derived from types, as the contract has them.

use serde_json::{Value, json};

/// A schema that was derived from a type, in the contract's own way: an object takes no member that it does not name, an
/// answer has all of its members, and prose comes from elsewhere.
pub(super) fn tidied(schema: Value, is_body: bool) -> Value {
    let Value::Object(mut members) = schema else {
        return schema;
    };
    members.remove("description");
    if members
        .get("format")
        .is_some_and(|format| format == "int32" || format == "int64")
    {
        members.remove("format");
    }
    // What may be null is one thing or the other, and never both.
    if let Some(Value::Array(mut forms)) = members.remove("oneOf") {
        forms.sort_by_key(|form| form["type"] == "null");
        let forms: Vec<Value> = forms
            .into_iter()
            .map(|form| tidied(form, is_body))
            .collect();
        members.insert("anyOf".to_owned(), forms.into());
    }
    // A type that stands in its place is wrapped, only to be described.
    if let Some(Value::Array(parts)) = members.remove("allOf") {
        let inlined = parts.into_iter().next().unwrap_or_default();
        if let Value::Object(inlined) = tidied(inlined, is_body) {
            members.extend(inlined);
        }
    }
    if members.get("type").is_some_and(|kind| kind == "object") {
        members.insert("additionalProperties".to_owned(), json!(false));
        members.entry("properties").or_insert_with(|| json!({}));
    }
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        for property in properties.values_mut() {
            *property = tidied(property.take(), is_body);
        }
        if !is_body {
            let names: Vec<String> = properties.keys().cloned().collect();
            members.insert("required".to_owned(), json!(names));
        }
    }
    if let Some(items) = members.get_mut("items") {
        *items = tidied(items.take(), is_body);
    }
    Value::Object(members)
}

/// Drops components that nothing leads to.
pub(super) fn drop_unreferenced(document: &mut Value) {
    loop {
        let text = document.to_string();
        let mut dropped = false;
        for kind in ["parameters", "responses", "schemas"] {
            let components = document["components"][kind].as_object_mut();
            if let Some(components) = components {
                let before = components.len();
                components
                    .retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
                dropped |= components.len() < before;
            }
        }
        if !dropped {
            return;
        }
    }
}
