//! Which dates are due, and from which instant on.

use super::{charged, dates, equipped};
use crate::harness::{System, at, redemption};
use jiff::Timestamp;

#[tokio::test(start_paused = true)]
async fn the_31st_falls_on_the_last_day_of_a_shorter_month_and_comes_back() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 100, 2, at("2028-01-31T10:00:00Z")).await;
    for month in ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"] {
        let noon = at(&format!("{month}T10:00:00Z"));
        let before = Timestamp::from_second(noon.as_second() - 86_400).unwrap();
        assert_eq!(system.deduct(before).await["sites"], 0, "{month}");
        assert_eq!(system.deduct(noon).await["credits"], 2, "{month}");
        assert_eq!(system.deduct(noon).await["sites"], 0, "{month}");
    }
    let expected = dates(
        &["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"],
        -2,
    );
    assert_eq!(charged(&system, &site).await, expected);
}

#[tokio::test(start_paused = true)]
async fn each_site_is_charged_from_its_own_midnight_on() {
    let system = System::new();
    // The same instant, registered on the 10th in the east and on the 9th in the west.
    let registered = at("2026-12-09T12:00:00Z");
    let east = equipped(&system, "Pacific/Kiritimati", 10, 1, registered).await;
    let west = equipped(&system, "Pacific/Pago_Pago", 10, 1, registered).await;
    for (instant, expected) in [
        ("2027-01-09T09:59:59Z", 0), // 23:59:59 on the 9th in the east, 22:59:59 on the 8th in the west
        ("2027-01-09T10:00:00Z", 1), // midnight in the east
        ("2027-01-09T10:59:59Z", 0),
        ("2027-01-09T11:00:00Z", 1), // midnight in the west
    ] {
        assert_eq!(
            system.deduct(at(instant)).await["sites"],
            expected,
            "{instant}"
        );
    }
    assert_eq!(charged(&system, &east).await, dates(&["2027-01-10"], -1));
    assert_eq!(charged(&system, &west).await, dates(&["2027-01-09"], -1));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_clocks_neither_skips_nor_doubles_a_due_date() {
    // Beirut's summer time skips midnight of 28 March 2027; Havana's ends by repeating midnight of 7 November.
    for (zone, registered, day, first_instant) in [
        (
            "Asia/Beirut",
            "2027-02-28T10:00:00Z",
            "2027-03-28",
            "2027-03-27T22:00:00Z",
        ),
        (
            "Europe/Vienna",
            "2027-02-28T10:00:00Z",
            "2027-03-28",
            "2027-03-27T23:00:00Z",
        ),
        (
            "America/Havana",
            "2027-10-07T16:00:00Z",
            "2027-11-07",
            "2027-11-07T04:00:00Z",
        ),
    ] {
        let system = System::new();
        let site = equipped(&system, zone, 10, 1, at(registered)).await;
        let first = at(first_instant);
        assert_eq!(
            system
                .deduct(Timestamp::from_second(first.as_second() - 1).unwrap())
                .await["sites"],
            0,
            "{zone}"
        );
        for quarter in 0..100 {
            system
                .deduct(Timestamp::from_second(first.as_second() + quarter * 900).unwrap())
                .await;
        }
        assert_eq!(charged(&system, &site).await, dates(&[day], -1), "{zone}");
    }
}

#[tokio::test(start_paused = true)]
async fn years_of_daily_due_dates_are_charged_in_several_transactions() {
    let system = System::new();
    let mut now = at("2027-01-01T12:00:00Z");
    let site = equipped(&system, "Europe/Vienna", 2_000, 1, now).await;
    for day in 1..31 {
        now = Timestamp::from_second(now.as_second() + 86_400).unwrap();
        system
            .register(&site, &[&format!("day-{day}")], now)
            .await
            .unwrap();
    }
    let later = at("2028-12-31T12:00:00Z");
    // A registration with so much due settles it on its own first.
    system.register(&site, &["at-last"], later).await.unwrap();
    let taken = charged(&system, &site).await;
    let total: i64 = taken.iter().map(|(_, credits)| credits).sum();
    assert_eq!(total, -31 * 23, "31 devices for 23 months");
    assert!(taken.len() > 600);
    assert_eq!(system.deduct(later).await["sites"], 0);
    // And so does the schedule, in one run.
    let much_later = at("2029-12-31T12:00:00Z");
    assert_eq!(system.deduct(much_later).await["credits"], 32 * 12);
}

#[tokio::test(start_paused = true)]
async fn an_old_event_charges_nothing_that_a_newer_one_has_charged() {
    let system = System::new();
    let site = equipped(&system, "Europe/Vienna", 10, 1, at("2027-01-09T12:00:00Z")).await;
    assert_eq!(
        system.deduct(at("2027-02-09T12:00:00Z")).await["credits"],
        1
    );
    for old in [
        "2027-02-09T00:00:00Z",
        "2027-02-08T12:00:00Z",
        "2026-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ] {
        assert_eq!(system.deduct(at(old)).await["sites"], 0, "{old}");
    }
    // A command whose event is older than the last entry is dated with it: time never runs backwards.
    let code = system
        .codes(1, 0, 1, at("2027-01-01T00:00:00Z"))
        .await
        .remove(0);
    let answer = system
        .send(redemption(&site, &code, at("2027-02-01T00:00:00Z")))
        .await;
    assert_eq!(answer.body["entry"]["at"], "2027-02-09T12:00:00Z");
    assert_eq!(charged(&system, &site).await, dates(&["2027-02-09"], -1));
}
