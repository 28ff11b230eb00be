//! Lists where an object belongs, and the path to a wrong member.

use crate::harness::{ACME, Call, System, batches};
use crate::setup::{now, of};
use crate::shown::problems;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_list_is_not_read_as_an_object_and_a_wrong_member_is_named_on_a_site() {
    let system = System::new();
    let site = system.regular().await;
    let code = system.codes(5, 0, 1, now()).await.remove(0);
    let calls = [
        ("/license/redemptions", "a list", json!([code])),
        ("/license/preview", "a list", json!([code, "sms"])),
        ("/devices", "a list", json!([[["d", "n"]]])),
        (
            "/devices",
            "a list as a device",
            json!({ "devices": [["d", "n"]] }),
        ),
        (
            "/devices",
            "a number as a name",
            json!({ "devices": [{ "name": 7 }] }),
        ),
        (
            "/admins",
            "null as a role",
            json!({ "email": "a@b", "role": null }),
        ),
    ]
    .map(|(rest, what, body)| {
        (
            format!("{rest}, {what}"),
            Call::post(of(&site, rest), &body, now()),
        )
    });
    assert_snapshot!(problems(&system, calls).await, @"
    /license/redemptions, a list → 400 malformed-request: the body must be a JSON object
    /license/preview, a list → 400 malformed-request: the body must be a JSON object
    /devices, a list → 400 malformed-request: the body must be a JSON object
    /devices, a list as a device → 400 malformed-request: devices/0 must be a JSON object
    /devices, a number as a name → 400 malformed-request: devices/0/name must be a text
    /admins, null as a role → 400 malformed-request: role must be master, sub_master or site_admin
    ");
    assert_eq!(system.findings().await.applied, 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_not_read_as_an_object_and_a_wrong_member_is_named_of_a_partner() {
    let system = System::new();
    let void = "/019b0212-0000-7000-8000-000000000000/void";
    let calls = [
        ("", "issuing, a list", json!([5, 2, 1])),
        (
            "",
            "issuing, a negative number",
            json!({ "credits": -1, "count": 1 }),
        ),
        (void, "voiding, a list", json!(["x", null])),
        (void, "voiding, null as a reason", json!({ "reason": null })),
        (
            void,
            "voiding, a number as a code",
            json!({ "reason": "x", "codes": ["A", 7] }),
        ),
    ]
    .map(|(rest, what, body)| {
        (
            what,
            Call::post(batches(rest), &body, now()).by_partner(ACME),
        )
    });
    assert_snapshot!(problems(&system, calls).await, @"
    issuing, a list → 400 malformed-request: the body must be a JSON object
    issuing, a negative number → 400 malformed-request: credits must be a whole number, 0 or more
    voiding, a list → 400 malformed-request: the body must be a JSON object
    voiding, null as a reason → 400 malformed-request: reason must be a text
    voiding, a number as a code → 400 malformed-request: codes/1 must be a text
    ");
}
