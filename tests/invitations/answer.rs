//! Accepting and declining an invitation.

use super::{LEE, MIA, accept, days_later, decline, dismiss, send_again, site};
use crate::administrators::{invite, set_role};
use crate::faults::FAULTS;
use crate::harness::{Call, KIM, System};
use crate::setup::{now, of, text};
use crate::shown::problems;
use insta::assert_snapshot;
use jiff::SignedDuration;
use run_local::faults::Fault;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn who_accepts_has_the_role_from_then_on_and_nothing_is_left_of_the_invitation() {
    let system = System::new();
    let site = site(&system).await;
    system.invited(&site, LEE, "sub_master").await;
    let accepted = system.send(accept(&site, LEE, days_later(1))).await;
    assert_snapshot!(accepted, @r#"
    201
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-10T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "administrator_change",
        "previous_hash": "[hash 2]",
        "refers_to": { "person": "[person 1]", "role_after": "sub_master", "role_before": null },
        "sequence": 3,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "site": {
        "administrators": [
          { "email": "kim@example.com", "person": "[person 2]", "role": "master" },
          { "email": "lee@example.com", "person": "[person 1]", "role": "sub_master" }
        ],
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "country": "AT",
        "devices": 0,
        "language": "en",
        "name": "Harbour Gym",
        "role": "sub_master",
        "site_id": "[site 1]",
        "site_type": "regular",
        "sms_countries": ["AT"],
        "status": "activated",
        "time_zone": "Europe/Vienna"
      }
    }
    "#);
    let listed = Call::get("/sites".to_owned(), now()).by_person(LEE);
    let listed = system.send(listed).await;
    assert_eq!(listed.body["sites"][0], accepted.body["site"]);
    assert_eq!(system.items_with("INVITATION#"), 0);
    assert!(system.offered(LEE, now()).await.is_empty());
    let again = system.send(accept(&site, LEE, days_later(1))).await;
    assert_eq!(again.problem(), "invitation-not-found");
    // A statement shows who was invited, as long as they are there.
    let statement = Call::get(of(&site, "/license/statement"), now());
    let statement = system.send(statement).await.body;
    assert_eq!(statement["entries"][1]["kind"], "invitation");
    let people = statement["administrators"].as_array().unwrap();
    assert!(people.iter().any(|one| one["email"] == LEE), "{people:?}");
    assert_eq!(system.send(dismiss(&site, LEE, now())).await.status, 200);
    assert_eq!(system.items_with(LEE), 0);
}

#[tokio::test(start_paused = true)]
async fn who_declines_learns_nothing_of_the_site_and_leaves_no_address() {
    let system = System::new();
    let site = site(&system).await;
    system.invited(&site, LEE, "master").await;
    assert_snapshot!(system.send(decline(&site, LEE, now())).await, @r#"
    200
    { "site_id": "[site 1]" }
    "#);
    assert_eq!(system.items_with(LEE), 0);
    let entries = system.statement(&site, now()).await;
    let last = entries.last().unwrap();
    assert_eq!(last["kind"], "invitation_end");
    assert_eq!(last["refers_to"]["outcome"], "declined");
    assert_eq!(last["refers_to"]["person"], last["actor"]["person"]);
    let calls = [
        ("accepting it", accept(&site, LEE, now())),
        ("declining it again", decline(&site, LEE, now())),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    accepting it → 404 invitation-not-found: there is no such invitation
    declining it again → 404 invitation-not-found: there is no such invitation
    ");
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_handed_over_to_a_mistyped_address_is_not_lost() {
    let system = System::new();
    let site = site(&system).await;
    let mistyped = invite(&site, "lee@exmaple.com", "master", now());
    assert_eq!(system.send(mistyped).await.status, 201);
    assert_eq!(system.roles(&site), [format!("{KIM} master")]);
    let wrong = system.send(accept(&site, LEE, now())).await;
    assert_eq!(wrong.problem(), "invitation-not-found");
    // The master goes on as before, and offers it to the right one beside the other.
    system.invited(&site, LEE, "master").await;
    let right = system.send(accept(&site, LEE, now())).await;
    assert_eq!(right.status, 201, "{right}");
    let handed = ["kim@example.com sub_master", "lee@example.com master"];
    assert_eq!(system.roles(&site), handed);
    // With the master's role went the right to give it.
    let late = system.send(accept(&site, "lee@exmaple.com", now())).await;
    assert_eq!(late.problem(), "invitation-not-found");
    assert_eq!(
        system.kinds(&site, LEE).await,
        [
            "invitation",
            "invitation",
            "administrator_change",
            "administrator_change",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_invitation_is_open_for_seven_days_to_the_instant() {
    let last = days_later(7) - SignedDuration::from_millis(1);
    for (email, at, is_open) in [(LEE, last, true), (MIA, days_later(7), false)] {
        let system = System::new();
        let site = site(&system).await;
        system.invited(&site, email, "site_admin").await;
        let listed = system.offered(email, at).await;
        assert_eq!(listed.len(), usize::from(is_open), "{at}");
        let answer = system.send(accept(&site, email, at)).await;
        assert_eq!(answer.status == 201, is_open, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_invitation_is_answered_alike_whether_or_not_there_is_such_a_site() {
    let system = System::new();
    let site = site(&system).await;
    let over = system.invited(&site, LEE, "site_admin").await;
    let declined = system.send(decline(&site, LEE, now())).await;
    assert_eq!(declined.status, 200, "{declined}");
    system.invited(&site, MIA, "site_admin").await;
    for answer in ["acceptance", "refusal"] {
        let mut texts = Vec::new();
        for (at, by, id) in [
            (now(), LEE, site.as_str()),
            (days_later(8), MIA, site.as_str()),
            (now(), "zoe@example.com", site.as_str()),
            (now(), LEE, "ZZZZZZZZ7"),
            (now(), LEE, "ZZZZZZZZ8"),
            (now(), LEE, "no-site"),
        ] {
            let path = format!("/invitations/{id}/{answer}");
            let refused = system.send(Call::act(path, at).by_person(by)).await;
            assert_eq!(refused.problem(), "invitation-not-found", "{id}: {refused}");
            texts.push(refused.text);
        }
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    }
    let again = system.send(send_again(&site, &over, now())).await;
    assert_eq!(again.problem(), "invitation-not-found");
    let nobody = accept(&site, LEE, now()).by_partner("acme");
    assert_snapshot!(problems(&system, [("a partner", nobody)]).await, @"
    a partner → 403 not-allowed: this needs a token with a verified e-mail address
    ");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_lapses_with_its_sender_and_does_not_come_back() {
    for (what, change) in [("removed", None), ("demoted", Some("site_admin"))] {
        let system = System::new();
        let site = site(&system).await;
        system.admit(&site, LEE, "sub_master", now()).await;
        let mia = invite(&site, MIA, "site_admin", now()).by_person(LEE);
        assert_eq!(system.send(mia).await.status, 201);
        let changed = match change {
            Some(role) => set_role(&site, LEE, role, now()),
            None => dismiss(&site, LEE, now()),
        };
        assert_eq!(system.send(changed).await.status, 200, "{what}");
        assert!(system.open(&site, now()).await.is_empty(), "{what}");
        assert!(system.offered(MIA, now()).await.is_empty(), "{what}");
        if change.is_some() {
            let back = set_role(&site, LEE, "sub_master", now());
            assert_eq!(system.send(back).await.status, 200);
        }
        let refused = system.send(accept(&site, MIA, now())).await;
        assert_eq!(refused.problem(), "invitation-not-found", "{what}");
        // Another may invite her in its place.
        system.invited(&site, MIA, "sub_master").await;
        assert_eq!(system.send(accept(&site, MIA, now())).await.status, 201);
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_somebody_else_sends_again_outlives_its_first_sender() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, LEE, "sub_master", now()).await;
    let mia = invite(&site, MIA, "site_admin", now()).by_person(LEE);
    let mia = system.send(mia).await;
    let mia = text(&mia.body["invitation"]["person"]);
    assert_eq!(
        system.send(send_again(&site, &mia, now())).await.status,
        200
    );
    assert_eq!(system.send(dismiss(&site, LEE, now())).await.status, 200);
    assert_eq!(system.send(accept(&site, MIA, now())).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_full_by_now_takes_nobody_more() {
    let system = System::new();
    let site = site(&system).await;
    system.invited(&site, LEE, "site_admin").await;
    for number in 1..20 {
        let email = format!("admin-{number}@example.com");
        system.admit(&site, &email, "site_admin", now()).await;
    }
    let full = system.send(accept(&site, LEE, now())).await;
    assert_eq!(full.problem(), "too-many-administrators", "{full}");
    // Handing over to one of them takes no room.
    let offered = set_role(&site, "admin-1@example.com", "master", now());
    assert_eq!(system.send(offered).await.status, 200);
    let accepted = accept(&site, "admin-1@example.com", now());
    assert_eq!(system.send(accepted).await.status, 201);
    let left = dismiss(&site, "admin-2@example.com", now()).by_person("admin-1@example.com");
    assert_eq!(system.send(left).await.status, 200);
    // Kim, who invited Lee, is a sub-master, who may.
    assert_eq!(system.send(accept(&site, LEE, now())).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn invitations_are_listed_page_by_page() {
    let system = System::new();
    let mut sites = Vec::new();
    for _ in 0..5 {
        let site = site(&system).await;
        system.invited(&site, LEE, "site_admin").await;
        sites.push(site.to_string());
    }
    sites.sort();
    let listing = Call::get("/invitations".to_owned(), now());
    let listing = listing.by_person(LEE).query("limit=2");
    let pages = system.pages(listing, "invitations").await;
    assert_eq!(pages.len(), 3);
    let listed = pages.concat();
    let listed: Vec<String> = listed.iter().map(|one| text(&one["site_id"])).collect();
    assert_eq!(listed, sites);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_once_whatever_happens_on_the_way() {
    for fault in FAULTS.into_iter().chain([Fault::None]) {
        for key in [None, Some("answer")] {
            for (call, role, status, end) in [
                (
                    accept as fn(&_, &_, _) -> Call,
                    "master",
                    201,
                    "administrator_change",
                ),
                (accept, "site_admin", 201, "administrator_change"),
                (decline, "site_admin", 200, "invitation_end"),
            ] {
                let system = System::new();
                let site = site(&system).await;
                system.invited(&site, LEE, role).await;
                let mut call = call(&site, LEE, now());
                call.key = key.map(str::to_owned);
                let answer = system.send_through(fault, call.clone()).await;
                let first = (answer.status, answer.replayed);
                assert_eq!(first, (status, false), "{fault:?} {answer}");
                let kinds = system.kinds(&site, KIM).await;
                assert_eq!(kinds.last().unwrap(), end, "{fault:?}");
                assert_eq!(kinds.len(), 2 + usize::from(role == "master"));
                let again = system.send(call).await;
                if key.is_some() {
                    assert_eq!((again.replayed, &again.body), (true, &answer.body));
                } else {
                    assert_eq!(again.problem(), "invitation-not-found");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_person_used_for_one_site_is_not_used_for_another() {
    let system = System::new();
    let (one, other) = (site(&system).await, site(&system).await);
    for site in [&one, &other] {
        system.invited(site, LEE, "site_admin").await;
    }
    let accepted = system.send(accept(&one, LEE, now()).key("k")).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    let reused = system.send(accept(&other, LEE, now()).key("k")).await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    let created = json!({ "name": "n", "country": "AT", "site_type": "regular" });
    let created = Call::post("/sites".to_owned(), &created, now());
    let reused = system.send(created.by_person(LEE).key("k")).await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    // The key is Lee's: Mia's is another.
    system.invited(&one, MIA, "site_admin").await;
    let mia = system.send(accept(&one, MIA, now()).key("k")).await;
    assert_eq!((mia.status, mia.replayed), (201, false), "{mia}");
}
