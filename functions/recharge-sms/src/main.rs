//! Wires `recharge-sms` for AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use recharge_sms::RechargeSms;
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = RechargeSms {
        store: settings::store()?,
        codes: settings::code_checker()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
