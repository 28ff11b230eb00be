//! Wires `get-balance` for AWS Lambda.

use get_balance::GetBalance;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = GetBalance {
        store: settings::store()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
