//! The contract as an OpenAPI document: what the types of handlers, bodies, answers and problems say, with the prose and
//! the examples that they do not say.

mod order;
mod responses;
mod tidy;

use super::functions;
use super::template::{self, Route, TemplateError};
use order::Ordered;
use responses::{contents, request_body, response};
use serde_json::{Map, Value, json};
use site_credits::http::Descriptions;
use site_credits::http::describe::Operation;
use site_credits::http::schemas::{self, to};
use std::collections::{BTreeMap, BTreeSet};
use tidy::{drop_unreferenced, tidied};

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
            let described = match response(self.prose, &prose["problems"], status, &problems) {
                (Some(name), response) => {
                    let leads = json!({ "$ref": format!("#/components/responses/{name}") });
                    self.responses.insert(name, response);
                    leads
                }
                (None, response) => response,
            };
            responses.insert(status.to_string(), described);
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
