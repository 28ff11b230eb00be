//! Wires `manage-sites` for AWS Lambda.

use manage_sites::{ManageSites, routes};
use site_credits::http::{self, Routes};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = ManageSites {
        store: settings::store()?,
    };
    http::run(routes::<Routes<_>>().with(function)).await
}
