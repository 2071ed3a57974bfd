//! Finds out, once at the start, what this host can do.
//!
//! The programs must be there. KVM is taken only when a guest really ran with it: a host inside
//! another host's machine may offer `/dev/kvm` and yet fail or hang at the first instruction. The
//! trial guest is one sector of code that leaves through a debug device; whoever does not come
//! back within the deadline did not run.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::args::Accelerator;
use crate::hypervisor::error::DriverError;

/// How long a trial guest may take; one that works needs a tenth of a second on an idle host, and
/// a host that is busy starting all it has is not to be taken for one without KVM.
const TRIAL_DEADLINE: Duration = Duration::from_secs(15);

/// How long a program may take to say its version: on a host that has just been switched on it is
/// read from a slow disk, with all its libraries.
const VERSION_DEADLINE: Duration = Duration::from_secs(60);

/// Emulator.
const QEMU: &str = "qemu-system-x86_64";
/// Maker of disks.
const QEMU_IMG: &str = "qemu-img";

/// The programs that machines need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// `qemu-system-x86_64`, by name or path.
    pub qemu: PathBuf,
    /// `qemu-img`, by name or path.
    pub qemu_img: PathBuf,
}

impl Default for Programs {
    fn default() -> Self {
        Self { qemu: PathBuf::from(QEMU), qemu_img: PathBuf::from(QEMU_IMG) }
    }
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The first line of what QEMU says of its version.
    pub version: String,
    /// What guests will run with.
    pub accelerator: Accelerator,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.accelerator {
            Accelerator::Kvm => "KVM",
            Accelerator::Tcg => "TCG",
        };
        write!(out, "{} with {how}: {}", self.version, self.reason)
    }
}

/// The trial guest: the first sector of a disk, entered at 0x7c00 in real mode.
const TRIAL: [u8; 10] = [
    0xba, 0x01, 0x05, // mov dx, 0x501   the debug device's port
    0xb0, 0x15, //       mov al, 0x15
    0xee, //             out dx, al      QEMU exits with 2·0x15 + 1
    0xfa, //             cli             if it does not: stop here
    0xf4, //             hlt
    0xeb, 0xfd, //       jmp back to hlt
];

/// The exit code that only the trial guest can cause.
const TRIAL_CODE: i32 = 2 * 0x15 + 1;

/// Asks for the programs' versions and tries KVM. `scratch` is a directory for the trial's disk,
/// which is removed afterwards.
///
/// # Errors
/// If a program is missing or cannot be run.
pub async fn probe(programs: &Programs, scratch: &Path) -> Result<Probe, DriverError> {
    let version = version(&programs.qemu, QEMU, "qemu-system-x86").await?;
    version_of_img(programs).await?;
    let (accelerator, reason) = match Path::new("/dev/kvm").try_exists() {
        Ok(true) => match try_kvm(programs, scratch).await? {
            None => (Accelerator::Kvm, "a trial guest ran with it".to_owned()),
            Some(why) => (Accelerator::Tcg, format!("/dev/kvm is there, but {why}")),
        },
        _ => (Accelerator::Tcg, "there is no /dev/kvm".to_owned()),
    };
    Ok(Probe { version, accelerator, reason })
}

async fn version_of_img(programs: &Programs) -> Result<(), DriverError> {
    version(&programs.qemu_img, QEMU_IMG, "qemu-utils").await.map(drop)
}

async fn version(
    path: &Path,
    program: &'static str,
    package: &'static str,
) -> Result<String, DriverError> {
    let mut command = Command::new(path);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(VERSION_DEADLINE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
            return Err(DriverError::Absent { program, package });
        }
        Ok(Err(error)) => return Err(DriverError::refused(format!("running {program}"), error)),
        Err(_) => return Err(DriverError::refused(format!("running {program}"), "no answer")),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() => Ok(line.to_owned()),
        _ => Err(DriverError::refused(
            format!("running {program} --version"),
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
    }
}

/// `None` if a guest ran, else why not.
async fn try_kvm(programs: &Programs, scratch: &Path) -> Result<Option<String>, DriverError> {
    run_trial(programs, Accelerator::Kvm, scratch, TRIAL_DEADLINE).await
}

async fn run_trial(
    programs: &Programs,
    accelerator: Accelerator,
    scratch: &Path,
    deadline: Duration,
) -> Result<Option<String>, DriverError> {
    let disk = scratch.join("trial.img");
    let mut sector = [0; 512];
    sector[..TRIAL.len()].copy_from_slice(&TRIAL);
    // Without this mark at its end a sector is not booted.
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    tokio::fs::write(&disk, sector).await.map_err(DriverError::file(&disk))?;
    let result = start_trial(programs, accelerator, &disk, deadline).await;
    tokio::fs::remove_file(&disk).await.map_err(DriverError::file(&disk))?;
    result
}

async fn start_trial(
    programs: &Programs,
    accelerator: Accelerator,
    disk: &Path,
    deadline: Duration,
) -> Result<Option<String>, DriverError> {
    let path = disk.to_string_lossy().replace(',', ",,");
    let mut command = Command::new(&programs.qemu);
    command.args(["-no-user-config", "-nodefaults", "-display", "none", "-machine", "pc"]);
    command.args(accelerator.args());
    command.args(["-m", "16M", "-device", "isa-debug-exit,iobase=0x501,iosize=1"]);
    command.args(["-drive", &format!("format=raw,if=ide,file={path}")]);
    // Killed when the deadline drops it.
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(deadline, command.output()).await {
        Err(_) => Ok(Some(format!("a trial guest did not end within {deadline:?}"))),
        Ok(Err(error)) => Err(DriverError::refused("starting a trial guest", error)),
        Ok(Ok(output)) if output.status.code() == Some(TRIAL_CODE) => Ok(None),
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let said = text.lines().next().unwrap_or("nothing was said");
            Ok(Some(format!("a trial guest failed with {}: {said}", output.status)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by a process of its own: were the file open for writing in this one, a child that
    /// another test starts at the same moment would keep it open, and it could not be run.
    fn script(directory: &Path, name: &str, body: &str) -> PathBuf {
        let path = directory.join(name);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 700 \"$2\"", "sh"]);
        assert!(shell.arg(body).arg(&path).status().unwrap().success());
        path
    }

    #[tokio::test]
    async fn a_missing_program_is_named_with_its_package() {
        let directory = tempfile::tempdir().unwrap();
        let there = script(directory.path(), "there", "echo version 1");
        let absent = directory.path().join("absent");
        for (qemu, qemu_img, expected) in [
            (
                &absent,
                &there,
                "qemu-system-x86_64 cannot be found: install the package qemu-system-x86",
            ),
            (&there, &absent, "qemu-img cannot be found: install the package qemu-utils"),
        ] {
            let programs = Programs { qemu: qemu.clone(), qemu_img: qemu_img.clone() };
            let error = probe(&programs, directory.path()).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_trial_counts_only_when_its_guest_ran() {
        let directory = tempfile::tempdir().unwrap();
        for (body, expected) in [
            ("exit 43", None),
            ("echo no luck >&2; exit 1", Some("no luck")),
            ("exit 0", Some("nothing was said")),
            ("exec sleep 60", Some("did not end")),
        ] {
            let qemu = script(directory.path(), "qemu", body);
            let programs = Programs { qemu, ..Programs::default() };
            // Long enough for a shell to start on a busy machine.
            let deadline = Duration::from_millis(1500);
            let result =
                run_trial(&programs, Accelerator::Kvm, directory.path(), deadline).await.unwrap();
            match expected {
                None => assert_eq!(result, None),
                Some(text) => assert!(result.as_ref().unwrap().contains(text), "{result:?}"),
            }
        }
        assert!(!directory.path().join("trial.img").exists());
    }
}
