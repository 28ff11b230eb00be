//! Codes and batches: each code applied once, whole, in the one entry that it names (rule 1).

use super::{Findings, Sorted};
use site_credits::domain::amount::Changes;
use site_credits::domain::code::{Batch, Code, CodeState};
use site_credits::domain::entry::{Actor, Entry, Event};
use std::collections::{BTreeMap, HashMap};

/// The redemptions that statements tell of, by the key of their code.
#[derive(Default)]
pub(super) struct Redemptions(BTreeMap<String, Vec<Entry>>);

impl Redemptions {
    pub(super) fn take(&mut self, entry: &Entry) {
        if let Event::Redemption(code) | Event::SmsRedemption(code) = &entry.event {
            self.0
                .entry(code.code_id.as_str().to_owned())
                .or_default()
                .push(entry.clone());
        }
    }
}

/// Checks every code against the statements, and every batch against its codes.
pub(super) fn check(sorted: &Sorted, mut redemptions: Redemptions, findings: &mut Findings) {
    for code in &sorted.codes {
        findings.codes += 1;
        let entries = redemptions.0.remove(code.key.as_str()).unwrap_or_default();
        findings.applied += usize::from(matches!(code.state, CodeState::Applied(_)));
        for what in wrong_with(code, &entries) {
            findings.violation(
                format_args!("code …{} ({})", code.last_four, code.key.as_str()),
                what,
            );
        }
    }
    for (key, entries) in redemptions.0 {
        for entry in entries {
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

fn wrong_with(code: &Code, entries: &[Entry]) -> Vec<String> {
    match (&code.state, entries) {
        (CodeState::Outstanding | CodeState::Voided { .. }, []) => Vec::new(),
        (CodeState::Outstanding | CodeState::Voided { .. }, [entry, ..]) => {
            vec![format!(
                "entry {} of site {} applies it, and it is not marked as applied",
                entry.sequence, entry.site_id
            )]
        }
        (CodeState::Applied(application), []) => vec![format!(
            "it is marked as applied to site {} by entry {}, which does not apply it",
            application.site_id, application.entry_sequence
        )],
        (CodeState::Applied(application), [entry]) => {
            let mut wrong = Vec::new();
            let here = application.site_id == entry.site_id
                && application.entry_sequence == entry.sequence;
            let who = entry.actor
                == Actor::Administrator {
                    email: application.by.clone(),
                };
            if !here || !who || application.at != entry.at {
                wrong.push(format!(
                    "entry {} of site {} applies it, and it names another",
                    entry.sequence, entry.site_id
                ));
            }
            if code
                .bound_to
                .as_ref()
                .is_some_and(|bound| *bound != entry.site_id)
            {
                wrong.push(format!(
                    "it was applied to site {}, and is bound to another",
                    entry.site_id
                ));
            }
            if entry.changes != value_of(code, &entry.event) {
                wrong.push(format!(
                    "entry {} of site {} does not add what it carries",
                    entry.sequence, entry.site_id
                ));
            }
            wrong
        }
        (CodeState::Applied(_), many) => vec![format!("it was applied {} times", many.len())],
    }
}

/// What a code adds (rule 2).
fn value_of(code: &Code, event: &Event) -> Changes {
    let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    match event {
        Event::SmsRedemption(_) => Changes {
            sms: signed(code.value.credits() * 50),
            ..Changes::NONE
        },
        _ => Changes {
            credits: signed(code.value.credits()),
            maintenance_credits: signed(code.value.maintenance_credits()),
            sms: 0,
        },
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
    // One that was not completed is finished by its repetition, and has as many as were written.
    if complete && codes.len() != batch.count as usize {
        wrong.push(format!(
            "it has {} codes, and {} were issued",
            codes.len(),
            batch.count
        ));
    }
    wrong
}
