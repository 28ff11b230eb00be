//! Wires `recharge-sms` for AWS Lambda.

use recharge_sms::{RechargeSms, routes};
use site_credits::http::{self, Routes};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = RechargeSms {
        store: settings::store()?,
        codes: settings::code_checker()?,
    };
    http::run(routes::<Routes<_>>().with(function)).await
}
