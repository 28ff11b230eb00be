//! The functions, wired over the embedded engine, and invoked as Lambda invokes them: an event in, a value out.

use super::engine::Engine;
use super::seed::{self, SeedError};
use super::sns::Sns;
use deduct_monthly::DeductMonthly;
use get_balance::GetBalance;
use issue_codes::IssueCodes;
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
    redeem_code: Arc<RedeemCode>,
    recharge_sms: Arc<RechargeSms>,
    get_balance: Arc<GetBalance>,
    issue_codes: Arc<IssueCodes>,
    manage_sites: Arc<ManageSites>,
    manage_users: Arc<ManageUsers>,
    send_sms: Arc<SendSms>,
    record_receipts: Arc<RecordReceipts>,
    publish_notices: Arc<PublishNotices>,
    deduct_monthly: Arc<DeductMonthly>,
}

impl Functions {
    /// Wires the functions over an engine and SNS; the links of cards begin with `card_link_base`.
    ///
    /// # Errors
    /// The local secrets cannot be read.
    pub fn over(engine: &Engine, sns: &Sns, card_link_base: &str) -> Result<Self, SeedError> {
        let codes = || Ok::<_, SeedError>(CodeChecker::new(seed::check_secrets()?));
        Ok(Self {
            redeem_code: Arc::new(RedeemCode {
                store: engine.store(),
                codes: codes()?,
            }),
            recharge_sms: Arc::new(RechargeSms {
                store: engine.store(),
                codes: codes()?,
            }),
            get_balance: Arc::new(GetBalance {
                store: engine.store(),
            }),
            issue_codes: Arc::new(IssueCodes {
                store: engine.store(),
                issuer: seed::issuer()?,
            }),
            manage_sites: Arc::new(ManageSites {
                store: engine.store(),
            }),
            manage_users: Arc::new(ManageUsers {
                store: engine.store(),
                cards: seed::card_pages(card_link_base)?,
                pseudonyms: seed::pseudonyms()?,
            }),
            send_sms: Arc::new(SendSms {
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
        })
    }

    /// Invokes a function by the name of its binary.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        match function {
            "redeem-code" => Ok(json!(self.redeem_code.handle(read(event)?).await)),
            "recharge-sms" => Ok(json!(self.recharge_sms.handle(read(event)?).await)),
            "get-balance" => Ok(json!(self.get_balance.handle(read(event)?).await)),
            "issue-codes" => Ok(json!(self.issue_codes.handle(read(event)?).await)),
            "manage-sites" => Ok(json!(self.manage_sites.handle(read(event)?).await)),
            "manage-users" => Ok(json!(self.manage_users.handle(read(event)?).await)),
            "send-sms" => Ok(json!(self.send_sms.handle(read(event)?).await)),
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
                    .handle(read(event)?, SCHEDULED_TIME_LIMIT)
                    .await;
                report
                    .map(|report| json!(report))
                    .map_err(|error| InvokeError::Failed(error.into()))
            }
            other => Err(InvokeError::NoFunction(other.to_owned())),
        }
    }
}

fn read<T: DeserializeOwned>(event: Value) -> Result<T, InvokeError> {
    // From text, as Lambda hands it over: some events cannot be read otherwise.
    serde_json::from_str(&event.to_string()).map_err(InvokeError::Event)
}
