//! The headers of every answer.

use axum::http::{HeaderMap, HeaderValue, header};

/// The headers of an answer of a media type, which nobody may cache.
pub(super) fn of(media_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}
