//! Wires `publish-notices` for AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use publish_notices::{PublishNotices, Published};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = PublishNotices {
        store: settings::store()?,
        topic: settings::notice_topic()?,
        published: Published::default(),
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
