//! `verify` finds what is wrong: a table is corrupted in one place, and it says so.

use crate::harness::{ACME, Call, System, at, batches, redemption, sms_redemption};
use run_local::template::TABLE_NAME;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;

const NOW: &str = "2026-12-09T12:00:00Z";

/// The attributes of a code that was applied.
const APPLICATION: [&str; 5] = [
    "applied_at",
    "applied_to",
    "applied_by",
    "applied_entry",
    "command_id",
];

/// A table with a bit of everything, whose corruption is expected.
struct Books {
    system: System,
    site: SiteId,
}

impl Books {
    async fn new() -> Self {
        let (mut system, now) = (System::new(), at(NOW));
        system.broken_on_purpose();
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        let codes = system.codes(10, 0, 4, now).await;
        assert_eq!(
            system.send(redemption(&site, &codes[0], now)).await.status,
            201
        );
        assert_eq!(
            system
                .send(sms_redemption(&site, &codes[1], now))
                .await
                .status,
            201
        );
        system
            .register(&site, &["door-1", "door-2"], now)
            .await
            .unwrap();
        system.deduct(at("2027-01-09T12:00:00Z")).await;
        system.deduct(at("2027-02-09T12:00:00Z")).await;
        assert_eq!(system.findings().await.violations, []);
        Self { system, site }
    }

    fn items(&self, kind: &str) -> Vec<Value> {
        let scan = self
            .system
            .engine()
            .call("Scan", json!({ "TableName": TABLE_NAME }))
            .unwrap();
        let mut items: Vec<Value> = scan["Items"].as_array().unwrap().clone();
        items.retain(|item| item["SK"]["S"].as_str().unwrap().starts_with(kind));
        items.sort_by_key(|item| item["SK"]["S"].as_str().unwrap().to_owned());
        items
    }

    fn entry(&self, sequence: usize) -> Value {
        self.items("ENTRY#").remove(sequence - 1)
    }

    fn site(&self) -> Value {
        self.items("SITE")
            .into_iter()
            .find(|item| item["PK"]["S"] == format!("SITE#{}", self.site))
            .unwrap()
    }

    fn code(&self, applied: bool) -> Value {
        self.items("CODE")
            .into_iter()
            .find(|item| item["applied_at"].is_object() == applied)
            .unwrap()
    }

    fn put(&self, item: &Value) {
        self.system
            .engine()
            .call("PutItem", json!({ "TableName": TABLE_NAME, "Item": item }))
            .unwrap();
    }

    fn delete(&self, item: &Value) {
        let key = json!({ "PK": item["PK"], "SK": item["SK"] });
        self.system
            .engine()
            .call("DeleteItem", json!({ "TableName": TABLE_NAME, "Key": key }))
            .unwrap();
    }

    /// `verify` says just this, in any order.
    async fn shows(&self, words: &[&str]) {
        let findings = self.system.findings().await;
        let mut found: Vec<String> = findings
            .violations
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found.len(), words.len(), "{found:?}");
        for words in words {
            let place = found.iter().position(|found| found.contains(words));
            let place = place.unwrap_or_else(|| panic!("{found:?} do not say {words}"));
            found.swap_remove(place);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_amount() {
    let books = Books::new().await;
    let mut entry = books.entry(2);
    entry["changes"]["M"]["credits"]["N"] = json!("11");
    books.put(&entry);
    books
        .shows(&[
            "entry 2 was changed: its hash is wrong",
            "by entry 2, which does not apply it",
            "by entry 3, which does not apply it",
            // From there on nothing of the statement counts for its partner either.
            "-2, entry of site",
            "-3, entry of site",
            "got None by its statement",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_entry() {
    let books = Books::new().await;
    books.delete(&books.entry(5));
    books
        .shows(&["entry 5 is missing: entry 6 stands in its place"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_last_entry() {
    let books = Books::new().await;
    books.delete(&books.entry(6));
    books
        .shows(&[
            "its balances are",
            "its last entry is 5, and it says 6",
            "its hash is not that of its last entry",
            "its status or time is not that of its last entry",
            "the due date 2027-02-09 was never charged",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_swapped_pair() {
    let books = Books::new().await;
    let (mut fifth, mut sixth) = (books.entry(5), books.entry(6));
    (fifth["SK"], sixth["SK"]) = (sixth["SK"].clone(), fifth["SK"].clone());
    books.put(&fifth);
    books.put(&sixth);
    books
        .shows(&[
            "holds entry 6",
            "holds entry 5",
            "its balances are",
            "its last entry is 4, and it says 6",
            "its hash is not that of its last entry",
            "its status or time is not that of its last entry",
            "the due date 2027-01-09 was never charged",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_pair_swapped_with_its_numbers() {
    let books = Books::new().await;
    let (mut fifth, mut sixth) = (books.entry(5), books.entry(6));
    for name in ["SK", "sequence"] {
        (fifth[name], sixth[name]) = (sixth[name].clone(), fifth[name].clone());
    }
    books.put(&fifth);
    books.put(&sixth);
    books
        .shows(&["entry 5 does not follow the entry before it"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_balance_off_by_one() {
    for (balance, off) in [
        ("credits", "5"),
        ("sms", "501"),
        ("maintenance_credits", "1"),
    ] {
        let books = Books::new().await;
        let mut site = books.site();
        assert_ne!(site[balance]["N"], off);
        site[balance]["N"] = json!(off);
        books.put(&site);
        books.shows(&["and its entries add up to"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_marked_applied_with_no_entry() {
    let books = Books::new().await;
    let (mut code, applied) = (books.code(false), books.code(true));
    for name in APPLICATION {
        code[name] = applied[name].clone();
    }
    books.put(&code);
    books.shows(&["which does not apply it"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_with_no_code() {
    let books = Books::new().await;
    books.delete(&books.code(true));
    books
        .shows(&["which does not exist", "it has 3 codes, and 4 were issued"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_applied_and_is_outstanding_again() {
    let books = Books::new().await;
    let mut code = books.code(true);
    for name in APPLICATION {
        code.as_object_mut().unwrap().remove(name);
    }
    books.put(&code);
    books
        .shows(&["applies it, and it is not marked as applied"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_carries_more_than_it_added() {
    let books = Books::new().await;
    let mut code = books.code(true);
    code["credits"]["N"] = json!("1000");
    books.put(&code);
    books
        .shows(&[
            "does not add what it carries",
            "one of its codes is not as it was issued",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_nobody_registered_and_one_that_is_gone() {
    let books = Books::new().await;
    let device = books.items("DEVICE#").remove(0);
    books.delete(&device);
    books
        .shows(&["its devices are not those of its statement"])
        .await;
    books.put(&device);
    let mut more = device;
    more["SK"]["S"] = json!("DEVICE#door-3");
    books.put(&more);
    books
        .shows(&["its devices are not those of its statement"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_due_date_that_was_skipped() {
    let books = Books::new().await;
    let mut site = books.site();
    site["charged_through"]["S"] = json!("2027-03-09");
    books.put(&site);
    books
        .shows(&[
            "the due date 2027-03-09 was never charged",
            "its place on the agenda is not that of what comes next",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_forgot_what_was_charged() {
    let books = Books::new().await;
    let mut site = books.site();
    site["charged_through"]["S"] = json!("2027-01-09");
    books.put(&site);
    books
        .shows(&[
            "it forgot what was charged",
            "its place on the agenda is not that of what comes next",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_without_an_entry() {
    let books = Books::new().await;
    let mut site = books.site();
    site["status"]["S"] = json!("payment_required");
    books.put(&site);
    books
        .shows(&[
            "its status or time is not that of its last entry",
            "its status is not that of its statement",
            "it is on the agenda, and nothing is to come",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_gone_and_an_item_of_no_kind() {
    let books = Books::new().await;
    let site = books.site();
    books.delete(&site);
    books.put(&json!({ "PK": { "S": "SITE#x" }, "SK": { "S": "BALANCE" } }));
    let found = books.system.findings().await;
    let found: Vec<String> = found.violations.iter().map(ToString::to_string).collect();
    assert!(
        found[0].contains("SITE#x / BALANCE is of no known kind"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|what| what.contains("there are entries or devices, and no site")),
        "{found:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_was_forged_whole_is_found_by_its_due_dates() {
    // Whoever can write the whole table can make a chain that verifies: here a deduction that is repeated, with
    // right hashes, right sums and a right balance. What it charges was not due.
    let books = Books::new().await;
    let item = books.entry(6);
    let (mut entry, command_id) = site_credits::store::decode_entry(&dynamo(&item)).unwrap();
    entry.previous_hash = entry.hash;
    entry.sequence = 7;
    entry.balances.credits -= 2;
    entry.hash = entry.computed_hash();
    let mut forged = item;
    forged["SK"]["S"] = json!(format!("ENTRY#{:016}", 7));
    forged["sequence"]["N"] = json!("7");
    forged["balances"]["M"]["credits"]["N"] = json!(entry.balances.credits.to_string());
    forged["previous_hash"]["S"] = json!(entry.previous_hash.to_string());
    forged["hash"]["S"] = json!(entry.hash.to_string());
    books.put(&forged);
    let mut site = books.site();
    site["sequence"]["N"] = json!("7");
    site["last_hash"]["S"] = forged["hash"]["S"].clone();
    site["credits"]["N"] = json!(entry.balances.credits.to_string());
    books.put(&site);
    assert!(!command_id.as_str().is_empty());
    books
        .shows(&["entry 7: a due date was charged twice"])
        .await;
}

/// An item as the SDK gives it, from the engine's JSON.
fn dynamo(item: &Value) -> site_credits::store::Item {
    use aws_sdk_dynamodb::types::AttributeValue;
    fn value(json: &Value) -> AttributeValue {
        if let Some(text) = json["S"].as_str() {
            return AttributeValue::S(text.to_owned());
        }
        if let Some(number) = json["N"].as_str() {
            return AttributeValue::N(number.to_owned());
        }
        let members = json["M"].as_object().unwrap();
        AttributeValue::M(
            members
                .iter()
                .map(|(name, member)| (name.clone(), value(member)))
                .collect(),
        )
    }
    item.as_object()
        .unwrap()
        .iter()
        .map(|(name, member)| (name.clone(), value(member)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_missing_from_the_agenda_or_in_a_wrong_place_of_it() {
    let books = Books::new().await;
    let site = books.site();
    let mut missing = site.clone();
    missing.as_object_mut().unwrap().remove("agenda_at");
    books.put(&missing);
    books
        .shows(&["it has something to come, and is not on the agenda"])
        .await;
    for (name, value) in [("agenda_at", "2027-03-10T23:00:00Z"), ("agenda_shard", "9")] {
        let mut wrong = site.clone();
        wrong[name]["S"] = json!(value);
        books.put(&wrong);
        books
            .shows(&["its place on the agenda is not that of what comes next"])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_halted_site_that_says_it_was_charged_since() {
    let books = Books::new().await;
    for month in ["2027-03-09", "2027-04-09", "2027-05-09"] {
        books.system.deduct(at(&format!("{month}T12:00:00Z"))).await;
    }
    let mut site = books.site();
    assert_eq!(site["status"]["S"], "payment_required");
    assert_eq!(books.system.findings().await.violations, []);
    site["charged_through"]["S"] = json!("2027-05-09");
    books.put(&site);
    books
        .shows(&["it is halted, and says that it was charged since"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_applied_against_its_rules() {
    for (name, value, says) in [
        (
            "expires_on",
            json!({ "S": "2026-12-08" }),
            "applies it after its last date",
        ),
        (
            "bound_to",
            json!({ "S": "00000000" }),
            "it is bound to another site",
        ),
        ("last_four", json!({ "S": "0000" }), "tells of another"),
        (
            "applied_by",
            json!({ "S": "eve@example.com" }),
            "it names another",
        ),
        (
            "applied_at",
            json!({ "S": "2026-12-09T12:00:01Z" }),
            "it names another",
        ),
        ("applied_entry", json!({ "N": "9" }), "it names another"),
        (
            "command_id",
            json!({ "S": "00000000-0000-4000-8000-000000000000" }),
            "it names another",
        ),
    ] {
        let books = Books::new().await;
        let mut code = books.code(true);
        code[name] = value;
        books.put(&code);
        let found: Vec<String> = books
            .system
            .findings()
            .await
            .violations
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            found.first().is_some_and(|found| found.contains(says)),
            "{name}: {found:?}"
        );
    }
}

/// Books of a partner: a voided code, an administrator who came, and other settings.
async fn partners_books() -> Books {
    let books = Books::new().await;
    let now = at("2027-02-10T12:00:00Z");
    let body = json!({ "email": "lee@example.com", "role": "site_admin" });
    let path = format!("/sites/{}/admins", books.site);
    assert_eq!(
        books.system.send(Call::post(path, &body, now)).await.status,
        201
    );
    let body = json!({ "time_zone": "Asia/Seoul" });
    let path = format!("/sites/{}", books.site);
    assert_eq!(
        books
            .system
            .send(Call::patch(path, &body, now))
            .await
            .status,
        200
    );
    let batch = books.items("BATCH#")[0]["SK"]["S"].as_str().unwrap()[6..].to_owned();
    let path = batches(&format!("/{batch}/void"));
    let void = Call::post(path, &json!({ "reason": "x" }), now).by_partner(ACME);
    assert_eq!(books.system.send(void).await.body["voided"], 2);
    assert_eq!(books.system.findings().await.violations, []);
    books
}

/// The line of the history of a kind.
fn line(books: &Books, kind: &str) -> Value {
    let mut lines = books.items("HISTORY#");
    lines.retain(|line| line["kind"]["S"] == kind);
    lines.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_history_that_is_missing_or_invented() {
    for (kind, says) in [
        ("issued", "and told as []"),
        ("voided", "2 codes are voided, and 0 were told"),
        ("applied", "it is not told once"),
    ] {
        let books = partners_books().await;
        books.delete(&line(&books, kind));
        books.shows(&[says]).await;
    }
    for (kind, says) in [
        ("issued", "and told as [(4,"),
        ("voided", "2 codes are voided, and 4 were told"),
        // Its ID is not that of any entry.
        ("applied", "it is told, and never was"),
    ] {
        let books = partners_books().await;
        let mut again = line(&books, kind);
        again["SK"]["S"] = json!(format!("{}-again", again["SK"]["S"].as_str().unwrap()));
        books.put(&again);
        books.shows(&[says]).await;
    }
    for (name, value) in [
        ("site_id", json!({ "S": "00000000" })),
        ("recharge", json!({ "S": "sms" })),
    ] {
        let books = partners_books().await;
        let mut elsewhere = line(&books, "applied");
        elsewhere[name] = value;
        books.put(&elsewhere);
        books
            .shows(&["it is not told once", "it is told, and never was"])
            .await;
    }
    let books = partners_books().await;
    let mut by_another = line(&books, "issued");
    by_another["by"]["S"] = json!("eve");
    books.put(&by_another);
    books.shows(&["and told as [(4,"]).await;
    let books = partners_books().await;
    let mut late = line(&books, "voided");
    late["at"]["S"] = json!("2027-02-11T12:00:00Z");
    books.put(&late);
    books
        .shows(&[
            "holds the line of another instant",
            "2 codes are voided, and 0 were told",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_history_with_another_amount() {
    for kind in ["issued", "voided", "applied"] {
        let books = partners_books().await;
        let mut wrong = line(&books, kind);
        wrong["credits"]["N"] = json!("11");
        books.put(&wrong);
        books.shows(&["tells of another value"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sum_of_a_partner_that_is_not_that_of_the_statement() {
    for name in ["codes", "credits", "maintenance_credits", "sms"] {
        let books = partners_books().await;
        let sums = books.items("SITE#");
        let mut sum = sums
            .into_iter()
            .find(|item| item["PK"]["S"] == "ACCOUNT#acme")
            .unwrap();
        sum[name]["N"] = json!("7");
        books.put(&sum);
        books.shows(&["by its statement, and"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn settings_and_administrators_that_are_not_those_of_the_statement() {
    for (name, value) in [
        ("name", "Other"),
        ("language", "ko"),
        ("time_zone", "Europe/Berlin"),
        ("country", "DE"),
    ] {
        let books = partners_books().await;
        let mut site = books.site();
        site[name]["S"] = json!(value);
        books.put(&site);
        let found = books.system.findings().await.violations;
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(
            found[0].contains("its settings are not those of its statement"),
            "{found:?}"
        );
    }
    let books = partners_books().await;
    let mut site = books.site();
    site["administrators"]["L"][1]["M"]["role"]["S"] = json!("master");
    books.put(&site);
    books
        .shows(&["its administrators are not those of its statement"])
        .await;
    let lee = |books: &Books| {
        let items = books.items("SITE#").into_iter();
        let mut found = items.filter(|item| item["PK"]["S"] == "ADMIN#lee@example.com");
        found.next().unwrap()
    };
    let books = partners_books().await;
    books.delete(&lee(&books));
    books
        .shows(&["those who find it among their sites are not"])
        .await;
    let books = partners_books().await;
    let mut eve = lee(&books);
    eve["PK"]["S"] = json!("ADMIN#eve@example.com");
    books.put(&eve);
    books
        .shows(&["those who find it among their sites are not"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_half_voided_and_one_that_was_voided_by_nobody() {
    let books = partners_books().await;
    let mut code = books.code(false);
    code.as_object_mut().unwrap().remove("void_reason");
    books.put(&code);
    books
        .shows(&[
            "it is neither outstanding, nor applied, nor voided",
            "1 codes are voided, and 2 were told",
            "it has 3 codes, and 4 were issued",
        ])
        .await;
    let books = partners_books().await;
    let mut code = books.code(false);
    for name in ["voided_at", "voided_by", "void_reason", "command_id"] {
        code.as_object_mut().unwrap().remove(name);
    }
    books.put(&code);
    books.shows(&["1 codes are voided, and 2 were told"]).await;
}

impl Books {
    /// A site with a user, a card, and a message on its way.
    async fn with_people() -> Self {
        let books = Self::new().await;
        let (site, now) = (&books.site, at("2027-02-10T12:00:00Z"));
        let post = |rest: &str, body: Value| Call::post(format!("/sites/{site}{rest}"), &body, now);
        let ann = json!({ "user_id": "7", "mobile": "+436641234567" });
        for call in [
            post("/users", ann),
            post("/users/7/card", json!({})),
            post("/users/7/card/deliveries", json!({})),
        ] {
            assert_eq!(books.system.send(call).await.status, 201);
        }
        assert_eq!(books.system.findings().await.violations, []);
        books
    }

    fn one(&self, kind: &str) -> Value {
        self.items(kind).remove(0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_roster_that_does_not_count_its_users_or_gives_out_a_number_again() {
    let books = Books::with_people().await;
    let roster = books.one("ROSTER");
    for (name, value, what) in [
        ("users", "2", "it counts 2 users, and has 1"),
        ("next_number", "7", "its next user's number was used before"),
    ] {
        let mut wrong = roster.clone();
        wrong[name]["N"] = json!(value);
        books.put(&wrong);
        books.shows(&[what]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_that_nobody_issued_and_links_that_lead_nowhere() {
    let books = Books::with_people().await;
    let (user, link) = (books.one("USER#"), books.one("CARD"));
    let mut other = user.clone();
    other["card"]["M"]["id"]["S"] = json!("00000000-0000-4000-8000-000000000001");
    books.put(&other);
    books
        .shows(&["the card of user 7 was issued by no entry"])
        .await;
    books.put(&user);
    books.delete(&link);
    books
        .shows(&["the link of the card of user 7 is not what it should be"])
        .await;
    books.put(&link);
    let mut stray = link;
    stray["PK"]["S"] = json!("CARD#00112233445566778899aabbccddeeff");
    books.put(&stray);
    books.shows(&["it leads to no card"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_its_entry_does_not_tell_of() {
    let books = Books::with_people().await;
    let message = books.one("MESSAGE#");
    let changed = |name: &str, value: Value| {
        let mut changed = message.clone();
        changed[name] = value;
        changed
    };
    let mut failed = changed("state", json!({ "S": "failed" }));
    failed["not_sent"] = json!({ "S": "throttled" });
    for (wrong, what) in [
        (
            changed("parts", json!({ "N": "2" })),
            "it was not charged by the entry that it names",
        ),
        (
            changed("entry", json!({ "N": "2" })),
            "it was not charged by the entry that it names",
        ),
        (failed, "it failed and was not given back"),
        (
            changed("not_sent", json!({ "S": "throttled" })),
            "it failed without a reason, or has one and did not",
        ),
        (
            changed("agenda_at", json!({ "S": "2027-02-10T12:05:00Z" })),
            "its place on the agenda is not that of its state",
        ),
    ] {
        books.put(&wrong);
        books.shows(&[what]).await;
    }
    books.delete(&message);
    books.shows(&["was charged, and is not there"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_site_that_says_it_was_warned() {
    let books = Books::new().await;
    let mut site = books.site();
    site["warned"] = json!({ "N": "7" });
    books.put(&site);
    books.shows(&["it was not warned as it says"]).await;
}
