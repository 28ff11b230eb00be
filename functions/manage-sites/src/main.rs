//! Wires `manage-sites` for AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use manage_sites::ManageSites;
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = ManageSites {
        store: settings::store()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
