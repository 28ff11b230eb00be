//! Two who do something with one invitation at once: it ends in one of two orders, and in nothing between.

use super::{LEE, MIA, accept, days_later, decline, dismiss, send_again, site, withdraw};
use crate::administrators::{invite, set_role};
use crate::harness::{Answered, Call, KIM, System};
use crate::races::at_once;
use crate::setup::{now, of, text};
use site_credits::domain::model::change::Write;
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{CommandId, PersonId, SiteId};
use site_credits::store::NotCommitted;
use std::sync::Arc;

/// How often each race is run.
const ROUNDS: u32 = 50;

/// A race: a site of its own, and what was done at once.
struct Race {
    system: Arc<System>,
    site: SiteId,
    /// Which round it is, for what fails.
    round: u32,
}

/// Who is an administrator beside Kim, in the order in which they came.
async fn race(round: u32, administrators: &[(&str, &str)]) -> Race {
    let system = Arc::new(System::new());
    let site = site(&system).await;
    for (email, role) in administrators {
        system.admit(&site, email, role, now()).await;
    }
    Race {
        system,
        site,
        round,
    }
}

impl Race {
    /// Does two things at once. In every other round the second is begun first.
    async fn both(&self, one: Call, other: Call) -> [Answered; 2] {
        let is_turned = self.round % 2 == 1;
        let calls = if is_turned {
            [other, one]
        } else {
            [one, other]
        };
        let mut answers = at_once(&self.system, calls.to_vec()).await;
        if is_turned {
            answers.reverse();
        }
        answers.try_into().unwrap()
    }

    /// The addresses of the administrators and their roles are just these.
    fn has(&self, roles: &[&str]) {
        assert_eq!(self.system.roles(&self.site), roles, "round {}", self.round);
    }

    /// A request was refused as this problem.
    fn refused(&self, answer: &Answered, problem: &str) {
        assert_eq!(answer.problem(), problem, "round {}: {answer}", self.round);
    }

    /// Nothing is left of any invitation.
    fn has_forgotten(&self) {
        let left = self.system.items_with("INVITATION#");
        assert_eq!(left, 0, "round {}", self.round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_accept_the_masters_role_one_becomes_master() {
    for round in 0..ROUNDS {
        let race = race(round, &[]).await;
        race.system.invited(&race.site, LEE, "master").await;
        race.system.invited(&race.site, MIA, "master").await;
        let [lee, mia] = race
            .both(
                accept(&race.site, LEE, now()),
                accept(&race.site, MIA, now()),
            )
            .await;
        let (winner, won, lost) = if lee.status == 201 {
            (LEE, lee, mia)
        } else {
            (MIA, mia, lee)
        };
        assert_eq!(won.status, 201, "round {round}: {won}");
        race.refused(&lost, "invitation-not-found");
        race.has(&["kim@example.com sub_master", &format!("{winner} master")]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_who_answers_twice_at_once_answers_once() {
    for round in 0..ROUNDS {
        let race = race(round, &[]).await;
        race.system.invited(&race.site, LEE, "site_admin").await;
        let [accepted, declined] = race
            .both(
                accept(&race.site, LEE, now()),
                decline(&race.site, LEE, now()),
            )
            .await;
        if accepted.status == 201 {
            race.refused(&declined, "invitation-not-found");
            race.has(&["kim@example.com master", "lee@example.com site_admin"]);
        } else {
            race.refused(&accepted, "invitation-not-found");
            assert_eq!(declined.status, 200, "round {round}: {declined}");
            race.has(&["kim@example.com master"]);
            assert_eq!(race.system.items_with(LEE), 0);
        }
        race.has_forgotten();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_withdrawn_while_it_is_accepted_is_either_and_not_both() {
    let (mut withdrawals, mut acceptances) = (0, 0);
    for round in 0..2 * ROUNDS {
        let race = race(round, &[]).await;
        let lee = race.system.invited(&race.site, LEE, "site_admin").await;
        let [withdrawn, accepted] = race
            .both(
                withdraw(&race.site, &lee, now()),
                accept(&race.site, LEE, now()),
            )
            .await;
        let kinds = race.system.kinds(&race.site, KIM).await;
        if accepted.status == 201 {
            race.refused(&withdrawn, "invitation-not-found");
            race.has(&["kim@example.com master", "lee@example.com site_admin"]);
            assert_eq!(kinds, ["invitation", "administrator_change"]);
            acceptances += 1;
        } else {
            race.refused(&accepted, "invitation-not-found");
            assert_eq!(withdrawn.status, 200, "round {round}: {withdrawn}");
            race.has(&["kim@example.com master"]);
            assert_eq!(kinds, ["invitation", "invitation_end"]);
            withdrawals += 1;
        }
        race.has_forgotten();
    }
    assert!(
        withdrawals > 0 && acceptances > 0,
        "{withdrawals} {acceptances}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_sent_again_while_it_is_accepted_is_not_left_open() {
    for round in 0..ROUNDS {
        let race = race(round, &[]).await;
        let lee = race.system.invited(&race.site, LEE, "site_admin").await;
        let [again, accepted] = race
            .both(
                send_again(&race.site, &lee, now()),
                accept(&race.site, LEE, now()),
            )
            .await;
        assert_eq!(accepted.status, 201, "round {round}: {accepted}");
        if again.status != 200 {
            race.refused(&again, "invitation-not-found");
        }
        race.has(&["kim@example.com master", "lee@example.com site_admin"]);
        race.has_forgotten();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_invited_is_removed_or_demoted_before_the_acceptance_or_after_it() {
    for round in 0..ROUNDS {
        for is_demoted in [false, true] {
            let race = race(round, &[(LEE, "sub_master")]).await;
            let invited = invite(&race.site, MIA, "site_admin", now()).by_person(LEE);
            assert_eq!(race.system.send(invited).await.status, 201);
            let change = if is_demoted {
                set_role(&race.site, LEE, "site_admin", now())
            } else {
                dismiss(&race.site, LEE, now())
            };
            let [changed, accepted] = race.both(change, accept(&race.site, MIA, now())).await;
            assert_eq!(changed.status, 200, "round {round}: {changed}");
            let mut roles = vec!["kim@example.com master"];
            roles.extend(is_demoted.then_some("lee@example.com site_admin"));
            if accepted.status == 201 {
                roles.push("mia@example.com site_admin");
                race.has_forgotten();
            } else {
                // What is left of it gives nothing, and expires.
                race.refused(&accepted, "invitation-not-found");
            }
            race.has(&roles);
            assert!(race.system.offered(MIA, now()).await.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_role_changes_while_they_take_the_site_over_is_its_master_in_either_order() {
    for round in 0..ROUNDS {
        let race = race(round, &[(LEE, "sub_master")]).await;
        let offered = set_role(&race.site, LEE, "master", now());
        assert_eq!(race.system.send(offered).await.status, 200);
        let [changed, accepted] = race
            .both(
                set_role(&race.site, LEE, "site_admin", now()),
                accept(&race.site, LEE, now()),
            )
            .await;
        assert_eq!(accepted.status, 201, "round {round}: {accepted}");
        if changed.status != 200 {
            race.refused(&changed, "last-master");
        }
        race.has(&["kim@example.com sub_master", "lee@example.com master"]);
        race.has_forgotten();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_is_deleted_while_it_is_handed_over_is_deleted_or_handed_over() {
    for round in 0..ROUNDS {
        for role in ["master", "site_admin"] {
            let race = race(round, &[]).await;
            race.system.invited(&race.site, LEE, role).await;
            let [deleted, accepted] = race
                .both(
                    Call::delete(of(&race.site, ""), now()),
                    accept(&race.site, LEE, now()),
                )
                .await;
            if accepted.status == 201 && role == "master" {
                race.refused(&deleted, "not-allowed");
                race.has(&["kim@example.com sub_master", "lee@example.com master"]);
            } else {
                assert_eq!(deleted.status, 200, "round {round}: {deleted}");
                race.has(&[]);
                assert_eq!(race.system.items_with(LEE), 0, "round {round}");
            }
            if accepted.status != 201 {
                race.refused(&accepted, "invitation-not-found");
            }
            race.has_forgotten();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_invite_the_same_person_at_once_one_does() {
    for round in 0..ROUNDS {
        let race = race(round, &[(LEE, "sub_master")]).await;
        let mut answers = race
            .both(
                invite(&race.site, MIA, "site_admin", now()),
                invite(&race.site, MIA, "sub_master", now()).by_person(LEE),
            )
            .await;
        answers.sort_by_key(|answer| answer.status);
        let [one, other] = answers;
        assert_eq!(one.status, 201, "round {round}: {one}");
        race.refused(&other, "invitation-exists");
        let role = text(&one.body["invitation"]["role"]);
        let open = [format!("mia@example.com {role}")];
        assert_eq!(race.system.open(&race.site, now()).await, open);
        assert_eq!(race.system.items_with(MIA), 2, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_was_found_otherwise_is_not_invited() {
    // The address and the site are read in one request, and not as of one instant.
    let system = System::new();
    let site = site(&system).await;
    let invited_as_read = async |found: Option<PersonId>| {
        let write = Write::Invited {
            email: Email::parse(LEE).unwrap(),
            site_id: site.clone(),
            person: PersonId::random(),
            found,
            over_at: days_later(7),
        };
        let store = system.quiet();
        store.commit(&[write], &CommandId::random()).await
    };
    let is_lost = |outcome| matches!(outcome, Err(NotCommitted::Lost(places)) if places == [0]);
    let lee = system.invited(&site, LEE, "site_admin").await;
    assert!(is_lost(invited_as_read(None).await), "as nobody");
    let other = Some(PersonId::random());
    assert!(is_lost(invited_as_read(other).await), "as somebody else");
    assert_eq!(system.send(withdraw(&site, &lee, now())).await.status, 200);
    let lee = Some(PersonId::parse(&lee).unwrap());
    assert!(is_lost(invited_as_read(lee).await), "as invited");
}
