//! The messages of a site: each was charged by one entry, and given back by one if it surely failed (rule 14).

use super::findings::Findings;
use super::sorted::SiteParts;
use site_credits::domain::model::agenda::shard_of;
use site_credits::domain::model::entry::Event;
use site_credits::domain::model::message::MessageState;
use site_credits::domain::model::site::Status;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::person::Whom;
use std::collections::{BTreeMap, BTreeSet};

/// Checks that messages and entries agree.
pub(super) fn check(id: &str, parts: &SiteParts, findings: &mut Findings) {
    let of = format!("site {id}");
    let mut charged: BTreeMap<&str, (u64, u32, &Whom)> = BTreeMap::new();
    let mut given_back: BTreeSet<&str> = BTreeSet::new();
    for (entry, _) in &parts.entries {
        match &entry.event {
            Event::SmsReservation {
                message_id,
                whom,
                parts,
                ..
            } => {
                charged.insert(message_id.as_str(), (entry.sequence, *parts, whom));
            }
            Event::SmsRefund { message_id, .. } => {
                given_back.insert(message_id.as_str());
            }
            _ => {}
        }
    }
    let shard = SiteId::parse(id).map(|id| shard_of(&id).to_string());
    for (message, agenda) in &parts.messages {
        findings.messages += 1;
        let of = format!("message {}", message.id);
        let known = charged.remove(message.id.as_str());
        if known != Some((message.entry, message.measured.parts, &message.whom)) {
            findings.violation(&of, "it was not charged by the entry that it names");
        }
        let failed = message.state == MessageState::Failed;
        // A deleted site forfeited its SMS, so nothing is given back to it.
        let deleted = parts
            .site
            .as_ref()
            .is_some_and(|site| site.status == Status::Deleted);
        let back = given_back.contains(message.id.as_str());
        if failed != back && !(failed && deleted) {
            findings.violation(
                &of,
                "it failed and was not given back, or the other way round",
            );
        }
        // The reason is stored before the SMS are given back, so a message may have one while it is under way.
        let under_way = matches!(message.state, MessageState::Sending | MessageState::Unknown);
        if failed != message.not_sent.is_some() && !under_way {
            findings.violation(&of, "it failed without a reason, or has one and did not");
        }
        let on_agenda = (!agenda.at.is_empty())
            .then(|| agenda.at.parse().ok())
            .flatten();
        let right = on_agenda == message.agenda_at()
            && message.agenda_at().is_some() == (Ok(&agenda.shard) == shard.as_ref());
        if !right {
            findings.violation(&of, "its place on the agenda is not that of its state");
        }
    }
    for message in charged.keys() {
        findings.violation(
            &of,
            format!("message {message} was charged, and is not there"),
        );
    }
}
