//! The functions, wired over the embedded engine, and invoked as Lambda invokes them: an event in, a value out.

use super::clock::Clock;
use super::engine::Engine;
use super::seed::{self, SeedError};
use super::sns::Sns;
use deduct_monthly::DeductMonthly;
use get_balance::GetBalance;
use issue_codes::IssueCodes;
use lambda_runtime::{Context, LambdaEvent, Service};
use manage_sites::ManageSites;
use manage_users::ManageUsers;
use publish_notices::{PublishNotices, Published};
use recharge_sms::RechargeSms;
use record_receipts::RecordReceipts;
use redeem_code::RedeemCode;
use send_sms::SendSms;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use site_credits::domain::values::license_code::CodeChecker;
use site_credits::http::{Descriptions, Router, Routes, guarded};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The time that a scheduled function has on this machine, as in the template.
const SCHEDULED_TIME_LIMIT: Duration = Duration::from_mins(5);

/// An invocation did not lead to an answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function.
    #[error("there is no function {0}")]
    NoFunction(String),
    /// The event is not one of this function's.
    #[error("the event cannot be read: {0}")]
    Event(#[source] serde_json::Error),
    /// The function failed.
    #[error("the function failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// All functions. Clones share them.
#[derive(Clone, Debug)]
pub struct Functions {
    redeem_code: Router<RedeemCode>,
    recharge_sms: Router<RechargeSms>,
    get_balance: Router<GetBalance>,
    issue_codes: Router<IssueCodes>,
    manage_sites: Router<ManageSites>,
    manage_users: Router<ManageUsers>,
    send_sms: Router<SendSms>,
    record_receipts: Arc<RecordReceipts>,
    publish_notices: Arc<PublishNotices>,
    deduct_monthly: Arc<DeductMonthly>,
    clock: Clock,
}

impl Functions {
    /// Wires the functions over an engine, SNS and a clock; the links of cards begin with `card_link_base`.
    ///
    /// # Errors
    /// The local secrets cannot be read.
    pub fn over(
        engine: &Engine,
        sns: &Sns,
        card_link_base: &str,
        clock: Clock,
    ) -> Result<Self, SeedError> {
        let codes = || Ok::<_, SeedError>(CodeChecker::new(seed::check_secrets()?));
        Ok(Self {
            redeem_code: redeem_code::routes::<Routes<_>>().with(RedeemCode {
                store: engine.store(),
                codes: codes()?,
            }),
            recharge_sms: recharge_sms::routes::<Routes<_>>().with(RechargeSms {
                store: engine.store(),
                codes: codes()?,
            }),
            get_balance: get_balance::routes::<Routes<_>>().with(GetBalance {
                store: engine.store(),
            }),
            issue_codes: issue_codes::routes::<Routes<_>>().with(IssueCodes {
                store: engine.store(),
                issuer: seed::issuer()?,
            }),
            manage_sites: manage_sites::routes::<Routes<_>>().with(ManageSites {
                store: engine.store(),
            }),
            manage_users: manage_users::routes::<Routes<_>>().with(ManageUsers {
                store: engine.store(),
                cards: seed::card_pages(card_link_base)?,
                pseudonyms: seed::pseudonyms()?,
            }),
            send_sms: send_sms::routes::<Routes<_>>().with(SendSms {
                store: engine.store(),
                cards: seed::card_pages(card_link_base)?,
                pseudonyms: seed::pseudonyms()?,
                network: sns.network(),
            }),
            record_receipts: Arc::new(RecordReceipts {
                store: engine.store(),
            }),
            publish_notices: Arc::new(PublishNotices {
                store: engine.store(),
                topic: sns.topic(),
                published: Published::default(),
            }),
            deduct_monthly: Arc::new(DeductMonthly {
                store: engine.store(),
            }),
            clock,
        })
    }

    /// Invokes a function by the name of its binary.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        match function {
            "redeem-code" => answer(&self.redeem_code, event).await,
            "recharge-sms" => answer(&self.recharge_sms, event).await,
            "get-balance" => answer(&self.get_balance, event).await,
            "issue-codes" => answer(&self.issue_codes, event).await,
            "manage-sites" => answer(&self.manage_sites, event).await,
            "manage-users" => answer(&self.manage_users, event).await,
            "send-sms" => answer(&self.send_sms, event).await,
            "publish-notices" => Ok(json!(self.publish_notices.handle(read(event)?).await)),
            "record-receipts" => {
                let report = self.record_receipts.handle(read(event)?).await;
                report
                    .map(|report| json!(report))
                    .map_err(|error| InvokeError::Failed(error.into()))
            }
            "deduct-monthly" => {
                let report = self
                    .deduct_monthly
                    .handle(read(event)?, self.clock.now(), SCHEDULED_TIME_LIMIT)
                    .await;
                report
                    .map(|report| json!(report))
                    .map_err(|error| InvokeError::Failed(error.into()))
            }
            other => Err(InvokeError::NoFunction(other.to_owned())),
        }
    }
}

/// What every function of the HTTP API says of its routes.
#[must_use]
pub fn descriptions() -> [(&'static str, Descriptions); 7] {
    [
        ("redeem-code", redeem_code::routes()),
        ("recharge-sms", recharge_sms::routes()),
        ("get-balance", get_balance::routes()),
        ("issue-codes", issue_codes::routes()),
        ("manage-sites", manage_sites::routes()),
        ("manage-users", manage_users::routes()),
        ("send-sms", send_sms::routes()),
    ]
}

/// Every route of the HTTP API as it is declared: its key, and the function behind it.
#[must_use]
pub fn routes() -> Vec<(&'static str, &'static str)> {
    let of = |(function, Descriptions(routes)): (&'static str, Descriptions)| {
        let keys = routes.into_iter().map(|(key, _)| key);
        keys.map(|key| (key, function)).collect::<Vec<_>>()
    };
    descriptions().into_iter().flat_map(of).collect()
}

/// Invokes a function of the HTTP API, through the service that it runs on AWS.
async fn answer<F: Send + Sync + 'static>(
    router: &Router<F>,
    event: Value,
) -> Result<Value, InvokeError> {
    let event = LambdaEvent::new(read(event)?, Context::default());
    let answer = guarded(router.clone()).call(event);
    let Ok(answer) = answer.await;
    Ok(json!(answer))
}

fn read<T: DeserializeOwned>(event: Value) -> Result<T, InvokeError> {
    // From text, as Lambda hands it over: some events cannot be read otherwise.
    serde_json::from_str(&event.to_string()).map_err(InvokeError::Event)
}
