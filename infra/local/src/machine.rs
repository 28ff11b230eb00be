//! The whole system in one process: the functions over the engine, their schedule and their delivery, behind the HTTP API.

use crate::clock::Clock;
use crate::engine::Engine;
use crate::functions::Functions;
use crate::gateway::Gateway;
use crate::hosts::OwnHosts;
use crate::issuer::Issuer;
use crate::sns::Sns;
use crate::{delivery, schedule, template};
use axum::Router;
use std::error::Error;
use std::sync::Arc;

/// Starts the schedule and the delivery, and returns the HTTP API, whose tokens and links of cards name `address`.
/// It answers on `port`, which may be another than that of `address`.
///
/// # Errors
/// The template cannot be read, or the issuer or the functions cannot be set up.
pub fn start(
    engine: &Engine,
    clock: Clock,
    address: &str,
    port: u16,
) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let sns = Sns::default();
    let functions = Functions::over(engine, &sns, &format!("{address}/cards/"), clock.clone())?;
    tokio::spawn(schedule::run(functions.clone(), clock.clone()));
    delivery::rewind(engine, clock.now())?;
    tokio::spawn(delivery::run(functions.clone(), engine.stream().clone()));
    let gateway = Gateway {
        routes: Arc::new(template::routes()?),
        functions,
        issuer: Arc::new(Issuer::at(address.to_owned())?),
        clock,
        sns,
        own_hosts: OwnHosts::with_port(port),
    };
    Ok(gateway.router())
}
