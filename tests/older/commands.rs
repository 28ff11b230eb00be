//! Every command, on a store that may have been filled by an older form.

use super::fill::FILLED;
use crate::harness::{ACME, Answered, CARD_LINK_BASE, Call, KIM, System, at, batches};
use crate::invitations::{accept, decline};
use crate::setup::text;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use site_credits::domain::values::ids::{BatchId, SiteId};

/// When the commands are given: the gym has been charged in February, and not yet in March.
const LATER: &str = "2027-03-05T12:00:00Z";

struct Running<'a> {
    system: &'a System,
    now: Timestamp,
}

impl Running<'_> {
    async fn send(&self, call: Call, status: u16) -> Answered {
        let what = format!("{} {} {:?}", call.method, call.path, call.body);
        let answer = self.system.send(call).await;
        assert_eq!(answer.status, status, "{what}: {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Call::get(path.to_owned(), self.now), 200)
            .await
            .body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let call = Call::post(path.to_owned(), &body, self.now);
        self.send(call, 201).await.body
    }

    async fn patch(&self, path: &str, body: Value) -> Value {
        let call = Call::patch(path.to_owned(), &body, self.now);
        self.send(call, 200).await.body
    }

    async fn delete(&self, path: &str) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call::delete(path.to_owned(), self.now).query(query);
        self.send(call, 200).await.body
    }

    /// A listing of the partner's.
    async fn partner(&self, path: String, member: &str) -> Vec<Value> {
        let call = Call::get(path, self.now).by_partner(ACME);
        let pages = self.system.pages(call, member).await;
        pages.into_iter().flatten().collect()
    }

    /// The path of one of Kim's sites, by its name.
    async fn site(&self, name: &str) -> String {
        let sites = self.get("/sites").await;
        let mut sites = sites["sites"].as_array().unwrap().iter();
        let site = sites.find(|site| site["name"] == name).unwrap();
        format!("/sites/{}", text(&site["site_id"]))
    }

    /// The plain codes of the batch with a note, with what became of each.
    async fn codes(&self) -> (String, Vec<Value>) {
        let listed = self.partner(batches(""), "batches").await;
        let mut listed = listed.iter();
        let batch = listed.find(|batch| batch["note"] == "from before").unwrap();
        let batch = text(&batch["batch_id"]);
        let codes = self
            .partner(batches(&format!("/{batch}/codes")), "codes")
            .await;
        (batch, codes)
    }
}

/// Gives every command once on what is there.
pub(super) async fn every_command(system: &System) {
    let running = Running {
        system,
        now: at(LATER),
    };
    let gym = running.site("Older Gym 2").await;
    let library = running.site("Older Library").await;
    repeated(system, &gym).await;
    codes(&running, &gym).await;
    people(&running, &gym).await;
    devices(&running, &gym).await;
    users(&running, &library).await;
    cards(&running, &library).await;
    messages(&running, &library).await;
    let settings = json!({ "name": "Newer Gym", "time_zone": "Asia/Seoul" });
    running.patch(&gym, settings).await;
    for site in [&gym, &library] {
        let statement = format!("{site}/license/statement");
        let entries = system
            .pages(Call::get(statement, running.now), "entries")
            .await;
        let entries: Vec<Value> = entries.into_iter().flatten().collect();
        let license = running.get(&format!("{site}/license")).await;
        assert_eq!(entries.last().unwrap()["balances"], license["balances"]);
    }
    let charged = system.deduct(running.now + (24 * 40).hours()).await;
    assert_eq!(charged["left"], 0, "{charged}");
    assert_eq!(system.findings().await.violations, []);
    for site in [&library, &gym] {
        running.delete(&format!("{site}?forfeit=true")).await;
    }
    // The users of the deleted sites are erased.
    system.deduct(running.now + (24 * 40).hours()).await;
    assert!(!super::items_of(system).contains("USER#"));
}

/// A request that was carried out by the older form is answered as it was then.
async fn repeated(system: &System, gym: &str) {
    let now = at(FILLED) + 1.hours();
    let body = json!({ "name": "Older Gym", "country": "AT", "site_type": "dynamic" });
    let create = Call::post("/sites".to_owned(), &body, now).key("fill-1");
    let answer = system.send(create).await;
    assert_eq!((answer.status, answer.replayed), (201, true), "{answer}");
    let id = text(&answer.body["site"]["site_id"]);
    assert_eq!(format!("/sites/{id}"), gym);
}

/// Codes of before: some are spent or void, and the others buy what they did.
async fn codes(running: &Running<'_>, gym: &str) {
    let (batch, codes) = running.codes().await;
    // Only an outstanding code is shown plain, so each is made once more.
    let issuer = run_local::seed::issuer().unwrap();
    let batch_id = BatchId::parse(&batch).unwrap();
    let in_state = |state: &str| -> Vec<String> {
        let codes = codes
            .iter()
            .zip(0..)
            .filter(|(code, _)| code["state"] == state);
        let code = |place| issuer.code(issuer.newest(), &batch_id, place).unwrap().0;
        codes.map(|(_, place)| code(place).to_string()).collect()
    };
    let (outstanding, applied, voided) = (
        in_state("outstanding"),
        in_state("applied"),
        in_state("voided"),
    );
    assert_eq!((outstanding.len(), applied.len(), voided.len()), (6, 4, 2));
    let redeem = |code: &str| {
        let body = json!({ "code": code });
        Call::post(format!("{gym}/license/redemptions"), &body, running.now)
    };
    for code in &applied {
        let refused = running.send(redeem(code), 409).await;
        assert_eq!(refused.problem(), "code-already-applied");
    }
    let refused = running.send(redeem(&voided[0]), 410).await;
    assert_eq!(refused.problem(), "code-voided");
    let preview = json!({ "code": outstanding[0], "recharge": "credits" });
    let preview = Call::post(format!("{gym}/license/preview"), &preview, running.now);
    running.send(preview, 200).await;
    let redeemed = redeem(&outstanding[0]).key("later");
    running.send(redeemed.clone(), 201).await;
    assert!(running.send(redeemed, 201).await.replayed);
    let path = format!("{gym}/sms/redemptions");
    running.post(&path, json!({ "code": outstanding[1] })).await;
    let void = json!({ "reason": "lost" });
    let void = Call::post(batches(&format!("/{batch}/void")), &void, running.now);
    let voided = running.send(void.by_partner(ACME), 200).await;
    assert_eq!(voided.body["voided"], 4);
    let sites = running
        .partner(format!("/partners/{ACME}/sites"), "sites")
        .await;
    let received: u64 = sites
        .iter()
        .map(|site| site["received"]["codes"].as_u64().unwrap())
        .sum();
    assert_eq!(received, 4 + 2 + 1);
    let history = running
        .partner(format!("/partners/{ACME}/history"), "history")
        .await;
    let applied = history.iter().filter(|line| line["kind"] == "applied");
    assert_eq!(applied.count(), 4 + 2 + 1);
    let batch = json!({ "credits": 1, "count": 3 });
    let batch = Call::post(batches(""), &batch, running.now);
    running.send(batch.by_partner(ACME), 201).await;
}

/// Administrators of before: one goes, one gets another role, and is offered the site. One comes, and one is invited again,
/// declines, and is invited once more and forgotten.
async fn people(running: &Running<'_>, gym: &str) {
    let admins = format!("{gym}/admins");
    running.delete(&format!("{admins}/lee@example.com")).await;
    let site_admin = json!({ "role": "site_admin" });
    running
        .patch(&format!("{admins}/mo@example.com"), site_admin)
        .await;
    let id = SiteId::parse(gym.trim_start_matches("/sites/")).unwrap();
    let master = json!({ "role": "master" });
    running
        .patch(&format!("{admins}/mo@example.com"), master)
        .await;
    running
        .send(decline(&id, "mo@example.com", running.now), 200)
        .await;
    let new = json!({ "email": "new@example.com", "role": "sub_master" });
    running.post(&admins, new).await;
    running
        .send(accept(&id, "new@example.com", running.now), 201)
        .await;
    let listed = running.get(&admins).await;
    assert_eq!(listed["administrators"][0]["email"], KIM);
    let una = json!({ "email": "una@example.com", "role": "site_admin" });
    let invited = running.post(&admins, una.clone()).await;
    let una_invited = format!(
        "{gym}/invitations/{}",
        text(&invited["invitation"]["person"])
    );
    let again = Call::act(format!("{una_invited}/resending"), running.now);
    running.send(again, 200).await;
    running.delete(&una_invited).await;
    running.post(&admins, una).await;
    let listed = running.get(&format!("{gym}/invitations")).await;
    let mut listed = listed["invitations"].as_array().unwrap().iter();
    assert!(listed.any(|one| one["email"] == "una@example.com"));
}

/// Devices of before: one goes, and one comes.
async fn devices(running: &Running<'_>, gym: &str) {
    let devices = format!("{gym}/devices");
    let listed = running.get(&devices).await;
    assert_eq!(listed["devices"].as_array().unwrap().len(), 3);
    running.delete(&format!("{devices}/door")).await;
    running
        .post(
            &devices,
            json!({ "devices": [{ "device_id": "new", "name": "New" }] }),
        )
        .await;
}

/// Users of before: one is changed, and one goes with their card.
async fn users(running: &Running<'_>, library: &str) {
    let users = format!("{library}/users");
    let ann = running.get(&format!("{users}/ann")).await;
    assert_eq!(
        (&ann["user"]["name"], &ann["user"]["email"]),
        (&json!("Ann"), &json!("ann@example.org"))
    );
    running
        .patch(&format!("{users}/ann"), json!({ "name": "Anna" }))
        .await;
    running.delete(&format!("{users}/dee")).await;
    running.post(&users, json!({ "name": "New" })).await;
    let mut import = Call::post(format!("{users}/import"), &Value::Null, running.now);
    import.body = Some("user_id,name\nlast,Last\n".to_owned());
    running.send(import, 200).await;
}

/// Cards of before: each is opened by its link, and goes through what a card goes through.
async fn cards(running: &Running<'_>, library: &str) {
    let card = |user: &str| format!("{library}/users/{user}/card");
    let shown = running.get(&card("ann")).await;
    let link = text(&shown["card"]["link"]);
    let token = link.strip_prefix(CARD_LINK_BASE).unwrap();
    running.get(&format!("/cards/{token}")).await;
    running
        .patch(&card("7"), json!({ "status": "active" }))
        .await;
    running
        .patch(&card("7"), json!({ "status": "paused" }))
        .await;
    running
        .post(&format!("{}/reissues", card("7")), json!({}))
        .await;
    running.delete(&card("7")).await;
    running.post(&card("cy"), json!({})).await;
}

/// Messages of before are shown, and others are sent.
async fn messages(running: &Running<'_>, library: &str) {
    let path = format!("{library}/sms/messages");
    let listed = running.get(&path).await;
    let listed = listed["messages"].as_array().unwrap();
    let mut states: Vec<String> = listed.iter().map(|one| text(&one["state"])).collect();
    states.sort_unstable();
    assert_eq!(states, ["failed", "sent", "unknown"]);
    for message in listed {
        running
            .get(&format!("{path}/{}", text(&message["message_id"])))
            .await;
    }
    let notice = json!({ "user_id": "ann", "text": "Open" });
    running.post(&path, notice).await;
    let delivery = format!("{library}/users/ann/card/deliveries");
    running.post(&delivery, json!({})).await;
}
