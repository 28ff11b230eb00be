//! `record-receipts`: reads the delivery receipts that SNS writes to CloudWatch Logs, and updates the messages.
//!
//! A subscription filter of the two log groups `sns/<region>/<account>/DirectPublishToPhoneNumber` and `…/Failure` invokes
//! it. A receipt never gives anything back: the network was paid. The account may send other messages than these, of
//! which nothing is known here; they are counted and left alone.

use aws_lambda_events::cloudwatch_logs::LogsEvent;
use serde::{Deserialize, Serialize};
use site_credits::commands;
use site_credits::store::{Store, StoreError};

/// The most characters of what a carrier says that are kept.
const MAX_RECEIPT: usize = 200;

/// One receipt, as SNS writes it. What else it says, as the number and the price, is not read.
#[derive(Debug, Deserialize)]
struct Receipt {
    notification: Notification,
    delivery: Delivery,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "messageId")]
    message_id: String,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    #[serde(default, rename = "providerResponse")]
    provider_response: Option<String>,
    #[serde(default)]
    destination: Option<String>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Receipts of messages that are known.
    pub recorded: u64,
    /// Receipts of other messages.
    pub others: u64,
    /// Lines that are no receipts.
    pub unreadable: u64,
}

/// Receipts could not be recorded. Recording one again is harmless.
#[derive(Debug, thiserror::Error)]
#[error("receipts could not be recorded")]
pub struct ReceiptsError(#[from] StoreError);

/// The function, with what it needs.
#[derive(Debug)]
pub struct RecordReceipts {
    /// The table.
    pub store: Store,
}

impl RecordReceipts {
    /// Records the receipts of an event of CloudWatch Logs.
    ///
    /// # Errors
    /// The table could not be read or written: the event is to be handed out again.
    pub async fn handle(&self, event: LogsEvent) -> Result<Report, ReceiptsError> {
        let mut report = Report::default();
        let data = event.aws_logs.data;
        // CloudWatch checks now and then whether anybody listens.
        let lines = if data.message_type == "DATA_MESSAGE" {
            data.log_events
        } else {
            Vec::new()
        };
        for line in lines {
            let Ok(receipt) = serde_json::from_str::<Receipt>(&line.message) else {
                report.unreadable += 1;
                tracing::warn!(log_event = line.id, "a line of the log is no receipt");
                continue;
            };
            let id = &receipt.notification.message_id;
            let delivered = receipt.status == "SUCCESS";
            let known =
                commands::record_receipt(&self.store, id, delivered, &receipt.says()).await?;
            report.recorded += u64::from(known);
            report.others += u64::from(!known);
        }
        tracing::info!(
            recorded = report.recorded,
            others = report.others,
            unreadable = report.unreadable,
            "receipts"
        );
        Ok(report)
    }
}

impl Receipt {
    /// What the carrier says, without the number, should that be in it.
    fn says(&self) -> String {
        let says = self
            .delivery
            .provider_response
            .as_deref()
            .unwrap_or(&self.status);
        let number = self.delivery.destination.as_deref().unwrap_or_default();
        let digits = number.trim_start_matches('+');
        let says = if digits.is_empty() {
            says.to_owned()
        } else {
            says.replace(digits, "…")
        };
        says.chars().take(MAX_RECEIPT).collect()
    }
}
