//! Request bodies. A request with a body takes no query.

/// The body of a request, which any extractor may read.
#[derive(Clone, Debug)]
pub(super) struct Payload(pub(super) Arc<lambda_http::Body>);

use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use super::query;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest JSON body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON object.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for JsonObject<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let bytes = bytes(parts, MAX_BODY_BYTES)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Problem::malformed("the body is not UTF-8 text"))?;
        object(text).map(Self)
    }
}

/// The body's bytes.
pub(super) fn bytes(parts: &Parts, limit: usize) -> Result<&[u8], Problem> {
    query::refuse(parts)?;
    let payload = parts.extensions.get::<Payload>();
    let bytes: &[u8] = payload
        .map(|Payload(body)| body.as_ref().as_ref())
        .unwrap_or_default();
    if bytes.len() > limit {
        let rule = format!("the body is longer than {limit} bytes");
        return Err(Problem::malformed(rule));
    }
    Ok(bytes)
}

fn object<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    // Serde would also accept an array, and take its items for the members in order.
    match text.trim_start().chars().next() {
        None => {
            let rule = "the body is missing: it must be a JSON object";
            return Err(Problem::malformed(rule));
        }
        Some('{') => {}
        Some(_) => return Err(Problem::malformed("the body must be a JSON object")),
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader);
    let body = read.map_err(|error| {
        let place = error.path().to_string();
        let what = error.into_inner();
        Problem::malformed(match place.as_str() {
            "." => format!("the body cannot be read: {what}"),
            place => format!("the body cannot be read: {place}: {what}"),
        })
    })?;
    let end = reader.end();
    end.map_err(|error| Problem::malformed(format!("the body cannot be read: {error}")))?;
    Ok(body)
}

/// Deserializes an optional date in the contract's format.
pub(super) fn date_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let rule = "it must be a date such as 2026-12-09";
    let date = text.map(|text| query::plain_date(&text).ok_or_else(|| D::Error::custom(rule)));
    date.transpose()
}

impl<T: ToSchema> Extracted for JsonObject<T> {
    fn describe(operation: &mut Operation) {
        let body = operation.json::<T>();
        operation.request.push(body);
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}
