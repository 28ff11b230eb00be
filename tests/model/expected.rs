//! What each command must do, by the rules of the design, on the model.

use super::site::{Device, Site};
use super::world::World;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Value, json};

/// What the model expects of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Done,
    /// The command changes nothing: due dates are charged, and nothing else is written.
    Unchanged,
    Refused(&'static str),
}

/// When a date has ended everywhere on Earth: it is noon of the next day in Greenwich then.
fn ended(date: Date) -> Timestamp {
    let noon = date.tomorrow().unwrap().at(12, 0, 0, 0);
    Offset::UTC.to_timestamp(noon).unwrap()
}

impl World {
    /// Rules 1, 2, 9 and 11, on the model.
    pub(super) fn model_redeem(&mut self, site: usize, code: usize, sms: bool) -> Expected {
        let id = self.ids[site].clone();
        let model = &mut self.sites[site];
        let code = &mut self.codes[code];
        let today = model.today(self.now);
        if model.deleted {
            return Expected::Refused("site-not-found");
        }
        if code.applied.is_some() {
            return Expected::Refused("code-already-applied");
        }
        if code.voided {
            return Expected::Refused("code-voided");
        }
        if code.bound_to.as_ref().is_some_and(|bound| *bound != id) {
            return Expected::Refused("code-not-for-this-site");
        }
        let time = self.now.max(model.last_entry);
        if code.expires_on.is_some_and(|last| time >= ended(last)) {
            return Expected::Refused("code-expired");
        }
        if sms && code.maintenance > 0 {
            return Expected::Refused("code-not-for-sms");
        }
        if model.dynamic && code.maintenance > 0 {
            return Expected::Refused("code-not-for-dynamic-sites");
        }
        code.applied = Some((id, sms));
        let credits = i64::try_from(code.credits).unwrap();
        if sms {
            model.sms += 50 * credits;
        } else {
            model.credits += credits;
            model.maintenance += i64::try_from(code.maintenance).unwrap();
        }
        if model.halted {
            model.resume(today);
        } else {
            model.charge(today);
        }
        model.touched(self.now);
        Expected::Done
    }

    /// A person's command on a site. Due dates are charged first. The model is changed only if the command is done.
    pub(super) fn model_command(
        &mut self,
        site: usize,
        by: usize,
        decide: impl FnOnce(&mut Site, Date) -> Expected,
    ) -> Expected {
        let mut model = self.sites[site].clone();
        if model.deleted || !model.roles.contains_key(&by) {
            return Expected::Refused("site-not-found");
        }
        let today = model.today(self.now);
        let charged = model.charge(today);
        let expected = decide(&mut model, today);
        if expected == Expected::Done || (expected == Expected::Unchanged && charged) {
            model.touched(self.now);
            self.sites[site] = model;
        }
        expected
    }

    pub(super) fn model_register(&mut self, site: usize, ids: &[String]) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, today| {
            if model.halted {
                return Expected::Refused("payment-required");
            }
            let price = if model.dynamic {
                i64::try_from(ids.len()).unwrap()
            } else {
                0
            };
            if model.credits < price {
                return Expected::Refused("insufficient-credits");
            }
            let exists = |id: &String| model.devices.iter().any(|device| device.id == *id);
            if ids.iter().any(exists) {
                return Expected::Refused("device-exists");
            }
            model.credits -= price;
            model.devices.extend(ids.iter().map(|id| Device {
                id: id.clone(),
                name: id.clone(),
                registered_on: today,
            }));
            Expected::Done
        })
    }

    pub(super) fn model_remove(&mut self, site: usize, id: &str) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, today| {
            let Some(place) = model.devices.iter().position(|device| device.id == id) else {
                return Expected::Refused("device-not-found");
            };
            model.devices.remove(place);
            model.resume(today);
            Expected::Done
        })
    }

    pub(super) fn model_replace(&mut self, site: usize, id: &str, new: &str) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, _| {
            let Some(place) = model.devices.iter().position(|device| device.id == id) else {
                return Expected::Refused("device-not-found");
            };
            if model.halted {
                return Expected::Refused("payment-required");
            }
            new.clone_into(&mut model.devices[place].id);
            new.clone_into(&mut model.devices[place].name);
            Expected::Done
        })
    }

    pub(super) fn model_rename(&mut self, site: usize, id: &str, name: &str) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, _| {
            let found = model.devices.iter_mut().find(|device| device.id == id);
            let Some(device) = found else {
                return Expected::Refused("device-not-found");
            };
            if device.name == name {
                return Expected::Unchanged;
            }
            name.clone_into(&mut device.name);
            Expected::Done
        })
    }

    pub(super) fn model_deduct(&mut self, now: Timestamp) {
        for model in &mut self.sites {
            let today = model.today(now);
            let charged = model.charge(today);
            if model.warn(now, charged) || charged {
                model.touched(now);
            }
        }
    }

    /// Rule 12: what a card costs.
    pub(super) fn model_card(&mut self, site: usize, user: usize, again: bool) -> Expected {
        let by = self.sites[site].master();
        self.model_command(site, by, |model, _| {
            let Some((_, has_card)) = model.users.get(user) else {
                return Expected::Refused("user-not-found");
            };
            match (again, has_card) {
                (false, true) => return Expected::Refused("card-exists"),
                (true, false) => return Expected::Refused("card-not-found"),
                _ => {}
            }
            if model.halted {
                return Expected::Refused("payment-required");
            }
            match (model.dynamic, again && model.maintenance > 0, model.credits) {
                (true, _, _) => {}
                (false, true, _) => model.maintenance -= 1,
                (false, false, 0) => return Expected::Refused("insufficient-credits"),
                (false, false, _) => model.credits -= 1,
            }
            model.users[user].1 = true;
            Expected::Done
        })
    }

    /// Rule 8: why a message is refused, if it is.
    pub(super) fn model_message(&self, site: usize, user: usize) -> Option<&'static str> {
        let mut model = self.sites[site].clone();
        if model.deleted {
            return Some("site-not-found");
        }
        model.charge(model.today(self.now));
        match (model.users.get(user), model.halted, model.sms) {
            (None, _, _) => Some("user-not-found"),
            (_, true, _) => Some("payment-required"),
            (_, _, 0) => Some("insufficient-sms"),
            _ => None,
        }
    }

    /// Rule 15a: who may offer whom which role.
    pub(super) fn model_invite(
        &mut self,
        site: usize,
        by: usize,
        who: usize,
        role: &'static str,
    ) -> Expected {
        let now = self.now;
        self.model_command(site, by, |model, _| {
            if !model.gives(by, role) {
                return Expected::Refused("not-allowed");
            }
            match model.roles.get(&who).copied() {
                Some("master") => return Expected::Refused("administrator-exists"),
                Some(_) if role != "master" => return Expected::Refused("administrator-exists"),
                _ => {}
            }
            if model.offer(who, now).is_some() {
                return Expected::Refused("invitation-exists");
            }
            model.offer_to(who, role, by, now);
            Expected::Done
        })
    }

    /// Rule 15: who may give whom another role, at once or, the master's, by an offer.
    pub(super) fn model_role(
        &mut self,
        site: usize,
        by: usize,
        who: usize,
        role: &'static str,
    ) -> Expected {
        let now = self.now;
        self.model_command(site, by, |model, _| {
            if !model.gives(by, role) {
                return Expected::Refused("not-allowed");
            }
            let Some(held) = model.roles.get(&who).copied() else {
                return Expected::Refused("administrator-not-found");
            };
            if held == role {
                return Expected::Unchanged;
            }
            if held == "master" {
                return Expected::Refused("last-master");
            }
            if role != "master" {
                model.roles.insert(who, role);
            } else if model.offer(who, now).is_some() {
                return Expected::Refused("invitation-exists");
            } else {
                model.offer_to(who, role, by, now);
            }
            Expected::Done
        })
    }

    /// Rule 15: who may take whose role away. With it goes what the person was offered.
    pub(super) fn model_dismiss(&mut self, site: usize, by: usize, who: usize) -> Expected {
        self.model_command(site, by, |model, _| {
            if by != who && !model.gives(by, "site_admin") {
                return Expected::Refused("not-allowed");
            }
            match model.roles.get(&who) {
                None => return Expected::Refused("administrator-not-found"),
                Some(&"master") => return Expected::Refused("last-master"),
                Some(_) => {}
            }
            model.roles.remove(&who);
            model.offers.remove(&who);
            Expected::Done
        })
    }

    /// Rule 15a: who may withdraw an offer, or make it again.
    pub(super) fn model_offer(
        &mut self,
        site: usize,
        by: usize,
        who: usize,
        again: bool,
    ) -> Expected {
        let now = self.now;
        self.model_command(site, by, |model, _| {
            let Some(offer) = model.offer(who, now).cloned() else {
                return Expected::Refused("invitation-not-found");
            };
            if !model.gives(by, offer.role) {
                return Expected::Refused("not-allowed");
            }
            if !again {
                model.offers.remove(&who);
            } else if offer.sent == 6 {
                return Expected::Refused("too-many-sendings");
            } else {
                model.offer_to(who, offer.role, by, now);
            }
            Expected::Done
        })
    }

    /// Rule 15a: what an answer to an offer does.
    pub(super) fn model_answer(&mut self, site: usize, who: usize, accepts: bool) -> Expected {
        let mut model = self.sites[site].clone();
        let offer = model.offer(who, self.now).cloned();
        let Some(offer) = offer.filter(|_| !model.deleted) else {
            return Expected::Refused("invitation-not-found");
        };
        let today = model.today(self.now);
        model.charge(today);
        model.offers.remove(&who);
        if accepts && offer.role == "master" {
            let master = model.master();
            model.roles.insert(master, "sub_master");
        }
        if accepts {
            model.roles.insert(who, offer.role);
        }
        model.touched(self.now);
        self.sites[site] = model;
        Expected::Done
    }

    /// Rule 1: codes are voided, and the answer counts them.
    pub(super) fn model_void(&mut self, code: usize, whole: bool) -> Value {
        let batch = self.codes[code].batch;
        let (mut voided, mut already, mut applied) = (0, 0, 0);
        for (place, other) in self.codes.iter_mut().enumerate() {
            if other.batch != batch || !(whole || place == code) {
                continue;
            }
            match (&other.applied, other.voided) {
                (Some(_), _) => applied += 1,
                (None, true) => already += 1,
                (None, false) => {
                    other.voided = true;
                    voided += 1;
                }
            }
        }
        json!({ "voided": voided, "already_voided": already, "applied": applied })
    }
}
