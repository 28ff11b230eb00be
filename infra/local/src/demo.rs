//! Runs the story of `docs/STORY.md`: starts a server of its own on a free port, with data that is thrown away, and gives
//! each `sh` block to one bash. The page is printed with the answers of this run in its `text` blocks.

use crate::clock::Clock;
use crate::engine::Engine;
use crate::machine;
use std::error::Error;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tokio::net::TcpListener;

/// The page, whose blocks are run in their order.
const STORY: &str = include_str!("../../../docs/STORY.md");
/// The address of the page's server.
const ADDRESS: &str = "http://127.0.0.1:3000";
/// The instant at which the story begins: the anchor day of its devices is the 31st.
const BEGINNING: &str = "2027-01-31T08:00:00Z";
/// The line that bash prints at the end of a block.
const END: &str = "== end of block ==";
/// The width at which an answer is wrapped.
const WIDTH: usize = 80;

/// Why the story could not be told to its end.
type DemoError = Box<dyn Error + Send + Sync>;

/// Tells the story.
///
/// # Errors
/// The server cannot be started, there is no bash, or the terminal is gone.
pub async fn tell(out: impl Write + Send + 'static) -> Result<(), DemoError> {
    let data = std::env::temp_dir().join(format!("site-credits-demo-{}", uuid::Uuid::new_v4()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let listening = listener.local_addr()?;
    let address = format!("http://{listening}");
    let clock = Clock::default();
    clock.set(Some(BEGINNING.parse()?));
    // Tokens and links of cards are those that a reader of the page gets.
    let router = machine::start(&Engine::on_file(&data)?, clock, ADDRESS, listening.port())?;
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let folder = data.clone();
    let told = tokio::task::spawn_blocking(move || run(out, &address, &folder)).await;
    server.abort();
    drop(std::fs::remove_dir_all(&data));
    told?
}

/// Runs the page against the server at `address`.
fn run(mut out: impl Write, address: &str, data: &Path) -> Result<(), DemoError> {
    let mut shell = Shell::start(data)?;
    let mut parts = STORY.split("```sh\n");
    write!(out, "{}", parts.next().unwrap_or_default())?;
    for part in parts {
        let (block, text) = part
            .split_once("\n```\n")
            .ok_or("a block of the story has no end")?;
        // The page's own answers are those of an earlier run.
        let text = match text.strip_prefix("\n```text\n") {
            Some(answers) => answers.split_once("```\n").map_or("", |(_, text)| text),
            None => text,
        };
        writeln!(out, "```sh\n{block}\n```")?;
        let answers = shell.run(&block.replace(ADDRESS, address))?;
        if !answers.is_empty() {
            let answers: String = answers.iter().map(|line| wrapped(line)).collect();
            write!(out, "\n```text\n{answers}```\n")?;
        }
        write!(out, "{text}")?;
    }
    Ok(())
}

/// A line of an answer, broken between the members of its JSON.
fn wrapped(line: &str) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for piece in line
        .split_inclusive(",\"")
        .flat_map(|piece| piece.split_inclusive(",{"))
    {
        let (member, start) =
            piece.split_at(piece.len() - usize::from(piece.ends_with(['"', '{'])));
        text += member;
        width += member.chars().count();
        if member.ends_with(',') && width > WIDTH {
            text += "\n  ";
            width = 2;
        }
        text += start;
    }
    text + "\n"
}

/// A bash that keeps the variables of one block for the next.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    /// Starts it. In it, `cargo run --` is this program, and every folder of data is that of the story.
    fn start(data: &Path) -> Result<Self, DemoError> {
        let mut child = Command::new("bash")
            .env("PROGRAM", std::env::current_exe()?)
            .env("DATA", data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the story needs bash and curl: {error}"))?;
        let mut input = child.stdin.take().ok_or("bash has no input")?;
        let output = child.stdout.take().ok_or("bash has no output")?;
        writeln!(
            input,
            "exec 2>&1; cargo() {{ \"$PROGRAM\" verify --data \"$DATA\"; }}"
        )?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output).lines(),
        })
    }

    /// Runs a block and returns the lines that it printed.
    fn run(&mut self, block: &str) -> Result<Vec<String>, DemoError> {
        writeln!(self.input, "{block}\necho '{END}'")?;
        let mut printed = Vec::new();
        for line in &mut self.output {
            let line = line?;
            if line == END {
                return Ok(printed);
            }
            printed.push(line);
        }
        Err("bash ended within a block".into())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
