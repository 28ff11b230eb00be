//! `appoint-master`: an operator offers the master's role of a site whose master is gone.

use super::{LEE, MIA, accept, site, withdraw};
use crate::faults::FAULTS;
use crate::folder::{Folders, verified};
use crate::harness::{Call, KIM, System};
use crate::server::{BINARY, Server, agent, post, token};
use crate::setup::{now, of, text};
use crate::shown::{problems, shown};
use insta::assert_snapshot;
use regex::Regex;
use run_local::seed::REGULAR_SITE;
use run_local::template::TABLE_NAME;
use serde_json::json;
use site_credits::commands::{
    self, AppointmentRefused, CommandError, Done, InvitationView, Operator,
};
use site_credits::domain::model::site::Role;
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::names::Reference;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Appoints somebody on a ticket.
async fn appoint(
    system: &System,
    site: &SiteId,
    email: &str,
) -> Result<Done<InvitationView>, CommandError<AppointmentRefused>> {
    let operator = Operator {
        reference: Reference::parse("OPS-4711").unwrap(),
        now: now(),
    };
    let email = Email::parse(email).unwrap();
    commands::appoint_master(&system.store(), site, &email, &operator).await
}

#[tokio::test(start_paused = true)]
async fn an_operator_invites_a_new_master_and_an_entry_says_so() {
    let system = System::new();
    let site = site(&system).await;
    let appointed = appoint(&system, &site, LEE).await.unwrap().answer;
    let what = (appointed.role, appointed.by, appointed.sent);
    assert_eq!(what, (Role::Master, None, 1));
    let entries = system.statement(&site, now()).await;
    assert_snapshot!(shown(&entries[1]), @r#"
    {
      "actor": { "kind": "operator", "reference": "OPS-4711" },
      "at": "2026-12-09T12:00:00Z",
      "balances": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
      "changes": { "credits": 0, "maintenance_credits": 0, "sms": 0 },
      "form": 2,
      "hash": "[hash 1]",
      "kind": "invitation",
      "previous_hash": "[hash 2]",
      "refers_to": { "person": "[person 1]", "role": "master" },
      "sequence": 2,
      "site_id": "[site 1]",
      "status": "activated"
    }
    "#);
    // It is an invitation like any other: it is listed and published, and gives nothing until it is accepted.
    assert_eq!(system.open(&site, now()).await, ["lee@example.com master"]);
    assert!(system.hand_out().await);
    let notice = &system.sns.messages()["notices"][0]["attributes"];
    let told = [&notice["kind"], &notice["email"], &notice["role"]];
    assert_eq!(told, ["invitation", LEE, "master"]);
    assert_eq!(system.roles(&site), ["kim@example.com master"]);
    let accepted = system.send(accept(&site, LEE, now())).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    let roles = ["kim@example.com sub_master", "lee@example.com master"];
    assert_eq!(system.roles(&site), roles);
}

#[tokio::test(start_paused = true)]
async fn it_needs_nobody_on_the_site_who_has_the_right() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, LEE, "site_admin", now()).await;
    appoint(&system, &site, LEE).await.unwrap();
    appoint(&system, &site, MIA).await.unwrap();
    let accepted = system.send(accept(&site, LEE, now())).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    // The old master's right to give the role is gone, and the operator's is not.
    let accepted = system.send(accept(&site, MIA, now())).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    let roles = [
        "kim@example.com sub_master",
        "lee@example.com sub_master",
        "mia@example.com master",
    ];
    assert_eq!(system.roles(&site), roles);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_is_invited_already_is_offered_the_masters_role_instead() {
    let system = System::new();
    let site = site(&system).await;
    let lee = system.invited(&site, LEE, "site_admin").await;
    let appointed = appoint(&system, &site, LEE).await.unwrap().answer;
    assert_eq!(appointed.person.as_str(), lee);
    assert_eq!((appointed.role, appointed.sent), (Role::Master, 2));
    assert_eq!(system.offered(LEE, now()).await, [format!("{site} master")]);
    assert_eq!(system.send(accept(&site, LEE, now())).await.status, 201);
    assert_eq!(system.items_with("INVITATION#"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_master_who_is_not_gone_withdraws_it() {
    let system = System::new();
    let site = site(&system).await;
    system.admit(&site, MIA, "sub_master", now()).await;
    let appointed = appoint(&system, &site, LEE).await.unwrap().answer;
    let lee = appointed.person.as_str();
    let by_mia = [("a sub-master", withdraw(&site, lee, now()).by_person(MIA))];
    assert_snapshot!(
        problems(&system, by_mia).await,
        @"a sub-master → 403 not-allowed: only its master hands a site over"
    );
    let withdrawn = system.send(withdraw(&site, lee, now())).await;
    assert_eq!(withdrawn.status, 200, "{withdrawn}");
    assert_eq!(system.items_with(LEE), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_appointed_to_what_they_are_or_where_there_is_no_site() {
    let system = System::new();
    let (site, gone) = (site(&system).await, site(&system).await);
    let deleted = system.send(Call::delete(of(&gone, ""), now())).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    let none = SiteId::parse("ZZZZZZZZ7").unwrap();
    let mut refusals = Vec::new();
    for (what, site, email) in [
        ("its master", &site, KIM),
        ("of a deleted site", &gone, LEE),
        ("of no site", &none, LEE),
    ] {
        let refusal = appoint(&system, site, email).await.unwrap_err();
        refusals.push(format!("{what}: {refusal}"));
    }
    assert_snapshot!(refusals.join("\n"), @"
    its master: kim@example.com is an administrator of this site already
    of a deleted site: this site was deleted, which is for good
    of no site: there is no such site
    ");
}

#[tokio::test(start_paused = true)]
async fn an_appointment_is_made_once_whatever_happens_on_the_way() {
    for fault in FAULTS {
        let system = System::new();
        let site = site(&system).await;
        system.fault_at_writes(|number| number == 1, fault);
        let appointed = appoint(&system, &site, LEE).await;
        system.wire.quiet();
        assert_eq!(appointed.unwrap().answer.sent, 1, "{fault:?}");
        assert_eq!(system.kinds(&site, KIM).await, ["invitation"]);
    }
}

/// What the command said and how it ended, asked of a person who answers.
fn run(folder: &Path, options: &[&str], answer: &str) -> (String, Option<i32>) {
    let command = ["appoint-master", "--site", REGULAR_SITE, "--email", LEE];
    let mut child = Command::new(BINARY)
        .args(command)
        .args(["--reference", "OPS-4711", "--data"])
        .arg(folder)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asked = child.stdin.take().unwrap();
    // One that does not ask may have ended by now.
    drop(asked.write_all(answer.as_bytes()));
    drop(asked);
    let ended = child.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8(said).unwrap());
    let instant = Regex::new(r"\d{4}-[^ ]+Z").unwrap();
    let said = instant
        .replace_all(said.concat().trim_end(), "INSTANT")
        .into_owned();
    (said, ended.status.code())
}

#[tokio::test]
async fn the_command_says_what_it_will_do_and_does_it_if_it_is_told_yes() {
    let folders = Folders::new("appointment");
    let folder = folders.demonstration("data").await;
    let (said, code) = run(&folder, &[], "no\n");
    assert_eq!(code, Some(1), "{said}");
    assert_snapshot!(said, @"
    Site BRARY5X9S: City Library, in AT. Its master is kim@example.com, who stays master until the invitation is accepted, and is a sub-master then.
    lee@example.com will be invited to be its master, for seven days. An entry of its statement will say that an operator did so, on OPS-4711.
    Type yes to go on: Nothing was changed.
    ");
    // Nobody is there to answer.
    assert_eq!(run(&folder, &[], "").1, Some(1));
    let (said, code) = run(&folder, &[], "yes\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("Type yes to go on: lee@example.com is invited until INSTANT, by entry 2. The notice is published when the server starts next."), "{said}");
    // It is sent once more.
    let (said, code) = run(&folder, &["--yes"], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("by entry 3") && !said.contains("Type"),
        "{said}"
    );
    assert!(verified(&folder));

    let server = Server::start(&folder, &[]);
    let (said, code) = run(&folder, &["--yes"], "");
    assert_eq!(code, Some(2), "{said}");
    let agent = agent();
    let lee = token(&agent, &server.address, LEE);
    let acceptance = format!("{}/invitations/{REGULAR_SITE}/acceptance", server.address);
    let accepted = post(&agent, &acceptance, &lee, "acceptance", &json!({}));
    let (status, _, accepted) = accepted.unwrap();
    assert_eq!(
        (status, text(&accepted["site"]["role"])),
        (201, "master".to_owned())
    );
    assert_eq!(server.stop().1, Some(0));
    assert!(verified(&folder));
    let (said, code) = run(&folder, &["--yes"], "");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.ends_with("lee@example.com is an administrator of this site already"),
        "{said}"
    );
}

#[tokio::test]
async fn the_command_refuses_what_it_cannot_do_and_changes_nothing() {
    let folders = Folders::new("appointment-refused");
    let folder = folders.demonstration("data").await;
    let refusal = |site: &str, email: &str, reference: &str, folder: &Path| {
        let command = [
            "appoint-master",
            "--yes",
            "--site",
            site,
            "--email",
            email,
            "--reference",
            reference,
        ];
        let said = folders.refusal(&command, folder);
        said.lines().next().unwrap().to_owned()
    };
    let ticket = "OPS-4711";
    assert_snapshot!(
        refusal("ZZZZZZZZ7", LEE, ticket, &folder),
        @"error: there is no site ZZZZZZZZN in DATA"
    );
    assert_snapshot!(
        refusal("ZZZ", LEE, ticket, &folder),
        @"error: invalid value 'ZZZ' for '--site <SITE>': site_id must be N letters and digits, none of them U"
    );
    assert_snapshot!(
        refusal(REGULAR_SITE, "lee", ticket, &folder),
        @r"error: invalid value 'lee' for '--email <EMAIL>': email must be one e-mail address such as kim@example.com, of at most N bytes, without spaces, invisible characters and / ? # % \"
    );
    assert_snapshot!(
        refusal(REGULAR_SITE, LEE, "Lee asked for it", &folder),
        @"error: invalid value 'Lee asked for it' for '--reference <REFERENCE>': reference must be the number of a ticket: N to N ASCII letters, digits, hyphens, underscores, dots, slashes and #"
    );
    let nothing = folders.path("nothing");
    assert_snapshot!(
        refusal(REGULAR_SITE, LEE, ticket, &nothing),
        @"error: there is no data in DATA"
    );
    assert!(!nothing.exists());
    // A folder that a server works on.
    let _server = Server::start(&folder, &[]);
    let used = refusal(REGULAR_SITE, LEE, ticket, &folder);
    assert_snapshot!(used, @"error: DATA is in use by another server, or is being copied: stop that, or name another folder with --data");
}

#[test]
fn on_a_deployed_table_it_takes_the_table_and_the_credentials_of_the_environment() {
    let folders = Folders::new("deployed");
    let folder = folders.path("data");
    let mut server = Server::start(&folder, &["--engine", "127.0.0.1:0"]);
    let printed = server.printed("speaks DynamoDB");
    let engine = printed.split_whitespace().find(|word| {
        let number = word.rsplit_once(':').map_or("", |(_, port)| port);
        word.starts_with("http") && number.ends_with(',') && **word != server.address
    });
    let engine = engine.unwrap().trim_end_matches(',');
    let run = |table: &str| {
        let done = Command::new(BINARY)
            .args([
                "appoint-master",
                "--deployed",
                "--yes",
                "--site",
                REGULAR_SITE,
            ])
            .args(["--email", LEE, "--reference", "OPS-4711"])
            .env("TABLE_NAME", table)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "operator")
            .env("AWS_SECRET_ACCESS_KEY", "operator")
            .env("AWS_ENDPOINT_URL_DYNAMODB", engine)
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].map(|said| String::from_utf8(said).unwrap());
        (said.concat(), done.status.code())
    };
    let (said, code) = run("no-such-table");
    assert_eq!(code, Some(2), "{said}");
    let (said, code) = run(TABLE_NAME);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("The notice is published by publish-notices."),
        "{said}"
    );
    let agent = agent();
    let lee = token(&agent, &server.address, LEE);
    let accept = format!("{}/invitations/{REGULAR_SITE}/acceptance", server.address);
    let accepted = post(&agent, &accept, &lee, "acceptance", &json!({}));
    let (status, _, accepted) = accepted.unwrap();
    assert_eq!(
        (status, text(&accepted["site"]["role"])),
        (201, "master".to_owned())
    );
    server.stop();
}
