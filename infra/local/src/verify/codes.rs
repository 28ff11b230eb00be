//! Codes and batches: each code applied once, whole, in the one entry that it names (rule 1).

use super::findings::Findings;
use super::sorted::Sorted;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use site_credits::domain::model::batch::Batch;
use site_credits::domain::model::code::{Application, Code, CodeState};
use site_credits::domain::model::entry::{Actor, CodeReference, Entry, Event};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::amount::Changes;
use site_credits::domain::values::ids::CommandId;
use std::collections::{BTreeMap, HashMap};

/// The redemptions of all statements, by the key of their code.
#[derive(Default)]
pub(super) struct Redemptions(BTreeMap<String, Vec<Redemption>>);

/// One redemption, with what its site adds to it.
struct Redemption {
    entry: Entry,
    command_id: CommandId,
    site_type: SiteType,
}

impl Redemptions {
    /// Every redemption, with the code that it names.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Entry, &CodeReference)> {
        let entries = self
            .0
            .values()
            .flatten()
            .map(|redemption| &redemption.entry);
        entries.filter_map(|entry| Some((entry, code_of(entry)?)))
    }

    pub(super) fn take(&mut self, entry: &Entry, command_id: &CommandId, site_type: SiteType) {
        if let Some(code) = code_of(entry) {
            self.0
                .entry(code.code_id.as_str().to_owned())
                .or_default()
                .push(Redemption {
                    entry: entry.clone(),
                    command_id: command_id.clone(),
                    site_type,
                });
        }
    }
}

fn code_of(entry: &Entry) -> Option<&CodeReference> {
    match &entry.event {
        Event::Redemption(code) | Event::SmsRedemption(code) => Some(code),
        _ => None,
    }
}

/// Checks every code against the statements, and every batch against its codes.
pub(super) fn check(sorted: &Sorted, mut redemptions: Redemptions, findings: &mut Findings) {
    for code in &sorted.codes {
        findings.codes += 1;
        let entries = redemptions.0.remove(code.key.as_str()).unwrap_or_default();
        match code.state {
            CodeState::Applied(_) => findings.applied += 1,
            CodeState::Voided(_) => findings.voided += 1,
            CodeState::Outstanding => findings.left += 1,
        }
        for what in wrong_with(code, &entries) {
            findings.violation(
                format_args!("code …{} ({})", code.last_four, code.key.as_str()),
                what,
            );
        }
    }
    for (key, entries) in redemptions.0 {
        for Redemption { entry, .. } in entries {
            let of = format!("site {}", entry.site_id);
            findings.violation(
                of,
                format!(
                    "entry {} applies the code {key}, which does not exist",
                    entry.sequence
                ),
            );
        }
    }
    check_batches(sorted, findings);
}

fn wrong_with(code: &Code, redemptions: &[Redemption]) -> Vec<String> {
    match (&code.state, redemptions) {
        (CodeState::Outstanding | CodeState::Voided(_), []) => Vec::new(),
        (CodeState::Outstanding | CodeState::Voided(_), [Redemption { entry, .. }, ..]) => {
            vec![format!(
                "entry {} of site {} applies it, and it is not marked as applied",
                entry.sequence, entry.site_id
            )]
        }
        (CodeState::Applied(application), []) => vec![format!(
            "it is marked as applied to site {} by entry {}, which does not apply it",
            application.site_id, application.entry_sequence
        )],
        (CodeState::Applied(application), [redemption]) => {
            wrong_with_application(code, application, redemption)
        }
        (CodeState::Applied(_), many) => vec![format!("it was applied {} times", many.len())],
    }
}

/// Rules 1 and 2, of a code and the one entry that applies it.
fn wrong_with_application(
    code: &Code,
    application: &Application,
    redemption: &Redemption,
) -> Vec<String> {
    let Redemption {
        entry,
        command_id,
        site_type,
    } = redemption;
    let named = application.site_id == entry.site_id
        && application.entry_sequence == entry.sequence
        && application.at == entry.at
        && application.command_id == *command_id
        && matches!(entry.actor, Actor::Administrator(_));
    let described = code_of(entry).is_some_and(|reference| {
        reference.code_last_four == code.last_four
            && reference.batch_id == code.batch_id
            && reference.partner_id == code.partner_id
    });
    let sms = matches!(entry.event, Event::SmsRedemption(_));
    let maintenance = code.value.maintenance_credits() > 0;
    let spendable = !maintenance || (!sms && *site_type == SiteType::Regular);
    let here = code
        .bound_to
        .as_ref()
        .is_none_or(|bound| *bound == entry.site_id);
    let in_time = code
        .expires_on
        .is_none_or(|last| had_not_ended(last.date(), entry.at));
    let place = format!("entry {} of site {}", entry.sequence, entry.site_id);
    let checks = [
        (named, format!("{place} applies it, and it names another")),
        (
            described,
            format!("{place} applies it, and tells of another"),
        ),
        (
            here,
            format!("{place} applies it, and it is bound to another site"),
        ),
        (in_time, format!("{place} applies it after its last date")),
        (
            spendable,
            format!("{place} applies its maintenance credits where they cannot be spent"),
        ),
        (
            entry.changes == value_of(code, sms),
            format!("{place} does not add what it carries"),
        ),
    ];
    checks
        .into_iter()
        .filter(|(right, _)| !right)
        .map(|(_, what)| what)
        .collect()
}

/// Whether a date had not ended everywhere on Earth: until noon UTC of the next day it had not.
fn had_not_ended(date: Date, at: Timestamp) -> bool {
    let noon = date.tomorrow().map(|next| next.at(12, 0, 0, 0));
    let end = noon.and_then(|noon| Offset::UTC.to_timestamp(noon));
    end.ok().is_none_or(|end| at < end)
}

/// What a code adds (rule 2).
fn value_of(code: &Code, sms: bool) -> Changes {
    let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    if sms {
        return Changes {
            sms: signed(code.value.credits() * 50),
            ..Changes::NONE
        };
    }
    Changes {
        credits: signed(code.value.credits()),
        maintenance_credits: signed(code.value.maintenance_credits()),
        sms: 0,
    }
}

fn check_batches(sorted: &Sorted, findings: &mut Findings) {
    let mut codes: HashMap<&str, Vec<&Code>> = HashMap::new();
    for code in &sorted.codes {
        codes.entry(code.batch_id.as_str()).or_default().push(code);
    }
    for (batch, complete) in &sorted.batches {
        findings.batches += 1;
        let codes = codes.remove(batch.id.as_str()).unwrap_or_default();
        for what in wrong_with_batch(batch, *complete, codes) {
            findings.violation(format_args!("batch {}", batch.id), what);
        }
    }
    for (batch, codes) in codes {
        findings.violation(
            format_args!("batch {batch}"),
            format!("there are {} codes of it, and no batch", codes.len()),
        );
    }
}

fn wrong_with_batch(batch: &Batch, complete: bool, mut codes: Vec<&Code>) -> Vec<String> {
    let mut wrong = Vec::new();
    codes.sort_by_key(|code| code.index);
    let right = codes.iter().all(|code| {
        code.index < batch.count
            && code.value == batch.value
            && code.partner_id == batch.partner_id
            && code.expires_on == batch.expires_on
            && code.bound_to == batch.bound_to
    });
    if !right {
        wrong.push("one of its codes is not as it was issued".to_owned());
    }
    if codes.windows(2).any(|two| two[0].index == two[1].index) {
        wrong.push("two of its codes have the same index".to_owned());
    }
    // A batch that is not complete has as many codes as were written; its repetition finishes it.
    if complete && codes.len() != batch.count as usize {
        wrong.push(format!(
            "it has {} codes, and {} were issued",
            codes.len(),
            batch.count
        ));
    }
    wrong
}
