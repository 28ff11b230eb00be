//! The users of a site: how many there are, and the cards that they have (rule 12).

use super::findings::Findings;
use super::sorted::{SiteParts, Sorted};
use site_credits::domain::model::card::CardStatus;
use site_credits::domain::model::entry::Event;
use site_credits::domain::values::person::Whom;
use site_credits::store::CardOwner;
use std::collections::{BTreeMap, BTreeSet};

/// Checks that a site's roster counts its users, and that each card was issued to its user by one entry.
pub(super) fn check(
    id: &str,
    parts: &SiteParts,
    links: &BTreeMap<String, CardOwner>,
    findings: &mut Findings,
) {
    let of = format!("site {id}");
    findings.users += parts.users.len();
    let counted = parts.roster.map_or(0, |roster| roster.users);
    if usize::try_from(counted) != Ok(parts.users.len()) {
        findings.violation(
            &of,
            format!("it counts {counted} users, and has {}", parts.users.len()),
        );
    }
    let next = parts.roster.map_or(1, |roster| roster.next_number);
    let numbers = parts.users.iter().filter_map(|user| user.id.number());
    if numbers.max().is_some_and(|number| number >= next) {
        findings.violation(&of, "its next user's number was used before");
    }
    let issued = issued(&of, parts, findings);
    check_persons(&of, parts, findings);
    for user in &parts.users {
        let Some(card) = &user.card else { continue };
        findings.cards += 1;
        if issued.get(user.person.as_str()) != Some(&card.id.as_str()) {
            findings.violation(
                &of,
                format!("the card of user {} was issued by no entry", user.id),
            );
        }
        let link = links.get(card.key.as_str());
        let leads =
            link.is_some_and(|owner| owner.site_id == user.site_id && owner.user_id == user.id);
        if leads != (card.status != CardStatus::Revoked) {
            findings.violation(
                &of,
                format!(
                    "the link of the card of user {} is not what it should be",
                    user.id
                ),
            );
        }
    }
}

/// The last card that was issued to each user by the statement, by the name that the entries have for the user.
fn issued<'a>(
    of: &str,
    parts: &'a SiteParts,
    findings: &mut Findings,
) -> BTreeMap<String, &'a str> {
    let mut issued: BTreeMap<String, &str> = BTreeMap::new();
    let mut cards: BTreeSet<&str> = BTreeSet::new();
    let mut replaced: BTreeSet<&str> = BTreeSet::new();
    for (entry, _) in &parts.entries {
        let (Event::CardIssue { whom, card_id } | Event::CardReissue { whom, card_id, .. }) =
            &entry.event
        else {
            continue;
        };
        if !cards.insert(card_id.as_str()) {
            findings.violation(of, format!("card {card_id} was issued twice"));
        }
        let mut before = issued.insert(name(whom, parts), card_id.as_str());
        if let Event::CardReissue { replaces, from, .. } = &entry.event {
            if let Some(from) = from {
                before = issued.remove(from.as_str());
            }
            // Of somebody whom the first form named and who is no user any more, it is not known which card was theirs.
            let known = before.is_none_or(|before| before == replaces.as_str());
            let there = cards.contains(replaces.as_str()) && replaced.insert(replaces.as_str());
            if !known || !there {
                findings.violation(
                    of,
                    format!("card {card_id} replaces one that was not there"),
                );
            }
        }
    }
    issued
}

/// Whom an entry names, by the ID of the person. Of the first form it is the user who has that ID now.
fn name(whom: &Whom, parts: &SiteParts) -> String {
    match whom {
        Whom::Person { person } => person.to_string(),
        Whom::Older { user_id } => {
            let user = parts.users.iter().find(|user| user.id == *user_id);
            user.map_or_else(|| user_id.to_string(), |user| user.person.to_string())
        }
    }
}

/// Checks that the ID of a person leads to each user whom something names, and to nobody else.
fn check_persons(of: &str, parts: &SiteParts, findings: &mut Findings) {
    let named = parts.users.iter().filter(|user| user.is_named);
    let named: BTreeMap<&str, &str> = named
        .map(|user| (user.person.as_str(), user.id.as_str()))
        .collect();
    let leading: BTreeMap<&str, &str> = parts
        .persons
        .iter()
        .map(|(person, user)| (person.as_str(), user.as_str()))
        .collect();
    if named != leading {
        findings.violation(of, "the IDs of its persons do not lead to its users");
    }
}

/// Checks that each link leads to a card that exists.
pub(super) fn check_links(sorted: &Sorted, findings: &mut Findings) {
    let users = sorted.sites.values().flat_map(|parts| &parts.users);
    let keys: BTreeSet<&str> = users
        .filter_map(|user| Some(user.card.as_ref()?.key.as_str()))
        .collect();
    for key in sorted.links.keys() {
        if !keys.contains(key.as_str()) {
            findings.violation(format!("link {key}"), "it leads to no card");
        }
    }
}
