//! The command line: `serve`, `demo`, `verify`, `backup`, `appoint-master` and `openapi`.

use crate::appoint::{Appointment, Books, appoint};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::seed;
use crate::template::TABLE_NAME;
use crate::verify::{Table, verify};
use crate::{demo, folder, machine, openapi, welcome};
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::names::Reference;
use site_credits::telemetry;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The folder of the data unless `--data` names another. Git ignores it.
const DATA: &str = ".local/data";

/// Why a command failed.
type Failure = Box<dyn Error + Send + Sync>;

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
    /// Runs docs/STORY.md in the terminal: the whole story, on a server and data of its own.
    Demo,
    /// Prints the contract, `openapi.yaml`, as the code has it.
    Openapi,
    /// Copies the data into a folder of its own, also while a server works on it.
    Backup {
        /// The folder of the data.
        #[arg(long, default_value = DATA)]
        data: PathBuf,
        /// The folder for the copy, which must be empty or not there.
        #[arg(long)]
        to: PathBuf,
    },
    /// Invites somebody to be the master of a site whose master is gone, by an entry that says that an operator did so.
    AppointMaster(AppointMaster),
    /// Walks the store and proves that nothing was spent, lost or charged twice; exits 1 on any violation.
    Verify {
        /// The folder of the data.
        #[arg(long, default_value = DATA)]
        data: PathBuf,
    },
}

#[derive(Parser)]
struct AppointMaster {
    /// The site's ID.
    #[arg(long, value_parser = SiteId::parse)]
    site: SiteId,
    /// The address of the person, who accepts the invitation signed in with it.
    #[arg(long, value_parser = Email::parse)]
    email: Email,
    /// The number of the ticket on which this is done. It is never erased, so it must name no person.
    #[arg(long, value_parser = Reference::parse)]
    reference: Reference,
    /// The folder of the data, on which no server runs.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Acts on a deployed table: that of `TABLE_NAME`, `AWS_REGION`, and the credentials in `AWS_ACCESS_KEY_ID` and its like.
    #[arg(long, conflicts_with = "data")]
    deployed: bool,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Parser)]
struct Serve {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The folder of the data.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Starts without the demonstration.
    #[arg(long)]
    no_demo: bool,
    /// Starts with the clock frozen at this instant (RFC 3339).
    #[arg(long)]
    clock: Option<Timestamp>,
    /// Also offers the engine over HTTP at this address, for containers and other tools.
    #[arg(long)]
    engine: Option<SocketAddr>,
}

/// Runs the command line: 0 is success, 1 a violation that `verify` found or an answer other than yes, 2 any other error.
pub async fn run() -> ExitCode {
    let command = Command::parse();
    let action = command
        .action
        .unwrap_or_else(|| Action::Serve(Serve::parse_from(["serve"])));
    let done = match action {
        Action::Serve(options) => serve(options).await,
        Action::Demo => demo::tell(std::io::stdout())
            .await
            .map(|()| ExitCode::SUCCESS),
        Action::Openapi => openapi::document()
            .map(|document| {
                print!("{document}");
                ExitCode::SUCCESS
            })
            .map_err(Failure::from),
        Action::Backup { data, to } => back_up(&data, &to),
        Action::AppointMaster(options) => appoint_master(options).await,
        Action::Verify { data } => prove(data).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {}", telemetry::causes(error.as_ref()));
        ExitCode::from(2)
    })
}

fn back_up(data: &Path, to: &Path) -> Result<ExitCode, Failure> {
    folder::back_up(data, to)?;
    let to = to.display();
    println!("The data is in {to}. `cargo run -- verify --data {to}` proves its books.");
    Ok(ExitCode::SUCCESS)
}

async fn appoint_master(options: AppointMaster) -> Result<ExitCode, Failure> {
    let AppointMaster {
        site,
        email,
        reference,
        data,
        deployed,
        yes,
    } = options;
    let books = if deployed {
        Books::Deployed
    } else {
        Books::Folder(data)
    };
    let appointment = Appointment {
        site,
        email,
        reference,
    };
    let answer = (!yes).then(|| std::io::stdin().lock());
    let done = appoint(&books, &appointment, answer, std::io::stdout()).await?;
    Ok(if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn prove(data: PathBuf) -> Result<ExitCode, Failure> {
    // A scan is not a snapshot, but a copy is, so a server can keep running meanwhile.
    let copy = std::env::temp_dir().join(format!("site-credits-verify-{}", uuid::Uuid::new_v4()));
    let found = async {
        let engine = Engine::on_copy(&data, &copy)?;
        Ok::<_, Failure>(verify(&Table::over(engine.client(), TABLE_NAME)).await?)
    };
    let found = found.await;
    drop(std::fs::remove_dir_all(&copy));
    let findings = found?;
    println!("{findings}");
    Ok(if findings.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn serve(options: Serve) -> Result<ExitCode, Failure> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .init();
    let stopped = stop_signal()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await;
    let listener = listener
        .map_err(|error| format!("port {} of 127.0.0.1 cannot be had: {error}", options.port))?;
    let listening = listener.local_addr()?;
    let address = format!("http://{listening}");
    let engine = Engine::on_file(&options.data)?;
    let clock = Clock::default();
    clock.set(options.clock);
    println!("Site Credits is running at {address}");
    if !options.no_demo {
        let (store, now) = (engine.store(), clock.now());
        seed::demonstration(&store, now).await?;
        print!(
            "{}",
            welcome::text(&seed::sites(&store, now).await?, &address)
        );
    }
    if let Some(address) = options.engine {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        println!("The engine speaks DynamoDB at http://{address}, table {TABLE_NAME}.");
        let engine = engine.clone();
        tokio::spawn(async move {
            // The folder is closed after this server's database.
            dynoxide::server::serve_on(listener, engine.database()).await;
        });
    }
    let router = machine::start(&engine, clock, &address, listening.port())?;
    axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await?;
    println!("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C or SIGTERM, which are caught from now on: a server that is stopped at its start closes its data too.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
