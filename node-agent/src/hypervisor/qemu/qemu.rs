//! The driver that runs real machines.
//!
//! ```text
//!             start                        guest switches off
//!   (nothing) ─────► process, QMP, watcher ──────────────────► QEMU stopped: PoweredOff ─┐
//!                 ▲        │     │ kill ─────────────────────► Killed    ◄───── kill ────┘
//!            find │        │     └ process ends, KVM fails ──► Lost
//!                 │        ▼
//!          process alone (the agent is away)
//! ```
//!
//! It owns, for each living machine, a descriptor of its process and the QMP conversation. A
//! watcher per machine waits for what happens; it stops with the driver, the process does not.
//! The machine's directory holds what the next driver needs: `pid`, `qmp.sock`, and `qemu.log`
//! with whatever QEMU complained about last.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::wire::bundling::Rest;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use rustix::fs::{Mode, OFlags};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::args::{Accelerator, args};
use super::copy::{self, Subject};
use super::probe::{Probe, Programs};
use super::process::Process;
use super::qcow2::Qcow2;
use super::qmp::{Events, Qmp, QmpError, SOCKET};
use crate::hypervisor::console::{CONSOLE, Tail, tail};
use crate::hypervisor::driver::{Disk, Driver, Ended, Launch};
use crate::hypervisor::error::DriverError;
use crate::hypervisor::layer::{COPY, Layer, duplicate, keep_room, remove_copy};

/// What QEMU writes to its standard error, in the machine's directory.
pub const LOG: &str = "qemu.log";

/// Until QEMU answers on its socket; it needs some 50 ms.
const ANSWER: Duration = Duration::from_secs(10);

/// Runs machines as QEMU processes.
#[derive(Debug)]
pub struct Qemu {
    programs: Programs,
    accelerator: Accelerator,
    machines: Mutex<HashMap<PathBuf, Arc<Machine>>>,
}

#[derive(Debug)]
struct Machine {
    process: Arc<Process>,
    killed: Arc<AtomicBool>,
    ended: watch::Receiver<Option<Ended>>,
    /// Has the watcher, which holds the conversation, press the power button.
    button: mpsc::Sender<oneshot::Sender<Result<(), QmpError>>>,
    /// What its overlay is copied by; none if nobody speaks with it.
    subject: Option<Subject>,
    watcher: JoinHandle<()>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It holds the conversation, which the next driver needs.
        self.watcher.abort();
    }
}

impl Qemu {
    /// A driver as the probe advised.
    pub fn new(programs: Programs, probe: &Probe) -> Self {
        Self { programs, accelerator: probe.accelerator, machines: Mutex::default() }
    }

    fn machine(&self, directory: &Path) -> Option<Arc<Machine>> {
        self.locked().get(directory).cloned()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Machine>>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch_over(&self, directory: &Path, process: Process, talk: Option<(Qmp, Events)>) {
        let (tell, ended) = watch::channel(None);
        let (button, pressed) = mpsc::channel(1);
        let process = Arc::new(process);
        let killed = Arc::new(AtomicBool::new(false));
        let talk = talk.map(|(qmp, events)| (Arc::new(qmp), events));
        let speak =
            |(qmp, _): &(Arc<Qmp>, Events)| Subject { qmp: Arc::clone(qmp), still: Arc::default() };
        let subject = talk.as_ref().map(speak);
        let watcher = runtime::pool::spawn({
            let (process, killed) = (process.clone(), killed.clone());
            let directory = directory.to_owned();
            async move {
                let seen = watch_until_over(&process, talk, pressed).await;
                let how = match seen {
                    _ if killed.load(Ordering::SeqCst) => Ended::Killed,
                    Seen::PoweredOff => Ended::PoweredOff,
                    Seen::Exited => Ended::Lost(last_words(&directory).await),
                };
                // Nobody listens when the driver has gone.
                drop(tell.send(Some(how)));
            }
        });
        let machine = Arc::new(Machine { process, killed, ended, button, subject, watcher });
        self.locked().insert(directory.to_owned(), machine);
    }

    async fn start_new(&self, launch: &Launch) -> Result<(), DriverError> {
        let starting = || format!("starting QEMU for {}", launch.instance);
        if Process::find(&launch.directory)?.is_some() {
            return Err(DriverError::refused(starting(), "it runs already"));
        }
        let (socket, log) = {
            let directory = launch.directory.clone();
            block(move || open_files(&directory)).await??
        };
        let mut command = Command::new(&self.programs.qemu);
        command.args(args(launch, self.accelerator));
        command.current_dir(&launch.directory);
        command.stdin(Stdio::from(socket)).stdout(Stdio::null()).stderr(Stdio::from(log));
        // A group of its own, so that no signal meant for the agent's terminal reaches it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|e| DriverError::refused(starting(), e))?;
        match self.greet(&mut child, launch).await {
            Ok((process, talk)) => {
                tracing::info!(instance = %launch.instance, pid = process.pid(), "machine started");
                self.watch_over(&launch.directory, process, Some(talk));
                Ok(())
            }
            Err(why) => {
                // After an error nothing of it may be left; it may have ended already.
                drop(child.start_kill());
                drop(child.wait().await);
                let why = format!("{why}: {}", last_words(&launch.directory).await);
                Err(DriverError::refused(starting(), why))
            }
        }
    }

    async fn greet(
        &self,
        child: &mut Child,
        launch: &Launch,
    ) -> Result<(Process, (Qmp, Events)), String> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or("it ended at once")?;
        let talk = tokio::select! {
            talk = Qmp::connect(&launch.directory) => talk.map_err(|error| error.to_string())?,
            // Unless it is asked here, a QEMU that gave up would be waited for in vain: the
            // socket is ours, and connecting to it always succeeds.
            status = child.wait() => {
                return Err(status.map_or_else(|e| e.to_string(), |s| format!("it ended with {s}")));
            }
            () = tokio::time::sleep(ANSWER) => return Err(format!("no answer within {ANSWER:?}")),
        };
        match Process::open(pid, &launch.directory) {
            Ok(Some(process)) => Ok((process, talk)),
            Ok(None) => Err("it ended at once".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What a machine that runs is copied by; `None` if it does not run.
    fn subject(&self, directory: &Path) -> Result<Option<Subject>, DriverError> {
        let lives = |machine: &Arc<Machine>| machine.ended.borrow().is_none();
        match self.machine(directory).filter(lives) {
            Some(machine) => match &machine.subject {
                Some(subject) => Ok(Some(subject.clone())),
                None => Err(DriverError::refused("copying a disk", "nobody speaks with QEMU")),
            },
            None if Process::find(directory)?.is_some() => {
                Err(DriverError::refused("copying a disk", "the machine is just ending"))
            }
            None => Ok(None),
        }
    }

    async fn copy_disk(&self, disk: &Disk, done: &watch::Sender<u8>) -> Result<Rest, DriverError> {
        let directory = disk.overlay.parent().unwrap_or(Path::new("/"));
        let copy = directory.join(COPY);
        match self.subject(directory)? {
            Some(subject) => {
                make_overlay(&self.programs, &Disk { overlay: copy.clone(), ..disk.clone() })
                    .await?;
                let overlay = disk.overlay.clone();
                block(move || keep_room(&overlay, &copy)).await??;
                copy::take(&subject, directory, done).await
            }
            None => {
                duplicate(&disk.overlay, &copy, done).await?;
                // Whoever started it meanwhile has written to what was being read.
                match self.subject(directory)? {
                    None => Ok(Rest::Off),
                    Some(_) => Err(DriverError::refused("copying a disk", "it was switched on")),
                }
            }
        }
    }

    async fn forget_copy(&self, directory: &Path) -> Result<(), DriverError> {
        let machine = self.machine(directory).filter(|known| known.ended.borrow().is_none());
        if let Some(subject) = machine.as_ref().and_then(|known| known.subject.as_ref()) {
            match copy::undo(subject, directory).await {
                // With the process everything went.
                Err(_) if machine.as_ref().is_some_and(|known| known.ended.borrow().is_some()) => {}
                undone => undone.map_err(|e| DriverError::refused("giving up a copy", e))?,
            }
        }
        let directory = directory.to_owned();
        block(move || remove_copy(&directory)).await?
    }

    async fn adopt(&self, directory: &Path) -> Result<bool, DriverError> {
        let Some(process) = Process::find(directory)? else { return Ok(false) };
        if self.machine(directory).is_some_and(|known| known.ended.borrow().is_none()) {
            return Ok(true);
        }
        let talk = tokio::time::timeout(ANSWER, Qmp::connect(directory)).await;
        let talk = match talk {
            Ok(Ok(talk)) => Some(talk),
            Ok(Err(error)) => {
                tracing::warn!(directory = %directory.display(), %error, "a machine is mute");
                None
            }
            Err(_) => {
                tracing::warn!(directory = %directory.display(), "a machine does not answer");
                None
            }
        };
        tracing::info!(directory = %directory.display(), pid = process.pid(), "machine adopted");
        self.watch_over(directory, process, talk);
        Ok(true)
    }
}

impl Driver for Qemu {
    fn name(&self) -> &'static str {
        match self.accelerator {
            Accelerator::Kvm => "qemu kvm",
            Accelerator::Tcg => "qemu tcg",
        }
    }

    fn prepare<'a>(&'a self, disk: &'a Disk) -> BoxFuture<'a, Result<(), DriverError>> {
        make_overlay(&self.programs, disk).boxed()
    }

    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<(), DriverError>> {
        self.start_new(launch).boxed()
    }

    fn find<'a>(&'a self, instances: &'a Path) -> BoxFuture<'a, Result<Vec<PathBuf>, DriverError>> {
        async move {
            let path = instances.to_owned();
            let directories = block(move || directories(&path)).await??;
            let adopted = join_all(directories.iter().map(|each| self.adopt(each))).await;
            let mut living = Vec::new();
            for (directory, adopted) in directories.into_iter().zip(adopted) {
                if adopted? {
                    living.push(directory);
                }
            }
            Ok(living)
        }
        .boxed()
    }

    fn ended<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Ended> {
        async move {
            let Some(machine) = self.machine(directory) else {
                return Ended::Lost("its process is gone".to_owned());
            };
            let mut ended = machine.ended.clone();
            match ended.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(how)) => how.clone(),
                _ => Ended::Lost("nobody watches it any more".to_owned()),
            }
        }
        .boxed()
    }

    fn ask_off<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        async move {
            let asking = || format!("asking the guest in {}", directory.display());
            let machine = self.machine(directory);
            let machine =
                machine.ok_or_else(|| DriverError::refused(asking(), "it does not run"))?;
            let (answer, answered) = oneshot::channel();
            let mute = "nobody speaks with it";
            machine.button.send(answer).await.map_err(|_| DriverError::refused(asking(), mute))?;
            let asked = answered.await.map_err(|_| DriverError::refused(asking(), mute))?;
            asked.map_err(|error| DriverError::refused(asking(), error))
        }
        .boxed()
    }

    fn kill<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        async move {
            let machine = self.machine(directory);
            match &machine {
                Some(machine) => {
                    machine.killed.store(true, Ordering::SeqCst);
                    machine.process.kill()?;
                    machine.process.exited().await;
                    // Whoever waits for its end must be told before it is forgotten.
                    drop(machine.ended.clone().wait_for(Option::is_some).await);
                    self.locked().remove(directory);
                }
                None => {
                    if let Some(process) = Process::find(directory)? {
                        process.kill()?;
                        process.exited().await;
                    }
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn copy<'a>(
        &'a self,
        disk: &'a Disk,
        done: &'a watch::Sender<u8>,
    ) -> BoxFuture<'a, Result<Rest, DriverError>> {
        self.copy_disk(disk, done).boxed()
    }

    fn uncopy<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        self.forget_copy(directory).boxed()
    }

    fn open_copy(&self, path: &Path) -> Result<Box<dyn Layer>, DriverError> {
        let opened = File::open(path).and_then(Qcow2::open).map_err(DriverError::file(path))?;
        Ok(Box::new(opened))
    }

    fn console<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<Tail, DriverError>> {
        let directory = directory.to_owned();
        async move { block(move || tail(&directory)).await? }.boxed()
    }
}

enum Seen {
    PoweredOff,
    Exited,
}

/// Returns when its guest will never run again. What can be told later only as long as the
/// process is there, that the guest switched itself off, stays so until the machine is killed.
async fn watch_until_over(
    process: &Process,
    talk: Option<(Arc<Qmp>, Events)>,
    mut pressed: mpsc::Receiver<oneshot::Sender<Result<(), QmpError>>>,
) -> Seen {
    let Some((qmp, mut events)) = talk else {
        drop(pressed);
        process.exited().await;
        return Seen::Exited;
    };
    // It may have happened while nobody listened.
    let mut look = true;
    loop {
        if look {
            match tokio::time::timeout(ANSWER, qmp.status()).await {
                Ok(Ok(status)) if status == "shutdown" => return Seen::PoweredOff,
                Ok(Ok(status)) if matches!(&*status, "internal-error" | "guest-panicked") => {
                    tracing::warn!(pid = process.pid(), status, "the guest cannot go on");
                    if let Err(error) = process.kill() {
                        tracing::warn!(%error, "nor can it be ended");
                    }
                }
                _ => {}
            }
        }
        tokio::select! {
            () = process.exited() => return Seen::Exited,
            Some(answer) = pressed.recv() => {
                let asked = tokio::time::timeout(ANSWER, qmp.run("system_powerdown", None)).await;
                let asked = asked.unwrap_or(Err(QmpError::Closed)).map(drop);
                // Whoever gave up waiting does not care for the answer.
                drop(answer.send(asked));
                look = false;
            }
            event = events.recv() => match event {
                Some(event) => look = matches!(event.event.as_str(), "STOP" | "SHUTDOWN"),
                None => {
                    process.exited().await;
                    return Seen::Exited;
                }
            },
        }
    }
}

/// The overlay gets its name only when it is whole and on disk.
async fn make_overlay(programs: &Programs, disk: &Disk) -> Result<(), DriverError> {
    let making = || format!("making the disk {}", disk.overlay.display());
    if tokio::fs::try_exists(&disk.overlay).await.map_err(DriverError::file(&disk.overlay))? {
        return Ok(());
    }
    let part = disk.overlay.with_extension("part");
    let mut command = Command::new(&programs.qemu_img);
    command.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(&disk.base).arg(&part);
    // Guests see whole sectors; the last one of an odd image is filled with zeros.
    command.arg(disk.size.next_multiple_of(512).to_string());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|e| DriverError::refused(making(), e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(DriverError::refused(making(), said.trim()));
    }
    let overlay = disk.overlay.clone();
    block(move || {
        let keep = || {
            let file = File::options().write(true).open(&part)?;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            file.sync_all()?;
            std::fs::rename(&part, &overlay)?;
            File::open(overlay.parent().unwrap_or(Path::new("/")))?.sync_all()
        };
        keep().map_err(DriverError::file(&overlay))
    })
    .await?
}

/// The listening socket and the log. The console is made here too, because QEMU would let others
/// read it.
fn open_files(directory: &Path) -> Result<(OwnedFd, File), DriverError> {
    let open = || {
        let private =
            |name| File::options().create(true).append(true).mode(0o600).open(directory.join(name));
        private(CONSOLE)?;
        let log = private(LOG)?;
        log.set_len(0)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(directory, flags, Mode::empty())?;
        // Through the descriptor, because a socket's path may have 108 bytes only.
        let path = format!("/proc/self/fd/{}/{SOCKET}", opened.as_raw_fd());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok((OwnedFd::from(UnixListener::bind(path)?), log))
    };
    open().map_err(DriverError::file(directory))
}

fn directories(instances: &Path) -> Result<Vec<PathBuf>, DriverError> {
    let list = || {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(instances)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        Ok(found)
    };
    list().map_err(DriverError::file(instances))
}

/// The end of what QEMU complained about, for the reason of a loss.
async fn last_words(directory: &Path) -> String {
    let path = directory.join(LOG);
    let text = block(move || std::fs::read(path)).await.ok().and_then(Result::ok);
    let text = String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned();
    match text.trim().lines().last() {
        Some(line) => line.chars().take(300).collect(),
        None => "QEMU said nothing".to_owned(),
    }
}

async fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DriverError> {
    let result = runtime::pool::block(work).await;
    result.map_err(|error| DriverError::refused("working with a machine's files", error))
}
