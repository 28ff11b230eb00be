//! Builds the binaries that are measured.

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds packages in the release profile, and returns the binary of each.
///
/// # Errors
/// A package cannot be built.
pub(crate) fn release(packages: &[&str]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release"])
        .args(
            packages
                .iter()
                .map(|package| format!("--package={package}")),
        )
        // The paths of the binaries depend on cargo's settings, so they are read from its messages.
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err(format!("cargo cannot build {packages:?}").into());
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let binaries = packages.iter().map(|package| {
        binary(&messages, package).ok_or_else(|| format!("cargo built no {package}").into())
    });
    binaries.collect()
}

/// The path, in cargo's messages, of the binary that has the package's name.
fn binary(messages: &str, package: &str) -> Option<PathBuf> {
    let executables = messages.split(r#""executable":""#).skip(1);
    executables
        .filter_map(|rest| rest.split_once('"'))
        .map(|(path, _)| PathBuf::from(path))
        .find(|path| path.file_stem().is_some_and(|name| name == package))
}

#[cfg(test)]
mod tests {
    use super::binary;
    use std::path::Path;

    #[test]
    fn a_binary_is_found_by_its_name() {
        let messages = r#"{"reason":"compiler-artifact","executable":null,"fresh":true}
{"reason":"compiler-artifact","executable":"/target/release/redeem-code","fresh":true}
{"reason":"compiler-artifact","executable":"/target/release/recharge-sms","fresh":false}
{"reason":"build-finished","success":true}"#;
        let found = binary(messages, "recharge-sms");
        assert_eq!(
            found.as_deref(),
            Some(Path::new("/target/release/recharge-sms"))
        );
        assert_eq!(binary(messages, "hello-world"), None);
    }
}
