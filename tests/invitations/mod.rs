//! Invitations: a role is offered, and given once the invited person accepts it.

mod answer;
mod notices;
mod offer;
mod operator;
mod races;

use crate::administrators::invite;
use crate::harness::{Call, KIM, System};
use crate::setup::{now, of, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use site_credits::domain::values::ids::SiteId;

const LEE: &str = "lee@example.com";
const MIA: &str = "mia@example.com";

pub(crate) fn accept(site: &SiteId, by: &str, now: Timestamp) -> Call {
    Call::act(format!("/invitations/{site}/acceptance"), now).by_person(by)
}

pub(crate) fn decline(site: &SiteId, by: &str, now: Timestamp) -> Call {
    Call::act(format!("/invitations/{site}/refusal"), now).by_person(by)
}

fn withdraw(site: &SiteId, person: &str, now: Timestamp) -> Call {
    Call::delete(of(site, &format!("/invitations/{person}")), now)
}

fn send_again(site: &SiteId, person: &str, now: Timestamp) -> Call {
    let rest = format!("/invitations/{person}/resending");
    Call::act(of(site, &rest), now)
}

fn dismiss(site: &SiteId, email: &str, now: Timestamp) -> Call {
    Call::delete(of(site, &format!("/admins/{email}")), now)
}

/// An instant so many days after the others.
fn days_later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

impl System {
    /// Has Kim invite a person; the ID that the person gets.
    async fn invited(&self, site: &SiteId, email: &str, role: &str) -> String {
        let invited = self.send(invite(site, email, role, now())).await;
        assert_eq!(invited.status, 201, "{invited}");
        text(&invited.body["invitation"]["person"])
    }

    /// The open invitations of a site: to whom and as what.
    async fn open(&self, site: &SiteId, now: Timestamp) -> Vec<String> {
        let listed = self.send(Call::get(of(site, "/invitations"), now)).await;
        assert_eq!(listed.status, 200, "{listed}");
        let open = listed.body["invitations"].as_array().unwrap().iter();
        open.map(|one| format!("{} {}", text(&one["email"]), text(&one["role"])))
            .collect()
    }

    /// The sites that a person is invited to, and as what.
    async fn offered(&self, to: &str, now: Timestamp) -> Vec<String> {
        let listing = Call::get("/invitations".to_owned(), now).by_person(to);
        let listed = self.send(listing).await;
        assert_eq!(listed.status, 200, "{listed}");
        let offered = listed.body["invitations"].as_array().unwrap().iter();
        offered
            .map(|one| format!("{} {}", text(&one["site_id"]), text(&one["role"])))
            .collect()
    }

    /// The roles on a site, by the items themselves: whoever is its administrator by now may be anybody.
    fn roles(&self, site: &SiteId) -> Vec<String> {
        let mut items = self.items().into_iter();
        let item = items
            .find(|item| item["PK"]["S"] == format!("SITE#{site}") && item["SK"]["S"] == "SITE");
        let administrators = item.unwrap()["administrators"]["L"].take();
        let administrators = administrators.as_array().unwrap().iter();
        administrators
            .map(|one| {
                let member = |name: &str| text(&one["M"][name]["S"]);
                format!("{} {}", member("email"), member("role"))
            })
            .collect()
    }

    /// The kinds of the entries of a site's statement after the first, as one of its administrators reads them.
    async fn kinds(&self, site: &SiteId, by: &str) -> Vec<String> {
        let entries = self.statement_by(site, by, now()).await;
        entries[1..]
            .iter()
            .map(|entry| text(&entry["kind"]))
            .collect()
    }

    /// How many items have a text anywhere, which is nobody's any more.
    fn items_with(&self, text: &str) -> usize {
        let items = self.items().into_iter();
        items
            .filter(|item: &Value| item.to_string().contains(text))
            .count()
    }
}

/// A regular site whose master is Kim.
async fn site(system: &System) -> SiteId {
    let site = system.regular().await;
    assert_eq!(system.roles(&site), [format!("{KIM} master")]);
    site
}
