//! One site: its chain, its balances, and its due dates (rules 11 and 16).

use super::agreement;
use super::codes::Redemptions;
use super::findings::Findings;
use super::ledger::Ledger;
use super::sorted::SiteParts;
use site_credits::domain::model::chain::ChainVerifier;
use site_credits::domain::model::site::Site;

/// Checks a site and everything that belongs to it.
pub(super) fn check(
    id: &str,
    parts: &SiteParts,
    redemptions: &mut Redemptions,
    findings: &mut Findings,
) {
    let of = format!("site {id}");
    findings.entries += parts.entries.len();
    let Some(site) = &parts.site else {
        findings.violation(of, "there are entries or devices, and no site");
        return;
    };
    findings.sites += 1;
    let Some(chain) = chain(&of, site, parts, redemptions, findings) else {
        return;
    };
    check_end(&of, site, parts, &chain, findings);
    let mut ledger = Ledger::default();
    for (entry, _) in &parts.entries {
        if let Err(what) = ledger.take(entry) {
            findings.violation(&of, format!("entry {}: {what}", entry.sequence));
            return;
        }
    }
    findings.due_dates += ledger.due_dates;
    let agreements = [
        agreement::of_devices(&ledger, site, &parts.devices),
        agreement::of_settings(&ledger, site, &parts.findable_by),
        agreement::of_agenda(site, &parts.agenda),
        ledger.has_invitations(site, parts),
    ];
    for what in agreements.into_iter().filter_map(Result::err) {
        findings.violation(&of, what);
    }
}

/// Follows the chain to its end, and collects the redemptions on the way. `None` where it is broken.
fn chain(
    of: &str,
    site: &Site,
    parts: &SiteParts,
    redemptions: &mut Redemptions,
    findings: &mut Findings,
) -> Option<ChainVerifier> {
    let mut chain = ChainVerifier::default();
    for (entry, command_id) in &parts.entries {
        if let Err(broken) = chain.next(entry) {
            findings.violation(of, broken);
            return None;
        }
        redemptions.take(entry, command_id, site.site_type);
    }
    Some(chain)
}

/// Checks that the site item says what the end of its chain says.
fn check_end(
    of: &str,
    site: &Site,
    parts: &SiteParts,
    chain: &ChainVerifier,
    findings: &mut Findings,
) {
    let mut expect = |right: bool, otherwise: String| {
        if !right {
            findings.violation(of, otherwise);
        }
    };
    let (sum, held) = (chain.balances(), site.balances);
    expect(
        sum == held,
        format!("its balances are {held:?}, and its entries add up to {sum:?}"),
    );
    let (last, says) = (chain.sequence(), site.sequence);
    expect(
        last == says,
        format!("its last entry is {last}, and it says {says}"),
    );
    expect(
        site.last_hash == chain.hash(),
        "its hash is not that of its last entry".to_owned(),
    );
    let last = parts.entries.last().map(|(entry, _)| entry);
    expect(
        last.is_some_and(|entry| entry.status == site.status && entry.at == site.last_entry_at),
        "its status or time is not that of its last entry".to_owned(),
    );
}
