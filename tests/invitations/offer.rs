//! Offering a role, sending the offer again and withdrawing it.

use super::{LEE, MIA, accept, days_later, dismiss, send_again, site, withdraw};
use crate::administrators::{invite, set_role};
use crate::faults::FAULTS;
use crate::harness::{Call, System};
use crate::setup::{now, of, text};
use crate::shown::problems;
use insta::assert_snapshot;
use run_local::faults::Fault;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn an_invitation_says_who_is_offered_what_until_when_and_gives_nothing() {
    let system = System::new();
    let site = site(&system).await;
    let invited = invite(&site, " Lee@Example.com", "sub_master", now());
    assert_snapshot!(system.send(invited).await, @r#"
    201
    {
      "administrators": [{ "email": "kim@example.com", "person": "[person 1]", "role": "master" }],
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "invitation",
        "previous_hash": "[hash 2]",
        "refers_to": { "person": "[person 2]", "role": "sub_master" },
        "sequence": 2,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "invitation": {
        "by": "[person 1]",
        "email": "lee@example.com",
        "expires_at": "2026-12-16T12:00:00Z",
        "person": "[person 2]",
        "role": "sub_master",
        "sent": 1,
        "sent_at": "2026-12-09T12:00:00Z"
      }
    }
    "#);
    let shown = system
        .send(Call::get(of(&site, ""), now()).by_person(LEE))
        .await;
    assert_eq!(shown.problem(), "site-not-found");
    assert_eq!(
        system.open(&site, now()).await,
        ["lee@example.com sub_master"]
    );
    let listed = Call::get("/invitations".to_owned(), now()).by_person(LEE);
    assert_snapshot!(system.send(listed).await, @r#"
    200
    {
      "invitations": [
        {
          "country": "AT",
          "expires_at": "2026-12-16T12:00:00Z",
          "role": "sub_master",
          "sent_at": "2026-12-09T12:00:00Z",
          "site_id": "[site 1]",
          "site_name": "Harbour Gym"
        }
      ],
      "next_cursor": null
    }
    "#);
    assert!(system.offered(MIA, now()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_invited_is_not_invited_to_anything_else_until_that_is_over() {
    let system = System::new();
    let site = site(&system).await;
    let first = system.invited(&site, LEE, "site_admin").await;
    let calls = [
        ("the same", invite(&site, LEE, "site_admin", now())),
        ("another role", invite(&site, LEE, "sub_master", now())),
        ("the site", invite(&site, LEE, "master", days_later(6))),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    the same → 409 invitation-exists: lee@example.com is invited to this site already: send that invitation again, or withdraw it
    another role → 409 invitation-exists: lee@example.com is invited to this site already: send that invitation again, or withdraw it
    the site → 409 invitation-exists: lee@example.com is invited to this site already: send that invitation again, or withdraw it
    ");
    let again = system
        .send(invite(&site, LEE, "master", days_later(7)))
        .await;
    assert_eq!(again.status, 201, "{again}");
    assert_ne!(again.body["invitation"]["person"], json!(first));
    // The items of the first are gone.
    assert_eq!(system.items_with("INVITATION#"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_is_sent_again_is_open_for_seven_days_more_at_most_five_times() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, MIA, "sub_master", now()).await;
    let lee = system.invited(&site, LEE, "site_admin").await;
    let again = send_again(&site, &lee, days_later(6)).by_person(MIA);
    assert_snapshot!(system.send(again).await, @r#"
    200
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-15T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "invitation",
        "previous_hash": "[hash 2]",
        "refers_to": { "person": "[person 2]", "role": "site_admin" },
        "sequence": 5,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "invitation": {
        "by": "[person 1]",
        "expires_at": "2026-12-22T12:00:00Z",
        "person": "[person 2]",
        "role": "site_admin",
        "sent": 2,
        "sent_at": "2026-12-15T12:00:00Z"
      }
    }
    "#);
    for day in [12, 18, 24, 30] {
        let again = system.send(send_again(&site, &lee, days_later(day))).await;
        assert_eq!(again.status, 200, "{again}");
    }
    let often = send_again(&site, &lee, days_later(36));
    assert_snapshot!(problems(&system, [("a sixth time", often)]).await, @"
    a sixth time → 409 too-many-sendings: an invitation is sent again at most 5 times: withdraw it and invite anew
    ");
    let accepted = system.send(accept(&site, LEE, days_later(36))).await;
    assert_eq!(accepted.status, 201, "{accepted}");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_is_withdrawn_gives_nothing_and_leaves_no_address() {
    let system = System::new();
    let site = site(&system).await;
    let lee = system.invited(&site, LEE, "site_admin").await;
    assert_eq!(system.items_with(LEE), 2);
    let withdrawn = system.send(withdraw(&site, &lee, now())).await;
    assert_snapshot!(withdrawn, @r#"
    200
    {
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "invitation_end",
        "previous_hash": "[hash 2]",
        "refers_to": { "outcome": "withdrawn", "person": "[person 2]" },
        "sequence": 3,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "person": "[person 2]"
    }
    "#);
    assert_eq!(system.items_with(LEE), 0);
    assert!(system.open(&site, now()).await.is_empty());
    assert!(system.offered(LEE, now()).await.is_empty());
    let calls = [
        ("accepting it", accept(&site, LEE, now())),
        ("withdrawing it again", withdraw(&site, &lee, now())),
        ("sending it again", send_again(&site, &lee, now())),
        ("withdrawing what is none", withdraw(&site, "none", now())),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    accepting it → 404 invitation-not-found: there is no such invitation
    withdrawing it again → 404 invitation-not-found: there is no such invitation
    sending it again → 404 invitation-not-found: there is no such invitation
    withdrawing what is none → 404 invitation-not-found: there is no such invitation
    ");
    // Somebody who was invited once can be again.
    system.invited(&site, LEE, "master").await;
}

#[tokio::test(start_paused = true)]
async fn no_request_on_a_site_remembers_whom_it_invited() {
    let system = System::new();
    let site = site(&system).await;
    let call = invite(&site, LEE, "site_admin", now()).key("invitation");
    let first = system.send(call.clone()).await;
    let again = system.send(call.clone()).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
    let lee = text(&first.body["invitation"]["person"]);
    let resent = send_again(&site, &lee, now()).key("again");
    assert_eq!(system.send(resent).await.status, 200);
    let withdrawn = withdraw(&site, &lee, now()).key("withdrawal");
    assert_eq!(system.send(withdrawn).await.status, 200);
    assert_eq!(system.items_with("REQUEST#"), 3);
    assert_eq!(system.items_with(LEE), 0);
    // The first answer is given still, address and all: it is the asker's own.
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
}

#[tokio::test(start_paused = true)]
async fn only_who_may_give_a_role_offers_withdraws_and_sends_it_again() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, LEE, "sub_master", now()).await;
    system.admit(&site, MIA, "site_admin", now()).await;
    let zoe = system.invited(&site, "zoe@example.com", "master").await;
    let una = system.invited(&site, "una@example.com", "site_admin").await;
    let calls = [
        (
            "a sub-master, the master's",
            withdraw(&site, &zoe, now()).by_person(LEE),
        ),
        (
            "a sub-master, the master's, again",
            send_again(&site, &zoe, now()).by_person(LEE),
        ),
        (
            "a site admin, any",
            withdraw(&site, &una, now()).by_person(MIA),
        ),
        (
            "a site admin, any, again",
            send_again(&site, &una, now()).by_person(MIA),
        ),
        (
            "an invited person",
            withdraw(&site, &una, now()).by_person("una@example.com"),
        ),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    a sub-master, the master's → 403 not-allowed: only its master hands a site over
    a sub-master, the master's, again → 403 not-allowed: only its master hands a site over
    a site admin, any → 403 not-allowed: the master and the sub-masters invite, change and remove administrators
    a site admin, any, again → 403 not-allowed: the master and the sub-masters invite, change and remove administrators
    an invited person → 404 site-not-found: there is no such site
    ");
    let listed = Call::get(of(&site, "/invitations"), now()).by_person(MIA);
    let listed = system.send(listed).await;
    assert_eq!(listed.body["invitations"].as_array().unwrap().len(), 2);
    let withdrawn = withdraw(&site, &una, now()).by_person(LEE);
    assert_eq!(system.send(withdrawn).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn twenty_invitations_are_open_at_most_and_those_that_are_over_do_not_count() {
    let system = System::new();
    let site = site(&system).await;
    for number in 0..20 {
        let email = format!("guest-{number}@example.com");
        system.invited(&site, &email, "site_admin").await;
    }
    let more = |now| invite(&site, LEE, "site_admin", now);
    assert_snapshot!(problems(&system, [("one more", more(now()))]).await, @"
    one more → 409 too-many-invitations: a site has at most 20 open invitations
    ");
    assert_eq!(system.open(&site, now()).await.len(), 20);
    let later = system.send(more(days_later(7))).await;
    assert_eq!(later.status, 201, "{later}");
    assert_eq!(system.open(&site, days_later(7)).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_site_is_deleted_with_all_its_administrators_and_invitations() {
    let system = System::new();
    let site = site(&system).await;
    for number in 1..20 {
        let email = format!("admin-{number}@example.com");
        system.admit(&site, &email, "site_admin", now()).await;
    }
    for number in 1..20 {
        let email = format!("admin-{number}@example.com");
        let offered = system.send(set_role(&site, &email, "master", now())).await;
        assert_eq!(offered.status, 200, "{offered}");
    }
    let deleted = system.send(Call::delete(of(&site, ""), now())).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    assert_eq!(system.items_with("INVITATION#"), 0);
    assert_eq!(system.items_with("admin-7@example.com"), 0);
    assert!(
        system
            .offered("admin-7@example.com", now())
            .await
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_removed_loses_the_offer_of_the_site() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, LEE, "sub_master", now()).await;
    let offered = system.send(set_role(&site, LEE, "master", now())).await;
    assert_eq!(offered.status, 200, "{offered}");
    let removed = system.send(dismiss(&site, LEE, now())).await;
    assert_eq!(removed.status, 200, "{removed}");
    let refused = system.send(accept(&site, LEE, now())).await;
    assert_eq!(refused.problem(), "invitation-not-found");
    assert_eq!(system.items_with(LEE), 0);
}

#[tokio::test(start_paused = true)]
async fn an_offer_is_made_once_whatever_happens_on_the_way() {
    for fault in FAULTS.into_iter().chain([Fault::None]) {
        for key in [None, Some("k")] {
            let system = System::new();
            let site = site(&system).await;
            let send = async |mut call: Call| {
                call.key = key.map(|key| format!("{key}-{}-{}", call.method, call.path.len()));
                let answer = system.send_through(fault, call).await;
                assert!(
                    answer.status < 300 && !answer.replayed,
                    "{fault:?} {answer}"
                );
                answer
            };
            let invited = send(invite(&site, LEE, "site_admin", now())).await;
            assert_eq!(invited.body["invitation"]["email"], LEE);
            let lee = text(&invited.body["invitation"]["person"]);
            let again = send(send_again(&site, &lee, now())).await;
            assert_eq!(again.body["invitation"]["sent"], 2);
            send(withdraw(&site, &lee, now())).await;
            let kinds = system.kinds(&site, "kim@example.com").await;
            assert_eq!(kinds, ["invitation", "invitation", "invitation_end"]);
        }
    }
}
