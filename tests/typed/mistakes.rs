//! The mistakes of newcomers, and what each is answered: `docs/MISTAKES.md`, held by a test.

use crate::harness::{ACME, Call, System, batches, redemption, sms_redemption};
use crate::setup::{now, of};
use serde_json::{Value, json};
use site_credits::domain::model::code::CodeValue;
use site_credits::domain::values::ids::SiteId;
use std::fmt::Write;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/MISTAKES.md");
const HEAD: &str = "# Mistakes, and what they are answered

What newcomers do wrong, and what the API says. A test makes each of these requests and compares the answers with this page.
";

/// A site that pays by device, one that pays by card, and codes of every kind.
struct World {
    system: System,
    gym: SiteId,
    library: SiteId,
    fresh: String,
    applied: String,
    voided: String,
    expired: String,
    bound: String,
    of_maintenance: String,
}

impl World {
    async fn new() -> Self {
        let system = System::new();
        let (gym, library) = (system.dynamic().await, system.regular().await);
        let codes = system.codes(10, 0, 2, now()).await;
        let [fresh, applied] = codes.try_into().unwrap();
        let of_maintenance = system.codes(0, 5, 1, now()).await.remove(0);
        let value = CodeValue::new(1, 0).unwrap();
        let expired = system.codes_like(
            value,
            1,
            now() - jiff::SignedDuration::from_hours(72),
            |new| {
                new.expires_on = Some(jiff::civil::date(2026, 12, 7).into());
            },
        );
        let expired = expired.await.remove(0);
        let bound = system.codes_like(value, 1, now(), |new| new.bound_to = Some(library.clone()));
        let bound = bound.await.remove(0);
        let issue = json!({ "credits": 1, "count": 1 });
        let issued = system
            .send(Call::post(batches(""), &issue, now()).by_partner(ACME))
            .await;
        let batch = issued.body["batch"]["batch_id"].as_str().unwrap();
        let voided = issued.body["codes"][0].as_str().unwrap().to_owned();
        let void = Call::post(
            batches(&format!("/{batch}/void")),
            &json!({ "reason": "r" }),
            now(),
        );
        assert_eq!(system.send(void.by_partner(ACME)).await.status, 200);
        assert_eq!(
            system.send(redemption(&gym, &applied, now())).await.status,
            201
        );
        let users = of(&library, "/users");
        for user in [
            json!({ "user_id": "ann", "mobile": "+43 664 1234567" }),
            json!({ "user_id": "bob" }),
        ] {
            assert_eq!(
                system
                    .send(Call::post(users.clone(), &user, now()))
                    .await
                    .status,
                201
            );
        }
        let device = json!({ "devices": [{ "device_id": "door-1", "name": "Front door" }] });
        assert_eq!(
            system
                .send(Call::post(of(&gym, "/devices"), &device, now()))
                .await
                .status,
            201
        );
        Self {
            system,
            gym,
            library,
            fresh,
            applied,
            voided,
            expired,
            bound,
            of_maintenance,
        }
    }

    fn at_gym(&self, rest: &str, body: &Value) -> Call {
        Call::post(of(&self.gym, rest), body, now())
    }

    fn at_library(&self, rest: &str, body: &Value) -> Call {
        Call::post(of(&self.library, rest), body, now())
    }

    /// A redemption at the gym with this text as its body.
    fn raw(&self, body: &str) -> Call {
        let mut call = redemption(&self.gym, &self.fresh, now());
        call.body = Some(body.to_owned());
        call
    }

    fn applying(&self) -> Vec<(&'static str, Call)> {
        let apply = |code: &str| redemption(&self.gym, code, now());
        let preview = |body: Value| self.at_gym("/license/preview", &body);
        vec![
            ("a code with a symbol too few", apply(&self.fresh[1..])),
            (
                "a code with a symbol too many",
                apply(&format!("{}A", self.fresh)),
            ),
            (
                "a code with a letter that no code has",
                apply(&format!("U{}", &self.fresh[1..])),
            ),
            ("no code at all", apply("")),
            (
                "a code that nobody issued",
                apply("AAAAA-AAAAA-AAAAA-AAAAA"),
            ),
            ("a code that was applied", apply(&self.applied)),
            ("a code that was voided", apply(&self.voided)),
            ("a code that has expired", apply(&self.expired)),
            ("a code for another site", apply(&self.bound)),
            (
                "a code for regular sites on a dynamic one",
                apply(&self.of_maintenance),
            ),
            (
                "a code with maintenance credits, to SMS",
                sms_redemption(&self.library, &self.of_maintenance, now()),
            ),
            ("a code as a number", self.raw(r#"{"code":12345}"#)),
            ("`Code` for `code`", self.raw(r#"{"Code":"A"}"#)),
            (
                "`license_code` for `code`",
                self.raw(r#"{"license_code":"A"}"#),
            ),
            ("a code twice", self.raw(r#"{"code":"A","code":"B"}"#)),
            ("a bare text for a body", self.raw(r#""ABCDE""#)),
            ("a list for a body", self.raw(r#"["ABCDE"]"#)),
            ("a form for a body", self.raw("code=ABCDE")),
            ("single quotes in JSON", self.raw("{'code':'ABCDE'}")),
            (
                "a comma after the last member",
                self.raw(r#"{"code":"ABCDE",}"#),
            ),
            ("half a body", self.raw(r#"{"code":"#)),
            ("no body", self.raw("")),
            (
                "a preview without a balance",
                preview(json!({ "code": self.fresh })),
            ),
            (
                "a preview for `credit`",
                preview(json!({ "code": self.fresh, "recharge": "credit" })),
            ),
            (
                "a preview for `SMS`",
                preview(json!({ "code": self.fresh, "recharge": "SMS" })),
            ),
            (
                "a key of another request",
                apply(&self.fresh).key("same-key"),
            ),
            ("two keys", apply(&self.fresh).key("a,b")),
            ("a query", apply(&self.fresh).query("dry_run=true")),
        ]
    }

    fn issuing() -> Vec<(&'static str, Call)> {
        let issue = |body: Value| Call::post(batches(""), &body, now()).by_partner(ACME);
        vec![
            ("no credits", issue(json!({ "credits": 0, "count": 1 }))),
            (
                "half a credit",
                issue(json!({ "credits": 0.5, "count": 1 })),
            ),
            (
                "credits as a text",
                issue(json!({ "credits": "10", "count": 1 })),
            ),
            (
                "credits below zero",
                issue(json!({ "credits": -10, "count": 1 })),
            ),
            (
                "too many credits",
                issue(json!({ "credits": 1_000_001, "count": 1 })),
            ),
            ("no count", issue(json!({ "credits": 10 }))),
            ("a count of 0", issue(json!({ "credits": 10, "count": 0 }))),
            (
                "too many codes",
                issue(json!({ "credits": 10, "count": 10_001 })),
            ),
            (
                "`amount` for `count`",
                issue(json!({ "credits": 10, "amount": 1 })),
            ),
            (
                "a date as people write it",
                issue(json!({ "credits": 1, "count": 1, "expires_on": "31.12.2027" })),
            ),
            (
                "a time for a date",
                issue(json!({ "credits": 1, "count": 1, "expires_on": "2027-12-31T00:00:00Z" })),
            ),
            (
                "a date that is over",
                issue(json!({ "credits": 1, "count": 1, "expires_on": "2020-12-31" })),
            ),
            (
                "a site ID that is none",
                issue(json!({ "credits": 1, "count": 1, "site_id": "my site" })),
            ),
            (
                "a site ID with a typing error",
                issue(json!({ "credits": 1, "count": 1, "site_id": "GYM7QP3MR" })),
            ),
            (
                "a site ID without its last symbol",
                issue(json!({ "credits": 1, "count": 1, "site_id": "GYM7QP2M" })),
            ),
        ]
    }

    fn batches() -> Vec<(&'static str, Call)> {
        vec![
            (
                "another partner's path",
                Call::post("/partners/umbra/code-batches".to_owned(), &json!({}), now())
                    .by_partner(ACME),
            ),
            (
                "a person's token",
                Call::post(batches(""), &json!({ "credits": 1, "count": 1 }), now()),
            ),
            (
                "a batch that is none",
                Call::get(batches("/nothing"), now()).by_partner(ACME),
            ),
            (
                "a page of 1,000",
                Call::get(batches(""), now())
                    .by_partner(ACME)
                    .query("limit=1000"),
            ),
            (
                "a page number",
                Call::get(batches(""), now())
                    .by_partner(ACME)
                    .query("page=2"),
            ),
            (
                "`null` for a cursor",
                Call::get(batches(""), now())
                    .by_partner(ACME)
                    .query("cursor=null"),
            ),
        ]
    }

    fn sites(&self) -> Vec<(&'static str, Call)> {
        let create = |body: Value| Call::post("/sites".to_owned(), &body, now());
        let change = |body: Value| Call::patch(of(&self.gym, ""), &body, now());
        let site =
            |country: &str| json!({ "name": "n", "country": country, "site_type": "dynamic" });
        vec![
            ("a country by its name", create(site("Austria"))),
            ("a country that is none", create(site("ZZ"))),
            ("a country with several time zones", create(site("US"))),
            (
                "`type` for `site_type`",
                create(json!({ "name": "n", "country": "AT", "type": "dynamic" })),
            ),
            (
                "`Dynamic`",
                create(json!({ "name": "n", "country": "AT", "site_type": "Dynamic" })),
            ),
            (
                "a name of spaces",
                create(json!({ "name": "  ", "country": "AT", "site_type": "dynamic" })),
            ),
            (
                "an abbreviation for a time zone",
                change(json!({ "time_zone": "CEST" })),
            ),
            (
                "an offset for a time zone",
                change(json!({ "time_zone": "+01:00" })),
            ),
            (
                "a change of the type",
                change(json!({ "site_type": "regular" })),
            ),
            ("a change of nothing", change(json!({}))),
            (
                "a language by its name",
                change(json!({ "language": "German" })),
            ),
            (
                "somebody else's site",
                Call::get(of(&self.gym, "/license"), now()).by_person("lee@example.com"),
            ),
            (
                "a site that is none",
                Call::get("/sites/AAAAAAAAF/license".to_owned(), now()),
            ),
            (
                "a site ID with a typing error",
                Call::get("/sites/AAAAAAABF/license".to_owned(), now()),
            ),
            (
                "a partner's token at a site",
                Call::get(of(&self.gym, "/license"), now()).by_partner(ACME),
            ),
            (
                "deleting a site that holds credits",
                Call::delete(of(&self.gym, ""), now()),
            ),
        ]
    }

    fn administrators(&self) -> Vec<(&'static str, Call)> {
        vec![
            (
                "an address without @",
                self.at_gym("/admins", &json!({ "email": "lee", "role": "site_admin" })),
            ),
            (
                "a role that is none",
                self.at_gym(
                    "/admins",
                    &json!({ "email": "lee@example.com", "role": "admin" }),
                ),
            ),
            (
                "an invitation that is none",
                Call::act("/invitations/AAAAAAAAF/acceptance".to_owned(), now()),
            ),
            (
                "the only master, removed",
                Call::delete(of(&self.gym, "/admins/kim@example.com"), now()),
            ),
            (
                "an administrator who is none",
                Call::delete(of(&self.gym, "/admins/lee@example.com"), now()),
            ),
        ]
    }

    fn devices_and_users(&self) -> Vec<(&'static str, Call)> {
        let devices = |body: Value| self.at_gym("/devices", &json!({ "devices": body }));
        let user = |body: Value| self.at_library("/users", &body);
        let card = |rest: &str| self.at_library(&format!("/users/ann/card{rest}"), &json!({}));
        vec![
            ("no device", devices(json!([]))),
            ("a device as a text", devices(json!(["Front door"]))),
            (
                "one device without its list",
                devices(json!({ "name": "Front door" })),
            ),
            (
                "a device without a name",
                devices(json!([{ "device_id": "d" }])),
            ),
            (
                "a device that is there",
                devices(json!([{ "device_id": "door-1", "name": "n" }])),
            ),
            (
                "an ID with a space",
                devices(json!([{ "device_id": "door 1", "name": "n" }])),
            ),
            (
                "a device that is none",
                Call::delete(of(&self.gym, "/devices/nothing"), now()),
            ),
            ("a user who is there", user(json!({ "user_id": "ann" }))),
            (
                "a name that begins a formula",
                user(json!({ "name": "=1+1" })),
            ),
            (
                "`phone` for `mobile`",
                user(json!({ "phone": "+43 664 1234567" })),
            ),
            ("a number that is none", user(json!({ "mobile": "12345" }))),
            ("a fixed line", user(json!({ "mobile": "+43 1 58801" }))),
            ("a kind that is none", user(json!({ "kind": "Guest" }))),
            (
                "a user who is none",
                Call::get(of(&self.library, "/users/nobody"), now()),
            ),
            ("a card without a credit", card("")),
            ("a re-issue without a card", card("/reissues")),
            (
                "a message without SMS",
                self.at_library("/sms/messages", &json!({ "user_id": "ann", "text": "x" })),
            ),
            (
                "a message to somebody without a number",
                self.at_library("/sms/messages", &json!({ "user_id": "bob", "text": "x" })),
            ),
            (
                "a message of 501 characters",
                self.at_library(
                    "/sms/messages",
                    &json!({ "user_id": "ann", "text": "x".repeat(501) }),
                ),
            ),
            (
                "a message to a number",
                self.at_library(
                    "/sms/messages",
                    &json!({ "to": "+43 664 1234567", "text": "x" }),
                ),
            ),
            (
                "a link that leads nowhere",
                Call::get("/cards/nothing".to_owned(), now()),
            ),
            (
                "a statement from a date that is none",
                Call::get(of(&self.gym, "/license/statement"), now()).query("from=2026-02-30"),
            ),
            (
                "a statement that ends before it begins",
                Call::get(of(&self.gym, "/license/statement"), now())
                    .query("from=2026-12-09&to=2026-12-08"),
            ),
        ]
    }

    /// A table of mistakes and answers.
    async fn table(&self, title: &str, calls: Vec<(&'static str, Call)>) -> String {
        let mut page = format!("\n## {title}\n\n| mistake | answer |\n|---|---|\n");
        for (mistake, call) in calls {
            let answer = self.system.send(call).await;
            let code = answer.problem();
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(answer.status < 500, "{mistake}: {answer}");
            assert!(!detail.is_empty(), "{mistake}: {answer}");
            for word in [
                "u64",
                "u32",
                "variant",
                "expected `",
                "at line",
                "invalid type",
            ] {
                assert!(
                    !detail.contains(word),
                    "{mistake} is told in a programmer's words: {detail}"
                );
            }
            let detail = detail.replace('|', "\\|");
            writeln!(page, "| {mistake} | {} `{code}`: {detail} |", answer.status).unwrap();
        }
        page
    }
}

#[tokio::test(start_paused = true)]
async fn every_mistake_is_answered_as_the_page_says() {
    let world = World::new().await;
    let used = json!({ "name": "Pool" });
    let first = Call::post(of(&world.library, "/users"), &used, now()).key("same-key");
    assert_eq!(world.system.send(first).await.status, 201);
    let elsewhere = redemption(&world.gym, &world.applied, now()).key("same-key");
    assert_eq!(
        world.system.send(elsewhere).await.problem(),
        "code-already-applied"
    );
    let device = json!({ "devices": [{ "name": "Pool" }] });
    let keyed = Call::post(of(&world.gym, "/devices"), &device, now()).key("same-key");
    assert_eq!(world.system.send(keyed).await.status, 201);
    let mut page = HEAD.to_owned();
    page += &world.table("Applying a code", world.applying()).await;
    let issuing = [World::issuing(), World::batches()].concat();
    page += &world.table("Issuing codes", issuing).await;
    let sites = [world.sites(), world.administrators()].concat();
    page += &world.table("Sites and administrators", sites).await;
    page += &world
        .table(
            "Devices, users, cards and messages",
            world.devices_and_users(),
        )
        .await;
    if page != PAGE {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("MISTAKES.md");
        std::fs::write(&made, &page).unwrap();
        panic!(
            "docs/MISTAKES.md is not current: compare it with {}",
            made.display()
        );
    }
}
