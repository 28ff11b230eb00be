//! Many at once, on two real threads: one wins, and the books stay right.

use crate::harness::{ACME, Answered, Call, KIM, System, at, batches, redemption, sms_redemption};
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NOW: &str = "2026-12-09T12:00:00Z";
/// How many race for each code.
const RACERS: usize = 64;
/// How many codes are raced for.
const CODES: u32 = 200;
/// How many sites the racers come from.
const SITES: usize = 16;

/// Sixty-four racing redemptions of each code: how many won, and what the others were told.
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

/// Sends requests at the same time, from two threads.
async fn at_once(system: &Arc<System>, calls: Vec<Call>) -> Vec<Answered> {
    let mut senders = tokio::task::JoinSet::new();
    for (place, call) in calls.into_iter().enumerate() {
        let system = Arc::clone(system);
        senders.spawn(async move { (place, system.send(call).await) });
    }
    let mut answers = senders.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn issue(body: &Value) -> Call {
    Call::post(batches(""), body, at(NOW)).by_partner(ACME)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_administrators_who_register_the_last_affordable_device_one_is_refused() {
    for round in 0..50 {
        let system = Arc::new(System::new());
        let site = system
            .site(SiteType::Dynamic, "Europe/Vienna", at(NOW))
            .await;
        let body = json!({ "email": "lee@example.com", "role": "site_admin" });
        let invited = Call::post(format!("/sites/{site}/admins"), &body, at(NOW));
        assert_eq!(system.send(invited).await.status, 201);
        let code = system.codes(1, 0, 1, at(NOW)).await.remove(0);
        assert_eq!(
            system.send(redemption(&site, &code, at(NOW))).await.status,
            201
        );
        let calls = [KIM, "lee@example.com"].map(|person| {
            let body = json!({ "devices": [{ "name": person }] });
            let call = Call::post(format!("/sites/{site}/devices"), &body, at(NOW));
            call.by_person(person).key(person)
        });
        let answers = at_once(&system, calls.to_vec()).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 402], "round {round}: {answers:?}");
        let refused = answers.iter().find(|answer| answer.status == 402).unwrap();
        assert_eq!(refused.problem(), "insufficient-credits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_voiding_a_code_and_applying_it_one_wins_exactly() {
    let system = Arc::new(System::new());
    let site = system
        .site(SiteType::Regular, "Europe/Vienna", at(NOW))
        .await;
    let (mut applied, mut voided) = (0, 0);
    for round in 0..CODES {
        let made = system
            .send(issue(&json!({ "credits": 1, "count": 2 })))
            .await;
        let id = made.body["batch"]["batch_id"].as_str().unwrap();
        let code = made.body["codes"][0].as_str().unwrap();
        let body = if round % 2 == 0 {
            json!({ "reason": "race" })
        } else {
            json!({ "reason": "race", "codes": [code] })
        };
        let void = Call::post(batches(&format!("/{id}/void")), &body, at(NOW));
        let void = void.by_partner(ACME).key(&format!("void-{round}"));
        let apply = redemption(&site, code, at(NOW)).key(&format!("apply-{round}"));
        // Neither is always the first to be sent.
        let calls = if round % 3 == 0 {
            vec![apply.clone(), void.clone()]
        } else {
            vec![void.clone(), apply.clone()]
        };
        let mut answers = at_once(&system, calls).await;
        if round % 3 == 0 {
            answers.swap(0, 1);
        }
        let (void, apply) = (&answers[0], &answers[1]);
        let codes = if round % 2 == 0 { 2 } else { 1 };
        let won = i64::from(apply.status == 201);
        if won == 0 {
            assert_eq!(apply.problem(), "code-voided", "round {round}");
        }
        let expected = json!({ "voided": codes - won, "already_voided": 0, "applied": won });
        assert_eq!(void.body, expected, "round {round}: {answers:?}");
        applied += won;
        voided += 1 - won;
    }
    assert!(applied > 0 && voided > 0, "{applied} {voided}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_issue_sent_many_times_at_once_is_one_batch_with_the_same_codes() {
    for round in 0..20 {
        let system = Arc::new(System::new());
        if round % 2 == 1 {
            let requests = AtomicU64::new(round);
            system.wire.plan(
                move |_, _| match requests.fetch_add(1, Ordering::Relaxed) % 20 {
                    7 => Fault::LostAnswer,
                    13 => Fault::Throttled,
                    _ => Fault::None,
                },
            );
        }
        let call = issue(&json!({ "credits": 2, "count": 250 })).key("one");
        let answers = at_once(&system, vec![call; 8]).await;
        let first = &answers[0];
        assert_eq!(first.body["codes"].as_array().unwrap().len(), 250);
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (201, &first.body));
        }
        let fresh = answers.iter().filter(|answer| !answer.replayed).count();
        assert_eq!(fresh, 1, "round {round}");
        system.wire.quiet();
        let findings = system.findings().await;
        assert_eq!((findings.batches, findings.codes), (1, 250));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_void_the_same_codes_void_each_once() {
    for round in 0..20 {
        let system = Arc::new(System::new());
        let made = system
            .send(issue(&json!({ "credits": 2, "count": 250 })))
            .await;
        let id = made.body["batch"]["batch_id"].as_str().unwrap();
        let calls = ["a", "b"].map(|key| {
            let body = json!({ "reason": key });
            let call = Call::post(batches(&format!("/{id}/void")), &body, at(NOW));
            call.by_partner(ACME).key(key)
        });
        let answers = at_once(&system, calls.to_vec()).await;
        let of = |place: usize, name: &str| answers[place].body[name].as_u64().unwrap();
        for (one, other) in [(0, 1), (1, 0)] {
            assert_eq!(
                of(one, "voided"),
                of(other, "already_voided"),
                "round {round}"
            );
        }
        assert_eq!(of(0, "voided") + of(1, "voided"), 250);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_removed_while_its_holder_applies_a_code_leaves_either_order_and_nothing_between() {
    let (lee, mut applied, mut refused) = ("lee@example.com", 0, 0);
    for round in 0..100 {
        let system = Arc::new(System::new());
        let site = system
            .site(SiteType::Regular, "Europe/Vienna", at(NOW))
            .await;
        let body = json!({ "email": lee, "role": "sub_master" });
        let invited = Call::post(format!("/sites/{site}/admins"), &body, at(NOW));
        assert_eq!(system.send(invited).await.status, 201);
        let code = system.codes(1, 0, 1, at(NOW)).await.remove(0);
        let dismiss = Call::delete(format!("/sites/{site}/admins/{lee}"), at(NOW));
        let apply = redemption(&site, &code, at(NOW)).by_person(lee);
        let answers = at_once(&system, vec![dismiss, apply]).await;
        assert_eq!(answers[0].status, 200, "{answers:?}");
        let statement = system.statement(&site, at(NOW)).await;
        let kinds: Vec<&str> = statement[2..]
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap())
            .collect();
        if answers[1].status == 201 {
            // It was applied while the role was there.
            assert_eq!(
                kinds,
                ["redemption", "administrator_change"],
                "round {round}"
            );
            applied += 1;
        } else {
            assert_eq!(answers[1].problem(), "site-not-found", "round {round}");
            assert_eq!(kinds, ["administrator_change"]);
            refused += 1;
        }
    }
    assert!(applied > 0 && refused > 0, "{applied} {refused}");
}
