//! Wires `issue-codes` for AWS Lambda.

use issue_codes::{IssueCodes, routes};
use site_credits::http::{self, Routes};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = IssueCodes {
        store: settings::store()?,
        issuer: settings::code_issuer()?,
    };
    http::run(routes::<Routes<_>>().with(function)).await
}
