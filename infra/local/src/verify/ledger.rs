//! A second reckoning of a site from its statement alone, entry by entry.

use super::due_dates::is_due;
use super::invitations::Invitations;
use jiff::civil::Date;
use site_credits::domain::model::entry::{Actor, Entry, Event};
use site_credits::domain::model::site::{Role, SiteType, Status};
use site_credits::domain::values::amount::{Balances, Changes};
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::ids::{DeviceId, PersonId};
use site_credits::domain::values::names::SiteName;
use site_credits::domain::values::person::{Who, Whom};
use site_credits::domain::values::time_zone::TimeZone;
use std::collections::BTreeMap;

/// What the statement says of a site: its settings, its devices by registration date, and the dates that were charged.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) site_type: Option<SiteType>,
    pub(super) name: Option<SiteName>,
    pub(super) time_zone: Option<TimeZone>,
    pub(super) language: Option<Language>,
    pub(super) country: Option<Country>,
    pub(super) sms_countries: Option<Vec<Country>>,
    pub(super) administrators: BTreeMap<PersonId, Role>,
    pub(super) invitations: Invitations,
    /// No date is earlier than this: the date of the creation, and what had been charged when the site last moved to
    /// another time zone.
    pub(super) floor: Date,
    pub(super) deleted: bool,
    /// How many devices were registered on each date and are still there.
    pub(super) devices: BTreeMap<Date, u32>,
    /// The devices that are there, by their IDs: name and date of registration. Those that entries of the first form
    /// registered are not among them.
    pub(super) named: BTreeMap<DeviceId, (SiteName, Date)>,
    /// Everything until this date is settled.
    pub(super) settled: Date,
    /// The due date that halted the site.
    pub(super) halted: Option<Date>,
    /// The parts of each message that was charged and not refunded.
    charged_messages: BTreeMap<String, u32>,
    /// What was overdue is paid, and the resume has to follow.
    pub(super) paid: bool,
    /// How many days before the shortage the last warning was given, while there is a shortage to come.
    pub(super) warned: Option<u8>,
    /// How many due dates were charged.
    pub(super) due_dates: usize,
}

impl Ledger {
    /// Takes the next entry.
    ///
    /// # Errors
    /// The entry should not be in the statement; the text says why.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let resumes = matches!(entry.event, Event::Resume { .. });
        expect(
            !self.paid || resumes,
            "what was overdue is paid, and the site was not resumed",
        )?;
        expect(!self.deleted, "something happened to a deleted site")?;
        expect(
            entry.form.is_first() || !names_somebody(entry),
            "it names somebody by what leads to them, and it can never be erased",
        )?;
        self.invitations.lapse(entry.at, &self.administrators);
        if entry.sequence > 1 {
            self.may_act(entry)?;
        }
        match &entry.event {
            Event::Redemption(_) | Event::SmsRedemption(_) => Ok(()),
            Event::SiteCreation { .. } => self.creation(entry),
            Event::SettingsChange { .. } => self.settings(entry),
            Event::AdministratorChange {
                who,
                role_before,
                role_after,
            } => self.role(entry, who, *role_before, *role_after),
            Event::Invitation { person, role } => self.invitation(entry, person, *role),
            Event::InvitationEnd { person, outcome } => {
                self.invitation_end(entry, person, *outcome)
            }
            Event::SiteDeletion { forfeited } => self.deletion(entry, *forfeited),
            Event::DeviceRegistration { .. }
            | Event::DeviceRemoval { .. }
            | Event::DeviceReplacement { .. }
            | Event::DeviceRenaming { .. } => self.on_devices(entry),
            Event::Deduction { .. }
            | Event::Halt { .. }
            | Event::OverdueDeduction { .. }
            | Event::Resume { .. }
            | Event::Warning { .. } => self.on_due_dates(entry),
            Event::SmsReservation {
                message_id, parts, ..
            } => self.reservation(entry, message_id.as_str(), *parts),
            Event::SmsRefund {
                message_id, parts, ..
            } => self.refund(entry, message_id.as_str(), *parts),
            Event::CardIssue { .. } => self.card(entry, false),
            Event::CardReissue { .. } => self.card(entry, true),
        }?;
        // A warning counts only until the shortage moves further away again.
        self.warned = self
            .warned
            .zip(self.reached(entry))
            .map(|(warned, reached)| warned.max(reached));
        let status = match (self.deleted, self.halted) {
            (true, _) => Status::Deleted,
            (false, Some(_)) => Status::PaymentRequired,
            (false, None) => Status::Activated,
        };
        expect(
            entry.status == status,
            "the status changed without a halt, a resume or a deletion",
        )
    }

    fn on_devices(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.event {
            Event::DeviceRegistration {
                registered_on,
                devices,
                registered,
            } => self
                .registration(entry, *registered_on, *devices)
                .and_then(|()| self.devices_named(entry, *registered_on, *devices, registered)),
            Event::DeviceRemoval {
                device_id,
                name,
                registered_on,
            } => self
                .removal(entry, *registered_on)
                .and_then(|()| self.device_gone(entry, device_id, name.as_ref(), *registered_on)),
            Event::DeviceReplacement {
                replaced,
                by,
                registered_on,
            } => self.replacement(entry, replaced, by, *registered_on),
            Event::DeviceRenaming {
                device_id,
                name_before,
                name,
            } => self.renaming(entry, device_id, name_before, name),
            _ => Ok(()),
        }
    }

    fn on_due_dates(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.event {
            Event::Deduction {
                due_on,
                devices,
                anchor_days,
            } => self
                .tells(entry, anchor_days, |registered| is_due(registered, *due_on))
                .and_then(|()| self.deduction(entry, *due_on, *devices)),
            Event::Halt {
                due_on,
                devices,
                anchor_days,
            } => self
                .tells(entry, anchor_days, |registered| is_due(registered, *due_on))
                .and_then(|()| self.halt(entry, *due_on, *devices)),
            Event::OverdueDeduction {
                charged_through,
                paid_through,
                devices,
                anchor_days,
                ..
            } => self
                .tells(entry, anchor_days, |registered| {
                    self.owes(registered, *paid_through)
                })
                .and_then(|()| {
                    self.overdue_deduction(entry, *charged_through, *paid_through, *devices)
                }),
            Event::Resume { resumed_on, .. } => self.resume(entry, *resumed_on),
            Event::Warning {
                days_before,
                falls_short_on,
                missing,
            } => self.warning(entry, days_before.days(), (*falls_short_on, *missing)),
            _ => Ok(()),
        }
    }

    fn creation(&mut self, entry: &Entry) -> Result<(), String> {
        let Event::SiteCreation {
            name,
            language,
            site_type,
            time_zone,
            opened_on,
            country,
        } = &entry.event
        else {
            return Ok(());
        };
        expect(
            entry.sequence == 1 && is_free(entry),
            "a site is created once, without a balance",
        )?;
        self.site_type = Some(*site_type);
        self.name = Some(name.clone());
        self.country = Some(country.clone());
        self.language = Some(language.clone());
        self.time_zone = Some(time_zone.clone());
        (self.floor, self.settled) = (*opened_on, *opened_on);
        let Actor::Administrator(who) = &entry.actor else {
            return Err("a site has no creator".to_owned());
        };
        let master = who.person(&entry.site_id);
        self.administrators.insert(master, Role::Master);
        expect(
            self.date(entry) == Some(*opened_on),
            "the site was opened on another date",
        )
    }

    fn settings(&mut self, entry: &Entry) -> Result<(), String> {
        let Event::SettingsChange {
            name,
            time_zone,
            language,
            sms_countries,
        } = &entry.event
        else {
            return Ok(());
        };
        expect(is_free(entry), "settings change no balance")?;
        self.up_to_date(entry)?;
        if time_zone.is_some() && self.is_dynamic() {
            self.floor = match self.halted {
                Some(due_on) => due_on,
                None => self.date(entry).unwrap_or(self.floor),
            };
        }
        self.name = name.clone().or(self.name.take());
        self.time_zone = time_zone.clone().or(self.time_zone.take());
        self.language = language.clone().or(self.language.take());
        self.sms_countries = sms_countries.clone().or(self.sms_countries.take());
        Ok(())
    }

    fn role(
        &mut self,
        entry: &Entry,
        who: &Who,
        role_before: Option<Role>,
        role_after: Option<Role>,
    ) -> Result<(), String> {
        expect(is_free(entry), "a role changes no balance")?;
        self.up_to_date(entry)?;
        let person = who.person(&entry.site_id);
        if !entry.form.is_first() {
            self.offered(entry, &person, role_before, role_after)?;
        }
        let held = match role_after {
            Some(role) => self.administrators.insert(person, role),
            None => self.administrators.remove(&person),
        };
        expect(
            held == role_before,
            "an administrator had another role before",
        )?;
        self.invitations.lapse(entry.at, &self.administrators);
        Ok(())
    }

    fn deletion(&mut self, entry: &Entry, forfeited: Balances) -> Result<(), String> {
        self.up_to_date(entry)?;
        expect(
            entry.balances == Balances::default() && Changes::take_all(forfeited) == entry.changes,
            "a site was deleted, and something is left of it",
        )?;
        self.administrators.clear();
        self.invitations.end();
        (self.deleted, self.halted) = (true, None);
        Ok(())
    }

    fn reservation(&mut self, entry: &Entry, message: &str, parts: u32) -> Result<(), String> {
        expect(
            self.halted.is_none(),
            "a message was charged while the site was halted",
        )?;
        self.up_to_date(entry)?;
        let price = Changes {
            sms: -i64::from(parts),
            ..Changes::NONE
        };
        expect(
            parts > 0 && entry.changes == price,
            "a message costs one SMS a part",
        )?;
        let charged = self.charged_messages.insert(message.to_owned(), parts);
        expect(charged.is_none(), "a message was charged twice")
    }

    fn refund(&mut self, entry: &Entry, message: &str, parts: u32) -> Result<(), String> {
        let back = Changes {
            sms: i64::from(parts),
            ..Changes::NONE
        };
        expect(entry.changes == back, "a refund gives back one SMS a part")?;
        expect(
            self.charged_messages.remove(message) == Some(parts),
            "a message was given back that was not charged, or twice",
        )
    }

    fn card(&mut self, entry: &Entry, replaces: bool) -> Result<(), String> {
        expect(
            self.halted.is_none(),
            "a card was issued while the site was halted",
        )?;
        self.up_to_date(entry)?;
        let maintenance_before = entry
            .balances
            .maintenance_credits
            .checked_add_signed(-entry.changes.maintenance_credits);
        let price = if self.is_dynamic() {
            Changes::NONE
        } else if replaces && maintenance_before.is_some_and(|before| before > 0) {
            Changes {
                maintenance_credits: -1,
                ..Changes::NONE
            }
        } else {
            Changes {
                credits: -1,
                ..Changes::NONE
            }
        };
        expect(
            entry.changes == price,
            "a card takes one credit of a regular site, or a maintenance credit where it replaces one",
        )
    }
}

/// Whether an entry names somebody by what leads to them, as the first form did.
fn names_somebody(entry: &Entry) -> bool {
    let actor = match &entry.actor {
        Actor::Administrator(who) => Some(who),
        Actor::Operator { .. } | Actor::System => None,
    };
    let changed = match &entry.event {
        Event::AdministratorChange { who, .. } => Some(who),
        _ => None,
    };
    let mut named = actor.into_iter().chain(changed);
    named.any(|who| matches!(who, Who::Older { .. }))
        || matches!(entry.whom(), Some(Whom::Older { .. }))
}

/// Whether an entry changes no balance.
pub(super) fn is_free(entry: &Entry) -> bool {
    entry.changes == Changes::NONE
}

pub(super) fn expect(right: bool, otherwise: &str) -> Result<(), String> {
    if right {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
