//! Wires `issue-codes` for AWS Lambda.

use issue_codes::{IssueCodes, routes};
use site_credits::{http, settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = IssueCodes {
        store: settings::store()?,
        issuer: settings::code_issuer()?,
    };
    http::run(routes().with(function)).await
}
