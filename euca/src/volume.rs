//! An image of a running system: from a path of this machine to a file with a file system in it.
//!
//! ```text
//! mounts ── which other file systems belong to it ─┐
//! choice ── what is left out ──────────────────────┼─ tree ─┬─ tally ─── does it fit?
//! fstab, device nodes ── what is put in ───────────┘        └─ debugfs   ext2, ext3, ext4
//! superblock ── what the source is, and is called ── filesystem └ mounted   xfs, btrfs
//! partition ── what is around it
//! ```
//!
//! The volume is walked twice: first only counted, so that what does not fit is refused before
//! anything is copied; then each entry goes into the file system, in the same order. The image is a
//! sparse file without a name, gone with whoever has it open; a hidden directory beside it takes what
//! the making needs.

mod btrfs;
pub(crate) mod choice;
mod debugfs;
mod filesystem;
mod fstab;
mod mounted;
mod mounts;
mod partition;
mod scratch;
mod source;
mod superblock;
mod tally;
mod tools;
mod tree;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bundle::Mapping;

use self::choice::Choice;
use self::debugfs::{Debugfs, FillError};
use self::mounted::{Mounted, ScriptError};
use self::partition::Span;
pub(crate) use self::partition::Table;
use self::scratch::Scratch;
use self::source::{Source, SourceError};
use self::superblock::{Kind, Room};
use self::tally::Tally;
use self::tools::ToolError;
use self::tree::{Extra, Tree, TreeError, What};

/// Devices without which hardly anything starts: type, numbers, permissions.
const NODES: &[(&str, u32, u32, u32)] = &[
    ("console", 5, 1, 0o600),
    ("full", 1, 7, 0o666),
    ("null", 1, 3, 0o666),
    ("ptmx", 5, 2, 0o666),
    ("random", 1, 8, 0o666),
    ("tty", 5, 0, 0o666),
    ("tty0", 4, 0, 0o620),
    ("ttyS0", 4, 64, 0o660),
    ("urandom", 1, 9, 0o666),
    ("zero", 1, 5, 0o666),
];

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The path to make an image of.
    pub(crate) volume: PathBuf,
    /// MiB in the image.
    pub(crate) size: u64,
    /// Patterns that are left out.
    pub(crate) exclude: Vec<String>,
    /// Patterns that are taken in, whatever else says otherwise.
    pub(crate) include: Vec<String>,
    /// Whether secrets and what this machine learnt about itself stay away.
    pub(crate) filter: bool,
    /// Whether all other file systems mounted below the volume are taken in.
    pub(crate) all: bool,
    /// The partition table; `None` for one like that of the source's disk.
    pub(crate) table: Option<Table>,
    /// What `/etc/fstab` is.
    pub(crate) fstab: Fstab,
    /// The configuration of a GRUB of the first generation.
    pub(crate) grub: Option<Vec<u8>>,
    /// The further disks of a machine of the image.
    pub(crate) mappings: Vec<Mapping>,
    /// A program to be run with the path of the image's file system before it is complete.
    pub(crate) script: Option<PathBuf>,
}

/// What `/etc/fstab` of an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fstab {
    /// The volume's own.
    Kept,
    /// This.
    Told(Vec<u8>),
    /// One for the image's file system and the further disks.
    Generated,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError {
    /// The volume is none, or unlike anything that can be made.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The volume cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A tool is missing or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Something cannot be written into the image.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// The volume has more in it than the image.
    #[error(
        "the content does not fit: {} has {needed} MiB in {files} files and directories, \
         {kind} in an image of {size} MiB has room for {room} MiB{inodes}; give a larger --size \
         or leave something out with --exclude", volume.display()
    )]
    TooLarge {
        /// The volume.
        volume: PathBuf,
        /// MiB that its content needs.
        needed: u64,
        /// Files and directories in it.
        files: u64,
        /// The kind of file system.
        kind: &'static str,
        /// MiB of the image.
        size: u64,
        /// MiB that are free in it.
        room: u64,
        /// How many files there is room for, if that is bounded.
        inodes: String,
    },
    /// Where the image is made there is less space than its content needs.
    #[error(
        "{} has {free} MiB free, and the image and its bundle need about {needed} MiB there",
        path.display()
    )]
    NoSpace {
        /// The directory.
        path: PathBuf,
        /// MiB that are free.
        free: u64,
        /// MiB that are needed.
        needed: u64,
    },
    /// The image cannot be made where it is to be.
    #[error("{} cannot be used: {source}", path.display())]
    Files {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program that was to change the image failed.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

/// An image; gone when this is dropped.
pub(crate) struct Image {
    scratch: Scratch,
    /// Bytes in it.
    pub(crate) size: u64,
}

impl Image {
    /// The image, to be read from its beginning.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(self.scratch.image())
    }
}

/// A volume that has been looked at, and an image that has room for it.
pub(crate) struct Volume {
    wanted: Wanted,
    source: Source,
    table: Table,
    choice: Choice,
    extras: Vec<Extra>,
    now: i64,
    /// What was counted.
    tally: Tally,
}

impl Volume {
    /// Looks at a volume and counts it, `now` seconds after the beginning of 1970.
    pub(crate) fn look(wanted: Wanted, now: u64) -> Result<Self, VolumeError> {
        let source = Source::of(&wanted.volume, wanted.all)?;
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let table = wanted.table.unwrap_or(source.table);
        let mut choice = Choice::new(wanted.filter);
        for mounted in &source.left_out {
            choice.empty(&mounted.point, mounted.far);
        }
        for pattern in &wanted.exclude {
            choice.exclude(of_volume(pattern, &source.root).as_bytes());
        }
        for pattern in &wanted.include {
            choice.include(of_volume(pattern, &source.root).as_bytes());
        }
        let extras = extras(&wanted, &source);
        // The smallest blocks that there are make the least of all guesses.
        let tally = Tally::new(source.identity.kind, 1024);
        let mut volume = Self { wanted, source, table, choice, extras, now, tally };
        let mut tally = volume.tally.clone();
        volume.tree(&[]).walk(&mut tally)?;
        volume.tally = tally;
        Ok(volume)
    }

    /// What the image will not be like the volume in, in words.
    pub(crate) fn unlike(&self) -> Vec<String> {
        let mut unlike = self.source.unlike.clone();
        let starts = self.table == Table::Mbr && self.source.loader.is_some();
        if self.table != Table::None && !starts {
            unlike.push(
                "the image is a disk without a boot loader: that of this machine's disk cannot \
                 be taken along"
                    .to_owned(),
            );
        }
        let missed =
            self.source.left_out.iter().filter(|o| o.missed && self.choice.misses(&o.point));
        let missed = missed
            .map(|one| format!("{} ({})", self.source.root.join(&one.point).display(), one.kind));
        let missed = missed.collect::<Vec<_>>().join(", ");
        if !missed.is_empty() {
            unlike.push(format!(
                "empty in the image is what is mounted at {missed}; --all takes it in"
            ));
        }
        unlike
    }

    /// Bytes that will be copied.
    pub(crate) fn data(&self) -> u64 {
        self.tally.data
    }

    /// Makes the image in a hidden directory below `destination`. `progress` is told how many bytes
    /// are copied.
    pub(crate) fn image(
        &self,
        destination: &Path,
        progress: &dyn Fn(u64),
    ) -> Result<Image, VolumeError> {
        let files = |source| VolumeError::Files { path: destination.to_owned(), source };
        let size = self.wanted.size << 20;
        let span = self.table.span(size);
        if self.tally.data > span.length {
            return Err(self.too_large(
                &self.tally,
                &Room { block: 1 << 20, blocks: span.length >> 20, inodes: None },
            ));
        }
        self.has_space(destination)?;
        let scratch = Scratch::new(destination, size).map_err(files)?;
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|error| files(io::Error::other(error)))?;
        match self.source.identity.kind {
            Kind::Ext2 | Kind::Ext3 | Kind::Ext4 => self.fill_ext(&scratch, span, progress)?,
            Kind::Xfs | Kind::Btrfs => self.fill_mounted(&scratch, span, progress)?,
        }
        let image = scratch.open().map_err(files)?;
        for (at, bytes) in self.table.sectors(size, chance, self.source.loader.as_deref()) {
            image.write_all_at(&bytes, at).map_err(files)?;
        }
        Ok(Image { scratch, size })
    }

    fn fill_ext(
        &self,
        scratch: &Scratch,
        span: Span,
        progress: &dyn Fn(u64),
    ) -> Result<(), VolumeError> {
        let (image, identity) = (scratch.image(), &self.source.identity);
        let mut room = filesystem::make_ext(&image, span, identity, None)?;
        let never = [scratch.identity()];
        let tree = self.tree(&never);
        let mut tally = Tally::new(identity.kind, room.block);
        tree.walk(&mut tally)?;
        // Many small files: the tool's usual number of inodes may be too low.
        if room.inodes.is_some_and(|inodes| tally.numbers() > inodes) {
            let inodes = tally.numbers() + tally.inodes / 8 + 100;
            room = match filesystem::make_ext(&image, span, identity, Some(inodes)) {
                Ok(room) => room,
                Err(_) => return Err(self.too_large(&tally, &room)),
            };
        }
        if !tally.fits(&room) {
            return Err(self.too_large(&tally, &room));
        }
        let mut filler = Debugfs::open(&image, span.start, scratch.folder(), progress)?;
        let filled = tree.walk(&mut filler);
        // If it ended early, what it complained of says why.
        filler.finish()?;
        filled?;
        if let Some(script) = &self.wanted.script {
            mounted::run_script(&image, span, identity.kind, &scratch.mount_point(), script)?;
        }
        Ok(filesystem::check_ext(&image, span.start)?)
    }

    fn fill_mounted(
        &self,
        scratch: &Scratch,
        span: Span,
        progress: &dyn Fn(u64),
    ) -> Result<(), VolumeError> {
        let (image, identity) = (scratch.image(), &self.source.identity);
        let (mut filler, room) = Mounted::make(&image, span, identity, scratch.folder(), progress)?;
        let never = [scratch.identity()];
        let tree = self.tree(&never);
        let mut tally = Tally::new(identity.kind, room.block);
        tree.walk(&mut tally)?;
        if !tally.fits(&room) {
            return Err(self.too_large(&tally, &room));
        }
        tree.walk(&mut filler)?;
        filler.finish()?;
        if let Some(script) = &self.wanted.script {
            mounted::run_script(&image, span, identity.kind, &scratch.mount_point(), script)?;
        }
        if identity.kind == Kind::Btrfs {
            let renamed = scratch.open().and_then(|i| btrfs::rename(&i, span, &identity.uuid));
            renamed.map_err(|source| VolumeError::Files { path: image, source })?;
        }
        Ok(())
    }

    fn tree<'a>(&'a self, never: &'a [(u64, u64)]) -> Tree<'a> {
        Tree {
            root: &self.source.root,
            choice: &self.choice,
            extras: &self.extras,
            never,
            now: self.now,
        }
    }

    fn too_large(&self, tally: &Tally, room: &Room) -> VolumeError {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let inodes = room.inodes.map_or_else(String::new, |inodes| format!(" in {inodes} files"));
        VolumeError::TooLarge {
            volume: self.source.root.clone(),
            needed: mib(tally.bytes()),
            files: tally.inodes,
            kind: self.source.identity.kind.name(),
            size: self.wanted.size,
            room: mib(room.blocks.saturating_mul(room.block)),
            inodes,
        }
    }

    /// Whether the destination takes the image and the bundle.
    fn has_space(&self, destination: &Path) -> Result<(), VolumeError> {
        let files = |source| VolumeError::Files { path: destination.to_owned(), source };
        let free = rustix::fs::statvfs(destination).map_err(|errno| files(errno.into()))?;
        let free = free.f_bavail.saturating_mul(free.f_frsize);
        // What is dense already is not compressed: it is there twice.
        let needed = self.tally.data.saturating_mul(2);
        match needed <= free {
            true => Ok(()),
            false => Err(VolumeError::NoSpace {
                path: destination.to_owned(),
                free: free >> 20,
                needed: needed.div_ceil(1 << 20),
            }),
        }
    }
}

/// A pattern as one of paths of the volume, if it was told as one of paths of this machine.
fn of_volume<'a>(pattern: &'a str, root: &Path) -> &'a str {
    let below = root.to_str().filter(|root| *root != "/").and_then(|r| pattern.strip_prefix(r));
    below.filter(|rest| rest.starts_with('/')).unwrap_or(pattern)
}

/// What the image has in place of what the volume has: sorted by path.
fn extras(wanted: &Wanted, source: &Source) -> Vec<Extra> {
    let text = |path: &str, bytes: Vec<u8>| Extra {
        path: path.into(),
        what: What::Text(bytes),
        mode: 0o644,
    };
    // Not what a link leads to, which may be anywhere.
    let is = |path: &str| fs::symlink_metadata(source.root.join(path)).is_ok_and(|m| m.is_dir());
    let mut extras = Vec::new();
    if is("dev") {
        extras.extend(NODES.iter().map(|(name, major, minor, mode)| Extra {
            path: Path::new("dev").join(name),
            what: What::Characters(*major, *minor),
            mode: *mode,
        }));
    }
    match &wanted.fstab {
        Fstab::Kept => {}
        Fstab::Told(bytes) => extras.push(text("etc/fstab", bytes.clone())),
        Fstab::Generated => {
            let table = fstab::generate(&source.identity, &wanted.mappings);
            extras.push(text("etc/fstab", table.into_bytes()));
        }
    }
    if let Some(bytes) = &wanted.grub {
        extras.push(text("boot/grub/menu.lst", bytes.clone()));
    }
    // An empty one is filled at the first start; the same on two machines is none.
    if wanted.filter && is("etc") && source.root.join("etc/machine-id").is_file() {
        extras.push(text("etc/machine-id", Vec::new()));
    }
    extras.sort_by(|a, b| a.path.cmp(&b.path));
    extras
}
