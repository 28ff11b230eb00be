//! What entries explain, and whom they name: forged whole, with every hash made anew, so that nothing but their meaning is wrong.

use super::{Books, dynamo};
use serde_json::{Value, json};
use site_credits::store::decode_entry;

impl Books {
    /// Changes an entry, and makes every hash from there on anew.
    fn rewrite(&self, sequence: usize, change: impl FnOnce(&mut Value)) {
        let mut items = self.items("ENTRY#");
        change(&mut items[sequence - 1]);
        let mut previous = None;
        for item in &mut items[sequence - 1..] {
            let (mut entry, _) = decode_entry(&dynamo(item)).unwrap();
            entry.previous_hash = previous.unwrap_or(entry.previous_hash);
            entry.hash = entry.computed_hash();
            item["previous_hash"]["S"] = json!(entry.previous_hash.to_string());
            item["hash"]["S"] = json!(entry.hash.to_string());
            previous = Some(entry.hash);
            self.put(item);
        }
        let mut site = self.site();
        site["last_hash"]["S"] = json!(previous.unwrap().to_string());
        self.put(&site);
    }
}

/// An entry's number, what is said of it, and what was changed.
type Case<'a> = (usize, &'a str, &'a dyn Fn(&mut Value));

#[tokio::test(start_paused = true)]
async fn what_an_entry_explains_is_proved() {
    let registered = |entry: &mut Value| entry["refers_to"]["M"]["registered"]["L"].take();
    let cases: [Case<'_>; 6] = [
        (
            4,
            "its devices are not those that its statement names",
            &|entry| {
                let device = &mut entry["refers_to"]["M"]["registered"]["L"][0]["M"];
                device["device_id"]["S"] = json!("other");
            },
        ),
        (
            4,
            "its devices are not those that its statement names",
            &|entry| {
                let device = &mut entry["refers_to"]["M"]["registered"]["L"][0]["M"];
                device["name"]["S"] = json!("Other");
            },
        ),
        (
            4,
            "entry 4: it counts other devices than it names",
            &|entry| {
                let mut devices = registered(entry);
                devices.as_array_mut().unwrap().pop();
                entry["refers_to"]["M"]["registered"]["L"] = devices;
            },
        ),
        (
            4,
            "entry 4: a device was registered that was there",
            &|entry| {
                let devices = &mut entry["refers_to"]["M"]["registered"]["L"];
                devices[1] = devices[0].clone();
            },
        ),
        (
            5,
            "entry 5: it tells of other anchor days than were due",
            &|entry| {
                entry["refers_to"]["M"]["anchor_days"]["M"] = json!({ "9": { "N": "1" } });
            },
        ),
        (
            4,
            "entry 4: it names somebody by what leads to them",
            &|entry| {
                let actor = entry["actor"]["M"].as_object_mut().unwrap();
                actor.remove("person");
                actor.insert("email".to_owned(), json!({ "S": "kim@example.com" }));
            },
        ),
    ];
    for (sequence, says, change) in cases {
        let books = Books::new().await;
        books.rewrite(sequence, change);
        books.shows(&[says]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_called_otherwise_than_its_statement_says_is_found() {
    let books = Books::new().await;
    let mut device = books.one("DEVICE#");
    device["name"]["S"] = json!("Other");
    books.put(&device);
    books
        .shows(&["its devices are not those that its statement names"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_of_a_person_that_leads_nowhere_or_elsewhere_is_found() {
    let says = "the IDs of its persons do not lead to its users";
    let books = Books::with_people().await;
    let person = books.one("PERSON#");
    books.delete(&person);
    books.shows(&[says]).await;
    let mut elsewhere = person.clone();
    elsewhere["user_id"]["S"] = json!("8");
    books.put(&elsewhere);
    books.shows(&[says]).await;
    books.put(&person);
    let mut another = person;
    another["SK"]["S"] = json!("PERSON#0123456789ABCDEF");
    books.put(&another);
    books.shows(&[says]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_to_another_than_its_entry_says_is_found() {
    let books = Books::with_people().await;
    let mut message = books.one("MESSAGE#");
    message["person"]["S"] = json!("0123456789ABCDEF");
    books.put(&message);
    books
        .shows(&["it was not charged by the entry that it names"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_item_of_a_form_to_come_is_found() {
    for kind in ["DEVICE#", "ENTRY#", "CODE"] {
        let books = Books::new().await;
        let mut item = books.one(kind);
        item["form"]["N"] = json!("3");
        books.put(&item);
        let found = books.found().await;
        let said = found.iter().any(|found| found.contains("its form is 3"));
        assert!(said, "{kind}: {found:?}");
    }
}
