//! The contract as an OpenAPI document: what the types of handlers, bodies, answers and problems say, with the prose and
//! the examples that they do not say.

use super::functions;
use super::template::{self, Route, TemplateError};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use site_credits::http::describe::{Content, Operation};
use site_credits::http::schemas::{self, to};
use site_credits::http::{Descriptions, ProblemCode};
use std::collections::{BTreeMap, BTreeSet};

/// The prose and the examples.
const PROSE: &str = include_str!("openapi/prose.yaml");

/// The document cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenApiError {
    /// The prose is of no form that can be read, or the document cannot be written.
    #[error("the contract cannot be written: {0}")]
    Form(String),
    /// The prose tells of something that is not in the contract.
    #[error("the prose of {0} belongs to nothing")]
    Unused(String),
    /// The template says which routes need no token.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The document, in YAML.
///
/// # Errors
/// See [`OpenApiError`].
pub fn document() -> Result<String, OpenApiError> {
    let prose: Value =
        serde_saphyr::from_str(PROSE).map_err(|error| OpenApiError::Form(error.to_string()))?;
    let open: BTreeSet<String> = template::routes()?
        .iter()
        .filter(|route| route.open)
        .map(Route::key)
        .collect();
    let mut contract = Contract {
        prose: &prose,
        responses: Map::new(),
        schemas: schemas::all()
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect(),
    };
    let mut paths = Map::new();
    for (key, operation) in functions::descriptions()
        .into_iter()
        .flat_map(|(_, Descriptions(routes))| routes)
    {
        let (method, path) = key.split_once(' ').unwrap_or((key, ""));
        let needs_token = !open.contains(key);
        paths.entry(path).or_insert_with(|| json!({}))[method.to_lowercase()] =
            contract.operation(key, operation, needs_token);
    }
    let document = contract.document(&paths)?;
    let head = "# Written by `cargo run -- openapi` from the types of the code. Change those, or the prose.\n";
    let yaml = serde_saphyr::to_string(&Ordered(&document));
    yaml.map(|yaml| format!("{head}{yaml}"))
        .map_err(|error| OpenApiError::Form(error.to_string()))
}

/// What is collected of the document while its operations are written.
struct Contract<'a> {
    prose: &'a Value,
    responses: Map<String, Value>,
    schemas: BTreeMap<String, Value>,
}

impl Contract<'_> {
    fn operation(&mut self, key: &str, operation: Operation, needs_token: bool) -> Value {
        let prose = &self.prose["operations"][key];
        for (name, schema) in operation.schemas {
            let is_body = name.ends_with("Body");
            let entry = self.schemas.entry(name);
            entry.or_insert_with(|| tidied(schema, is_body));
        }
        let mut parameters = operation.parameters;
        if needs_token && !key.starts_with("GET ") {
            parameters.push("IdempotencyKey");
        }
        let leads = |name: &&str| json!({ "$ref": format!("#/components/parameters/{name}") });
        let mut described = json!({
            "operationId": prose["operationId"],
            "tags": prose["tags"],
            "summary": prose["summary"],
            "description": prose["description"],
        });
        if !needs_token {
            described["security"] = json!([]);
        }
        if !parameters.is_empty() {
            described["parameters"] = parameters.iter().map(leads).collect();
        }
        if !operation.request.is_empty() {
            described["requestBody"] = request_body(&operation.request, prose);
        }
        let mut responses = Map::new();
        let mut headers = json!({});
        if operation.writes {
            headers["Idempotency-Replayed"] =
                json!({ "$ref": "#/components/headers/IdempotencyReplayed" });
        }
        if operation.is_saved {
            headers["Content-Disposition"] = json!({
                "description": "With CSV alone, the name of the file.",
                "schema": { "type": "string" },
                "example": prose["answer"]["file"],
            });
        }
        let mut answer = json!({
            "description": prose["answer"]["description"],
            "content": contents(&operation.answer, &prose["answer"]),
        });
        if headers != json!({}) {
            answer["headers"] = headers;
        }
        responses.insert(operation.status.to_string(), answer);
        let mut by_status = BTreeMap::from([(429, Vec::new())]);
        for &problem in &operation.problems {
            by_status
                .entry(problem.status())
                .or_insert_with(Vec::new)
                .push(problem);
        }
        for (status, problems) in by_status {
            responses.insert(
                status.to_string(),
                self.response(status, &problems, &prose["problems"]),
            );
        }
        if needs_token {
            responses.insert(
                "401".to_owned(),
                json!({ "$ref": "#/components/responses/Unauthorized" }),
            );
        }
        described["responses"] = responses.into();
        described
    }

    /// The response of a status: a component where it is as everywhere, and in its place where a route says more.
    fn response(&mut self, status: u16, problems: &[ProblemCode], own: &Value) -> Value {
        let said = |problem: &ProblemCode, what: &str| {
            let code = problem.as_str();
            let own = &own[code][what];
            let common = &self.prose["problems"][code][what];
            if own.is_null() {
                common.clone()
            } else {
                own.clone()
            }
        };
        let mut texts: Vec<String> = problems
            .iter()
            .map(|problem| {
                let text = said(problem, "description");
                format!(
                    "`{}`: {}",
                    problem.as_str(),
                    text.as_str().unwrap_or_default()
                )
            })
            .collect();
        let mut content = Map::new();
        if !problems.is_empty() {
            let codes: Vec<&str> = problems.iter().map(|problem| problem.as_str()).collect();
            let mut examples = Map::new();
            for problem in problems {
                let more = said(problem, "example");
                let mut example = json!({
                    "type": problem.urn(),
                    "title": problem.title(),
                    "status": status,
                    "code": problem.as_str(),
                });
                if let (Some(example), Some(more)) = (example.as_object_mut(), more.as_object()) {
                    example.extend(more.clone());
                    examples.insert(problem.as_str().to_owned(), json!({ "value": example }));
                }
            }
            let mut schema = to("Problem");
            schema["properties"] =
                json!({ "status": { "const": status }, "code": { "enum": codes } });
            content.insert(
                "application/problem+json".to_owned(),
                json!({ "schema": schema, "examples": examples }),
            );
        }
        if status == 429 {
            texts.push(text(&self.prose["gateway"]["TooManyRequests"]));
            content.insert(
                "application/json".to_owned(),
                json!({ "schema": to("GatewayMessage"), "example": { "message": "Too Many Requests" } }),
            );
        }
        let mut response = json!({ "description": texts.join(" "), "content": content });
        if status == 503 {
            response["headers"] =
                json!({ "Retry-After": { "$ref": "#/components/headers/RetryAfter" } });
        }
        let changed = problems
            .iter()
            .any(|problem| !own[problem.as_str()].is_null());
        if changed {
            return response;
        }
        let name = name_of(problems);
        self.responses.insert(name.clone(), response);
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    fn document(mut self, paths: &Map<String, Value>) -> Result<Value, OpenApiError> {
        self.responses.insert(
            "Unauthorized".to_owned(),
            json!({
                "description": self.prose["gateway"]["Unauthorized"],
                "headers": { "WWW-Authenticate": {
                    "description": self.prose["gateway"]["WWW-Authenticate"],
                    "schema": { "type": "string" },
                    "example": "Bearer",
                } },
                "content": { "application/json": {
                    "schema": to("GatewayMessage"),
                    "example": { "message": "Unauthorized" },
                } },
            }),
        );
        for (name, rules) in schemas::rules().as_object().into_iter().flatten() {
            let schema = self.schemas.get_mut(name).and_then(Value::as_object_mut);
            let schema = schema.ok_or_else(|| OpenApiError::Unused(name.clone()))?;
            schema.extend(rules.as_object().cloned().unwrap_or_default());
        }
        self.describe_schemas()?;
        let mut parameters = schemas::parameters();
        for (name, parameter) in parameters.as_object_mut().into_iter().flatten() {
            let prose = self.prose["parameters"][name].as_object();
            if let (Some(parameter), Some(prose)) = (parameter.as_object_mut(), prose) {
                parameter.extend(prose.clone());
            }
        }
        let prose = self.prose;
        let mut document = json!({
            "openapi": "3.1.0",
            "info": prose["info"],
            "servers": prose["servers"],
            "security": [{ "token": [] }],
            "tags": prose["tags"],
            "paths": paths,
            "components": {
                "securitySchemes": { "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": prose["token"],
                } },
                "parameters": parameters,
                "headers": {
                    "IdempotencyReplayed": {
                        "description": prose["gateway"]["IdempotencyReplayed"],
                        "schema": { "type": "string", "const": "true" },
                    },
                    "RetryAfter": {
                        "description": prose["gateway"]["RetryAfter"],
                        "required": true,
                        "schema": { "type": "integer", "minimum": 1 },
                        "example": 1,
                    },
                },
                "responses": self.responses,
                "schemas": self.schemas,
            },
        });
        drop_unreferenced(&mut document);
        Ok(document)
    }

    /// Adds what prose says of schemas and their members; `self` is the schema's own.
    fn describe_schemas(&mut self) -> Result<(), OpenApiError> {
        for (name, texts) in self.prose["schemas"].as_object().into_iter().flatten() {
            for (place, text) in texts.as_object().into_iter().flatten() {
                let unused = || OpenApiError::Unused(format!("{name}.{place}"));
                let mut schema = self.schemas.get_mut(name).ok_or_else(unused)?;
                for member in place.split('.').filter(|member| *member != "self") {
                    let properties = schema["properties"].as_object_mut();
                    let found = properties.and_then(|properties| properties.get_mut(member));
                    schema = found.ok_or_else(unused)?;
                }
                schema["description"] = text.clone();
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The forms of an answer, with their examples.
fn contents(forms: &[Content], prose: &Value) -> Value {
    let forms = forms.iter().map(|(media_type, name)| {
        let schema = match name {
            Some(name) => to(name),
            None => json!({ "type": "string" }),
        };
        let mut content = json!({ "schema": schema, "example": prose["examples"][media_type] });
        if let Value::String(text) = &prose["schemas"][media_type] {
            content["schema"]["description"] = json!(text);
        }
        ((*media_type).to_owned(), content)
    });
    forms.collect::<Map<_, _>>().into()
}

/// The name of the response that has these problems.
fn name_of(problems: &[ProblemCode]) -> String {
    if problems.is_empty() {
        return "TooManyRequests".to_owned();
    }
    let names = problems.iter().map(|problem| format!("{problem:?}"));
    names.collect::<Vec<_>>().join("Or")
}

/// What a route takes as its body.
fn request_body(forms: &[Content], prose: &Value) -> Value {
    let content = forms.iter().map(|(media_type, schema)| {
        let mut content = json!({ "example": prose["request"] });
        content["schema"] = match (*media_type, schema) {
            (_, Some(name)) => to(name),
            ("application/octet-stream", None) => json!({ "type": "string", "format": "binary" }),
            (_, None) => json!({ "type": "string", "maxLength": 524_288 }),
        };
        if schema.is_none() {
            content["schema"]["description"] = prose["requestDescription"].clone();
        }
        ((*media_type).to_owned(), content)
    });
    json!({
        "required": true,
        "content": content.collect::<Map<_, _>>(),
    })
}

/// A schema that was derived from a type, in the contract's own way: an object takes no member that it does not name, an
/// answer has all of its members, and prose comes from elsewhere.
fn tidied(schema: Value, is_body: bool) -> Value {
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
fn drop_unreferenced(document: &mut Value) {
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
struct Ordered<'a>(&'a Value);

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
