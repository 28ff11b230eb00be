//! Wires `issue-codes` for AWS Lambda.

use issue_codes::IssueCodes;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = IssueCodes {
        store: settings::store()?,
        issuer: settings::code_issuer()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
