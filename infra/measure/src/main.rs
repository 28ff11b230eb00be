//! `cargo run -p measure-functions`: what each function costs before its first request for work.
//!
//! It builds the functions and `hello-world` in the release profile, starts each in place of Lambda, and stops it
//! when it asks for its first invocation. It prints a table of the instructions until then, counted by callgrind,
//! the size of the binary, and the most memory that was resident, each beside that of `hello-world`. What is counted
//! is counted again, because a figure that cannot be repeated is none.
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

/// What the functions are compared with.
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
        return Err("functions run on Linux, and are measured there alone".into());
    }
    // A missing valgrind is said before the build and not after it, which takes minutes.
    let valgrind = launch::valgrind_version()?;
    // Built together with the functions it would have what they ask of its dependencies, and be no measure of them.
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
    print!("{}", figures::table(&rows));
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

/// A folder for what the functions say and callgrind writes, removed in the end.
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
        // What cannot be removed is left to the system, which cleans its folder of temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
