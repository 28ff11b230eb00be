//! Names, numbers and messages, as keyboards and clipboards of every script have them.

use super::post;
use crate::harness::{Call, System, sms_redemption};
use crate::setup::{now, of, text};
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

#[tokio::test(start_paused = true)]
async fn a_name_of_nothing_visible_is_refused_everywhere() {
    let system = System::new();
    let site = system.dynamic().await;
    for nothing in [
        "\u{200b}",
        "\u{3164}",
        "\u{2800}",
        "\u{ad}",
        " \u{2060}\u{a0} ",
        "\u{200e}",
    ] {
        let device = json!({ "devices": [{ "name": nothing }] });
        let name = json!({ "name": nothing });
        let site_body = json!({ "name": nothing, "country": "AT", "site_type": "dynamic" });
        let calls = [
            Call::post(of(&site, "/devices"), &device, now()),
            Call::post(of(&site, "/users"), &name, now()),
            Call::patch(of(&site, ""), &name, now()),
            Call::post("/sites".to_owned(), &site_body, now()),
        ];
        for call in calls {
            let path = call.path.clone();
            let refused = system.send(call).await;
            assert_eq!(
                refused.problem(),
                "malformed-request",
                "{nothing:?} at {path}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_kept_in_composed_form_and_an_id_without_what_has_no_ink() {
    let system = System::new();
    let site = system.regular().await;
    let body = json!({ "user_id": "\u{feff}ann\u{200b}", "name": "\u{202b}A\u{308}nn \u{1F469}\u{200D}\u{1F4BB}\u{202c}" });
    let added = post(&system, &site, "/users", &body).await;
    assert_eq!(added.body["user"]["user_id"], "ann");
    assert_eq!(
        text(&added.body["user"]["name"]),
        "Änn \u{1F469}\u{200D}\u{1F4BB}"
    );
    let twice = post(&system, &site, "/users", &json!({ "user_id": "ann" })).await;
    assert_eq!(twice.problem(), "user-exists");
    let found = Call::get(of(&site, "/users"), now()).query("search=a%CC%88nn");
    let found = system.send(found).await;
    assert_eq!(
        found.body["users"].as_array().map(Vec::len),
        Some(1),
        "{found}"
    );
}

/// A regular site of this country.
async fn site_in(system: &System, country: &str, zone: &str) -> SiteId {
    let body =
        json!({ "name": "n", "country": country, "site_type": "regular", "time_zone": zone });
    let created = system
        .send(Call::post("/sites".to_owned(), &body, now()))
        .await;
    SiteId::parse(&text(&created.body["site"]["site_id"])).unwrap()
}

/// Applies a code to the SMS of a site.
async fn recharge_sms(system: &System, site: &SiteId) {
    let code = system.codes(1, 0, 1, now()).await.remove(0);
    assert_eq!(
        system.send(sms_redemption(site, &code, now())).await.status,
        201
    );
}

#[tokio::test(start_paused = true)]
async fn a_number_with_a_calling_code_is_that_number_on_every_site() {
    for (country, zone, typed, expected) in [
        (
            "US",
            "America/New_York",
            "+855 18 591 5845",
            "+855185915845",
        ),
        ("US", "America/New_York", "+5516974359725", "+5516974359725"),
        (
            "US",
            "America/New_York",
            "+86 138 1234 5678",
            "+8613812345678",
        ),
        ("RU", "Europe/Moscow", "+62888356179969", "+62888356179969"),
        ("RU", "Europe/Moscow", "+91 8123456789", "+918123456789"),
        (
            "AT",
            "Europe/Vienna",
            "+225 07 07 12 34 56",
            "+2250707123456",
        ),
        ("NO", "Europe/Oslo", "478 26 303", "+4747826303"),
        (
            "BR",
            "America/Sao_Paulo",
            "(55) 99123-4567",
            "+5555991234567",
        ),
        (
            "AT",
            "Europe/Vienna",
            "\u{202a}+43 664 1234567\u{202c}",
            "+436641234567",
        ),
        (
            "KR",
            "Asia/Seoul",
            "０１０－１２３４－５６７８",
            "+821012345678",
        ),
    ] {
        let system = System::new();
        let site = site_in(&system, country, zone).await;
        let added = post(&system, &site, "/users", &json!({ "mobile": typed })).await;
        assert_eq!(
            added.body["user"]["mobile"], expected,
            "{typed:?} on a site in {country}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_lines_of_a_message_end_as_any_system_ends_them() {
    let system = System::new();
    let site = system.regular().await;
    recharge_sms(&system, &site).await;
    let user = json!({ "user_id": "m", "mobile": "+43 664 1234567" });
    assert_eq!(post(&system, &site, "/users", &user).await.status, 201);
    for typed in [
        "Door 5\r\nopen",
        "Door 5\ropen",
        "Door 5\nopen",
        "\u{feff}Door 5\nopen\r\n",
    ] {
        let body = json!({ "user_id": "m", "text": typed });
        let shown = post(&system, &site, "/sms/messages/preview", &body).await;
        assert_eq!(
            shown.body["text"], "Harbour Gym: Door 5\nopen",
            "{typed:?}: {shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_site_sends_to_the_numbers_of_its_own_country_by_default() {
    for (country, zone, mobile) in [
        ("AX", "Europe/Mariehamn", "+358 41 2345678"),
        ("MF", "America/Marigot", "+590 690 001234"),
        ("IM", "Europe/Isle_of_Man", "+44 7924 123456"),
        ("XK", "Europe/Belgrade", "+383 43 201 234"),
    ] {
        let system = System::new();
        let site = site_in(&system, country, zone).await;
        recharge_sms(&system, &site).await;
        let user = json!({ "user_id": "m", "mobile": mobile });
        let added = post(&system, &site, "/users", &user).await;
        assert_eq!(added.status, 201, "{added}");
        let message = json!({ "user_id": "m", "text": "hello" });
        let shown = post(&system, &site, "/sms/messages/preview", &message).await;
        assert_eq!(shown.status, 200, "{country}: {shown}");
    }
}
