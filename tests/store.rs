//! The write path by itself: conditions that no command can reach, because another condition fails first.

use crate::harness::{System, acme, at, redemption};
use run_local::faults::Fault;
use run_local::seed;
use site_credits::commands::{self, BatchError, NewBatch};
use site_credits::domain::model::change::Change;
use site_credits::domain::model::code::{CodeValue, Recharge};
use site_credits::domain::model::site::SiteType;
use site_credits::domain::rules::redeem::{Redeemer, redeem};
use site_credits::domain::values::ids::CommandId;
use site_credits::domain::values::license_code::CodeIssuer;
use site_credits::domain::values::secret::Secrets;
use site_credits::store::{Attempts, Key, NotCommitted, StoreError, TypedKey};

const NOW: &str = "2026-12-09T12:00:00Z";

async fn commit(
    system: &System,
    change: &Change,
    command_id: &CommandId,
) -> Result<(), NotCommitted> {
    let writes = change.clone().into_writes();
    system.quiet().commit(&writes, command_id).await
}

#[tokio::test(start_paused = true)]
async fn a_site_is_written_only_over_the_version_that_was_read() {
    // The change has no entries, because their numbers would collide too.
    let (system, now) = (System::new(), at(NOW));
    let id = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let read = system
        .quiet()
        .read(TypedKey::site(&id), &mut Attempts::default())
        .await
        .unwrap()
        .unwrap();
    let mut site = read.clone();
    site.version += 1;
    let change = Change {
        site,
        entries: Vec::new(),
        own_entry: 0,
        first_of: None,
        writes: Vec::new(),
    };
    assert!(commit(&system, &change, &CommandId::random()).await.is_ok());
    assert!(
        matches!(commit(&system, &change, &CommandId::random()).await, Err(NotCommitted::Lost(places)) if places == [0])
    );
}

#[tokio::test(start_paused = true)]
async fn each_condition_of_a_code_is_also_one_of_the_write() {
    // Each change is decided while the code allows it, and committed when it does not any more.
    let (system, now) = (System::new(), at(NOW));
    let id = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
    let site = TypedKey::site(&id);
    let site = system.quiet().read(site, &mut Attempts::default()).await;
    let by = Redeemer {
        person: site.unwrap().unwrap().administrators[0].person.clone(),
        command_id: CommandId::random(),
    };
    let checker = site_credits::domain::values::license_code::CodeChecker::new(
        seed::check_secrets().unwrap(),
    );
    let expressions = [
        "SET voided_at = :at",
        "SET expires_on = :yesterday",
        "SET bound_to = :elsewhere",
        "SET applied_at = :at",
    ];
    for (code, expression) in system.codes(5, 0, 4, now).await.iter().zip(expressions) {
        let code_key = checker.recognise(code).unwrap().key;
        let key = Key::Code(code_key.clone());
        let read = TypedKey::code(&code_key);
        let read = system.quiet().read(read, &mut Attempts::default()).await;
        let read = read.unwrap().unwrap();
        let site = system
            .quiet()
            .read(TypedKey::site(&id), &mut Attempts::default())
            .await
            .unwrap()
            .unwrap();
        let change = redeem(site, &read, Recharge::Credits, &by, now).unwrap();
        let (pk, sk) = key.pair();
        let values = serde_json::json!({
            ":at": { "S": NOW }, ":yesterday": { "S": "2026-12-08" }, ":elsewhere": { "S": "00000000S" },
        });
        let name = expression.rsplit(' ').next().unwrap();
        system.engine().call("UpdateItem", serde_json::json!({
            "TableName": "site-credits", "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "UpdateExpression": expression, "ExpressionAttributeValues": { name: values[name] },
        })).unwrap();
        let lost = commit(&system, &change, &by.command_id).await;
        assert!(
            matches!(lost, Err(NotCommitted::Lost(guards)) if guards.len() == 1),
            "{expression}"
        );
        // The harness verifies the table after the test, so the code is put right again.
        let item = serde_json::json!({
            "TableName": "site-credits", "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "UpdateExpression": format!("REMOVE {}", expression.split(' ').nth(1).unwrap()),
        });
        system.engine().call("UpdateItem", item).unwrap();
        assert!(
            commit(&system, &change, &by.command_id).await.is_ok(),
            "{expression}"
        );
    }
}

fn batch(count: u32) -> NewBatch {
    NewBatch {
        value: CodeValue::new(5, 0).unwrap(),
        count,
        expires_on: None,
        bound_to: None,
        note: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_died_half_way_is_finished_by_its_repetition_and_nothing_applied_is_reset() {
    let issuer = seed::issuer().unwrap();
    let now = at(NOW);
    for last in 1..8 {
        let system = System::new();
        let site = system.site(SiteType::Dynamic, "Europe/Vienna", now).await;
        let batch = batch(350).issued_by(&acme(now), &issuer).unwrap();
        let mut request = 0;
        system.wire.plan(move |_, _| {
            request += 1;
            if request == last {
                Fault::CrashAfter
            } else {
                Fault::None
            }
        });
        let (store, acme) = (system.store(), acme(now));
        let codes = tokio::select! {
            biased;
            () = system.wire.crashed.notified() => None,
            codes = commands::issue_batch(&store, &issuer, &batch, &acme) => Some(codes.unwrap()),
        };
        system.wire.quiet();
        if let Some(first) = codes.as_ref().map(|codes| codes[0].to_string()) {
            assert_eq!(
                system.send(redemption(&site, &first, now)).await.status,
                201
            );
        } else if last > 1 {
            let first = batch.code(&issuer, 0).unwrap().0.to_string();
            assert_eq!(
                system.send(redemption(&site, &first, now)).await.status,
                201
            );
        }
        let again = commands::issue_batch(&system.quiet(), &issuer, &batch, &acme)
            .await
            .unwrap();
        assert_eq!(again.len(), 350);
        assert!(codes.is_none_or(|codes| codes == again));
        let findings = system.findings().await;
        assert_eq!((findings.codes, findings.batches), (350, 1));
        assert_eq!(findings.applied, usize::from(last > 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_finished_under_the_secret_that_it_was_started_under() {
    let old = "old:00000000000000000000000000000000000000000000000000000000000000aa";
    let new = "new:00000000000000000000000000000000000000000000000000000000000000bb";
    let both = format!("{new},{old}");
    let issuer = |secrets: &str| {
        CodeIssuer::new(
            Secrets::parse(secrets).unwrap(),
            Secrets::parse(secrets).unwrap(),
        )
        .unwrap()
    };
    let (system, now) = (System::new(), at(NOW));
    let started = batch(3).issued_by(&acme(now), &issuer(old)).unwrap();
    let codes = commands::issue_batch(&system.quiet(), &issuer(old), &started, &acme(now))
        .await
        .unwrap();
    let mut repeated = started.clone();
    repeated.secret_id = issuer(&both).newest().clone();
    assert_ne!(repeated.secret_id, started.secret_id);
    assert_eq!(
        commands::issue_batch(&system.quiet(), &issuer(&both), &repeated, &acme(now))
            .await
            .unwrap(),
        codes
    );
    let mut other = started.clone();
    other.count = 4;
    let refused = commands::issue_batch(&system.quiet(), &issuer(&both), &other, &acme(now)).await;
    let differs = matches!(refused, Err(BatchError::Store(StoreError::Defect(_))));
    assert!(differs, "{refused:?}");
    assert_eq!(system.findings().await.codes, 3);
}
