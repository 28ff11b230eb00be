//! Partners' accounts: every batch, voiding and application has one line of history, what each site received adds up, and an
//! entry leads from the partner to each of its sites.

use super::codes::Redemptions;
use super::findings::Findings;
use super::sorted::Sorted;
use jiff::Timestamp;
use site_credits::domain::model::account::{HistoryLine, PartnerEvent, Received, ReceivedFrom};
use site_credits::domain::model::code::{CodeState, CodeValue, Recharge};
use site_credits::domain::model::entry::Event;
use site_credits::domain::values::amount::Changes;
use site_credits::domain::values::names::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// What a partner's history says of one batch.
#[derive(Default)]
struct BatchHistory {
    /// The codes, instant and issuer of each line that says the batch was issued.
    issued: Vec<(u32, Timestamp, Subject)>,
    /// How many codes were voided.
    voided: u32,
}

/// Checks every account against the statements and the codes.
pub(super) fn check(sorted: &Sorted, redemptions: &Redemptions, findings: &mut Findings) {
    let history = sorted.history.iter();
    let partners: BTreeSet<&str> = history.map(|line| line.partner_id.as_str()).collect();
    let lines = sorted.history.len() + sorted.applied.len();
    (findings.partners, findings.lines) = (partners.len(), lines);
    check_applications(sorted, redemptions, findings);
    check_received(sorted, redemptions, findings);
    check_leading(sorted, redemptions, findings);
    check_batches(sorted, findings);
}

/// Each application of a code has one line, and each such line belongs to an application.
fn check_applications(sorted: &Sorted, redemptions: &Redemptions, findings: &mut Findings) {
    // By partner, batch, site, entry, code, instant and value.
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    for line in sorted.history.iter().chain(&sorted.applied) {
        if let PartnerEvent::Applied {
            site_id,
            code_last_four,
            recharge,
        } = &line.content.event
        {
            let HistoryLine { partner_id, id, .. } = line;
            let (batch, at) = (&line.content.batch_id, line.content.at);
            let (codes, recharge) = (line.content.codes, *recharge);
            let key = format!(
                "{partner_id}: {id}, entry of site {site_id} at {at}, {codes} code …{code_last_four} of batch {batch} for {recharge:?}"
            );
            *lines.entry(key).or_default() += 1;
        }
    }
    for (entry, code) in redemptions.all() {
        let recharge = match entry.event {
            Event::SmsRedemption(_) => Recharge::Sms,
            _ => Recharge::Credits,
        };
        let key = format!(
            "{}: {}-{}, entry of site {} at {}, 1 code …{} of batch {} for {recharge:?}",
            code.partner_id,
            entry.site_id,
            entry.sequence,
            entry.site_id,
            entry.at,
            code.code_last_four,
            code.batch_id
        );
        if lines.remove(&key) != Some(1) {
            findings.violation(
                format_args!("partner {key}"),
                "it is not in the history once",
            );
        }
    }
    for key in lines.keys() {
        findings.violation(
            format_args!("partner {key}"),
            "the history has it, and it never happened",
        );
    }
}

/// What a site received from a partner is the sum of the entries that applied its codes.
fn check_received(sorted: &Sorted, redemptions: &Redemptions, findings: &mut Findings) {
    let mut sums: BTreeMap<(String, String), ReceivedFrom> = BTreeMap::new();
    for (entry, code) in redemptions.all() {
        let key = (code.partner_id.to_string(), entry.site_id.to_string());
        let sum = sums.entry(key).or_insert(ReceivedFrom {
            received: Received::default(),
            last_applied_at: entry.at,
        });
        sum.last_applied_at = sum.last_applied_at.max(entry.at);
        match plus(sum.received, entry.changes) {
            Some(more) => sum.received = more,
            None => findings.violation(
                format_args!("site {}", entry.site_id),
                format_args!("entry {} of a code takes something", entry.sequence),
            ),
        }
    }
    // What the first form added up stands in an item of its own, and what came since on the site.
    let mut received = sorted.received.clone();
    for (id, parts) in &sorted.sites {
        for (partner, got) in parts.site.iter().flat_map(|site| &site.received) {
            let key = (partner.to_string(), id.clone());
            let older = received.remove(&key);
            let both = older.map_or(*got, |older| older.plus(*got));
            received.insert(key, both);
        }
    }
    let pairs: BTreeSet<_> = sums.keys().chain(received.keys()).collect();
    for pair in pairs {
        let (sum, says) = (sums.get(pair), received.get(pair));
        if sum != says {
            findings.violation(
                format_args!("partner {}", pair.0),
                format_args!(
                    "site {} got {sum:?} by its statement, and {says:?} by the account",
                    pair.1
                ),
            );
        }
    }
}

/// From a partner's account its first entry of a site that is not of the first form leads to the site, and no other.
fn check_leading(sorted: &Sorted, redemptions: &Redemptions, findings: &mut Findings) {
    let mut firsts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let all = redemptions.all();
    for (entry, code) in all.filter(|(entry, _)| !entry.form.is_first()) {
        let key = (entry.site_id.as_str(), code.partner_id.as_str());
        let first = firsts.entry(key).or_insert(entry.sequence);
        *first = entry.sequence.min(*first);
    }
    let leading = sorted.sites.iter().flat_map(|(site, parts)| {
        let leading = parts.leading.iter();
        leading.map(|(partner, sequence)| ((site.as_str(), partner.as_str()), *sequence))
    });
    let leading: BTreeSet<_> = leading.collect();
    let firsts: BTreeSet<_> = firsts.into_iter().collect();
    for ((site, partner), sequence) in firsts.symmetric_difference(&leading) {
        findings.violation(
            format_args!("partner {partner}"),
            format_args!(
                "entry {sequence} of site {site} leads there from its account and should not, or the other way round"
            ),
        );
    }
}

/// Adds what one entry changed. `None` where the sum leaves its range, or something was taken.
fn plus(received: Received, changes: Changes) -> Option<Received> {
    let maintenance = received.maintenance_credits;
    Some(Received {
        codes: received.codes + 1,
        credits: received.credits.checked_add_signed(changes.credits)?,
        maintenance_credits: maintenance.checked_add_signed(changes.maintenance_credits)?,
        sms: received.sms.checked_add_signed(changes.sms)?,
    })
}

/// Each complete batch has one line that says it was issued, and as many of its codes are voided as its lines say.
fn check_batches(sorted: &Sorted, findings: &mut Findings) {
    let mut histories: BTreeMap<(&str, &str), BatchHistory> = BTreeMap::new();
    let batches = sorted.batches.iter();
    let values: BTreeMap<&str, CodeValue> = batches
        .map(|(batch, _)| (batch.id.as_str(), batch.value))
        .collect();
    for line in &sorted.history {
        let key = (line.partner_id.as_str(), line.content.batch_id.as_str());
        let codes = u64::from(line.content.codes);
        let right = values.get(key.1).is_none_or(|value| {
            line.content.credits == codes * value.credits()
                && line.content.maintenance_credits == codes * value.maintenance_credits()
        });
        if !right {
            findings.violation(
                format_args!("partner {}", key.0),
                format_args!("the line {} tells of another value", line.id),
            );
        }
        let history = histories.entry(key).or_default();
        match &line.content.event {
            PartnerEvent::Issued { by } => {
                let issue = (line.content.codes, line.content.at, by.clone());
                history.issued.push(issue);
            }
            PartnerEvent::Voided { .. } => history.voided += line.content.codes,
            PartnerEvent::Fetched { .. } | PartnerEvent::Applied { .. } => {}
        }
    }
    let mut voided: BTreeMap<&str, u32> = BTreeMap::new();
    for code in &sorted.codes {
        if matches!(code.state, CodeState::Voided(_)) {
            *voided.entry(code.batch_id.as_str()).or_default() += 1;
        }
    }
    for (batch, complete) in &sorted.batches {
        let key = (batch.partner_id.as_str(), batch.id.as_str());
        let history = histories.remove(&key).unwrap_or_default();
        let issue = (batch.count, batch.issued_at, batch.issued_by.clone());
        let issued = if *complete { vec![issue] } else { Vec::new() };
        let of = format!("batch {}", batch.id);
        if history.issued != issued {
            findings.violation(
                &of,
                format_args!(
                    "it was issued as {issued:?}, and in the history as {:?}",
                    history.issued
                ),
            );
        }
        let voided = voided.get(batch.id.as_str()).copied().unwrap_or_default();
        if history.voided != voided {
            findings.violation(
                &of,
                format_args!(
                    "{voided} codes are voided, and {} are in the history",
                    history.voided
                ),
            );
        }
    }
    for (partner, batch) in histories.keys() {
        findings.violation(
            format_args!("partner {partner}"),
            format_args!("its history tells of the batch {batch}, which does not exist"),
        );
    }
}
