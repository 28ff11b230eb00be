//! The bodies of requests. A request that has one has no query.

mod faults;
mod json;
mod member;

use super::describe::{Extracted, Operation};
use super::problem::{Problem, ProblemCode};
use super::query;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;
use utoipa::ToSchema;

pub use faults::Faults;
pub(super) use faults::listed;
pub use member::{Body, Member, Patch};
pub(super) use member::{Members, body, word};

/// The longest JSON body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The body of a request, which any extractor may read.
#[derive(Clone, Debug)]
pub(super) struct Payload(pub(super) Arc<lambda_http::Body>);

/// A JSON object.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<T>(pub T);

impl<T: Body, S: Send + Sync> FromRequestParts<S> for JsonObject<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(bytes(parts, MAX_BODY_BYTES)?).map(Self)
    }
}

/// Reads a body. Everything that is wrong with it is told at once.
///
/// # Errors
/// It is not a JSON object in UTF-8, or some of its members are wrong.
pub fn read<T: Body>(bytes: &[u8]) -> Result<T, Problem> {
    // Some editors and libraries mark UTF-8 so.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text =
        std::str::from_utf8(bytes).map_err(|_| Problem::malformed("the body is not UTF-8 text"))?;
    let value = json::parse(text).map_err(Problem::malformed)?;
    if !value.is_object() {
        return Err(Problem::malformed("the body must be a JSON object"));
    }
    let mut faults = Faults::default();
    let body = T::read(value, "", &mut faults);
    match body.filter(|_| faults.is_empty()) {
        Some(body) => Ok(body),
        None => Err(faults.into()),
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

impl<T: ToSchema> Extracted for JsonObject<T> {
    fn describe(operation: &mut Operation) {
        let body = operation.json::<T>();
        operation.request.push(body);
        operation.can_be(&[ProblemCode::MalformedRequest]);
    }
}
