//! Wires `send-sms` for AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use send_sms::SendSms;
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = SendSms {
        store: settings::store()?,
        cards: settings::card_pages()?,
        pseudonyms: settings::pseudonyms()?,
        network: settings::sms_network()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
