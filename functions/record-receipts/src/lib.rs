//! `record-receipts`: reads the delivery receipts that SNS writes to CloudWatch Logs, and updates the messages.
//!
//! A subscription filter of the two log groups `sns/<region>/<account>/DirectPublishToPhoneNumber` and `…/Failure` invokes
//! it. A receipt never gives anything back: the network was paid. The account may send other messages than these, of
//! which nothing is known here; they are counted and left alone.

use aws_lambda_events::cloudwatch_logs::LogsEvent;
use serde::{Deserialize, Serialize};
use site_credits::commands;
use site_credits::store::{Store, StoreError};
use std::time::Duration;

/// How long after the first look for a message there is a second.
const SECOND_LOOK: Duration = Duration::from_secs(5);
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
        let (mut unknown, mut failed) = (Vec::new(), None);
        for line in lines {
            let Ok(receipt) = serde_json::from_str::<Receipt>(&line.message) else {
                report.unreadable += 1;
                tracing::warn!(log_event = line.id, "a line of the log is no receipt");
                continue;
            };
            match self.record(&receipt).await {
                Ok(true) => report.recorded += 1,
                Ok(false) => unknown.push(receipt),
                // The others are not to wait for this one; the event is handed out again for it.
                Err(error) => failed = Some(error),
            }
        }
        if !unknown.is_empty() {
            // A receipt can be faster than the transaction that makes its message known.
            tokio::time::sleep(SECOND_LOOK).await;
        }
        for receipt in unknown {
            match self.record(&receipt).await {
                Ok(true) => report.recorded += 1,
                Ok(false) => report.others += 1,
                Err(error) => failed = Some(error),
            }
        }
        tracing::info!(
            recorded = report.recorded,
            others = report.others,
            unreadable = report.unreadable,
            "receipts"
        );
        match failed {
            None => Ok(report),
            Some(error) => Err(error.into()),
        }
    }

    /// Records a receipt; false where its message is not known.
    async fn record(&self, receipt: &Receipt) -> Result<bool, StoreError> {
        let id = &receipt.notification.message_id;
        let delivered = receipt.status == "SUCCESS";
        commands::record_receipt(&self.store, id, delivered, &receipt.says()).await
    }
}

impl Receipt {
    /// What the carrier says, without anything that could be a number, in whatever spelling.
    fn says(&self) -> String {
        let says = self.delivery.provider_response.as_deref();
        let says = without_numbers(says.unwrap_or(&self.status));
        says.chars().take(MAX_RECEIPT).collect()
    }
}

/// The fewest digits, separators between them, that could be a number.
const DIGITS_OF_A_NUMBER: usize = 6;

fn without_numbers(text: &str) -> String {
    let part_of_number = |c: char| c.is_ascii_digit() || " ()-./+".contains(c);
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.find(|c: char| c.is_ascii_digit() || c == '+') {
        plain.push_str(&rest[..first]);
        let run = &rest[first..];
        let end = run.find(|c: char| !part_of_number(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        let digits = run.chars().filter(char::is_ascii_digit).count();
        plain.push_str(if digits < DIGITS_OF_A_NUMBER {
            run
        } else {
            "…"
        });
        rest = after;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn what_could_be_a_number_is_left_out() {
        for (text, expected) in [
            ("No such subscriber: +436641234567", "No such subscriber: …"),
            ("0664 123-45 67 is barred", "…is barred"),
            ("error 1234 at (02) 12", "error 1234 at (02) 12"),
            ("(0664)1234567, code 17", "(…, code 17"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text), expected, "{text}");
        }
    }
}
