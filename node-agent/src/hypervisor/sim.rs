//! Machines that are played: a whole cloud without a hypervisor.
//!
//! A product, not a stand-in for tests only: where no QEMU is, everything but the guests works.
//! A played machine starts, prints a few lines to its console, and stays until it is ended. What
//! QEMU's processes are for the other body, a file `sim.json` beside the disk is for this one, so
//! that machines outlive the agent in the same way and are adopted in the same way. What its guest
//! would write is a file with holes through which the image shows.
//!
//! [`SimControl`] is the hand that moves them: it lets machines wait before they run, switches
//! them off, crashes them, writes to their consoles and orders failures.
//!
//! ```text
//!   (nothing) ──start──► held ──release──► running ──power_off──► PoweredOff ─kill─► (nothing)
//!                                               ├──ask_off, unless deaf ──► PoweredOff
//!                 └────── automatic ───────►    ├──crash──────► Lost
//!                                               └──kill───────► Killed
//! ```

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::id::InstanceId;
use common::wire::bundling::Rest;
use futures_util::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::console::{CONSOLE, Tail, tail};
use super::driver::{Disk, Driver, Ended, Launch, OVERLAY};
use super::error::DriverError;
use super::layer::{COPY, Layer, Sieve, duplicate, remove_copy};

/// The file that is a played machine's process.
const STATE: &str = "sim.json";

/// When a machine that is started runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimMode {
    /// At once.
    #[default]
    Automatic,
    /// When [`SimControl::release`] says so.
    ByHand,
}

/// A step that can be ordered to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimStep {
    /// Making a disk.
    Prepare,
    /// Starting.
    Start,
    /// Copying a disk.
    Copy,
}

/// Plays machines.
#[derive(Debug, Clone, Default)]
pub struct Sim(Arc<Stage>);

/// Moves played machines by hand. Clones move the same ones.
#[derive(Debug, Clone)]
pub struct SimControl(Arc<Stage>);

#[derive(Debug, Default)]
struct Stage {
    mode: SimMode,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    actors: HashMap<PathBuf, watch::Sender<Phase>>,
    failures: VecDeque<(SimStep, String)>,
    deaf: bool,
    asked: u64,
    agent: bool,
    copying: watch::Sender<bool>,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Held,
    Running,
    Over(Ended),
}

/// What `sim.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Life {
    instance: InstanceId,
    powered_off: bool,
}

impl Sim {
    /// A driver of the given mode, without machines.
    pub fn new(mode: SimMode) -> Self {
        Self(Arc::new(Stage { mode, inner: Mutex::default() }))
    }

    /// The hand that moves its machines.
    pub fn control(&self) -> SimControl {
        SimControl(self.0.clone())
    }

    async fn start_new(&self, launch: &Launch) -> Result<(), DriverError> {
        let starting = || format!("starting {}", launch.instance);
        self.0.fail_if_ordered(SimStep::Start, &starting())?;
        let (directory, instance) = (launch.directory.clone(), launch.instance.clone());
        if directory.join(STATE).exists() {
            return Err(DriverError::refused(starting(), "it runs already"));
        }
        let life = Life { instance, powered_off: false };
        let told = launch.clone();
        let begin = move || {
            write_life(&told.directory, &life)?;
            Ok::<_, DriverError>(boot_text(&told))
        };
        let text = block(begin).await??;
        let held = self.0.mode == SimMode::ByHand;
        let (tell, mut phase) = watch::channel(if held { Phase::Held } else { Phase::Running });
        self.0.locked().actors.insert(directory.clone(), tell);
        if !matches!(phase.wait_for(|p| *p != Phase::Held).await.as_deref(), Ok(Phase::Running)) {
            return Err(DriverError::refused(starting(), "it was ended before it ran"));
        }
        block(move || print(&directory, text.as_bytes())).await?
    }

    fn adopt(&self, directory: &Path) -> Result<bool, DriverError> {
        let Some(life) = read_life(directory)? else { return Ok(false) };
        let phase = match life.powered_off {
            true => Phase::Over(Ended::PoweredOff),
            false => Phase::Running,
        };
        let mut inner = self.0.locked();
        inner.actors.entry(directory.to_owned()).or_insert_with(|| watch::Sender::new(phase));
        Ok(true)
    }
}

impl Driver for Sim {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn prepare<'a>(&'a self, disk: &'a Disk) -> BoxFuture<'a, Result<(), DriverError>> {
        async move {
            let making = format!("making the disk {}", disk.overlay.display());
            self.0.fail_if_ordered(SimStep::Prepare, &making)?;
            let disk = disk.clone();
            block(move || {
                std::fs::metadata(&disk.base).map_err(DriverError::file(&disk.base))?;
                let mut options = std::fs::File::options();
                options.create(true).truncate(false).write(true).mode(0o600);
                options.open(&disk.overlay).map(drop).map_err(DriverError::file(&disk.overlay))
            })
            .await?
        }
        .boxed()
    }

    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<(), DriverError>> {
        self.start_new(launch).boxed()
    }

    fn find<'a>(&'a self, instances: &'a Path) -> BoxFuture<'a, Result<Vec<PathBuf>, DriverError>> {
        let (sim, instances) = (self.clone(), instances.to_owned());
        async move {
            block(move || {
                let entries =
                    std::fs::read_dir(&instances).map_err(DriverError::file(&instances))?;
                let mut living = Vec::new();
                for entry in entries {
                    let path = entry.map_err(DriverError::file(&instances))?.path();
                    if sim.adopt(&path)? {
                        living.push(path);
                    }
                }
                Ok(living)
            })
            .await?
        }
        .boxed()
    }

    fn ended<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Ended> {
        async move {
            let phase = self.0.locked().actors.get(directory).map(watch::Sender::subscribe);
            let Some(mut phase) = phase else {
                return Ended::Lost("its process is gone".to_owned());
            };
            match phase.wait_for(|phase| matches!(phase, Phase::Over(_))).await.as_deref() {
                Ok(Phase::Over(how)) => how.clone(),
                _ => Ended::Lost("it was started anew".to_owned()),
            }
        }
        .boxed()
    }

    fn ask_off<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        async move {
            let directory = directory.to_owned();
            let listens = {
                let mut inner = self.0.locked();
                inner.asked += 1;
                let runs = inner.actors.get(&directory).map(|a| *a.borrow() == Phase::Running);
                match runs {
                    None => return Err(DriverError::refused("asking a guest", "it does not run")),
                    Some(runs) => runs && !inner.deaf,
                }
            };
            if !listens {
                return Ok(());
            }
            let (stage, at) = (self.0.clone(), directory.clone());
            block(move || {
                if let Some(life) = read_life(&at)? {
                    write_life(&at, &Life { powered_off: true, ..life })?;
                }
                stage.end(&directory, Ended::PoweredOff);
                Ok(())
            })
            .await?
        }
        .boxed()
    }

    fn kill<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        async move {
            self.0.end(directory, Ended::Killed);
            self.0.locked().actors.remove(directory);
            let directory = directory.to_owned();
            block(move || remove_life(&directory)).await?
        }
        .boxed()
    }

    fn copy<'a>(
        &'a self,
        disk: &'a Disk,
        done: &'a watch::Sender<u8>,
    ) -> BoxFuture<'a, Result<Rest, DriverError>> {
        async move {
            let directory = disk.overlay.parent().unwrap_or(Path::new("/"));
            self.0.fail_if_ordered(SimStep::Copy, "copying a disk")?;
            let (runs, agent, hold) = {
                let inner = self.0.locked();
                let phase = inner.actors.get(directory).map(|actor| actor.borrow().clone());
                (phase, inner.agent, inner.copying.subscribe())
            };
            let rest = match runs {
                None => Rest::Off,
                Some(Phase::Running) if agent => Rest::Flushed,
                Some(Phase::Running) => Rest::Paused,
                Some(_) => return Err(DriverError::refused("copying a disk", "it is ending")),
            };
            // Nothing writes to a played machine's disk but the hand that moves it.
            duplicate(&disk.overlay, &directory.join(COPY), done).await?;
            let mut hold = hold;
            // A hand that has gone holds nothing.
            drop(hold.wait_for(|held| !held).await);
            Ok(rest)
        }
        .boxed()
    }

    fn uncopy<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>> {
        let directory = directory.to_owned();
        async move { block(move || remove_copy(&directory)).await? }.boxed()
    }

    fn open_copy(&self, path: &Path) -> Result<Box<dyn Layer>, DriverError> {
        let opened = std::fs::File::open(path).map_err(DriverError::file(path))?;
        Ok(Box::new(Sieve(opened)))
    }

    fn console<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<Tail, DriverError>> {
        let directory = directory.to_owned();
        async move { block(move || tail(&directory)).await? }.boxed()
    }
}

impl SimControl {
    /// Lets a machine run that is held. `false` if none waits under this id.
    pub fn release(&self, instance: &InstanceId) -> bool {
        let Some(directory) = self.directory(instance) else { return false };
        let inner = self.0.locked();
        let Some(actor) = inner.actors.get(&directory) else { return false };
        actor.send_if_modified(|phase| {
            let held = *phase == Phase::Held;
            if held {
                *phase = Phase::Running;
            }
            held
        })
    }

    /// Switches a guest off, as if from within. Blocks shortly.
    ///
    /// # Errors
    /// If no such machine runs.
    pub fn power_off(&self, instance: &InstanceId) -> Result<(), DriverError> {
        let directory = self.running(instance)?;
        // Said on disk first: an agent that is away must learn of it.
        write_life(&directory, &Life { instance: instance.clone(), powered_off: true })?;
        self.0.end(&directory, Ended::PoweredOff);
        Ok(())
    }

    /// Ends a machine's process without its guest's doing.
    ///
    /// # Errors
    /// If no such machine runs.
    pub fn crash(&self, instance: &InstanceId, why: &str) -> Result<(), DriverError> {
        let directory = self.running(instance)?;
        remove_life(&directory)?;
        self.0.end(&directory, Ended::Lost(why.to_owned()));
        Ok(())
    }

    /// Writes to a machine's console.
    ///
    /// # Errors
    /// If no such machine runs.
    pub fn print(&self, instance: &InstanceId, text: &str) -> Result<(), DriverError> {
        print(&self.running(instance)?, text.as_bytes())
    }

    /// Whether guests listen when they are asked to shut down. They do until this is said.
    pub fn deaf(&self, deaf: bool) {
        self.0.locked().deaf = deaf;
    }

    /// How often guests were asked to shut down.
    pub fn asked(&self) -> u64 {
        self.0.locked().asked
    }

    /// Whether guests have an agent that holds their file systems still. They have not until this
    /// is said.
    pub fn agent(&self, agent: bool) {
        self.0.locked().agent = agent;
    }

    /// Whether copies of disks take until this is said otherwise.
    pub fn hold_copies(&self, held: bool) {
        self.0.locked().copying.send_replace(held);
    }

    /// Writes to a machine's disk as its guest would: whole blocks of 4096 bytes. Blocks shortly.
    ///
    /// # Errors
    /// If no such machine runs, or the disk cannot be written.
    pub fn write(
        &self,
        instance: &InstanceId,
        block: u64,
        bytes: &[u8],
    ) -> Result<(), DriverError> {
        let overlay = self.running(instance)?.join(OVERLAY);
        let write = || {
            let file = std::fs::File::options().write(true).open(&overlay)?;
            let mut whole = bytes.to_vec();
            whole.resize(bytes.len().next_multiple_of(4096), 0);
            file.write_all_at(&whole, block * 4096)
        };
        write().map_err(DriverError::file(&overlay))
    }

    /// Lets the next such step of any machine fail. Orders queue up.
    pub fn fail_next(&self, step: SimStep, why: &str) {
        self.0.locked().failures.push_back((step, why.to_owned()));
    }

    fn directory(&self, instance: &InstanceId) -> Option<PathBuf> {
        let inner = self.0.locked();
        let of = |path: &&PathBuf| path.file_name().is_some_and(|name| name == instance.as_str());
        inner.actors.keys().find(of).cloned()
    }

    fn running(&self, instance: &InstanceId) -> Result<PathBuf, DriverError> {
        let directory = self.directory(instance).filter(|path| {
            self.0.locked().actors.get(path).is_some_and(|a| *a.borrow() == Phase::Running)
        });
        directory
            .ok_or_else(|| DriverError::refused(format!("moving {instance}"), "it does not run"))
    }
}

impl Stage {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, directory: &Path, how: Ended) {
        if let Some(actor) = self.locked().actors.get(directory) {
            actor.send_if_modified(|phase| {
                let lives = !matches!(phase, Phase::Over(_));
                if lives {
                    *phase = Phase::Over(how);
                }
                lives
            });
        }
    }

    fn fail_if_ordered(&self, step: SimStep, what: &str) -> Result<(), DriverError> {
        let mut inner = self.locked();
        match inner.failures.iter().position(|(ordered, _)| *ordered == step) {
            Some(at) => {
                let why = inner.failures.remove(at).map(|(_, why)| why).unwrap_or_default();
                Err(DriverError::refused(what, why))
            }
            None => Ok(()),
        }
    }
}

/// The disks are told as the guest would see them; one that is not there is not.
fn boot_text(launch: &Launch) -> String {
    let sized = |path: &PathBuf| Some(std::fs::metadata(path).ok()?.len());
    let disks = launch.disks.iter().filter_map(sized);
    let disks: String = ('b'..='z')
        .zip(disks)
        .map(|(letter, size)| format!("disk vd{letter} {} MiB\r\n", size >> 20))
        .collect();
    format!(
        "simulated machine {} with {} processors and {} MiB\r\n\
         kernel {}\r\nramdisk {}\r\nnetwork card {}\r\n{disks}",
        launch.instance,
        launch.cpus,
        launch.memory_mib,
        shown(launch.kernel.as_deref()),
        shown(launch.ramdisk.as_deref()),
        launch.mac,
    )
}

fn shown(path: Option<&Path>) -> String {
    path.map_or("none".to_owned(), |path| path.display().to_string())
}

fn print(directory: &Path, text: &[u8]) -> Result<(), DriverError> {
    let path = directory.join(CONSOLE);
    let mut options = std::fs::File::options();
    let opened = options.create(true).append(true).mode(0o600).open(&path);
    opened.and_then(|mut file| file.write_all(text)).map_err(DriverError::file(path))
}

fn read_life(directory: &Path) -> Result<Option<Life>, DriverError> {
    let path = directory.join(STATE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(DriverError::file(path)(error)),
    }
}

fn write_life(directory: &Path, life: &Life) -> Result<(), DriverError> {
    let path = directory.join(STATE);
    let part = directory.join("sim.part");
    let bytes =
        serde_json::to_vec(life).map_err(|e| DriverError::refused("writing sim.json", e))?;
    // No sync: processes do not survive the host either.
    std::fs::write(&part, bytes)
        .and_then(|()| std::fs::rename(&part, &path))
        .map_err(DriverError::file(path))
}

fn remove_life(directory: &Path) -> Result<(), DriverError> {
    let path = directory.join(STATE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DriverError::file(path)(error)),
        _ => Ok(()),
    }
}

async fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DriverError> {
    let result = runtime::pool::block(work).await;
    result.map_err(|error| DriverError::refused("working with a machine's files", error))
}
