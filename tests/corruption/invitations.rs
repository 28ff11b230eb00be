//! Invitations that are not what the statement says, and roles that nobody was offered.

use super::Books;
use crate::harness::{Call, at};
use serde_json::{Value, json};

/// Some other person.
const SOMEBODY: &str = "9N5PQR8SE2K0G4MX";

/// The IDs of the persons on the books of a partner.
struct People {
    kim: Value,
    lee: Value,
    mia: Value,
}

impl Books {
    /// The item with the address of who is invited.
    fn sent(&self) -> Value {
        self.of_partition("SITE#")
    }

    /// The item by which the invited address finds the site.
    fn invited(&self) -> Value {
        self.of_partition("ADMIN#")
    }

    fn of_partition(&self, partition: &str) -> Value {
        let mut items = self.items("INVITATION#").into_iter();
        let is_there = |item: &Value| item["PK"]["S"].as_str().unwrap().starts_with(partition);
        items.find(is_there).unwrap()
    }

    /// Forges a change of a person's role, from the one to the other.
    fn give(&self, by: &Value, person: &Value, roles: [Option<&str>; 2]) {
        let [before, after] = roles.map(|role| match role {
            Some(role) => json!({ "S": role }),
            None => json!({ "NULL": true }),
        });
        self.forge("administrator_change", |entry| {
            entry["actor"]["M"]["person"] = by.clone();
            let change = &mut entry["refers_to"]["M"];
            change["person"] = person.clone();
            change["role_before"] = before;
            change["role_after"] = after;
        });
    }

    fn people(&self) -> People {
        let site = self.site();
        let administrators = &site["administrators"]["L"];
        People {
            kim: administrators[0]["M"]["person"].clone(),
            lee: administrators[1]["M"]["person"].clone(),
            mia: site["invitations"]["L"][0]["M"]["person"].clone(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_invitations_that_is_not_that_of_the_statement_is_found() {
    let found = ["its invitations are not those of its statement"];
    for (member, value) in [
        ("person", json!({ "S": SOMEBODY })),
        ("by", json!({ "S": SOMEBODY })),
        ("role", json!({ "S": "site_admin" })),
        ("sent_at", json!({ "S": "2027-02-11T12:00:00Z" })),
        ("expires_at", json!({ "S": "2027-02-18T12:00:00Z" })),
        ("sent", json!({ "N": "2" })),
    ] {
        let books = Books::of_a_partner().await;
        let mut site = books.site();
        site["invitations"]["L"][0]["M"][member] = value;
        books.put(&site);
        books.shows(&found).await;
    }
    let books = Books::of_a_partner().await;
    let mut site = books.site();
    site.as_object_mut().unwrap().remove("invitations");
    books.put(&site);
    books.shows(&found).await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_was_sent_to_another_or_as_another_is_found() {
    let not_those = "those who find it among their invitations are not those invited";
    let as_another = "an invitation was sent as another than its statement says";
    for (member, value, found) in [
        ("email", json!({ "S": "eve@example.com" }), not_those),
        ("role", json!({ "S": "master" }), as_another),
        ("entry", json!({ "N": "2" }), as_another),
        (
            "over_at",
            json!({ "S": "2027-02-18T12:00:00Z" }),
            as_another,
        ),
    ] {
        let books = Books::of_a_partner().await;
        let mut sent = books.sent();
        sent[member] = value;
        books.put(&sent);
        books.shows(&[found]).await;
    }
    for is_sent in [false, true] {
        let books = Books::of_a_partner().await;
        let gone = if is_sent {
            books.sent()
        } else {
            books.invited()
        };
        books.delete(&gone);
        books.shows(&[not_those]).await;
    }
    // Two addresses are invited as one person.
    let books = Books::of_a_partner().await;
    let mut eve = books.invited();
    eve["PK"]["S"] = json!("ADMIN#eve@example.com");
    books.put(&eve);
    books.shows(&[not_those]).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_invited_or_not_any_more_is_found() {
    let books = Books::of_a_partner().await;
    let mut sent = books.sent();
    sent["SK"]["S"] = json!(format!("INVITATION#{SOMEBODY}"));
    books.put(&sent);
    books
        .shows(&["it has the address of somebody who is not invited"])
        .await;
    let books = Books::of_a_partner().await;
    let mut invited = books.invited();
    invited["PK"]["S"] = json!("ADMIN#eve@example.com");
    invited["person"]["S"] = json!(SOMEBODY);
    books.put(&invited);
    books
        .shows(&["somebody finds it among their invitations who is not invited"])
        .await;

    for (is_sent, found) in [
        (true, "it has the address of somebody who is not invited"),
        (
            false,
            "somebody finds it among their invitations who is not invited",
        ),
    ] {
        let books = Books::of_a_partner().await;
        let item = if is_sent {
            books.sent()
        } else {
            books.invited()
        };
        let mia = books.people().mia["S"].as_str().unwrap().to_owned();
        let withdrawal = format!("/sites/{}/invitations/{mia}", books.site);
        let withdrawal = Call::delete(withdrawal, at("2027-02-11T12:00:00Z"));
        assert_eq!(books.system.send(withdrawal).await.status, 200);
        assert_eq!(books.system.findings().await.violations, []);
        books.put(&item);
        books.shows(&[found]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_nobody_was_offered_is_found_in_a_chain_that_was_forged_whole() {
    let somebody = json!({ "S": SOMEBODY });

    let books = Books::of_a_partner().await;
    books.give(&somebody, &somebody, [None, Some("site_admin")]);
    books
        .shows(&["it was done by somebody who was no administrator"])
        .await;

    let books = Books::of_a_partner().await;
    let People { mia, .. } = books.people();
    books.give(&mia, &mia, [None, Some("site_admin")]);
    books
        .shows(&["a role was given that was not offered"])
        .await;

    let books = Books::of_a_partner().await;
    let People { kim, .. } = books.people();
    books.give(&kim, &somebody, [None, Some("site_admin")]);
    books.shows(&["somebody accepted for another"]).await;

    let books = Books::of_a_partner().await;
    let People { lee, .. } = books.people();
    books.give(&lee, &lee, [Some("site_admin"), Some("master")]);
    books
        .shows(&["somebody became master who did not accept it"])
        .await;

    // What she was offered, in time and too late.
    let books = Books::of_a_partner().await;
    let People { mia, .. } = books.people();
    books.give(&mia, &mia, [None, Some("sub_master")]);
    books
        .shows(&[
            "its administrators are not those of its statement",
            "its invitations are not those of its statement",
        ])
        .await;
    let books = Books::of_a_partner().await;
    let People { mia, .. } = books.people();
    let mut site = books.site();
    site["last_entry_at"]["S"] = json!("2027-02-17T12:00:00Z");
    books.put(&site);
    books.give(&mia, &mia, [None, Some("sub_master")]);
    books
        .shows(&["it was done by somebody who was no administrator"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_was_sent_or_ended_by_somebody_who_may_not_is_found() {
    let books = Books::of_a_partner().await;
    let People { lee, .. } = books.people();
    books.forge("invitation", |entry| {
        entry["actor"]["M"]["person"] = lee;
        entry["refers_to"]["M"]["person"]["S"] = json!(SOMEBODY);
    });
    books
        .shows(&["an invitation was sent by somebody who may not give its role"])
        .await;

    let books = Books::of_a_partner().await;
    let People { lee, .. } = books.people();
    books.forge("invitation", |entry| {
        entry["kind"]["S"] = json!("invitation_end");
        entry["actor"]["M"]["person"] = lee;
        let refers_to = entry["refers_to"]["M"].as_object_mut().unwrap();
        refers_to.remove("role");
        refers_to.insert("outcome".to_owned(), json!({ "S": "withdrawn" }));
    });
    books
        .shows(&["an invitation was ended by somebody who may not"])
        .await;

    let books = Books::of_a_partner().await;
    books.forge("settings_change", |entry| {
        entry["actor"] = json!({ "M": {
            "kind": { "S": "operator" },
            "reference": { "S": "OPS-4711" },
        } });
    });
    books.shows(&["an operator did what none does"]).await;
}
