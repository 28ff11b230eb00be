//! `/sites/{site_id}/admins`: who may invite, change roles and hand a site over, and leaving.

use crate::harness::{Call, KIM, System, license_of};
use crate::invitations::accept;
use crate::setup::{now, of, text};
use crate::shown::problems;
use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::json;
use site_credits::domain::values::ids::SiteId;

const LEE: &str = "lee@example.com";
const MIA: &str = "mia@example.com";

pub(crate) fn invite(site: &SiteId, email: &str, role: &str, now: Timestamp) -> Call {
    let body = json!({ "email": email, "role": role });
    Call::post(of(site, "/admins"), &body, now)
}

pub(crate) fn set_role(site: &SiteId, email: &str, role: &str, now: Timestamp) -> Call {
    let path = of(site, &format!("/admins/{email}"));
    Call::patch(path, &json!({ "role": role }), now)
}

fn dismiss(site: &SiteId, email: &str) -> Call {
    Call::delete(of(site, &format!("/admins/{email}")), now())
}

fn delete(site: &SiteId) -> Call {
    Call::delete(of(site, ""), now())
}

/// A regular site: its master is Kim, its sub-master Lee, its site admin Mia.
async fn site_of_three(system: &System) -> SiteId {
    let site = system.regular().await;
    let lee = invite(&site, "Lee@Example.COM", "sub_master", now());
    let mia = invite(&site, MIA, "site_admin", now()).by_person(LEE);
    for (invitation, email) in [(lee, LEE), (mia, MIA)] {
        for call in [invitation, accept(&site, email, now())] {
            let answer = system.send(call).await;
            assert_eq!(answer.status, 201, "{answer}");
        }
    }
    site
}

/// A site's administrators and their roles, as one of them sees them.
async fn roles(system: &System, site: &SiteId, by: &str) -> Vec<String> {
    let listing = Call::get(of(site, "/admins"), now()).by_person(by);
    let listed = system.send(listing).await;
    let administrators = listed.body["administrators"].as_array().unwrap().iter();
    administrators
        .map(|one| format!("{} {}", text(&one["email"]), text(&one["role"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn nobody_is_invited_who_is_an_administrator() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let twice = system.send(invite(&site, LEE, "site_admin", now())).await;
    assert_snapshot!(twice, @r#"
    409
    {
      "code": "administrator-exists",
      "detail": "lee@example.com is an administrator of this site already",
      "status": 409,
      "title": "The administrator exists",
      "type": "urn:site-credits:problem:administrator-exists"
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_site_admin_changes_settings_and_no_administrator_and_does_not_delete() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let renamed = Call::patch(of(&site, ""), &json!({ "name": "New" }), now()).by_person(MIA);
    assert_eq!(system.send(renamed).await.status, 200);
    let calls = [
        (
            "inviting",
            invite(&site, "new@example.com", "site_admin", now()),
        ),
        (
            "promoting herself",
            set_role(&site, MIA, "sub_master", now()),
        ),
        ("removing another", dismiss(&site, LEE)),
        ("deleting the site", delete(&site)),
    ]
    .map(|(what, call)| (what, call.by_person(MIA)));
    assert_snapshot!(problems(&system, calls).await, @"
    inviting → 403 not-allowed: the master and the sub-masters invite, change and remove administrators
    promoting herself → 403 not-allowed: the master and the sub-masters invite, change and remove administrators
    removing another → 403 not-allowed: the master and the sub-masters invite, change and remove administrators
    deleting the site → 403 not-allowed: only its master deletes a site
    ");
}

#[tokio::test(start_paused = true)]
async fn a_sub_master_does_not_hand_over_or_delete_the_site() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let calls = [
        (
            "inviting a master",
            invite(&site, "new@example.com", "master", now()),
        ),
        ("becoming master", set_role(&site, LEE, "master", now())),
        ("deleting the site", delete(&site)),
    ]
    .map(|(what, call)| (what, call.by_person(LEE)));
    assert_snapshot!(problems(&system, calls).await, @"
    inviting a master → 403 not-allowed: only its master hands a site over
    becoming master → 403 not-allowed: only its master hands a site over
    deleting the site → 403 not-allowed: only its master deletes a site
    ");
}

#[tokio::test(start_paused = true)]
async fn the_last_master_stays_master() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let calls = [
        (
            "demoted by a sub-master",
            set_role(&site, KIM, "site_admin", now()).by_person(LEE),
        ),
        (
            "demoted by themselves",
            set_role(&site, KIM, "site_admin", now()),
        ),
        (
            "removed by a sub-master",
            dismiss(&site, KIM).by_person(LEE),
        ),
        ("removed by themselves", dismiss(&site, KIM)),
    ];
    assert_snapshot!(problems(&system, calls).await, @"
    demoted by a sub-master → 409 last-master: a site has one master, who can hand it over and cannot leave it
    demoted by themselves → 409 last-master: a site has one master, who can hand it over and cannot leave it
    removed by a sub-master → 409 last-master: a site has one master, who can hand it over and cannot leave it
    removed by themselves → 409 last-master: a site has one master, who can hand it over and cannot leave it
    ");
}

#[tokio::test(start_paused = true)]
async fn a_master_hands_the_site_over_and_is_sub_master_once_that_is_accepted() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let offered = system.send(set_role(&site, LEE, "master", now())).await;
    assert_snapshot!(offered, @r#"
    200
    {
      "administrators": [
        { "email": "kim@example.com", "person": "[person 1]", "role": "master" },
        { "email": "lee@example.com", "person": "[person 2]", "role": "sub_master" },
        { "email": "mia@example.com", "person": "[person 3]", "role": "site_admin" }
      ],
      "entry": {
        "actor": { "kind": "administrator", "person": "[person 1]" },
        "at": "2026-12-09T12:00:00Z",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
        "form": 2,
        "hash": "[hash 1]",
        "kind": "invitation",
        "previous_hash": "[hash 2]",
        "refers_to": { "person": "[person 2]", "role": "master" },
        "sequence": 6,
        "site_id": "[site 1]",
        "status": "activated"
      },
      "invitation": {
        "by": "[person 1]",
        "email": "lee@example.com",
        "expires_at": "2026-12-16T12:00:00Z",
        "person": "[person 2]",
        "role": "master",
        "sent": 1,
        "sent_at": "2026-12-09T12:00:00Z"
      }
    }
    "#);
    let as_before = [
        "kim@example.com master",
        "lee@example.com sub_master",
        "mia@example.com site_admin",
    ];
    assert_eq!(roles(&system, &site, MIA).await, as_before);
    let accepted = system.send(accept(&site, LEE, now())).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    let handed = [
        "kim@example.com sub_master",
        "lee@example.com master",
        "mia@example.com site_admin",
    ];
    assert_eq!(roles(&system, &site, MIA).await, handed);
    // Handing over to somebody new.
    let zoe = invite(&site, "zoe@example.com", "master", now()).by_person(LEE);
    for call in [zoe, accept(&site, "zoe@example.com", now())] {
        let answer = system.send(call).await;
        assert_eq!(answer.status, 201, "{answer}");
    }
    assert_eq!(
        roles(&system, &site, MIA).await,
        [
            "kim@example.com sub_master",
            "lee@example.com sub_master",
            "mia@example.com site_admin",
            "zoe@example.com master",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_finds_the_site_no_more() {
    let system = System::new();
    let site = site_of_three(&system).await;
    let left = system.send(dismiss(&site, MIA).by_person(MIA)).await;
    assert_eq!(left.status, 200, "{left}");
    let gone = system.send(license_of(&site, now()).by_person(MIA)).await;
    assert_eq!(gone.problem(), "site-not-found");
    let listed = Call::get("/sites".to_owned(), now()).by_person(MIA);
    assert_eq!(system.send(listed).await.body["sites"], json!([]));
    let calls = [
        ("removing her again", dismiss(&site, MIA)),
        ("removing what is not an address", dismiss(&site, "nobody")),
        (
            "inviting an address that does not fit a path",
            invite(&site, "a/b@example.com", "site_admin", now()),
        ),
    ];
    assert_snapshot!(problems(&system, calls).await, @r"
    removing her again → 404 administrator-not-found: there is no such administrator
    removing what is not an address → 404 administrator-not-found: there is no such administrator
    inviting an address that does not fit a path → 400 malformed-request: email must be one e-mail address such as kim@example.com, of at most 254 bytes, without spaces, invisible characters and / ? # % \
    ");
}

#[tokio::test(start_paused = true)]
async fn a_site_has_at_most_twenty_administrators_and_all_of_them_lose_it_at_once() {
    let system = System::new();
    let site = system.regular().await;
    let admin = |number: u8| {
        invite(
            &site,
            &format!("admin-{number}@example.com"),
            "site_admin",
            now(),
        )
    };
    for number in 1..20 {
        let email = format!("admin-{number}@example.com");
        system.admit(&site, &email, "site_admin", now()).await;
    }
    assert_snapshot!(system.send(admin(20)).await, @r#"
    422
    {
      "code": "too-many-administrators",
      "detail": "a site has at most 20 administrators",
      "status": 422,
      "title": "The site has too many administrators",
      "type": "urn:site-credits:problem:too-many-administrators"
    }
    "#);
    let deleted = system.send(delete(&site)).await;
    assert_eq!(deleted.status, 200, "{deleted}");
}
