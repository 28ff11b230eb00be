//! Fills a system with every kind of item, in many states.

use crate::harness::{ACME, Call, System, at, batches};
use crate::redemptions::refusals::unissued;
use crate::setup::text;
use jiff::{Timestamp, ToSpan};
use run_local::sns::Fault;
use serde_json::{Value, json};

/// When the store was filled.
pub(super) const FILLED: &str = "2026-12-09T12:00:00Z";

/// Sends calls one after the other, each with a key of its own.
struct Filling<'a> {
    system: &'a System,
    now: Timestamp,
    calls: usize,
}

impl Filling<'_> {
    async fn send(&mut self, call: Call) -> Value {
        self.calls += 1;
        let call = call.key(&format!("fill-{}", self.calls));
        let method = call.method;
        let answer = self.system.send(call).await;
        assert!((200..300).contains(&answer.status), "{method}: {answer}");
        answer.body
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.send(Call::post(path.to_owned(), &body, self.now))
            .await
    }

    async fn patch(&mut self, path: &str, body: Value) -> Value {
        self.send(Call::patch(path.to_owned(), &body, self.now))
            .await
    }

    async fn delete(&mut self, path: &str) -> Value {
        self.send(Call::delete(path.to_owned(), self.now)).await
    }

    async fn issue(&mut self, body: Value) -> (String, Vec<String>) {
        let call = Call::post(batches(""), &body, self.now).by_partner(ACME);
        let issued = self.send(call).await;
        let codes = issued["codes"].as_array().unwrap().iter().map(text);
        (text(&issued["batch"]["batch_id"]), codes.collect())
    }

    async fn create(&mut self, name: &str, site_type: &str) -> String {
        let body = json!({ "name": name, "country": "AT", "site_type": site_type });
        let created = self.post("/sites", body).await;
        format!("/sites/{}", text(&created["site"]["site_id"]))
    }

    /// Answers an invitation.
    async fn answer(&mut self, site: &str, answer: &str, by: &str) {
        let path = site.replacen("/sites/", "/invitations/", 1);
        let call = Call::act(format!("{path}/{answer}"), self.now);
        self.send(call.by_person(by)).await;
    }

    async fn redeem(&mut self, site: &str, balance: &str, code: &str) {
        let path = format!("{site}/{balance}/redemptions");
        self.post(&path, json!({ "code": code })).await;
    }
}

/// Fills a system: two sites in use and one that was deleted, a partner's batches, and what each can hold.
pub(super) async fn fill(system: &System) {
    let mut filling = Filling {
        system,
        now: at(FILLED),
        calls: 0,
    };
    let gym = filling.create("Older Gym", "dynamic").await;
    let library = filling.create("Older Library", "regular").await;
    let left = filling.create("Older Left", "regular").await;
    let codes = json!({ "credits": 6, "count": 12, "note": "from before" });
    let (batch, codes) = filling.issue(codes).await;
    let both =
        json!({ "credits": 9, "maintenance_credits": 2, "count": 4, "expires_on": "2099-12-31" });
    let (_, both) = filling.issue(both).await;
    let id = gym.trim_start_matches("/sites/");
    let bound = json!({ "credits": 1, "count": 2, "site_id": id, "expires_on": "2027-01-31" });
    filling.issue(bound).await;
    let void = json!({ "reason": "stolen", "codes": codes[8..10] });
    let void = Call::post(batches(&format!("/{batch}/void")), &void, filling.now);
    filling.send(void.by_partner(ACME)).await;
    let fetch = Call::get(batches(&format!("/{batch}/codes")), filling.now);
    assert_eq!(system.send(fetch.by_partner(ACME)).await.status, 200);

    // People: of each role, one who came and went, one whose role changed, one who declined and one who is invited.
    for site in [&gym, &library] {
        let admins = format!("{site}/admins");
        for (email, role) in [
            ("lee@example.com", "sub_master"),
            ("mo@example.com", "site_admin"),
            ("pat@example.com", "site_admin"),
        ] {
            filling
                .post(&admins, json!({ "email": email, "role": role }))
                .await;
            filling.answer(site, "acceptance", email).await;
        }
        for email in ["dan@example.com", "ivy@example.com"] {
            filling
                .post(&admins, json!({ "email": email, "role": "site_admin" }))
                .await;
        }
        filling.answer(site, "refusal", "dan@example.com").await;
        filling
            .patch(
                &format!("{admins}/lee@example.com"),
                json!({ "role": "master" }),
            )
            .await;
        filling.delete(&format!("{admins}/pat@example.com")).await;
        let site_admin = json!({ "role": "sub_master" });
        filling
            .patch(&format!("{admins}/mo@example.com"), site_admin)
            .await;
    }
    filling
        .patch(&gym, json!({ "name": "Older Gym 2", "language": "en" }))
        .await;
    let countries = json!({ "sms_countries": ["AT", "DE"] });
    filling.patch(&library, countries).await;

    devices(&mut filling, &gym, &codes).await;
    users(&mut filling, &library, &both, &codes).await;
    messages(&mut filling, &library).await;

    // A site that was deleted, and whose users are not erased yet.
    filling
        .post(&format!("{left}/users"), json!({ "name": "Ghost" }))
        .await;
    filling.delete(&left).await;
    let wrong = Call::post(
        format!("{library}/license/redemptions"),
        &json!({ "code": unissued() }),
        filling.now,
    );
    let wrong = system.send(wrong).await;
    assert_eq!(wrong.problem(), "code-not-recognised");
}

/// Devices of three anchor days; a month that is charged, one that halts the site, and a code that resumes it.
async fn devices(filling: &mut Filling<'_>, gym: &str, codes: &[String]) {
    let start = filling.now;
    filling.redeem(gym, "license", &codes[0]).await;
    let path = format!("{gym}/devices");
    for (hours, name) in [
        (0, "door"),
        (24, "gate"),
        (24 * 22, "lift"),
        (24 * 22, "bike"),
    ] {
        filling.now = start + hours.hours();
        let body = json!({ "devices": [{ "device_id": name, "name": name }] });
        filling.post(&path, body).await;
    }
    filling.delete(&format!("{path}/bike")).await;
    for month in ["2027-01-09", "2027-01-10", "2027-01-31", "2027-02-28"] {
        filling.now = at(&format!("{month}T12:00:00Z"));
        filling.system.deduct(filling.now).await;
    }
    filling.redeem(gym, "license", &codes[1]).await;
    filling.redeem(gym, "sms", &codes[2]).await;
}

/// Users with a card, one that was issued again, one that is paused, one that was revoked, and one without.
async fn users(filling: &mut Filling<'_>, library: &str, both: &[String], codes: &[String]) {
    filling.redeem(library, "license", &both[0]).await;
    filling.redeem(library, "sms", &codes[3]).await;
    let users = format!("{library}/users");
    for (id, name) in [("ann", "Ann"), ("7", "Bob"), ("cy", "Cy"), ("dee", "Dee")] {
        let body = json!({ "user_id": id, "name": name, "kind": "member",
            "email": format!("{id}@example.org"), "mobile": "+436641234567" });
        filling.post(&users, body).await;
    }
    for id in ["ann", "7", "cy"] {
        let period = json!({ "valid_from": "2027-01-01", "valid_until": "2099-12-31" });
        filling.post(&format!("{users}/{id}/card"), period).await;
    }
    filling
        .post(&format!("{users}/ann/card/reissues"), json!({}))
        .await;
    filling
        .patch(&format!("{users}/7/card"), json!({ "status": "paused" }))
        .await;
    filling.delete(&format!("{users}/cy/card")).await;
    let file = "user_id;name;mobile\n100;Eve;0664 1234568\n;Fay;\n";
    let mut import = Call::post(format!("{users}/import"), &Value::Null, filling.now);
    import.body = Some(file.to_owned());
    filling.send(import).await;
    filling
        .post(&users, json!({ "user_id": "gone", "name": "Gone" }))
        .await;
    filling.post(&format!("{users}/gone/card"), json!({})).await;
    filling.delete(&format!("{users}/gone")).await;
}

/// Messages: one that was sent, one that failed and was given back, one of which nothing is known.
async fn messages(filling: &mut Filling<'_>, library: &str) {
    let system = filling.system;
    let path = format!("{library}/users/ann/card/deliveries");
    filling.post(&path, json!({})).await;
    let notice = json!({ "user_id": "ann", "text": "Closed on Monday" });
    let path = format!("{library}/sms/messages");
    for fault in [Fault::InvalidNumber, Fault::LostAnswer] {
        system.sns.plan(move |operation| {
            if operation == "Publish" {
                fault
            } else {
                Fault::None
            }
        });
        filling.post(&path, notice.clone()).await;
    }
    system.sns.quiet();
}
