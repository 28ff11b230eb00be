//! The local machine, as a process that tests start, kill and stop.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    run_local::cli::run().await
}
