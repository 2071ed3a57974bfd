//! Programs of others that make file systems: found where administrators have them, run, and asked
//! what went wrong.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Where such programs are, though not everybody's `PATH` says so.
const FOLDERS: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Why a tool was of no help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// It cannot be run.
    #[error("{tool} cannot be run: {source}")]
    Start {
        /// Its name.
        tool: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It did not succeed.
    #[error("{tool} failed ({status}): {told}")]
    Failed {
        /// Its name.
        tool: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it complained of.
        told: String,
    },
    /// A device still has the image when nobody should.
    #[error("{device} is still in use, so the image may not be complete")]
    Held {
        /// The device.
        device: String,
    },
}

/// A tool, to be given arguments and run.
pub(crate) fn command(tool: &str) -> Command {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(tool)).find(|p| p.exists());
    Command::new(found.unwrap_or_else(|| tool.into()))
}

/// Runs a tool to its end; gives what it printed.
pub(crate) fn run(tool: &'static str, arguments: &[&str]) -> Result<String, ToolError> {
    let done = command(tool).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|source| ToolError::Start { tool, source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match done.status.success() {
        true => Ok(text(&done.stdout)),
        false => {
            let told = [text(&done.stderr), text(&done.stdout)];
            let told = told.into_iter().find(|told| !told.is_empty()).unwrap_or_default();
            let told = told.lines().take(4).collect::<Vec<_>>().join("; ");
            Err(ToolError::Failed { tool, status: done.status, told })
        }
    }
}

/// A file as the tools of ext file systems are told it: with the place in it where theirs begins.
pub(crate) fn place(image: &Path, start: u64) -> String {
    match start {
        0 => image.display().to_string(),
        start => format!("{}?offset={start}", image.display()),
    }
}
