//! `cargo run`: the whole system on one machine.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    run_local::cli::run().await
}
