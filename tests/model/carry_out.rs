//! Carries each step out on the system and on the model, which must agree.

use super::expected::Expected;
use super::step::Step;
use super::world::{Code, Making, PERSONS, ROLES, World, ZONES};
use crate::harness::{ACME, Call, batches, redemption, sms_redemption};
use crate::invitations::{accept, decline};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use run_local::sns::Fault as Network;
use serde_json::{Value, json};
use site_credits::store::{Attempts, TypedKey};

impl World {
    /// The code at a place, of those that there are.
    fn place(&self, code: usize) -> usize {
        code % self.codes.len()
    }

    /// A request to a site, by one of the persons.
    fn call(&self, method: &'static str, site: usize, by: usize, rest: &str, body: &Value) -> Call {
        let path = format!("/sites/{}{rest}", self.ids[site]);
        let call = match method {
            "DELETE" => Call::delete(path, self.now),
            "PATCH" => Call::patch(path, body, self.now),
            _ => Call::post(path, body, self.now),
        };
        call.by_person(PERSONS[by])
    }

    /// Sends a request whose outcome the model knows.
    async fn send(&mut self, call: Call, expected: &Expected) {
        let answer = self.system.send(call.clone()).await;
        match expected {
            Expected::Done => {
                let done = [200, 201].contains(&answer.status) && !answer.replayed;
                assert!(done, "{call:?} {answer:?}");
            }
            Expected::Unchanged => {
                let done = (answer.status, &answer.body["entry"], answer.replayed);
                assert_eq!(done, (200, &Value::Null, false), "{call:?} {answer:?}");
            }
            Expected::Refused(problem) => assert_eq!(answer.problem(), *problem, "{answer:?}"),
        }
        let refused = matches!(expected, Expected::Refused(_));
        let keyed = call.key.is_some() && !refused;
        self.last = keyed.then_some((call, answer));
    }

    /// Carries a step out on the system and on the model, which must agree.
    pub(super) async fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(hours) => self.now += SignedDuration::from_hours(hours),
            Step::Redeem { site, code, sms } => self.redeem(site, self.place(code), sms).await,
            Step::Repeat => self.repeat().await,
            Step::Preview { site, code, sms } => self.preview(site, self.place(code), sms).await,
            Step::Register { site, devices } => {
                let ids = (0..devices).map(|n| format!("d{}-{n}", self.commands));
                self.register(site, ids.collect()).await;
            }
            Step::RegisterAgain { site, device } => self.register_again(site, device).await,
            Step::Remove { site, device } => self.remove(site, device).await,
            Step::Replace { site, device } => self.replace(site, device).await,
            Step::Rename { site, device } => self.rename(site, device).await,
            Step::Deduct { hours_ago } => self.deduct(hours_ago).await,
            Step::Issue { credits, count } => {
                let body = json!({ "credits": credits, "count": count });
                self.issue(&body, None, None).await;
            }
            Step::Void { code, whole } => self.void(self.place(code), whole).await,
            Step::Settings { site, zone } => self.change_settings(site, zone).await,
            Step::Invite {
                site,
                by,
                who,
                role,
            } => self.invite(site, by, who, ROLES[role]).await,
            Step::Accept { site, who } => self.answer(site, who, true).await,
            Step::Decline { site, who } => self.answer(site, who, false).await,
            Step::Withdraw { site, by, who } => self.offer(site, by, who, false).await,
            Step::SendAgain { site, by, who } => self.offer(site, by, who, true).await,
            Step::ChangeRole {
                site,
                by,
                who,
                role,
            } => self.change_role(site, by, who, ROLES[role]).await,
            Step::Dismiss { site, by, who } => self.dismiss(site, by, who).await,
            Step::AddUser { site } => self.add_user(site).await,
            Step::RemoveUser { site, user } => self.remove_user(site, user).await,
            Step::Card { site, user, again } => self.issue_card(site, user, again).await,
            Step::Message {
                site,
                user,
                network,
            } => self.message(site, user, network).await,
            Step::Delete { site, forfeit } => self.delete(site, forfeit).await,
        }
    }

    /// A code, in one of the spellings that people type.
    fn spelled(&self, code: usize) -> String {
        let text = &self.codes[code].text;
        match self.commands % 6 {
            0 => text.clone(),
            1 => text.to_lowercase().replace('-', " "),
            2 => text.replace('0', "o").replace('1', "l").replace('-', ""),
            3 => format!("\u{feff}\u{201c}{text}.\u{201d}"),
            4 => text.replace('-', "\u{2013}\u{200e}"),
            _ => text
                .chars()
                .map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap())
                .collect(),
        }
    }

    async fn redeem(&mut self, site: usize, code: usize, sms: bool) {
        let by = self.sites[site].master();
        let expected = self.model_redeem(site, code, sms);
        let call = if sms { sms_redemption } else { redemption };
        let call = call(&self.ids[site], &self.spelled(code), self.now);
        let call = call.by_person(PERSONS[by]).key(&self.key("key"));
        self.send(call, &expected).await;
    }

    async fn repeat(&mut self) {
        let Some((call, first)) = &self.last else {
            return;
        };
        if self.now - call.at >= SignedDuration::from_hours(24) {
            return;
        }
        let mut again = call.clone();
        again.at = self.now;
        let answer = self.system.send(again).await;
        assert_eq!(
            (answer.status, answer.replayed, &answer.body),
            (first.status, true, &first.body)
        );
    }

    async fn preview(&mut self, site: usize, code: usize, sms: bool) {
        let (sites, codes) = (self.sites.clone(), self.codes.clone());
        let by = self.sites[site].master();
        let expected = self.model_redeem(site, code, sms);
        let after = self.sites[site].license(self.now);
        (self.sites, self.codes) = (sites, codes);
        let recharge = if sms { "sms" } else { "credits" };
        let body = json!({ "code": self.spelled(code), "recharge": recharge });
        let call = self.call("POST", site, by, "/license/preview", &body);
        let answer = self.system.send(call).await;
        match expected {
            Expected::Done => {
                let before = self.sites[site].license(self.now);
                for (name, model) in [("before", before), ("after", after)] {
                    for part in ["balances", "status"] {
                        assert_eq!(answer.body[name][part], model[part], "{name} {answer:?}");
                    }
                }
            }
            Expected::Unchanged => unreachable!("applying a code changes a site"),
            Expected::Refused(problem) => assert_eq!(answer.problem(), problem, "{answer:?}"),
        }
    }

    async fn register(&mut self, site: usize, ids: Vec<String>) {
        let by = self.sites[site].master();
        let expected = self.model_register(site, &ids);
        let devices = ids.iter().map(|id| json!({ "device_id": id, "name": id }));
        let body = json!({ "devices": devices.collect::<Vec<Value>>() });
        let call = self.call("POST", site, by, "/devices", &body);
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn register_again(&mut self, site: usize, device: usize) {
        let devices = &self.sites[site].devices;
        if let Some(known) = devices.get(device % devices.len().max(1)) {
            let ids = vec![format!("d{}", self.commands), known.id.clone()];
            self.register(site, ids).await;
        }
    }

    async fn remove(&mut self, site: usize, device: usize) {
        let id = self.device_id(site, device);
        let by = self.sites[site].master();
        let expected = self.model_remove(site, &id);
        let rest = format!("/devices/{id}");
        let call = self.call("DELETE", site, by, &rest, &Value::Null);
        // Without a key, as an impatient person would ask.
        self.send(call, &expected).await;
    }

    /// The ID of the device at a place, or one that no device has.
    fn device_id(&self, site: usize, device: usize) -> String {
        let known = self.sites[site].devices.get(device);
        known.map_or_else(|| "never-there".to_owned(), |device| device.id.clone())
    }

    async fn replace(&mut self, site: usize, device: usize) {
        let (id, new) = (self.device_id(site, device), format!("r{}", self.commands));
        let by = self.sites[site].master();
        let expected = self.model_replace(site, &id, &new);
        let rest = format!("/devices/{id}/replacement");
        let call = self.call("POST", site, by, &rest, &json!({ "device_id": new }));
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn rename(&mut self, site: usize, device: usize) {
        let id = self.device_id(site, device);
        let name = format!("Door {}", self.commands % 2);
        let by = self.sites[site].master();
        let expected = self.model_rename(site, &id, &name);
        let rest = format!("/devices/{id}");
        let call = self.call("PATCH", site, by, &rest, &json!({ "name": name }));
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn deduct(&mut self, hours_ago: i64) {
        let now = self.now - SignedDuration::from_hours(hours_ago);
        self.model_deduct(now);
        let report = self.system.deduct(now).await;
        let unfinished = (&report["left"], &report["failed"]);
        assert_eq!(unfinished, (&json!(0), &json!(0)), "{report}");
    }

    async fn void(&mut self, code: usize, whole: bool) {
        let expected = self.model_void(code, whole);
        let Code { batch, .. } = &self.codes[code];
        let mut body = json!({ "reason": "by chance\u{200b}" });
        if !whole {
            body["codes"] = json!([self.spelled(code)]);
        }
        let path = batches(&format!("/{}/void", self.batches[*batch]));
        let call = Call::post(path, &body, self.now).by_partner(ACME);
        let call = call.key(&self.key("void"));
        self.under_way = Some((call.clone(), Making::Nothing));
        let answer = self.system.send(call).await;
        assert_eq!(answer.body, expected);
        self.under_way = None;
    }

    async fn change_settings(&mut self, site: usize, zone: Option<usize>) {
        let by = self.sites[site].master();
        let zone = zone.map(|zone| ZONES[zone]);
        let now = self.now;
        let expected = self.model_command(site, by, |model, _| {
            if let Some(zone) = zone {
                model.zone = TimeZone::get(zone).unwrap();
                model.resume(model.today(now));
            }
            Expected::Done
        });
        let key = self.key("key");
        let body = json!({ "name": key, "time_zone": zone });
        let call = self.call("PATCH", site, by, "", &body).key(&key);
        self.send(call, &expected).await;
    }

    async fn invite(&mut self, site: usize, by: usize, who: usize, role: &'static str) {
        let expected = self.model_invite(site, by, who, role);
        let email = match self.commands % 3 {
            0 => PERSONS[who].to_owned(),
            1 => format!("\u{200b}mailto:{}.", PERSONS[who].to_uppercase()),
            _ => format!(" {}\u{202c}", PERSONS[who]),
        };
        let body = json!({ "email": email, "role": role });
        let call = self.call("POST", site, by, "/admins", &body);
        self.send(call.key(&self.key("key")), &expected).await;
    }

    /// The ID of a person who is invited, as the site says; one of nobody where nothing is open.
    async fn invited(&self, site: usize, who: usize) -> String {
        let site = &self.ids[site];
        let site = TypedKey::site(site);
        let mut attempts = Attempts::default();
        let store = self.system.quiet();
        let site = store.read(site, &mut attempts).await.unwrap().unwrap();
        let sent = site.invitations.iter();
        let sent = sent.map(|invitation| TypedKey::invitation(&site.id, &invitation.person));
        let sent = sent.collect::<Vec<_>>();
        let sent = store.read(sent, &mut attempts).await.unwrap();
        let mut sent = sent.into_iter().flatten();
        let sent = sent.find(|sent| sent.email.as_str() == PERSONS[who]);
        sent.map_or_else(|| "0".repeat(16), |sent| sent.person.to_string())
    }

    async fn offer(&mut self, site: usize, by: usize, who: usize, again: bool) {
        let person = self.invited(site, who).await;
        let expected = self.model_offer(site, by, who, again);
        let rest = format!("/invitations/{person}");
        let mut call = self.call("DELETE", site, by, &rest, &Value::Null);
        if again {
            call = Call {
                method: "POST",
                path: format!("{}/resending", call.path),
                ..call
            };
        }
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn answer(&mut self, site: usize, who: usize, accepts: bool) {
        let expected = self.model_answer(site, who, accepts);
        let answer = if accepts { accept } else { decline };
        let call = answer(&self.ids[site], PERSONS[who], self.now);
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn change_role(&mut self, site: usize, by: usize, who: usize, role: &'static str) {
        let expected = self.model_role(site, by, who, role);
        let rest = format!("/admins/{}", PERSONS[who]);
        let call = self.call("PATCH", site, by, &rest, &json!({ "role": role }));
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn dismiss(&mut self, site: usize, by: usize, who: usize) {
        let expected = self.model_dismiss(site, by, who);
        let rest = format!("/admins/{}", PERSONS[who]);
        let call = self.call("DELETE", site, by, &rest, &Value::Null);
        self.send(call, &expected).await;
    }

    async fn add_user(&mut self, site: usize) {
        if self.sites[site].deleted {
            return self.create(site).await;
        }
        let id = format!("u{}", self.commands);
        let mobile = format!("+43664{:07}", 1_000_000 + self.commands);
        let body = json!({ "user_id": id, "mobile": mobile });
        let by = self.sites[site].master();
        let call = self.call("POST", site, by, "/users", &body);
        let call = call.key(&self.key("key"));
        self.make(call, Making::User(site, id)).await;
    }

    async fn remove_user(&mut self, site: usize, user: usize) {
        let id = self.user_id(site, user);
        let by = self.sites[site].master();
        let rest = format!("/users/{id}");
        let call = self.call("DELETE", site, by, &rest, &Value::Null);
        let call = call.key(&self.key("key"));
        let model = &self.sites[site];
        // Whatever the site owes, a user is removed.
        match (model.deleted, user < model.users.len()) {
            (true, _) => self.send(call, &Expected::Refused("site-not-found")).await,
            (_, false) => self.send(call, &Expected::Refused("user-not-found")).await,
            (false, true) => self.make(call, Making::Gone(site, user)).await,
        }
    }

    /// The ID of the user at a place, or one that nobody has.
    fn user_id(&self, site: usize, user: usize) -> String {
        let known = self.sites[site].users.get(user);
        known.map_or_else(|| "nobody".to_owned(), |(id, _)| id.clone())
    }

    async fn issue_card(&mut self, site: usize, user: usize, again: bool) {
        let by = self.sites[site].master();
        let reissues = if again { "/reissues" } else { "" };
        let rest = format!("/users/{}/card{reissues}", self.user_id(site, user));
        let expected = self.model_card(site, user, again);
        let call = self.call("POST", site, by, &rest, &json!({}));
        self.send(call.key(&self.key("key")), &expected).await;
    }

    async fn message(&mut self, site: usize, user: usize, network: Network) {
        let by = self.sites[site].master();
        let body = json!({ "user_id": self.user_id(site, user), "text": "Open" });
        let call = self.call("POST", site, by, "/sms/messages", &body);
        let call = call.key(&self.key("key"));
        if let Some(problem) = self.model_message(site, user) {
            return self.send(call, &Expected::Refused(problem)).await;
        }
        self.system.sns.plan(move |action| match action {
            "Publish" => network,
            _ => Network::None,
        });
        self.make(call, Making::Message(site)).await;
        self.system.sns.quiet();
    }

    async fn delete(&mut self, site: usize, forfeit: bool) {
        if self.sites[site].deleted {
            return self.create(site).await;
        }
        let by = self.sites[site].master();
        let expected = self.model_command(site, by, |model, _| {
            if !model.empty() && !forfeit {
                return Expected::Refused("site-not-empty");
            }
            (model.credits, model.maintenance, model.sms) = (0, 0, 0);
            (model.deleted, model.halted) = (true, false);
            model.offers.clear();
            Expected::Done
        });
        let call = self.call("DELETE", site, by, "", &Value::Null);
        let call = call.query(&format!("forfeit={forfeit}"));
        self.send(call.key(&self.key("key")), &expected).await;
    }
}
