//! The messages of a site: each was charged by one entry, and given back by one if it surely failed (rule 14).

use super::{Findings, SiteParts};
use site_credits::domain::model::entry::Event;
use site_credits::domain::model::message::MessageState;
use site_credits::domain::model::site::Status;
use site_credits::domain::model::agenda::shard_of;
use site_credits::domain::values::ids::SiteId;
use std::collections::{BTreeMap, BTreeSet};

/// Checks that messages and entries tell the same.
pub(super) fn check(id: &str, parts: &SiteParts, findings: &mut Findings) {
    let of = format!("site {id}");
    let mut charged: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    let mut given_back: BTreeSet<&str> = BTreeSet::new();
    for (entry, _) in &parts.entries {
        match &entry.event {
            Event::SmsReservation {
                message_id, parts, ..
            } => {
                charged.insert(message_id.as_str(), (entry.sequence, *parts));
            }
            Event::SmsRefund { message_id, .. } => {
                given_back.insert(message_id.as_str());
            }
            _ => {}
        }
    }
    let shard = SiteId::parse(id).map(|id| shard_of(&id).to_string());
    for (message, agenda_shard, agenda_at) in &parts.messages {
        findings.messages += 1;
        let of = format!("message {}", message.id);
        let known = charged.remove(message.id.as_str());
        if known != Some((message.entry, message.measured.parts)) {
            findings.violation(&of, "it was not charged by the entry that it names");
        }
        let failed = message.state == MessageState::Failed;
        // To a deleted site nothing is given back: what it held was given up.
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
        // It is noted before the SMS are given back, and may be so for a while.
        let under_way = matches!(message.state, MessageState::Sending | MessageState::Unknown);
        if failed != message.not_sent.is_some() && !under_way {
            findings.violation(&of, "it failed without a reason, or has one and did not");
        }
        let on_agenda = (!agenda_at.is_empty())
            .then(|| agenda_at.parse().ok())
            .flatten();
        let right = on_agenda == message.agenda_at()
            && message.agenda_at().is_some() == (Ok(agenda_shard) == shard.as_ref());
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
