//! Races for codes, and requests that are sent many times.

use super::{CODES, NOW};
use crate::harness::{System, at, redemption, sms_redemption};
use run_local::faults::Fault;
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many race for each code.
const RACERS: usize = 64;

/// How many sites the racers come from.
const SITES: usize = 16;

/// Sixty-four redemptions of each code race: one wins, and the others learn that the code was applied.
async fn race(system: &Arc<System>, codes: Vec<String>, sites: &[SiteId]) {
    for code in codes {
        let mut racers = tokio::task::JoinSet::new();
        for racer in 0..RACERS {
            let (system, code) = (Arc::clone(system), code.clone());
            let site = sites[racer % sites.len()].clone();
            let call = if racer % 2 == 0 {
                redemption
            } else {
                sms_redemption
            };
            racers.spawn(async move {
                system
                    .send(call(&site, &code, at(NOW)).key(&format!("{code}-{racer}")))
                    .await
            });
        }
        let answers = racers.join_all().await;
        let won = answers.iter().filter(|answer| answer.status == 201).count();
        let lost = answers
            .iter()
            .filter(|answer| answer.problem() == "code-already-applied")
            .count();
        assert_eq!((won, lost), (1, RACERS - 1), "{answers:?}");
    }
}

async fn system_with_sites() -> (Arc<System>, Vec<SiteId>) {
    let system = Arc::new(System::new());
    let mut sites = Vec::new();
    for _ in 0..SITES {
        sites.push(
            system
                .site(SiteType::Regular, "Europe/Vienna", at(NOW))
                .await,
        );
    }
    (system, sites)
}

/// Each code was worth one credit or fifty SMS, and nothing else came from anywhere.
async fn assert_worth(system: &System, sites: &[SiteId], codes: u64) {
    let mut worth = 0;
    for site in sites {
        let license = system.send(crate::harness::license_of(site, at(NOW))).await;
        let balance = |name: &str| license.body["balances"][name].as_u64().unwrap();
        worth += balance("credits") + balance("sms") / 50;
    }
    assert_eq!(worth, codes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_racing_redemptions_of_a_code_exactly_one_wins() {
    let (system, sites) = system_with_sites().await;
    let codes = system.codes(1, 0, CODES, at(NOW)).await;
    race(&system, codes, &sites).await;
    assert_worth(&system, &sites, u64::from(CODES)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_wins_also_when_every_tenth_request_is_lost_or_in_conflict() {
    let (system, sites) = system_with_sites().await;
    let codes = system.codes(1, 0, CODES, at(NOW)).await;
    let requests = AtomicU64::new(0);
    system.wire.plan(move |operation, _| {
        let write = operation == "TransactWriteItems";
        match requests.fetch_add(1, Ordering::Relaxed) % 20 {
            0 if write => Fault::LostAnswer,
            10 if write => Fault::Conflict,
            0 => Fault::LostAnswer,
            10 => Fault::Throttled,
            _ => Fault::None,
        }
    });
    race(&system, codes, &sites).await;
    system.wire.quiet();
    assert_worth(&system, &sites, u64::from(CODES)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_sent_many_times_at_once_is_carried_out_once_and_answered_alike() {
    let system = Arc::new(System::new());
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", at(NOW))
        .await;
    for (number, code) in system
        .codes(10, 0, 20, at(NOW))
        .await
        .into_iter()
        .enumerate()
    {
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (system, site, code) = (Arc::clone(&system), site.clone(), code.clone());
            let key = format!("request-{number}");
            senders.spawn(async move {
                system
                    .send(redemption(&site, &code, at(NOW)).key(&key))
                    .await
            });
        }
        let answers = senders.join_all().await;
        assert!(
            answers.iter().all(|answer| answer.status == 201),
            "{answers:?}"
        );
        assert!(
            answers.iter().all(|answer| answer.body == answers[0].body),
            "{answers:?}"
        );
        assert_eq!(
            answers.iter().filter(|answer| !answer.replayed).count(),
            1,
            "{answers:?}"
        );
    }
}
