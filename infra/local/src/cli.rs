//! The command line: `serve`, `demo` and `verify`.

use crate::clock::Clock;
use crate::engine::Engine;
use crate::functions::Functions;
use crate::gateway::Gateway;
use crate::issuer::{Issuer, Person};
use crate::seed::{self, ADMINISTRATOR, Demonstration, PARTNER};
use crate::sns::Sns;
use crate::template::{self, TABLE_NAME};
use crate::verify::{Table, verify};
use crate::{delivery, demo, schedule};
use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};
use site_credits::telemetry;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Where the data is, unless `--data` says otherwise: a folder that git ignores.
const DATA: &str = ".local/data";

/// Site Credits on one machine.
#[derive(Parser)]
#[command(name = "site-credits", version)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Starts everything (what `cargo run` does).
    Serve(Serve),
    /// Tells the whole story in the terminal, in memory.
    Demo,
    /// Walks the store and proves that nothing was spent, lost or charged twice; exits 1 on any violation.
    Verify {
        /// The folder of the data.
        #[arg(long, default_value = DATA)]
        data: PathBuf,
    },
}

#[derive(Args)]
struct Serve {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The folder of the data.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Does not make the demonstration.
    #[arg(long)]
    no_demo: bool,
    /// Starts with the clock frozen at this instant (RFC 3339).
    #[arg(long)]
    clock: Option<Timestamp>,
    /// Also offers the engine over HTTP at this address, for containers and other tools.
    #[arg(long)]
    engine: Option<SocketAddr>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            port: 3000,
            data: DATA.into(),
            no_demo: false,
            clock: None,
            engine: None,
        }
    }
}

/// Reads the command line and does what it says: 0 is success, 1 a violation that `verify` found, 2 any other error.
pub async fn run() -> ExitCode {
    let done = match Command::parse()
        .action
        .unwrap_or(Action::Serve(Serve::default()))
    {
        Action::Serve(options) => serve(options).await,
        Action::Demo => demo::tell(&mut std::io::stdout())
            .await
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
        Action::Verify { data } => prove(data).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {}", telemetry::causes(error.as_ref()));
        ExitCode::from(2)
    })
}

async fn prove(data: PathBuf) -> Result<ExitCode, Box<dyn Error>> {
    // A scan is no snapshot. A copy is one, so that a server may go on working.
    let copy = std::env::temp_dir().join(format!("site-credits-verify-{}", uuid::Uuid::new_v4()));
    let findings = match Engine::on_copy(&data, &copy) {
        Ok(engine) => verify(&Table::over(engine.client(), TABLE_NAME))
            .await
            .map_err(Into::into),
        Err(error) => Err(Box::<dyn Error>::from(error)),
    };
    drop(std::fs::remove_dir_all(&copy));
    let findings = findings?;
    println!("{findings}");
    Ok(if findings.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn serve(options: Serve) -> Result<ExitCode, Box<dyn Error>> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .init();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await;
    let listener = listener
        .map_err(|error| format!("port {} of 127.0.0.1 cannot be had: {error}", options.port))?;
    let address = format!("http://{}", listener.local_addr()?);
    let engine = Engine::on_file(&options.data)?;
    let clock = Clock::default();
    clock.set(options.clock);
    let issuer = Issuer::at(address.clone())?;
    if options.no_demo {
        println!("Site Credits is running at {address}");
    } else {
        let demonstration = seed::demonstration(&engine.store(), clock.now()).await?;
        welcome(&address, &issuer, &demonstration, clock.now())?;
    }
    let sns = Sns::default();
    let functions = Functions::over(&engine, &sns, &format!("{address}/cards/"))?;
    tokio::spawn(schedule::run(functions.clone(), clock.clone()));
    delivery::rewind(&engine)?;
    tokio::spawn(delivery::run(functions.clone(), engine.stream().clone()));
    if let Some(address) = options.engine {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        println!("The engine speaks DynamoDB at http://{address}, table {TABLE_NAME}.");
        tokio::spawn(dynoxide::server::serve_on(listener, engine.database()));
    }
    let gateway = Gateway {
        routes: Arc::new(template::routes()?),
        functions,
        issuer: Arc::new(issuer),
        clock,
        sns,
    };
    axum::serve(listener, gateway.router())
        .with_graceful_shutdown(stopped())
        .await?;
    println!("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or a polite request to end.
async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Says what to paste.
fn welcome(
    address: &str,
    issuer: &Issuer,
    demonstration: &Demonstration,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let token = |email: Option<&str>, partner_id: Option<&str>| {
        let person = Person {
            email: email.map(str::to_owned),
            email_verified: None,
            partner_id: partner_id.map(str::to_owned),
        };
        let token = issuer.token(&person)?;
        let token = token["access_token"].as_str().unwrap_or_default();
        Ok::<_, Box<dyn Error>>(token.to_owned())
    };
    let partner = token(None, Some(PARTNER))?;
    let token = token(Some(ADMINISTRATOR), None)?;
    let Demonstration {
        dynamic_site: gym,
        regular_site: library,
        codes,
        maintenance_codes,
    } = demonstration;
    let code = codes.first().map(ToString::to_string).unwrap_or_default();
    println!("Site Credits is running at {address}. Paste this into another terminal:\n");
    println!("URL={address}");
    println!("TOKEN={token}");
    println!("PARTNER={partner}\n");
    let post = |path: &str, body: &str| {
        println!(
            "curl -s $URL/sites/{path} -H \"Authorization: Bearer $TOKEN\" -H \"Idempotency-Key: $RANDOM-$RANDOM\" -d '{body}'; echo\n"
        );
    };
    let get = |path: &str| {
        println!("curl -s $URL/sites/{path} -H \"Authorization: Bearer $TOKEN\"; echo\n");
    };
    println!(
        "# Harbour Gym has three devices and one credit. What would a code do? (Nothing changes.)"
    );
    post(
        &format!("{gym}/license/preview"),
        &format!(r#"{{"code":"{code}","recharge":"credits"}}"#),
    );
    println!(
        "# Next month comes: the deduction finds one credit where three are due, and halts the site."
    );
    let next_month = now + SignedDuration::from_hours(24 * 31);
    println!(
        "curl -s $URL/2015-03-31/functions/deduct-monthly/invocations -d '{{\"scheduled_time\":\"{next_month}\"}}'; echo\n"
    );
    get(&format!("{gym}/license"));
    println!("# Apply the code: the overdue credits are paid, and the site runs again.");
    post(
        &format!("{gym}/license/redemptions"),
        &format!(r#"{{"code":"{code}"}}"#),
    );
    println!("# The balance, and the statement.");
    get(&format!("{gym}/license"));
    get(&format!("{gym}/license/statement"));
    println!(
        "# A person, a card, and its link by SMS: to the local phone, whose messages are shown last."
    );
    let sms = codes.get(1).map(ToString::to_string).unwrap_or_default();
    post(
        &format!("{gym}/sms/redemptions"),
        &format!(r#"{{"code":"{sms}"}}"#),
    );
    post(
        &format!("{gym}/users"),
        r#"{"user_id":"ann","name":"Ann","mobile":"+436641234567"}"#,
    );
    post(&format!("{gym}/users/ann/card"), "{}");
    post(&format!("{gym}/users/ann/card/deliveries"), "{}");
    println!("curl -s $URL/_local/messages; echo\n");
    println!("# The partner who sold the code: its sites, and two new codes of 10 credits.");
    println!("curl -s $URL/partners/{PARTNER}/sites -H \"Authorization: Bearer $PARTNER\"; echo\n");
    println!(
        "curl -s $URL/partners/{PARTNER}/code-batches -H \"Authorization: Bearer $PARTNER\" -H \"Idempotency-Key: $RANDOM-$RANDOM\" -d '{{\"credits\":10,\"count\":2}}'; echo\n"
    );
    println!("# A site of your own. All routes, with examples: {address}/openapi.yaml");
    println!(
        "curl -s $URL/sites -H \"Authorization: Bearer $TOKEN\" -H \"Idempotency-Key: $RANDOM-$RANDOM\" -d '{{\"name\":\"My Gym\",\"country\":\"KR\",\"site_type\":\"dynamic\"}}'; echo\n"
    );
    println!("# More codes of 100 credits, for credits or SMS of {gym} and {library}:");
    for code in codes.iter().skip(2).take(4) {
        println!("#   {code}");
    }
    println!("# and of 50 credits and 10 maintenance credits, for {library}:");
    for code in maintenance_codes {
        println!("#   {code}");
    }
    println!("\nCtrl-C stops it. `cargo run -- verify` proves the books.");
    Ok(())
}
