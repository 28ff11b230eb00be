//! `DELETE …/users/{user_id}`, and what is left of the users of a deleted site.

use super::{add, change, import, remove, users};
use crate::harness::{CARD_LINK_BASE, Call, System, at};
use crate::setup::{now, of, text};
use insta::assert_snapshot;
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::values::ids::SiteId;
use std::sync::Arc;

/// How many items hold a text.
fn holding(system: &System, what: &str) -> usize {
    let items = system.items();
    items
        .iter()
        .filter(|item| item.to_string().contains(what))
        .count()
}

fn annabel() -> Value {
    json!({
        "user_id": "ann", "name": "Annabel", "email": "annabel@example.com", "mobile": "+436641234567",
    })
}

/// Issues a card, and says the token of its link.
async fn token_of_card(system: &System, site: &SiteId, user: &str) -> String {
    let issue = Call::post(users(site, &format!("/{user}/card")), &json!({}), now());
    let issued = system.send(issue.key("card")).await;
    let link = text(&issued.body["card"]["link"]);
    link.strip_prefix(CARD_LINK_BASE).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_removed_user_leaves_nothing_personal_behind() {
    let system = System::new();
    let site = system.regular().await;
    system.recharge(&site, 5, 0, now()).await;
    let added = system.send(add(&site, &annabel()).key("add")).await;
    let renamed = change(&site, "ann", &json!({ "name": "Annabella" })).key("p");
    assert_eq!(system.send(renamed).await.status, 200);
    let token = token_of_card(&system, &site, "ann").await;
    // No item has the token, and the number and the name are in the user's item alone.
    assert_eq!(holding(&system, &token), 0);
    assert_eq!(holding(&system, "6641234567"), 1);
    assert_eq!(holding(&system, "Annabel"), 1);
    let removal = remove(&site, "ann").key("remove");
    assert_snapshot!(system.send(removal.clone()).await, @r#"
    200
    { "user_id": "ann" }
    "#);
    assert_eq!(holding(&system, "6641234567"), 0);
    assert_eq!(holding(&system, "nnabel"), 0);
    let again = system.send(removal).await;
    assert_eq!((again.status, again.replayed), (200, true), "{again}");
    let opened = system
        .send(Call::get(format!("/cards/{token}"), now()))
        .await;
    assert_eq!(opened.problem(), "card-not-found");
    let gone = system.send(remove(&site, "ann")).await;
    assert_eq!(gone.problem(), "user-not-found");
    // The first answer to the addition is given again, made of what the repetition itself says.
    let replayed = system.send(add(&site, &annabel()).key("add")).await;
    assert_eq!((replayed.replayed, &replayed.body), (true, &added.body));
}

/// A hundred users with names and numbers, as a file.
fn hundred() -> String {
    let lines = (0..100).map(|n| format!("x{n},Somebody,0664 12345{n:02}\n"));
    format!("user_id,name,mobile\n{}", lines.collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn the_schedule_erases_the_users_of_a_deleted_site_even_if_it_dies_half_way() {
    for death in 0..5 {
        let system = System::new();
        let site = system.regular().await;
        system.recharge(&site, 9, 0, now()).await;
        let imported = system.send(import(&site, &hundred())).await;
        assert_eq!(imported.body["added"], 100);
        let token = token_of_card(&system, &site, "x7").await;
        let delete = Call::delete(of(&site, ""), now()).query("forfeit=true");
        assert_eq!(system.send(delete).await.status, 200);
        system.fault_at_writes(move |number| number == death, Fault::CrashAfter);
        let wire = Arc::clone(&system.wire);
        let later = at("2026-12-09T12:15:00Z");
        tokio::select! {
            biased;
            () = wire.crashed.notified() => {}
            report = system.deduct(later) => {
                assert_eq!(report["erased"], 100);
                assert_eq!(report["left"], 0);
            }
        }
        system.wire.quiet();
        system.deduct(later).await;
        assert_eq!(holding(&system, "Somebody"), 0, "{death}");
        assert_eq!(holding(&system, "66412345"), 0, "{death}");
        let opened = system
            .send(Call::get(format!("/cards/{token}"), now()))
            .await;
        assert_eq!(opened.problem(), "card-not-found");
        assert_eq!(system.deduct(later).await["erased"], 0);
    }
}
