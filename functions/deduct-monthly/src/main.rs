//! Wires `deduct-monthly` for AWS Lambda.

use deduct_monthly::DeductMonthly;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "how long this invocation may last is real time, and no rule's business"
)]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = DeductMonthly {
        store: settings::store()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline();
        let remaining = deadline
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        let report = function.handle(event.payload, remaining).await;
        // What Lambda hands on to the dead-letter queue has to say why.
        report.map_err(|error| Diagnostic {
            error_type: "DeductError".to_owned(),
            error_message: telemetry::causes(&error),
        })
    }))
    .await
}
