//! Wires `manage-users` for AWS Lambda.

use manage_users::{ManageUsers, routes};
use site_credits::http::{self, Routes};
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::begin();
    let function = ManageUsers {
        store: settings::store()?,
        cards: settings::card_pages()?,
        pseudonyms: settings::pseudonyms()?,
    };
    http::run(routes::<Routes<_>>().with(function)).await
}
