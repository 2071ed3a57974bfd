//! The face of whatever runs guests.
//!
//! A machine is named by its directory, because that is what outlives the agent: everything a
//! driver must remember (its process, its socket, its console) lies in it. The driver owns the
//! processes; it never decides what should run and never removes a directory.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use common::id::InstanceId;
use common::wire::bundling::Rest;
use common::wire::spec::InstanceSpec;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::blank;
use super::console::Tail;
use super::error::DriverError;
use super::layer::Layer;

/// The overlay's name in a machine's directory.
pub const OVERLAY: &str = "overlay.qcow2";

/// A root disk to be made: an overlay that reads through to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The overlay to make, in the machine's directory.
    pub overlay: PathBuf,
    /// The plain image below it, never written.
    pub base: PathBuf,
    /// Its size as the guest sees it, in bytes.
    pub size: u64,
}

/// What the guest's network card is plugged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Card {
    /// A tap that exists and is up.
    Tap {
        /// The interface's name.
        name: String,
    },
    /// QEMU's own user-mode network, for agents without the right to make taps.
    User(UserCard),
}

/// A card in a network of its own, which QEMU plays without any rights. Other instances are not in
/// it. Whatever the guest sends to 169.254.169.254:80 goes to a command's input and output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCard {
    /// The address that the guest is given by DHCP, in 169.254.0.0/16: QEMU forwards nothing that
    /// lies outside its network.
    pub address: Ipv4Addr,
    /// The address of the guest's router.
    pub gateway: Ipv4Addr,
    /// The command that is run for each connection to the metadata address, in the machine's
    /// directory.
    pub metadata: Vec<OsString>,
    /// The port of 127.0.0.1 that leads to the guest's port 22.
    pub ssh: u16,
    /// Whether the guest reaches the outside, as far as an ordinary program of the agent's user
    /// does, the host itself included.
    pub outside: bool,
}

/// Everything a driver must know to start one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Which machine.
    pub instance: InstanceId,
    /// Its directory, absolute.
    pub directory: PathBuf,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The card's address, lower-case hex with colons.
    pub mac: String,
    /// Its root disk, as made by [`Driver::prepare`].
    pub overlay: PathBuf,
    /// Its further disks in the guest's order, as made by [`super::blank`].
    pub disks: Vec<PathBuf>,
    /// The kernel; without one the disk's own boot loader is started.
    pub kernel: Option<PathBuf>,
    /// The ramdisk, if any.
    pub ramdisk: Option<PathBuf>,
    /// Where its card goes.
    pub card: Card,
}

impl Launch {
    /// Joins a wish with what was made for it on this host.
    pub fn of(
        spec: &InstanceSpec,
        directory: &Path,
        kernel: Option<PathBuf>,
        ramdisk: Option<PathBuf>,
        card: Card,
    ) -> Self {
        Self {
            instance: spec.instance.clone(),
            directory: directory.to_owned(),
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            mac: spec.network.mac.clone(),
            overlay: directory.join(OVERLAY),
            disks: spec.disks.iter().map(|it| blank::path(directory, it.purpose)).collect(),
            kernel,
            ramdisk,
            card,
        }
    }
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Its guest switched it off. [`Driver::find`] finds it, and it ends like this again, until
    /// it is killed: an agent that dies before it has written this down must learn it anew.
    PoweredOff,
    /// It was killed by its driver.
    Killed,
    /// It went away by itself; the text says what is known.
    Lost(String),
}

/// Runs machines. Each method may be called again after a crash of the agent half-way.
pub trait Driver: Send + Sync + 'static {
    /// What it is, for reports: `qemu kvm`, `qemu tcg` or `sim`.
    fn name(&self) -> &'static str;

    /// Makes a machine's root disk. An overlay that is there already is left as it is: it holds
    /// what the guest wrote.
    fn prepare<'a>(&'a self, disk: &'a Disk) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Starts a machine and returns when its guest runs. After an error nothing of it runs.
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Finds the machines that live below the instances' directory, started by whichever agent,
    /// and takes them over. Returns their directories.
    fn find<'a>(&'a self, instances: &'a Path) -> BoxFuture<'a, Result<Vec<PathBuf>, DriverError>>;

    /// Waits until a machine has ended and says how.
    fn ended<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Ended>;

    /// Asks a machine's guest to shut down, as if its power button were pressed, and returns when
    /// the guest was asked. Whether it listens is its own affair; if it does, it ends as
    /// [`Ended::PoweredOff`].
    fn ask_off<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Ends a machine at once and returns when it is gone; one that does not run is gone already.
    fn kill<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Copies a machine's overlay as it is at one moment to [`super::layer::COPY`] beside it, and says how the
    /// disk was brought to rest. A machine that runs goes on: its guest's agent holds its file
    /// systems for that moment, or it is paused. `done` is told the percentage. Whatever went
    /// wrong, or if this is given up half-way, [`Driver::uncopy`] must follow.
    fn copy<'a>(
        &'a self,
        disk: &'a Disk,
        done: &'a watch::Sender<u8>,
    ) -> BoxFuture<'a, Result<Rest, DriverError>>;

    /// Gives a copy up: nothing writes to it any more, it is removed, and a guest that was held or
    /// paused for it goes on, whichever agent did that. Nothing being there is fine.
    fn uncopy<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Opens a copy to be read. Blocks.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open_copy(&self, path: &Path) -> Result<Box<dyn Layer>, DriverError>;

    /// Reads the end of what the guest wrote to its console.
    fn console<'a>(&'a self, directory: &'a Path) -> BoxFuture<'a, Result<Tail, DriverError>>;
}
