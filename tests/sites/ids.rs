//! Site IDs: the symbol that checks the others, and the shorter IDs of older sites.

use super::{create, gym, site_id};
use crate::harness::{Call, KIM, System, kim, license_of, redemption};
use crate::setup::{now, of};
use insta::assert_snapshot;
use site_credits::commands;
use site_credits::domain::model::site::{NewSite, SiteType};
use site_credits::domain::values::country::{Country, Language};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::{CheckedSiteId, PersonId, SiteId};
use site_credits::domain::values::names::SiteName;
use site_credits::domain::values::time_zone::TimeZone;

#[tokio::test(start_paused = true)]
async fn the_id_of_a_new_site_checks_itself() {
    let system = System::new();
    let id = site_id(&system.send(create(&gym())).await);
    assert_eq!(id.as_str().len(), 9);
    assert_eq!(CheckedSiteId::parse(id.as_str()).map(SiteId::from), Ok(id));
}

#[tokio::test(start_paused = true)]
async fn a_site_is_found_by_any_spelling_of_its_id() {
    let system = System::new();
    let id = system.dynamic().await;
    let (start, end) = id.as_str().split_at(4);
    let spelled = format!(
        "{}-{}",
        start.to_lowercase().replace('0', "o"),
        end.replace('1', "l")
    );
    let path = format!("/sites/{spelled}/license");
    let shown = system.send(Call::get(path, now())).await;
    assert_eq!(
        (shown.status, &shown.body["site_id"]),
        (200, &id.as_str().into())
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_with_a_typing_error_names_no_site_and_is_told_so_without_a_read() {
    let system = System::new();
    system.wire.take_seen();
    let path = "/sites/GYM7QP3MR/license".to_owned();
    assert_snapshot!(system.send(Call::get(path, now())).await, @r#"
    404
    {
      "code": "site-not-found",
      "detail": "there is no such site: a site ID's last symbol checks the others, and it does not fit: look for a typing error",
      "status": 404,
      "title": "There is no such site",
      "type": "urn:site-credits:problem:site-not-found"
    }
    "#);
    assert_eq!(system.wire.take_seen(), []);
}

#[tokio::test(start_paused = true)]
async fn an_older_site_keeps_its_id_of_eight_symbols() {
    let system = System::new();
    let id = SiteId::parse("K7QP01M9").unwrap();
    let older = NewSite {
        id: id.clone(),
        name: SiteName::parse("Harbour Gym").unwrap(),
        country: Country::parse("AT").unwrap(),
        time_zone: TimeZone::parse("Europe/Vienna").unwrap(),
        language: Language::default(),
        site_type: SiteType::Dynamic,
        master: Email::parse(KIM).unwrap(),
        person: PersonId::random(),
    };
    commands::create_site(&system.quiet(), older, &kim(now()))
        .await
        .unwrap();
    let code = system.codes(10, 0, 1, now()).await.remove(0);
    assert_eq!(system.send(redemption(&id, &code, now())).await.status, 201);
    let license = system.send(license_of(&id, now())).await;
    assert_eq!(license.body["site_id"], "K7QP01M9", "{license}");
    let listed = system.send(Call::get("/sites".to_owned(), now())).await;
    assert_eq!(listed.body["sites"][0]["site_id"], "K7QP01M9", "{listed}");
    let statement = system
        .send(Call::get(of(&id, "/license/statement"), now()))
        .await;
    assert_eq!(
        statement.body["entries"][0]["site_id"], "K7QP01M9",
        "{statement}"
    );
}
