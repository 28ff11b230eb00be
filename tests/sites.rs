//! Sites: creating them, their settings, their administrators, their devices, and their end.

use crate::harness::{Answered, Call, KIM, System, at, license_of, redemption};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use run_local::faults::Fault;
use serde_json::{Value, json};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::values::ids::SiteId;
use std::collections::BTreeSet;

const NOW: &str = "2026-12-09T12:00:00Z";

fn create(body: &Value, now: Timestamp) -> Call {
    Call::post("/sites".to_owned(), body, now)
}

fn of(site: &SiteId, rest: &str) -> String {
    format!("/sites/{site}{rest}")
}

fn gym() -> Value {
    json!({ "name": "Harbour Gym", "country": "AT", "site_type": "dynamic" })
}

fn site_id(answer: &Answered) -> SiteId {
    SiteId::parse(answer.body["site"]["site_id"].as_str().unwrap()).unwrap()
}

async fn recharge(system: &System, site: &SiteId, credits: u64, now: Timestamp) {
    let code = system.codes(credits, 0, 1, now).await.remove(0);
    let done = system.send(redemption(site, &code, now)).await;
    assert_eq!(done.status, 201, "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_creates_a_site_is_its_master_and_it_follows_its_country() {
    let (system, now) = (System::new(), at(NOW));
    let created = system.send(create(&gym(), now)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = site_id(&created);
    let expected = json!({
        "site_id": id, "name": "Harbour Gym", "country": "AT", "time_zone": "Europe/Vienna", "language": "de",
        "sms_countries": ["AT"], "site_type": "dynamic", "status": "activated",
        "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 }, "devices": 0, "role": "master",
        "administrators": [{ "email": KIM, "role": "master" }],
    });
    assert_eq!(created.body["site"], expected);
    let shown = system.send(Call::get(of(&id, ""), now)).await;
    assert_eq!(shown.body["site"], expected);
    let body = json!({
        "name": "Seoul", "country": "kr", "site_type": "regular", "time_zone": "asia/tokyo", "language": "EN",
    });
    let set = system.send(create(&body, now)).await;
    let site = &set.body["site"];
    assert_eq!(
        (&site["country"], &site["time_zone"], &site["language"]),
        (&json!("KR"), &json!("Asia/Tokyo"), &json!("en"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_created_is_refused_and_says_why() {
    let (system, now) = (System::new(), at(NOW));
    for (name, value, what) in [
        ("name", json!(""), "name must be 1 to 100"),
        ("name", json!("x".repeat(101)), "name must be 1 to 100"),
        ("country", json!("XX"), "country that has a time zone"),
        ("country", json!("AUT"), "two-letter"),
        ("country", json!("US"), "America/New_York, America/Detroit"),
        ("time_zone", json!("Europe/Nowhere"), "time_zone must be"),
        ("time_zone", json!("Factory"), "time_zone must be"),
        ("language", json!("german"), "language must be"),
        ("site_type", json!("other"), "unknown variant"),
        ("site_id", json!("GYM7QP2M"), "unknown field `site_id`"),
    ] {
        let mut body = gym();
        body[name] = value;
        let refused = system.send(create(&body, now)).await;
        assert_eq!(refused.problem(), "malformed-request", "{body}");
        assert!(refused.text.contains(what), "{}", refused.text);
    }
    assert_eq!(system.findings().await.sites, 0);
}

#[tokio::test(start_paused = true)]
async fn one_request_creates_one_site_whatever_happens_on_the_way() {
    for fault in [
        Fault::None,
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Conflict,
        Fault::Throttled,
    ] {
        let (system, now) = (System::new(), at(NOW));
        let mut faults = [Fault::None, fault].into_iter();
        system
            .wire
            .plan(move |_, _| faults.next().unwrap_or_default());
        let call = create(&gym(), now).key("gym");
        let first = system.send(call.clone()).await;
        assert_eq!(
            (first.status, first.replayed),
            (201, false),
            "{fault:?} {first:?}"
        );
        system.wire.quiet();
        let again = system.send(call.clone()).await;
        assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
        assert_eq!(again.body, first.body);
        let mut body = gym();
        body["name"] = json!("Other Gym");
        let reused = system.send(create(&body, now).key("gym")).await;
        assert_eq!(reused.problem(), "idempotency-key-reused");
        // The key is Kim's: under the same one another person makes another site.
        let other = system.send(call.by_person("lee@example.com")).await;
        assert_eq!((other.status, other.replayed), (201, false));
        assert_eq!(system.findings().await.sites, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_without_a_key_knows_its_own_site_again_after_a_lost_answer() {
    let (system, now) = (System::new(), at(NOW));
    let mut faults = [Fault::LostAnswer].into_iter();
    system
        .wire
        .plan(move |_, _| faults.next().unwrap_or_default());
    assert_eq!(system.send(create(&gym(), now)).await.status, 201);
    assert_eq!(system.findings().await.sites, 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_lists_the_sites_that_they_administer_page_by_page() {
    let (system, now) = (System::new(), at(NOW));
    let mut made = BTreeSet::new();
    for _ in 0..5 {
        made.insert(site_id(&system.send(create(&gym(), now)).await).to_string());
    }
    let foreign = create(&gym(), now).by_person("lee@example.com");
    assert_eq!(system.send(foreign).await.status, 201);
    let mut listed = BTreeSet::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = system
            .send(Call::get("/sites".to_owned(), now).query(&query))
            .await;
        for site in page.body["sites"].as_array().unwrap() {
            assert!(listed.insert(site["site_id"].as_str().unwrap().to_owned()));
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => query = format!("limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, made);
}

#[tokio::test(start_paused = true)]
async fn settings_change_and_what_a_site_is_never_does() {
    let (system, now) = (System::new(), at(NOW));
    let id = site_id(&system.send(create(&gym(), now)).await);
    let body = json!({ "name": " Harbour Gym 2 ", "time_zone": "Asia/Seoul", "language": "ko" });
    let call = Call::patch(of(&id, ""), &body, now).key("settings");
    let changed = system.send(call.clone()).await;
    let site = &changed.body["site"];
    assert_eq!(
        (&site["name"], &site["time_zone"], &site["language"]),
        (&json!("Harbour Gym 2"), &json!("Asia/Seoul"), &json!("ko"))
    );
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &changed.body));
    for (body, what) in [
        (json!({}), "nothing is to be changed"),
        (json!({ "site_id": "GYM7QP2M" }), "unknown field"),
        (json!({ "site_type": "regular" }), "unknown field"),
        (json!({ "country": "DE" }), "unknown field"),
    ] {
        let refused = system.send(Call::patch(of(&id, ""), &body, now)).await;
        assert_eq!(refused.problem(), "malformed-request");
        assert!(refused.text.contains(what), "{}", refused.text);
    }
}

/// Moves a site to a zone, and runs the schedule every hour around it: each device's due dates are charged once.
async fn move_around(from: &str, to: &str, moved_at: &str) -> Vec<String> {
    let (system, opened) = (System::new(), at("2026-11-30T12:00:00Z"));
    let site = system.site(SiteType::Dynamic, from, opened).await;
    recharge(&system, &site, 100, opened).await;
    for (day, id) in [
        "2026-12-09T12:00:00Z",
        "2026-12-10T12:00:00Z",
        "2026-12-11T12:00:00Z",
    ]
    .into_iter()
    .zip(["9", "10", "11"])
    {
        system.register(&site, &[id], at(day)).await.unwrap();
    }
    let moved_at = at(moved_at);
    let mut now = at("2027-01-08T00:30:00Z");
    while now < at("2027-01-14T12:00:00Z") {
        if now > moved_at && now - moved_at <= SignedDuration::from_hours(1) {
            let body = json!({ "time_zone": to });
            let moved = system.send(Call::patch(of(&site, ""), &body, now)).await;
            assert_eq!(moved.status, 200, "{moved:?}");
        }
        system.deduct(now).await;
        now += SignedDuration::from_hours(1);
    }
    let statement = system.statement(&site, now).await;
    let due = statement
        .iter()
        .filter(|entry| entry["kind"] == "deduction");
    due.map(|entry| entry["refers_to"]["due_on"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn moving_to_another_time_zone_neither_skips_nor_doubles_a_due_date() {
    let zones = ["Pacific/Kiritimati", "Europe/Vienna", "Pacific/Niue"];
    for from in zones {
        // The devices are registered at noon in Greenwich, when Kiritimati has the next day.
        let first = if from == zones[0] { 10 } else { 9 };
        let expected = [first, first + 1, first + 2].map(|day| format!("2027-01-{day:02}"));
        for to in zones {
            for hour in ["01", "09", "13", "22"] {
                let moved_at = format!("2027-01-10T{hour}:00:00Z");
                let due = move_around(from, to, &moved_at).await;
                assert_eq!(due, expected, "{from} to {to} at {moved_at}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_in_the_old_time_zone_is_charged_before_the_site_moves() {
    let (system, opened) = (System::new(), at("2026-12-09T20:00:00Z"));
    let site = system
        .site(SiteType::Dynamic, "Pacific/Kiritimati", opened)
        .await;
    recharge(&system, &site, 10, opened).await;
    // It is the 10th there.
    system.register(&site, &["door"], opened).await.unwrap();
    let now = at("2027-01-09T20:00:00Z");
    let body = json!({ "time_zone": "Pacific/Niue" });
    system.send(Call::patch(of(&site, ""), &body, now)).await;
    let kinds: Vec<Value> = system
        .statement(&site, now)
        .await
        .iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    assert_eq!(
        kinds[3..],
        [json!("deduction"), json!("settings_change")],
        "{kinds:?}"
    );
    // There it is still the 9th, and the 10th will come a second time.
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body["next_deduction"]["on"], "2027-02-10");
    assert_eq!(
        system.deduct(at("2027-01-11T00:00:00Z")).await["credits"],
        0
    );
}

fn invite(site: &SiteId, email: &str, role: &str, now: Timestamp) -> Call {
    let body = json!({ "email": email, "role": role });
    Call::post(of(site, "/admins"), &body, now)
}

fn role(site: &SiteId, email: &str, role: &str, now: Timestamp) -> Call {
    let path = of(site, &format!("/admins/{email}"));
    Call::patch(path, &json!({ "role": role }), now)
}

fn dismiss(site: &SiteId, email: &str, now: Timestamp) -> Call {
    Call::delete(of(site, &format!("/admins/{email}")), now)
}

async fn roles(system: &System, site: &SiteId, by: &str, now: Timestamp) -> Vec<(String, String)> {
    let shown = system
        .send(Call::get(of(site, "/admins"), now).by_person(by))
        .await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = shown.body["administrators"].as_array().unwrap().iter();
    listed
        .map(|one| (text(&one["email"]), text(&one["role"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn administrators_are_invited_changed_handed_the_site_and_removed() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let (lee, mia) = ("lee@example.com", "mia@example.com");
    let invited = system
        .send(invite(&site, "Lee@Example.COM", "sub_master", now))
        .await;
    assert_eq!(invited.status, 201, "{invited:?}");
    let by_lee = invite(&site, mia, "site_admin", now).by_person(lee);
    assert_eq!(system.send(by_lee).await.status, 201);
    let twice = system.send(invite(&site, lee, "site_admin", now)).await;
    assert_eq!(
        (twice.status, twice.problem()),
        (409, "administrator-exists")
    );
    // Site admins read and change settings and license, and invite nobody.
    let renamed = Call::patch(of(&site, ""), &json!({ "name": "New" }), now).by_person(mia);
    assert_eq!(system.send(renamed).await.status, 200);
    for call in [
        invite(&site, "new@example.com", "site_admin", now),
        role(&site, mia, "sub_master", now),
        dismiss(&site, lee, now),
        Call::delete(of(&site, ""), now),
    ] {
        let refused = system.send(call.by_person(mia)).await;
        assert_eq!((refused.status, refused.problem()), (403, "not-allowed"));
    }
    // A sub-master hands nothing over and does not touch the master.
    for call in [
        invite(&site, "new@example.com", "master", now),
        role(&site, lee, "master", now),
        Call::delete(of(&site, ""), now),
    ] {
        let refused = system.send(call.by_person(lee)).await;
        assert_eq!((refused.status, refused.problem()), (403, "not-allowed"));
    }
    for call in [
        role(&site, KIM, "site_admin", now).by_person(lee),
        role(&site, KIM, "site_admin", now),
        dismiss(&site, KIM, now).by_person(lee),
        dismiss(&site, KIM, now),
    ] {
        let refused = system.send(call).await;
        assert_eq!((refused.status, refused.problem()), (409, "last-master"));
    }
    let handed = system.send(role(&site, lee, "master", now)).await;
    assert_eq!(handed.status, 200, "{handed:?}");
    let expected = [(KIM, "sub_master"), (lee, "master"), (mia, "site_admin")];
    let expected = expected.map(|(email, role)| (email.to_owned(), role.to_owned()));
    assert_eq!(roles(&system, &site, mia, now).await, expected);
    // Handing over to somebody new.
    let zoe = invite(&site, "zoe@example.com", "master", now).by_person(lee);
    assert_eq!(system.send(zoe).await.status, 201);
    assert_eq!(roles(&system, &site, mia, now).await[1].1, "sub_master");
    // Everyone may leave, and then there is no such site.
    assert_eq!(
        system
            .send(dismiss(&site, mia, now).by_person(mia))
            .await
            .status,
        200
    );
    let gone = system.send(license_of(&site, now).by_person(mia)).await;
    assert_eq!(gone.problem(), "site-not-found");
    let listed = Call::get("/sites".to_owned(), now).by_person(mia);
    assert_eq!(system.send(listed).await.body["sites"], json!([]));
    let nobody = system.send(dismiss(&site, mia, now)).await;
    assert_eq!(
        (nobody.status, nobody.problem()),
        (404, "administrator-not-found")
    );
    let path = system
        .send(invite(&site, "a/b@example.com", "site_admin", now))
        .await;
    assert_eq!(path.problem(), "malformed-request");
    let malformed = system.send(dismiss(&site, "nobody", now)).await;
    assert_eq!(malformed.problem(), "administrator-not-found");
}

#[tokio::test(start_paused = true)]
async fn what_is_already_so_is_answered_and_nothing_is_written() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    system
        .send(invite(&site, "lee@example.com", "site_admin", now))
        .await;
    let same = json!({ "name": "Harbour Gym", "time_zone": "europe/vienna" });
    for call in [
        Call::patch(of(&site, ""), &same, now).key("same"),
        role(&site, "lee@example.com", "site_admin", now),
        role(&site, KIM, "master", now),
    ] {
        let answer = system.send(call).await;
        assert_eq!(
            (answer.status, &answer.body["entry"]),
            (200, &Value::Null),
            "{answer:?}"
        );
    }
    // The key is kept all the same, so that a repetition never does what the first request did not.
    let body = json!({ "name": "Other" });
    assert_eq!(
        system
            .send(Call::patch(of(&site, ""), &body, now))
            .await
            .status,
        200
    );
    let again = system
        .send(Call::patch(of(&site, ""), &same, now).key("same"))
        .await;
    assert_eq!(
        (again.replayed, &again.body["site"]["name"]),
        (true, &json!("Harbour Gym"))
    );
    let reused = system
        .send(Call::patch(of(&site, ""), &body, now).key("same"))
        .await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    let body = json!({ "name": "Other", "language": "ko" });
    let changed = system.send(Call::patch(of(&site, ""), &body, now)).await;
    assert_eq!(
        changed.body["entry"]["refers_to"],
        json!({ "language": "ko" })
    );
    assert_eq!(system.statement(&site, now).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nothing_is_to_be_done_is_the_first_also_after_a_lost_one() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    let same = json!({ "name": "Harbour Gym" });
    let call = Call::patch(of(&site, ""), &same, now).key("same");
    let mut writes = 0;
    system.wire.plan(move |operation, _| {
        writes += u32::from(operation == "TransactWriteItems");
        if operation == "TransactWriteItems" && writes == 1 {
            Fault::LostAnswer
        } else {
            Fault::None
        }
    });
    let first = system.send(call.clone()).await;
    assert_eq!((first.status, first.replayed), (200, false), "{first:?}");
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_charged_also_where_nothing_else_is_to_be_done() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    recharge(&system, &site, 5, now).await;
    system.register(&site, &["door"], now).await.unwrap();
    let due = at("2027-01-09T12:00:00Z");
    let same = json!({ "name": "Harbour Gym" });
    let answer = system
        .send(Call::patch(of(&site, ""), &same, due).key("same"))
        .await;
    assert_eq!(answer.body["site"]["balances"]["credits"], 3);
    assert_eq!(answer.body["entry"], Value::Null);
    assert_eq!(system.deduct(due).await["sites"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_regular_site_that_moves_west_on_its_first_day_registers_on_that_day() {
    let (system, now) = (System::new(), at("2026-12-09T23:00:00Z"));
    let site = system.site(SiteType::Regular, "Asia/Seoul", now).await;
    let body = json!({ "time_zone": "America/New_York" });
    assert_eq!(
        system
            .send(Call::patch(of(&site, ""), &body, now))
            .await
            .status,
        200
    );
    let one = json!([{ "name": "Door" }]);
    let registered = system.send(register(&site, &one, now)).await;
    assert_eq!(registered.body["devices"][0]["registered_on"], "2026-12-10");
}

#[tokio::test(start_paused = true)]
async fn a_site_has_at_most_twenty_administrators() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Regular, "Europe/Vienna", now).await;
    for number in 1..20 {
        let email = format!("admin-{number}@example.com");
        let invited = system.send(invite(&site, &email, "site_admin", now)).await;
        assert_eq!(invited.status, 201);
    }
    let refused = system
        .send(invite(&site, "admin-20@example.com", "site_admin", now))
        .await;
    assert_eq!(
        (refused.status, refused.problem()),
        (422, "too-many-administrators")
    );
    // And all of them lose it at once.
    let deleted = system.send(Call::delete(of(&site, ""), now)).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
}

fn register(site: &SiteId, devices: &Value, now: Timestamp) -> Call {
    Call::post(of(site, "/devices"), &json!({ "devices": devices }), now)
}

#[tokio::test(start_paused = true)]
async fn devices_are_registered_listed_and_removed() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    recharge(&system, &site, 5, now).await;
    let devices = json!([{ "device_id": "door-1", "name": "Door 1" }, { "name": "Gate" }]);
    let call = register(&site, &devices, now).key("doors");
    let first = system.send(call.clone()).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.body["license"]["balances"]["credits"], 3);
    let made = first.body["devices"][1]["device_id"].as_str().unwrap();
    assert_eq!(made.len(), 10);
    assert_eq!(first.body["devices"][0]["registered_on"], "2026-12-09");
    let again = system.send(call).await;
    assert_eq!((again.replayed, &again.body), (true, &first.body));
    let listed = system.send(Call::get(of(&site, "/devices"), now)).await;
    assert_eq!(listed.body["devices"].as_array().unwrap().len(), 2);
    let page = Call::get(of(&site, "/devices"), now).query("limit=1");
    let page = system.send(page).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = Call::get(of(&site, "/devices"), now).query(&format!("cursor={cursor}"));
    assert_eq!(
        system.send(rest).await.body["devices"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // The same device again is no second device and no second credit.
    let twice = register(
        &site,
        &json!([{ "device_id": "door-1", "name": "X" }, { "name": "Y" }]),
        now,
    );
    let twice = system.send(twice).await;
    assert_eq!((twice.status, twice.problem()), (409, "device-exists"));
    assert_eq!(twice.body["device_ids"], json!(["door-1"]));
    let same = json!([{ "device_id": "a", "name": "A" }, { "device_id": "a", "name": "B" }]);
    assert_eq!(
        system.send(register(&site, &same, now)).await.body["device_ids"],
        json!(["a"])
    );
    let remove = Call::delete(of(&site, &format!("/devices/{made}")), now);
    assert_eq!(system.send(remove.clone()).await.status, 200);
    let gone = system.send(remove).await;
    assert_eq!((gone.status, gone.problem()), (404, "device-not-found"));
    let license = system.send(license_of(&site, now)).await;
    assert_eq!(license.body["balances"]["credits"], 3);
    assert_eq!(license.body["devices"], 1);
}

#[tokio::test(start_paused = true)]
async fn registering_is_all_or_nothing_and_refused_while_short_or_halted() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    recharge(&system, &site, 2, now).await;
    let devices = |count: usize| {
        let devices = (0..count).map(|number| json!({ "name": format!("Door {number}") }));
        Value::Array(devices.collect())
    };
    let short = system.send(register(&site, &devices(3), now)).await;
    assert_eq!(
        (short.status, short.problem()),
        (402, "insufficient-credits")
    );
    assert_eq!(
        (&short.body["needed"], &short.body["available"]),
        (&json!(3), &json!(2))
    );
    for dots in [".", "..", "-a"] {
        let one = json!([{ "device_id": dots, "name": "Dots" }]);
        let refused = system.send(register(&site, &one, now)).await;
        assert_eq!(refused.problem(), "malformed-request", "{dots}");
    }
    for count in [0, 91] {
        let refused = system.send(register(&site, &devices(count), now)).await;
        assert_eq!(refused.problem(), "malformed-request", "{count}");
    }
    assert_eq!(
        system.send(register(&site, &devices(2), now)).await.status,
        201
    );
    let later = at("2027-01-09T12:00:00Z");
    system.deduct(later).await;
    let halted = system.send(register(&site, &devices(1), later)).await;
    assert_eq!((halted.status, halted.problem()), (402, "payment-required"));
    recharge(&system, &site, 100, later).await;
    let many = system.send(register(&site, &devices(90), later)).await;
    assert_eq!(
        (many.status, &many.body["license"]["devices"]),
        (201, &json!(92)),
        "{many:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn thirty_one_anchor_days_are_charged_in_months_of_every_length() {
    let (system, opened) = (System::new(), at("2026-12-01T12:00:00Z"));
    let site = system
        .site(SiteType::Dynamic, "Europe/Vienna", opened)
        .await;
    recharge(&system, &site, 1_000, opened).await;
    for day in 0..31 {
        let now = opened + SignedDuration::from_hours(24 * day);
        let one = json!([{ "name": format!("Door {day}") }]);
        assert_eq!(system.send(register(&site, &one, now)).await.status, 201);
    }
    // January and March have 31 days, April 30, and February 28 in 2027 and 29 in 2028.
    system.deduct(at("2028-04-30T12:00:00Z")).await;
    let now = at("2028-04-30T12:00:00Z");
    let mut charged = std::collections::BTreeMap::new();
    for entry in system.statement(&site, now).await {
        if entry["kind"] == "deduction" {
            let due_on = entry["refers_to"]["due_on"].as_str().unwrap();
            *charged.entry(due_on[..7].to_owned()).or_insert(0) -=
                entry["changes"]["credits"].as_i64().unwrap();
            let date: Date = due_on.parse().unwrap();
            let devices = if date.day() == date.days_in_month() {
                32 - i64::from(date.day())
            } else {
                1
            };
            assert_eq!(entry["refers_to"]["devices"], devices, "{due_on}");
        }
    }
    assert_eq!(charged.len(), 16);
    assert!(
        charged.values().all(|&credits| credits == 31),
        "{charged:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_site_is_deleted_only_with_what_it_holds_given_up() {
    let (system, now) = (System::new(), at(NOW));
    let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    recharge(&system, &site, 7, now).await;
    system.register(&site, &["door"], now).await.unwrap();
    let delete = Call::delete(of(&site, ""), now);
    let refused = system.send(delete.clone()).await;
    assert_eq!((refused.status, refused.problem()), (409, "site-not-empty"));
    assert_eq!(refused.body["balances"]["credits"], 6);
    let wrong = system.send(delete.clone().query("forfeit=yes")).await;
    assert_eq!(wrong.problem(), "malformed-request");
    let delete = delete.query("forfeit=true").key("end");
    let deleted = system.send(delete.clone()).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(deleted.body["site"]["status"], "deleted");
    assert_eq!(
        deleted.body["entry"]["refers_to"]["forfeited"]["credits"],
        6
    );
    let again = system.send(delete).await;
    assert_eq!((again.replayed, &again.body), (true, &deleted.body));
    for call in [
        Call::get(of(&site, ""), now),
        Call::get(of(&site, "/license/statement"), now),
        Call::delete(of(&site, ""), now),
    ] {
        assert_eq!(system.send(call).await.problem(), "site-not-found");
    }
    let listed = system.send(Call::get("/sites".to_owned(), now)).await;
    assert_eq!(listed.body["sites"], json!([]));
    // Nothing is due of it any more, its statement is still there, and its partner sees that it is gone.
    assert_eq!(system.deduct(at("2027-02-01T12:00:00Z")).await["sites"], 0);
    assert_eq!(system.findings().await.entries, 4);
    let path = "/partners/acme/sites".to_owned();
    let sites = system.send(Call::get(path, now).by_partner("acme")).await;
    let gone = &sites.body["sites"][0];
    assert_eq!(
        (&gone["status"], &gone["monthly_cost"]),
        (&json!("deleted"), &json!(0))
    );
}
