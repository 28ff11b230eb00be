//! Cursors of pages: each belongs to its listing, its path and its filters, and is refused anywhere else.

use super::describe::{Extracted, Operation};
use super::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use data_encoding::BASE64URL_NOPAD;
use lambda_http::RequestExt;
use sha2::{Digest, Sha256};

/// The longest cursor, in characters. The longest key is that of a history: an instant, and two IDs.
const MAX_CURSOR: usize = 300;
/// How many bytes of the hash of its listing a cursor carries. It guards against mistakes, and keeps no secret.
const CHECK_BYTES: usize = 6;
/// The parameters of a query that choose a page and not what is listed.
const OF_PAGE: [&str; 2] = ["limit", "cursor"];

/// The cursors of the listing that a request asks for.
#[derive(Debug)]
pub struct Cursors {
    /// The method, the path and the filters.
    listing: String,
}

impl Cursors {
    pub(super) fn of(parts: &Parts) -> Self {
        let query = parts.query_string_parameters_ref();
        let filters = query.into_iter().flat_map(|query| query.iter());
        let mut filters: Vec<_> = filters
            .filter(|(name, _)| !OF_PAGE.contains(name))
            .collect();
        filters.sort_unstable();
        // An ID may be spelled in either case.
        let path = parts.uri.path().to_lowercase();
        Self {
            listing: format!("{} {path} {filters:?}", parts.method),
        }
    }

    fn check(&self, key: &str) -> Vec<u8> {
        let hash = Sha256::digest(format!("{}\n{key}", self.listing));
        hash[..CHECK_BYTES].to_vec()
    }

    /// The cursor of the page after a key.
    pub(super) fn seal(&self, key: &str) -> String {
        let mut bytes = self.check(key);
        bytes.extend_from_slice(key.as_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The key of a cursor, if it is one of this listing.
    pub(super) fn open(&self, cursor: &str) -> Option<String> {
        if cursor.len() > MAX_CURSOR {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let (check, key) = bytes.split_at_checked(CHECK_BYTES)?;
        let key = std::str::from_utf8(key).ok()?;
        (check == self.check(key)).then(|| key.to_owned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cursors {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts))
    }
}

impl Extracted for Cursors {
    fn describe(_: &mut Operation) {}
}

/// An answer that is a page.
pub trait Paged {
    /// The key after which the next page starts, which becomes its cursor.
    fn next_cursor(&mut self) -> &mut Option<String>;

    /// The same, with the cursor of the next page.
    #[must_use]
    fn sealed(mut self, cursors: &Cursors) -> Self
    where
        Self: Sized,
    {
        let next = self.next_cursor();
        *next = next.take().map(|key| cursors.seal(&key));
        self
    }
}

/// Declares the answers that are pages.
macro_rules! pages {
    ($($page:ty),*) => {$(
        impl $crate::http::cursors::Paged for $page {
            fn next_cursor(&mut self) -> &mut Option<String> {
                &mut self.next_cursor
            }
        }
    )*};
}
pub(super) use pages;
