//! What the local machine takes from `template.yaml`: the routes of the functions, and the table.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The template, as it is deployed.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The name of the table on this machine.
pub const TABLE_NAME: &str = "site-credits";

/// The template is not of the form that is read here.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is no YAML, or not of its form.
    #[error("template.yaml cannot be read: {0}")]
    Form(String),
    /// It has no table.
    #[error("template.yaml has no table")]
    NoTable,
}

/// One route of the HTTP API.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
    /// The binary of the function behind it.
    pub function: String,
    /// Whether it is there for anyone, without a token.
    pub open: bool,
}

impl Route {
    /// The route's key, as the gateway writes it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The parameters of a path that this route matches, decoded as the HTTP API decodes them, or `None`.
    #[must_use]
    pub fn matches(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut given = path.split('/');
        for part in self.path.split('/') {
            let value = given.next()?;
            match part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
            {
                Some(name) if !value.is_empty() => {
                    let value = percent_decode_str(value).decode_utf8().ok()?;
                    parameters.insert(name.to_owned(), value.into_owned());
                }
                None if part == value => {}
                Some(_) | None => return None,
            }
        }
        (given.next().is_none() && self.method == method).then_some(parameters)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

fn resources() -> Result<impl Iterator<Item = Resource>, TemplateError> {
    let template: Template =
        serde_saphyr::from_str(TEMPLATE).map_err(|error| TemplateError::Form(error.to_string()))?;
    Ok(template.resources.into_values())
}

/// The routes of the HTTP API.
///
/// # Errors
/// The template cannot be read.
pub fn routes() -> Result<Vec<Route>, TemplateError> {
    let mut routes = Vec::new();
    for resource in resources()?.filter(|resource| resource.r#type == "AWS::Serverless::Function") {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let function = text(&resource.metadata["BuildProperties"]["Binary"]);
        let function =
            function.ok_or_else(|| TemplateError::Form("a function has no binary".to_owned()))?;
        let events = resource.properties["Events"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for event in events.values().filter(|event| event["Type"] == "HttpApi") {
            let method = text(&event["Properties"]["Method"]).map(|method| method.to_uppercase());
            let path = text(&event["Properties"]["Path"]);
            let (method, path) = method
                .zip(path)
                .ok_or_else(|| TemplateError::Form("a route has no path".to_owned()))?;
            routes.push(Route {
                method,
                path,
                function: function.clone(),
                open: event["Properties"]["Auth"]["Authorizer"] == "NONE",
            });
        }
    }
    Ok(routes)
}

/// The request that creates the table, and the name of its TTL attribute.
///
/// # Errors
/// The template cannot be read, or has no table.
pub fn table() -> Result<(Value, String), TemplateError> {
    let table = resources()?
        .find(|resource| resource.r#type == "AWS::DynamoDB::Table")
        .ok_or(TemplateError::NoTable)?;
    let mut request = Map::from_iter([("TableName".to_owned(), json!(TABLE_NAME))]);
    for name in [
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
    ] {
        request.insert(name.to_owned(), table.properties[name].clone());
    }
    let ttl = table.properties["TimeToLiveSpecification"]["AttributeName"].as_str();
    let ttl =
        ttl.ok_or_else(|| TemplateError::Form("the table has no TTL attribute".to_owned()))?;
    Ok((Value::Object(request), ttl.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions;
    use std::collections::BTreeSet;

    #[test]
    fn the_routes_are_those_that_the_functions_declare() {
        let routes = routes().unwrap();
        let found: BTreeSet<(String, &str)> = routes
            .iter()
            .map(|r| (r.key(), r.function.as_str()))
            .collect();
        let declared = functions::routes().into_iter();
        let declared: BTreeSet<_> = declared.map(|(key, f)| (key.to_owned(), f)).collect();
        assert_eq!(found, declared);
        assert_eq!(routes.len(), declared.len());
        let open: Vec<String> = routes.iter().filter(|r| r.open).map(Route::key).collect();
        assert_eq!(open, ["GET /openapi.yaml", "GET /cards/{token}"]);
    }

    #[test]
    fn a_route_matches_its_own_paths_alone() {
        let route = Route {
            method: "GET".into(),
            path: "/sites/{site_id}/license".into(),
            function: "get-balance".into(),
            open: false,
        };
        let found = route.matches("GET", "/sites/K7QP01M99/license").unwrap();
        assert_eq!(found["site_id"], "K7QP01M99");
        let found = route.matches("GET", "/sites/kim%40example.com/license");
        assert_eq!(found.unwrap()["site_id"], "kim@example.com");
        for (method, path) in [
            ("POST", "/sites/K7QP01M99/license"),
            ("GET", "/sites/K7QP01M99"),
            ("GET", "/sites//license"),
            ("GET", "/sites/K7QP01M99/license/statement"),
            ("GET", "/sites/K7QP01M99/licenses"),
        ] {
            assert_eq!(route.matches(method, path), None, "{method} {path}");
        }
    }
}
