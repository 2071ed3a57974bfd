//! The process of one machine, found by its pid file and held by a descriptor.
//!
//! A number in a file proves nothing: the machine may be gone and its number given to a stranger.
//! So the process is opened first (a pidfd stays with that one process for ever) and only then
//! asked whether its command line names this machine's own pid file. What is not proven is neither
//! signalled nor adopted.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};

use super::args::PID;
use crate::hypervisor::error::DriverError;

/// A living process that is certainly this machine's QEMU.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    descriptor: AsyncFd<OwnedFd>,
}

impl Process {
    /// Finds the process of the machine in a directory; `None` if it does not live.
    ///
    /// # Errors
    /// If its pid file or the process cannot be looked at.
    pub fn find(directory: &Path) -> Result<Option<Self>, DriverError> {
        let path = directory.join(PID);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DriverError::file(path)(error)),
        };
        match text.trim().parse() {
            Ok(pid) => Self::open(pid, directory),
            // QEMU makes the file before it writes its number there.
            Err(_) => Ok(None),
        }
    }

    /// Opens a process if it is the QEMU of the machine in a directory.
    ///
    /// # Errors
    /// If the process cannot be looked at.
    pub fn open(pid: i32, directory: &Path) -> Result<Option<Self>, DriverError> {
        let looking = |error: std::io::Error| {
            DriverError::refused(format!("looking at process {pid}"), error)
        };
        let Some(number) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
            return Ok(None);
        };
        let opened = match rustix::process::pidfd_open(number, PidfdFlags::empty()) {
            Ok(opened) => opened,
            Err(Errno::SRCH) => return Ok(None),
            Err(errno) => return Err(looking(errno.into())),
        };
        if !names(pid, directory).map_err(looking)? {
            return Ok(None);
        }
        let descriptor = watched(opened).map_err(looking)?;
        Ok(Some(Self { pid: number, descriptor }))
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Kills it; it may be gone already.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn kill(&self) -> Result<(), DriverError> {
        match rustix::process::pidfd_send_signal(self.descriptor.as_fd(), Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => {
                Err(DriverError::refused(format!("killing process {}", self.pid()), errno))
            }
        }
    }

    /// Waits until it has ended.
    pub async fn exited(&self) {
        // A pidfd becomes readable when its process ends; there is nothing to read from it.
        let ready = self.descriptor.ready(Interest::READABLE).await;
        debug_assert!(ready.is_ok_and(|guard| guard.ready() != Ready::EMPTY));
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may close their descriptor \
                               under it; an OwnedFd never does"
)]
fn watched(descriptor: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

/// Whether the process' command line has this machine's pid file as a word of its own. A zombie
/// has an empty one.
fn names(pid: i32, directory: &Path) -> std::io::Result<bool> {
    let wanted: OsString = directory.join(PID).into();
    match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => Ok(line.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // The process ended while we were reading.
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(directory: &Path) -> std::process::Child {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "read line", "sh"]).arg(directory.join(PID));
        command.stdin(std::process::Stdio::piped());
        command.spawn().unwrap()
    }

    fn pid(child: &std::process::Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    #[tokio::test]
    async fn only_the_machines_own_process_is_found_and_killed() {
        let directory = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        assert!(Process::find(directory.path()).unwrap().is_none());

        let mut child = sleeper(directory.path());
        for text in ["", "junk", "-1", "0", "99999999"] {
            std::fs::write(directory.path().join(PID), text).unwrap();
            assert!(Process::find(directory.path()).unwrap().is_none(), "{text}");
        }
        std::fs::write(other.path().join(PID), child.id().to_string()).unwrap();
        assert!(Process::find(other.path()).unwrap().is_none(), "a stranger");

        std::fs::write(directory.path().join(PID), format!("{}\n", child.id())).unwrap();
        let process = Process::find(directory.path()).unwrap().unwrap();
        assert_eq!(process.pid(), pid(&child));
        process.kill().unwrap();
        process.exited().await;
        // Dead but not yet waited for: nothing that could be adopted.
        assert!(Process::find(directory.path()).unwrap().is_none());
        child.wait().unwrap();
        process.kill().unwrap();
        assert!(Process::open(pid(&child), directory.path()).unwrap().is_none());
    }
}
