//! Answers: a JSON body or a file, which nobody may cache.

use super::headers;
use super::problem::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer with a JSON body.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    status: StatusCode,
    replayed: bool,
    body: T,
}

impl<T> Reply<T> {
    /// A 200.
    #[must_use]
    pub fn ok(body: impl Into<T>) -> Self {
        Self {
            status: StatusCode::OK,
            replayed: false,
            body: body.into(),
        }
    }

    /// A 201.
    #[must_use]
    pub fn created(body: impl Into<T>) -> Self {
        Self {
            status: StatusCode::CREATED,
            ..Self::ok(body)
        }
    }

    /// Says whether the request was answered before.
    #[must_use]
    pub fn replayed(self, replayed: bool) -> Self {
        Self { replayed, ..self }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_string(&self.body) {
            Ok(body) => body,
            Err(error) => return Problem::defect(error).into_response(),
        };
        let mut headers = headers::of("application/json");
        if self.replayed {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        (self.status, headers, body).into_response()
    }
}

/// An answer that is a file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its media type.
    pub media_type: &'static str,
    /// Under which name it is saved; where there is none, it is shown.
    pub name: Option<String>,
    /// What is in it.
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
