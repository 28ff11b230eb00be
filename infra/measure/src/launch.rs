//! Starts a function as Lambda would, and stops it when it asks for its first invocation.

use crate::runtime_api::{RuntimeApi, WaitingFunction};
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a function may take to ask for work. Under callgrind it takes a second or two.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long it may then take to fall asleep.
const SLEEP_LIMIT: Duration = Duration::from_secs(20);
/// How often a process is checked.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many checks in a row must find a process asleep: a single one may find it in a blocking system call.
const LOOKS_ASLEEP: u32 = 5;

/// The variables that Lambda and the template set. Nothing is signed or sent before the first invocation, so the
/// credentials can be anything.
const ENVIRONMENT: [(&str, &str); 15] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "measured"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "measured"),
    ("AWS_SESSION_TOKEN", "measured"),
    ("TABLE_NAME", "site-credits"),
    (
        "CODE_CHECK_SECRETS",
        "one:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ),
    (
        "CODE_DERIVE_SECRETS",
        "one:1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
    ),
    (
        "CARD_SECRETS",
        "one:101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f",
    ),
    (
        "NOTICE_TOPIC_ARN",
        "arn:aws:sns:eu-central-1:123456789012:notices",
    ),
    ("LOG_LEVEL", "info"),
];

/// Asks valgrind for its version.
///
/// # Errors
/// It is not installed; the error says how to install it.
pub(crate) fn valgrind_version() -> Result<String, Box<dyn Error>> {
    let asked = Command::new("valgrind").arg("--version").output();
    match asked {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8(output.stdout)?.trim().into())
        }
        _ => Err(
            "VALGRIND IS MISSING, and without it nothing can be counted.\n\
            Install it, on Debian and Ubuntu: sudo apt-get install --yes valgrind"
                .into(),
        ),
    }
}

/// The instructions that a function spends until it has asked for work and sleeps.
///
/// # Errors
/// The function does not get that far, or callgrind writes no total.
pub(crate) fn count_instructions(binary: &Path, folder: &Path) -> Result<u64, Box<dyn Error>> {
    let counts = folder.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(binary);
    let function = Function::start(command, folder)?;
    // On SIGTERM callgrind ends the function and writes its counts. SIGKILL would leave no time for that.
    function.terminate()?;
    let written = std::fs::read_to_string(&counts)?;
    // The next run must not read this file again.
    std::fs::remove_file(&counts)?;
    total(&written).ok_or_else(|| "callgrind has written no total".into())
}

/// The peak resident memory, in KiB, of a function until it has asked for work and sleeps.
///
/// # Errors
/// The function does not get that far, or the operating system does not report it.
pub(crate) fn peak_memory_kib(binary: &Path, folder: &Path) -> Result<u64, Box<dyn Error>> {
    let function = Function::start(Command::new(binary), folder)?;
    let status = std::fs::read_to_string(function.process.file("status"))?;
    peak(&status).ok_or_else(|| "the system does not report the peak resident memory".into())
}

/// A function that has asked for work and sleeps.
struct Function {
    process: Process,
    /// The request must stay open: a function whose request fails does not sleep, and executes more instructions.
    _waiting: WaitingFunction,
}

impl Function {
    fn start(mut command: Command, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let said = folder.join("said");
        let file = File::create(&said)?;
        let api = RuntimeApi::listen()?;
        command
            // Inherited variables would change the count, because every lookup scans them.
            .env_clear()
            .envs(ENVIRONMENT)
            .env("AWS_LAMBDA_RUNTIME_API", api.address()?.to_string())
            // Without it, valgrind would not be found.
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let process = Process(command.spawn()?);
        Self::wait(process, &api).map_err(|error| {
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            format!("{error}; its output was:\n{said}").into()
        })
    }

    fn wait(mut process: Process, api: &RuntimeApi) -> Result<Self, Box<dyn Error>> {
        let waiting = api.wait_for_next(START_LIMIT, || process.must_run())?;
        let end = Instant::now() + SLEEP_LIMIT;
        let mut looks_asleep = 0;
        while looks_asleep < LOOKS_ASLEEP {
            process.must_run()?;
            if Instant::now() >= end {
                return Err("it asked for work and did not wait for it".into());
            }
            sleep(LOOK_EVERY);
            let asleep = is_asleep(&std::fs::read_to_string(process.file("stat"))?);
            looks_asleep = if asleep { looks_asleep + 1 } else { 0 };
        }
        Ok(Self {
            process,
            _waiting: waiting,
        })
    }

    /// Sends it SIGTERM, and waits until it has exited.
    fn terminate(mut self) -> Result<(), Box<dyn Error>> {
        // The standard library can only send SIGKILL. Every shell has `kill` built in, but not every machine has it as
        // a program.
        let sent = Command::new("sh")
            .args(["-c", "kill -s TERM \"$1\"", "sh"])
            .arg(self.process.0.id().to_string())
            .status()?;
        if !sent.success() {
            return Err("it cannot be terminated".into());
        }
        self.process.0.wait()?;
        Ok(())
    }
}

/// A process that is killed when this value is dropped, unless it has exited.
struct Process(Child);

impl Process {
    fn must_run(&mut self) -> Result<(), Box<dyn Error>> {
        match self.0.try_wait()? {
            Some(status) => Err(format!("it ended before it asked for work ({status})").into()),
            None => Ok(()),
        }
    }

    /// Its file `name` in `/proc`.
    fn file(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.0.id()).into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail for a process that has ended, which is fine.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The total in callgrind's file.
fn total(counts: &str) -> Option<u64> {
    let mut lines = counts.lines();
    lines
        .find_map(|line| line.strip_prefix("totals:"))
        .and_then(|total| total.trim().parse().ok())
}

/// The peak in `/proc/PID/status`.
fn peak(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    lines
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok())
}

/// Whether `/proc/PID/stat` says that a process sleeps: the field after the name, which ends with the last `)`.
fn is_asleep(stat: &str) -> bool {
    stat.rsplit_once(") ")
        .is_some_and(|(_, fields)| fields.starts_with('S'))
}

#[cfg(test)]
mod tests {
    use super::{Function, is_asleep, peak, total};
    use crate::TemporaryFolder;
    use std::process::Command;

    #[test]
    fn a_function_that_does_not_start_is_reported_with_what_it_said() {
        let folder = TemporaryFolder::new().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo the table is missing >&2; exit 3"]);
        let error = Function::start(command, &folder.0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("the table is missing"), "{error}");
    }

    #[test]
    fn the_total_is_read_from_the_counts() {
        assert_eq!(
            total("events: Ir\nfn=(1)\n3 40\n\ntotals: 431234\n"),
            Some(431_234)
        );
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn the_peak_is_read_from_the_status() {
        assert_eq!(
            peak("VmPeak:\t    9000 kB\nVmHWM:\t    4321 kB\n"),
            Some(4321)
        );
        assert_eq!(peak("VmPeak:\t    9000 kB\n"), None);
    }

    #[test]
    fn a_process_may_have_brackets_in_its_name() {
        assert!(is_asleep("7 (a) R (b)) S 1 7 7"));
        assert!(!is_asleep("7 (a) S (b)) R 1 7 7"));
    }
}
