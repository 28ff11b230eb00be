//! Wires `record-receipts` for AWS Lambda.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use record_receipts::RecordReceipts;
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = RecordReceipts {
        store: settings::store()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        let report = function.handle(event.payload).await;
        // What Lambda hands on to the dead-letter queue has to say why.
        report.map_err(|error| Diagnostic {
            error_type: "ReceiptsError".to_owned(),
            error_message: telemetry::causes(&error),
        })
    }))
    .await
}
