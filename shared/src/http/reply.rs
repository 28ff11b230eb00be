//! Successful answers: a JSON body or a file. Neither may be cached.

use super::cursors::{Cursors, Paged};
use super::describe::{Answered, Operation};
use super::headers;
use super::problem::{Problem, ProblemCode};
use crate::commands::Done;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The answer to a request that reads: a 200.
#[derive(Clone, Debug)]
pub struct Reply<T>(T);

impl<T> Reply<T> {
    /// A 200 with this body.
    #[must_use]
    pub fn ok(body: impl Into<T>) -> Self {
        Self(body.into())
    }
}

impl<T: Paged> Reply<T> {
    /// Of a page of these cursors.
    #[must_use]
    pub fn page(page: impl Into<T>, cursors: &Cursors) -> Self {
        Self(page.into().sealed(cursors))
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0, false)
    }
}

impl<T: ToSchema> Answered for Reply<T> {
    fn describe(operation: &mut Operation) {
        operation.status = 200;
        let body = operation.json::<T>();
        operation.answer.push(body);
    }
}

/// The answer to a request that writes. It says whether it is a replay of an earlier answer.
#[derive(Clone, Debug)]
pub struct Written<T, const STATUS: u16> {
    body: T,
    replayed: bool,
}

/// A 201 to a request that writes.
pub type Created<T> = Written<T, 201>;
/// A 200 to a request that writes.
pub type Changed<T> = Written<T, 200>;

impl<T, const STATUS: u16> Written<T, STATUS> {
    /// An answer with this body, which is a replay or not.
    #[must_use]
    pub fn new(body: impl Into<T>, replayed: bool) -> Self {
        Self {
            body: body.into(),
            replayed,
        }
    }
}

impl<A, T: From<Done<A>>, const STATUS: u16> From<Done<A>> for Written<T, STATUS> {
    fn from(done: Done<A>) -> Self {
        let replayed = done.replayed;
        Self::new(done, replayed)
    }
}

impl<T: Serialize, const STATUS: u16> IntoResponse for Written<T, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        json(status, &self.body, self.replayed)
    }
}

impl<T: ToSchema, const STATUS: u16> Answered for Written<T, STATUS> {
    fn describe(operation: &mut Operation) {
        operation.status = STATUS;
        operation.writes = true;
        let body = operation.json::<T>();
        operation.answer.push(body);
        operation.can_be(&[
            ProblemCode::IdempotencyKeyReused,
            ProblemCode::OutcomeUnknown,
        ]);
    }
}

/// An answer with a JSON body.
fn json(status: StatusCode, body: &impl Serialize, replayed: bool) -> Response {
    let body = match serde_json::to_string(body) {
        Ok(body) => body,
        Err(error) => return Problem::defect(error).into_response(),
    };
    let mut headers = headers::of("application/json");
    if replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    (status, headers, body).into_response()
}

/// The answer to a request that reads, in the format that the caller prefers.
#[derive(Clone, Debug)]
pub enum JsonOrCsv<T> {
    /// As JSON.
    Json(T),
    /// As CSV.
    Csv(File),
}

impl<T: Serialize> IntoResponse for JsonOrCsv<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(body) => Reply(body).into_response(),
            Self::Csv(file) => file.into_response(),
        }
    }
}

impl<T: ToSchema> Answered for JsonOrCsv<T> {
    fn describe(operation: &mut Operation) {
        Reply::<T>::describe(operation);
        operation.answer.push(("text/csv", None));
        operation.is_saved = true;
    }
}

/// An answer that is a file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its media type.
    pub media_type: &'static str,
    /// The name that it is downloaded under; `None` for a file that is displayed.
    pub name: Option<String>,
    /// Its content.
    pub text: String,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let mut headers = headers::of(self.media_type);
        let disposition = self
            .name
            .map(|name| format!("attachment; filename=\"{name}\""));
        match disposition.map(HeaderValue::try_from).transpose() {
            Ok(disposition) => {
                headers.extend(disposition.map(|value| (header::CONTENT_DISPOSITION, value)));
                (headers, self.text).into_response()
            }
            Err(error) => Problem::defect(error).into_response(),
        }
    }
}

/// The only answer that is always a file is the contract itself.
impl Answered for File {
    fn describe(operation: &mut Operation) {
        operation.status = 200;
        operation.answer.push(("application/yaml", None));
    }
}
