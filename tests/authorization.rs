//! Who may do what: every route, by everyone, with every defect of a token.

use crate::administrators::invite;
use crate::harness::{Answered, CARD_LINK_BASE, Call, System, at, redemption, sms_redemption};
use run_local::functions;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::BTreeSet;

const NOW: &str = "2026-12-09T12:00:00Z";
/// A site that does not exist.
const NO_SITE: &str = "ZZZZZZZZ7";

/// Everyone who may ask.
const EVERYONE: [(&str, &str); 8] = [
    ("nobody", r#"{"sub":"x"}"#),
    ("another partner", r#"{"sub":"x","partner_id":"globex"}"#),
    ("the partner", r#"{"sub":"x","partner_id":"acme"}"#),
    (
        "another site's master",
        r#"{"sub":"x","email":"lee@example.com","email_verified":"true"}"#,
    ),
    (
        "an invited person",
        r#"{"sub":"x","email":"invited@example.com","email_verified":"true"}"#,
    ),
    (
        "a site admin",
        r#"{"sub":"x","email":"admin@example.com","email_verified":"true"}"#,
    ),
    (
        "a sub-master",
        r#"{"sub":"x","email":"sub@example.com","email_verified":"true"}"#,
    ),
    (
        "the master",
        r#"{"sub":"x","email":"kim@example.com","email_verified":"true"}"#,
    ),
];

/// Tokens that the gateway lets through, and that open nothing: the master's, with a defect each.
const DEFECTS: [(&str, &str); 9] = [
    ("no claims", "{}"),
    (
        "an unverified address",
        r#"{"sub":"x","email":"kim@example.com","email_verified":"false"}"#,
    ),
    (
        "no word of verification",
        r#"{"sub":"x","email":"kim@example.com"}"#,
    ),
    (
        "verification of another form",
        r#"{"sub":"x","email":"kim@example.com","email_verified":"yes"}"#,
    ),
    ("no address", r#"{"sub":"x","email_verified":"true"}"#),
    (
        "an address that is none",
        r#"{"sub":"x","email":"kim","email_verified":"true"}"#,
    ),
    (
        "the address of somebody alike",
        r#"{"sub":"x","email":"kim@example.com.evil.example","email_verified":"true"}"#,
    ),
    (
        "a partner that is none",
        r#"{"sub":"x","partner_id":"ACME"}"#,
    ),
    ("a partner without a subject", r#"{"partner_id":"acme"}"#),
];

/// What each of [`EVERYONE`] is answered on a route, in their order: a status.
type Row = (&'static str, [u16; 8]);

/// The matrix. 403 is `not-allowed`, 404 `site-not-found`, and for whoever answers an invitation `invitation-not-found`.
const MATRIX: &[Row] = &[
    (
        "POST /partners/{partner_id}/code-batches",
        [403, 403, 201, 403, 403, 403, 403, 403],
    ),
    (
        "GET /partners/{partner_id}/code-batches",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "GET /partners/{partner_id}/code-batches/{batch_id}",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "GET /partners/{partner_id}/code-batches/{batch_id}/codes",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "POST /partners/{partner_id}/code-batches/{batch_id}/void",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "GET /partners/{partner_id}/history",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "GET /partners/{partner_id}/sites",
        [403, 403, 200, 403, 403, 403, 403, 403],
    ),
    (
        "GET /openapi.yaml",
        [200, 200, 200, 200, 200, 200, 200, 200],
    ),
    ("POST /sites", [403, 403, 403, 201, 201, 201, 201, 201]),
    ("GET /sites", [403, 403, 403, 200, 200, 200, 200, 200]),
    (
        "GET /sites/{site_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "PATCH /sites/{site_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "DELETE /sites/{site_id}",
        [404, 404, 404, 404, 404, 403, 403, 200],
    ),
    (
        "GET /sites/{site_id}/admins",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/admins",
        [404, 404, 404, 404, 404, 403, 201, 201],
    ),
    (
        "PATCH /sites/{site_id}/admins/{email}",
        [404, 404, 404, 404, 404, 403, 200, 200],
    ),
    (
        "DELETE /sites/{site_id}/admins/{email}",
        [404, 404, 404, 404, 404, 403, 200, 200],
    ),
    (
        "GET /sites/{site_id}/invitations",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "DELETE /sites/{site_id}/invitations/{person}",
        [404, 404, 404, 404, 404, 403, 200, 200],
    ),
    (
        "POST /sites/{site_id}/invitations/{person}/resending",
        [404, 404, 404, 404, 404, 403, 200, 200],
    ),
    ("GET /invitations", [403, 403, 403, 200, 200, 200, 200, 200]),
    (
        "POST /invitations/{site_id}/acceptance",
        [403, 403, 403, 404, 201, 404, 404, 404],
    ),
    (
        "POST /invitations/{site_id}/refusal",
        [403, 403, 403, 404, 200, 404, 404, 404],
    ),
    (
        "GET /sites/{site_id}/devices",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/devices",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "PATCH /sites/{site_id}/devices/{device_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/devices/{device_id}/replacement",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "DELETE /sites/{site_id}/devices/{device_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/users",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/users",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "POST /sites/{site_id}/users/import",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/users/{user_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "PATCH /sites/{site_id}/users/{user_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "DELETE /sites/{site_id}/users/{user_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/users/{user_id}/card",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/users/{user_id}/card",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "PATCH /sites/{site_id}/users/{user_id}/card",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "DELETE /sites/{site_id}/users/{user_id}/card",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/users/{user_id}/card/reissues",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "POST /sites/{site_id}/sms/messages",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "POST /sites/{site_id}/sms/messages/preview",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/sms/messages",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/sms/messages/{message_id}",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/users/{user_id}/card/deliveries",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "GET /cards/{token}",
        [200, 200, 200, 200, 200, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/license/preview",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "POST /sites/{site_id}/license/redemptions",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "POST /sites/{site_id}/sms/redemptions",
        [404, 404, 404, 404, 404, 201, 201, 201],
    ),
    (
        "GET /sites/{site_id}/license",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
    (
        "GET /sites/{site_id}/license/statement",
        [404, 404, 404, 404, 404, 200, 200, 200],
    ),
];

/// A site with one of each role, somebody who is invited and a device, a batch, and a code that can be applied.
struct World {
    system: System,
    site: SiteId,
    batch: String,
    code: String,
    /// What the link of ann's card ends in; bob has none.
    token: String,
    /// A message that ann was sent.
    message: String,
    /// Who is invited.
    person: String,
}

impl World {
    async fn new() -> Self {
        let (system, now) = (System::new(), at(NOW));
        let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
        for (email, role) in [
            ("admin@example.com", "site_admin"),
            ("sub@example.com", "sub_master"),
            ("other@example.com", "site_admin"),
        ] {
            system.admit(&site, email, role, now).await;
        }
        let invited = invite(&site, "invited@example.com", "site_admin", now);
        let invited = system.send(invited).await;
        let body = json!({ "name": "Other", "country": "AT", "site_type": "regular" });
        let other = Call::post("/sites".to_owned(), &body, now).by_person("lee@example.com");
        assert_eq!(system.send(other).await.status, 201);
        system.register(&site, &["door-1"], now).await.unwrap();
        let code = system.codes(9, 0, 1, now).await.remove(0);
        assert_eq!(system.send(redemption(&site, &code, now)).await.status, 201);
        let path = format!("/sites/{site}/users");
        for user in ["ann", "bob"] {
            let body = json!({ "user_id": user, "mobile": "+436641234567" });
            let added = Call::post(path.clone(), &body, now);
            assert_eq!(system.send(added).await.status, 201);
        }
        let issued = Call::post(format!("{path}/ann/card"), &json!({}), now);
        let issued = system.send(issued).await;
        let link = issued.body["card"]["link"].as_str().unwrap().to_owned();
        let code = system.codes(1, 0, 1, now).await.remove(0);
        assert_eq!(
            system.send(sms_redemption(&site, &code, now)).await.status,
            201
        );
        let body = json!({ "user_id": "ann" });
        let sent = Call::post(format!("/sites/{site}/sms/messages"), &body, now);
        let sent = system.send(sent).await;
        let message = sent.body["message"]["message_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let body = json!({ "credits": 5, "count": 1 });
        let path = "/partners/acme/code-batches".to_owned();
        let issued = system
            .send(Call::post(path, &body, now).by_partner("acme"))
            .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            batch: text(&issued.body["batch"]["batch_id"]),
            code: text(&issued.body["codes"][0]),
            token: link.strip_prefix(CARD_LINK_BASE).unwrap().to_owned(),
            message,
            person: text(&invited.body["invitation"]["person"]),
            system,
            site,
        }
    }

    /// A request that is right in every way but perhaps the asker.
    fn call(&self, route: &str, site: &str, claims: &str) -> Call {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path
            .replace("{partner_id}", "acme")
            .replace("{batch_id}", &self.batch)
            .replace("{site_id}", site)
            .replace("{email}", "other@example.com")
            .replace("{device_id}", "door-1")
            .replace("{token}", &self.token)
            .replace("{message_id}", &self.message)
            .replace("{person}", &self.person)
            .replace(
                "{user_id}",
                if route.ends_with("POST /sites/{site_id}/users/{user_id}/card") {
                    "bob"
                } else {
                    "ann"
                },
            );
        let body = match route {
            "POST /partners/{partner_id}/code-batches" => json!({ "credits": 1, "count": 1 }),
            "POST /partners/{partner_id}/code-batches/{batch_id}/void" => json!({ "reason": "x" }),
            "POST /sites" => json!({ "name": "New", "country": "KR", "site_type": "dynamic" }),
            "PATCH /sites/{site_id}" => json!({ "name": "Renamed" }),
            "POST /sites/{site_id}/admins" => {
                json!({ "email": "new@example.com", "role": "site_admin" })
            }
            "PATCH /sites/{site_id}/admins/{email}" => json!({ "role": "sub_master" }),
            "POST /sites/{site_id}/devices" => json!({ "devices": [{ "name": "Gate" }] }),
            "PATCH /sites/{site_id}/devices/{device_id}" => json!({ "name": "Gate 2" }),
            "POST /sites/{site_id}/devices/{device_id}/replacement" => json!({}),
            "POST /sites/{site_id}/license/preview" => {
                json!({ "code": self.code, "recharge": "sms" })
            }
            "POST /sites/{site_id}/license/redemptions"
            | "POST /sites/{site_id}/sms/redemptions" => json!({ "code": self.code }),
            "PATCH /sites/{site_id}/users/{user_id}" => json!({ "name": "Ann" }),
            "PATCH /sites/{site_id}/users/{user_id}/card" => json!({ "status": "paused" }),
            route if route.starts_with("POST /sites/{site_id}/users") => json!({}),
            route if route.starts_with("POST /sites/{site_id}/sms/messages") => {
                json!({ "user_id": "ann" })
            }
            _ => Value::Null,
        };
        let now = at(NOW);
        let mut call = match method {
            "GET" => Call::get(path, now),
            "DELETE" => Call::delete(path, now),
            "PATCH" => Call::patch(path, &body, now),
            _ => Call::post(path, &body, now),
        };
        if route.contains("/invitations") {
            call.body = None;
        }
        if route.ends_with("/import") {
            call.body = Some("user_id,name\nzoe,Zoe\n".to_owned());
        }
        if route == "DELETE /sites/{site_id}" {
            call = call.query("forfeit=true");
        }
        call.claims = serde_json::from_str(claims).unwrap();
        call
    }

    async fn ask(&self, route: &str, site: &str, claims: &str) -> Answered {
        self.system.send(self.call(route, site, claims)).await
    }
}

/// The problem of whoever may not know of a site.
fn not_found(route: &str) -> &'static str {
    if route.starts_with("POST /invitations/") {
        "invitation-not-found"
    } else {
        "site-not-found"
    }
}

#[test]
fn the_matrix_has_every_route() {
    let routes: BTreeSet<&str> = functions::routes()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let rows: BTreeSet<&str> = MATRIX.iter().map(|row| row.0).collect();
    assert_eq!((&rows, MATRIX.len()), (&routes, routes.len()));
}

#[tokio::test(start_paused = true)]
async fn every_route_answers_everyone_as_the_matrix_says() {
    for (route, statuses) in MATRIX {
        for ((who, claims), status) in EVERYONE.iter().zip(statuses) {
            // Each in a world of its own, as the others may change it.
            let world = World::new().await;
            let answer = world.ask(route, world.site.as_str(), claims).await;
            assert_eq!(answer.status, *status, "{route} by {who}: {answer:?}");
            match status {
                403 => assert_eq!(answer.problem(), "not-allowed", "{route} by {who}"),
                404 => assert_eq!(answer.problem(), not_found(route), "{route} by {who}"),
                _ => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_with_any_defect_opens_nothing() {
    let world = World::new().await;
    for (route, _) in MATRIX
        .iter()
        .filter(|(route, _)| !["GET /openapi.yaml", "GET /cards/{token}"].contains(route))
    {
        for (defect, claims) in DEFECTS {
            let answer = world.ask(route, world.site.as_str(), claims).await;
            let refused = match answer.status {
                403 => answer.problem() == "not-allowed",
                404 => answer.problem() == not_found(route),
                _ => false,
            };
            // Somebody alike has sites too, only not this one.
            let own = ["POST /sites", "GET /sites", "GET /invitations"].contains(route);
            let own = own && defect.contains("alike");
            assert!(refused || own, "{route} with {defect}: {answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_tells_a_stranger_whether_a_site_exists() {
    let world = World::new().await;
    let rows = MATRIX
        .iter()
        .filter(|(route, _)| route.contains("{site_id}"));
    for (route, _) in rows {
        let strangers = EVERYONE.iter().take(4).chain(&DEFECTS);
        for (who, claims) in strangers {
            for broken in [false, true] {
                let mut answers = Vec::new();
                for site in [world.site.as_str(), NO_SITE, "not-a-site"] {
                    let mut call = world.call(route, site, claims);
                    if broken {
                        // A request that is wrong as well must not be answered otherwise either.
                        call.body = call.body.map(|_| "{".to_owned());
                        call.key = Some("one key for all of them".replace(' ', "-"));
                    }
                    let answer = world.system.send(call).await;
                    answers.push((answer.status, answer.text));
                }
                assert!(answers[0] == answers[1], "{route} by {who}: {answers:?}");
                // What is no site ID at all may be told before the body is read.
                assert!(
                    broken || answers[1] == answers[2],
                    "{route} by {who}: {answers:?}"
                );
            }
        }
    }
}
