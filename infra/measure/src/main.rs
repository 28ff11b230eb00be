//! `cargo run -p measure-functions`: what each function costs before its first request for work.
//!
//! It builds the functions and `hello-world` in the release profile, starts each in place of Lambda, and stops it
//! when it asks for its first invocation. It prints a table of the instructions until then, counted by callgrind,
//! the size of the binary, and the most memory that was resident, each compared with that of `hello-world` and with what
//! docs/MEASUREMENTS.md says. Everything is measured more than once, and the table says how well the runs agree.
//!
//! It needs Linux, for `/proc`, and valgrind.

mod build;
mod figures;
mod launch;
mod runtime_api;

use figures::Figures;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The document that the table is kept in.
const EARLIER: &str = include_str!("../../../docs/MEASUREMENTS.md");
/// The function that the others are compared with.
const HELLO_WORLD: &str = "hello-world";
/// The functions.
const FUNCTIONS: [&str; 10] = [
    "redeem-code",
    "recharge-sms",
    "get-balance",
    "issue-codes",
    "manage-sites",
    "manage-users",
    "send-sms",
    "record-receipts",
    "publish-notices",
    "deduct-monthly",
];

fn main() -> ExitCode {
    match report() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<(), Box<dyn Error>> {
    if !cfg!(target_os = "linux") {
        return Err("functions run on Linux, and can only be measured there".into());
    }
    // A missing valgrind should show before the build, which takes minutes.
    let valgrind = launch::valgrind_version()?;
    // A build together with the functions would give it the features that they ask of its dependencies.
    let mut binaries = build::release(&[HELLO_WORLD])?;
    binaries.extend(build::release(&FUNCTIONS)?);
    let folder = TemporaryFolder::new()?;
    let mut rows = Vec::new();
    for (name, binary) in [HELLO_WORLD].into_iter().chain(FUNCTIONS).zip(&binaries) {
        eprintln!("   Measuring {name}");
        let figures = measure(binary, &folder.0).map_err(|error| format!("{name}: {error}"))?;
        rows.push((name, figures));
    }
    println!(
        "From the start of the process to its first request for work, on {} with {valgrind}:\n",
        std::env::consts::ARCH
    );
    print!("{}", figures::table(&rows, EARLIER));
    println!("\n{}", figures::agreement(&rows));
    Ok(())
}

fn measure(binary: &Path, folder: &Path) -> Result<Figures, Box<dyn Error>> {
    Ok(Figures {
        instructions: [
            launch::count_instructions(binary, folder)?,
            launch::count_instructions(binary, folder)?,
        ],
        size_bytes: std::fs::metadata(binary)?.len(),
        memory_kib: [
            launch::peak_memory_kib(binary, folder)?,
            launch::peak_memory_kib(binary, folder)?,
            launch::peak_memory_kib(binary, folder)?,
        ],
    })
}

/// A folder for the output of the functions and of callgrind, removed at the end.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> std::io::Result<Self> {
        let name = format!("measure-functions-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // The system cleans up what cannot be removed.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
