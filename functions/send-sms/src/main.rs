//! Wires `send-sms` for AWS Lambda.

use send_sms::{SendSms, routes};
use site_credits::http::{self, Routes};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = SendSms {
        store: settings::store()?,
        cards: settings::card_pages()?,
        pseudonyms: settings::pseudonyms()?,
        network: settings::sms_network()?,
    };
    http::run(routes::<Routes<_>>().with(function)).await
}
