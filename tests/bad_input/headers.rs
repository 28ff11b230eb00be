//! Idempotency keys that are none.

use super::Untouched;
use insta::assert_snapshot;

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_that_cannot_be_one_is_refused() {
    let it = Untouched::new().await;
    let calls = [
        ("a long key", it.good().key(&"k".repeat(101))),
        ("an empty key", it.good().key("")),
        ("a key with a space", it.good().key("a b")),
        ("a key with an umlaut", it.good().key("ä")),
        ("two keys, as the gateway joins them", it.good().key("a,b")),
    ];
    assert_snapshot!(it.problems(calls).await, @"
    a long key → 400 malformed-request: the header Idempotency-Key must stand once, with 1 to 100 visible ASCII characters without a comma
    an empty key → 400 malformed-request: the header Idempotency-Key must stand once, with 1 to 100 visible ASCII characters without a comma
    a key with a space → 400 malformed-request: the header Idempotency-Key must stand once, with 1 to 100 visible ASCII characters without a comma
    a key with an umlaut → 400 malformed-request: the header Idempotency-Key must stand once, with 1 to 100 visible ASCII characters without a comma
    two keys, as the gateway joins them → 400 malformed-request: the header Idempotency-Key must stand once, with 1 to 100 visible ASCII characters without a comma
    ");
}
