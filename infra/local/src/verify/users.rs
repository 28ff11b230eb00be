//! The users of a site: how many there are, and the cards that they have (rule 12).

use super::findings::Findings;
use super::sorted::{SiteParts, Sorted};
use site_credits::domain::model::card::CardStatus;
use site_credits::domain::model::entry::Event;
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
    // The last card that was issued to each user by the statement.
    let mut issued: BTreeMap<&str, &str> = BTreeMap::new();
    let mut cards: BTreeSet<&str> = BTreeSet::new();
    for (entry, _) in &parts.entries {
        let (Event::CardIssue { user_id, card_id }
        | Event::CardReissue {
            user_id, card_id, ..
        }) = &entry.event
        else {
            continue;
        };
        if !cards.insert(card_id.as_str()) {
            findings.violation(&of, format!("card {card_id} was issued twice"));
        }
        if let Event::CardReissue { replaces, .. } = &entry.event
            && issued.get(user_id.as_str()) != Some(&replaces.as_str())
        {
            findings.violation(
                &of,
                format!("card {card_id} replaces one that was not there"),
            );
        }
        issued.insert(user_id.as_str(), card_id.as_str());
    }
    for user in &parts.users {
        let Some(card) = &user.card else { continue };
        findings.cards += 1;
        if issued.get(user.id.as_str()) != Some(&card.id.as_str()) {
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
