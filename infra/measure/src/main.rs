//! `cargo run -p measure-functions`: measures what each function costs up to its first request for an invocation.
//!
//! It builds the functions and `hello-world` in the release profile, starts each as Lambda would, and stops it when it
//! asks for its first invocation. It prints a table of the instructions until then, counted by callgrind, the size of
//! the binary, and the peak resident memory. Each figure is compared with that of `hello-world`, and each ratio with
//! the one in docs/MEASUREMENTS.md. The instructions and the memory are measured several times, and the text under the
//! table says how well the runs agree.
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

/// The document that has the earlier table.
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
    // Fails before the build, which takes minutes, if valgrind is missing.
    let valgrind = launch::valgrind_version()?;
    // It is built alone, because cargo would unify the features of its dependencies with those of the functions.
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
        // If this fails, the operating system cleans its temporary folder up.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
