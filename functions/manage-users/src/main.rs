//! Wires `manage-users` for AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use manage_users::ManageUsers;
use site_credits::{settings, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::begin();
    let function = ManageUsers {
        store: settings::store()?,
        cards: settings::card_pages()?,
        pseudonyms: settings::pseudonyms()?,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
