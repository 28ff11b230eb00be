//! Wires `deduct-monthly` for AWS Lambda.

use deduct_monthly::DeductMonthly;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "when this invocation began and how long it may last is real time"
)]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = DeductMonthly {
        store: settings::store()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        let now = std::time::SystemTime::now();
        let remaining = event
            .context
            .deadline()
            .duration_since(now)
            .unwrap_or_default();
        let now = Timestamp::try_from(now).map_err(|error| failed(&error))?;
        let report = function.handle(event.payload, now, remaining).await;
        report.map_err(|error| failed(&error))
    }))
    .await
}

/// What Lambda hands on to the dead-letter queue, which has to say why.
fn failed(error: &(dyn std::error::Error + 'static)) -> Diagnostic {
    Diagnostic {
        error_type: "DeductError".to_owned(),
        error_message: telemetry::causes(error),
    }
}
