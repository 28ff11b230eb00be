//! The item of a request.

use crate::domain::model::request::{FirstAnswer, Request, RequestOwner};
use crate::store::conditional::Conditional;
use crate::store::item::{CorruptItem, Item, decode, encode};
use crate::store::keys::Key;
use crate::store::reads::TypedKey;

/// The request is the one that was remembered.
const REQUEST_OWN: &str = "fingerprint = :own";
/// No request had this key, or it may be forgotten: TTL removes items late.
const REQUEST_UNKNOWN: &str = "(attribute_not_exists(PK) OR expires_at < :now)";

/// Reads what a request led to.
///
/// # Errors
/// The item is corrupt.
pub fn decode_request(item: &Item) -> Result<FirstAnswer, CorruptItem> {
    decode(item)
}

impl TypedKey<FirstAnswer> {
    /// What a request led to, by whose it is and its idempotency key.
    #[must_use]
    pub fn request(owner: &RequestOwner, key: &str) -> Self {
        Self {
            key: Key::Request(owner.clone(), key.to_owned()),
            decode: decode_request,
        }
    }
}

fn put(request: &Request) -> Result<Conditional, CorruptItem> {
    let key = Key::Request(request.owner.clone(), request.key.clone());
    Ok(Conditional::put(encode(&key, &request.answer)?))
}

pub(super) fn remembered(request: &Request) -> Result<Conditional, CorruptItem> {
    let now = request.now.as_second();
    Ok(put(request)?.when(REQUEST_UNKNOWN).number(":now", now))
}

pub(super) fn completed(request: &Request) -> Result<Conditional, CorruptItem> {
    let own = request.answer.fingerprint.as_str();
    Ok(put(request)?.when(REQUEST_OWN).text(":own", own))
}
