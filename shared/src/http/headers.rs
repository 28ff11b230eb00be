//! The headers of every answer.

use axum::http::{HeaderMap, HeaderValue, header};

/// The headers of an answer with this media type. No answer may be cached.
pub(super) fn of(media_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}
