//! E-mail addresses: whoever is invited in one spelling and signs in with another is the same person.

use super::post;
use crate::administrators::invite;
use crate::harness::{System, license_of};
use crate::invitations::accept;
use crate::setup::{now, text};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_site_is_handed_over_to_an_address_in_any_spelling() {
    for (typed, signed_in) in [
        ("\u{200b}new-owner@example.com", "new-owner@example.com"),
        ("\u{feff}new-owner@example.com", "new-owner@example.com"),
        (
            "\u{202a}new-owner@example.com\u{202c}",
            "new-owner@example.com",
        ),
        ("new-owner@example.com.", "new-owner@example.com"),
        ("mailto:new-owner@example.com", "new-owner@example.com"),
        (
            "ｎｅｗ－ｏｗｎｅｒ＠ｅｘａｍｐｌｅ．ｃｏｍ",
            "new-owner@example.com",
        ),
        ("New-Owner@Example.Com", "new-owner@example.com"),
        ("jörg@example.com", "jo\u{308}rg@example.com"),
        ("jo\u{308}rg@example.com", "jörg@example.com"),
        ("kim@bücher.example", "kim@xn--bcher-kva.example"),
        ("kim@xn--bcher-kva.example", "kim@BÜCHER.example"),
    ] {
        let system = System::new();
        let site = system.dynamic().await;
        let offered = system.send(invite(&site, typed, "master", now())).await;
        assert_eq!(offered.status, 201, "{typed:?}: {offered}");
        let accepted = system.send(accept(&site, signed_in, now())).await;
        assert_eq!(
            accepted.status, 201,
            "{typed:?} as {signed_in:?}: {accepted}"
        );
        let seen = system
            .send(license_of(&site, now()).by_person(signed_in))
            .await;
        assert_eq!(seen.status, 200, "{typed:?} as {signed_in:?}: {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_looks_like_another_is_refused_and_a_token_of_one_opens_nothing() {
    let system = System::new();
    let site = system.dynamic().await;
    for look_alike in [
        "new\u{200b}owner@example.com",
        "new\u{ad}owner@example.com",
        "\u{fb01}nn@example.com",
        "ki\u{202e}m@example.com",
    ] {
        let refused = system
            .send(invite(&site, look_alike, "site_admin", now()))
            .await;
        assert_eq!(refused.problem(), "malformed-request", "{look_alike:?}");
    }
    for token in [
        "\u{200b}kim@example.com",
        "ｋｉｍ@example.com",
        "mailto:kim@example.com",
    ] {
        let seen = system.send(license_of(&site, now()).by_person(token)).await;
        assert_eq!(seen.problem(), "site-not-found", "{token:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_has_one_form_of_an_address() {
    let system = System::new();
    let site = system.regular().await;
    let body = json!({ "email": " mailto:Ann@XN--BCHER-KVA.example. " });
    let added = post(&system, &site, "/users", &body).await;
    assert_eq!(text(&added.body["user"]["email"]), "ann@bücher.example");
}
