//! What of a machine lasts: one directory, `instances/<id>/`.
//!
//! | file | what |
//! |---|---|
//! | `spec.json` | the wish, with the tickets for its images; there before anything else |
//! | `ephemeral0.raw`, `swap.raw` | disks beside the root |
//! | `overlay.qcow2`, `console.log`, `pid`, `qmp.sock`, `qemu.log` | the driver's |
//! | `note.json` | how it ended; from then on all else is only left over |
//!
//! The wish and the note are written to another name, synced, renamed, and the directory synced
//! after them: after a power cut there is the old one or the new one. A directory with neither
//! belongs to a launch that was never answered, and is removed. Directories have mode 0700, files
//! 0600. Everything here blocks.

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::{ImageRef, InstanceSpec, Power};
use common::wire::walrus::ImageTicket;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::machine::{End, Rest, Wanted};
use crate::hypervisor::driver::OVERLAY;
use crate::image::images::Holders;

const WISH: &str = "spec.json";
const NOTE: &str = "note.json";

/// Why a machine's directory cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file is there and makes no sense.
    #[error("{path}: {source}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::File { path, source }
}

/// What is wanted of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The whole of it.
    pub spec: InstanceSpec,
    /// Where its images can be had.
    pub tickets: Vec<ImageTicket>,
    /// It shall end.
    pub ending: bool,
    /// Whether it was ever going to be started; said before it is. `None`: by an agent that did
    /// not say it, so whether its guest wrote something is judged by the overlay alone.
    #[serde(default)]
    pub started: Option<bool>,
    /// How many of the reboots that are wished for are behind it.
    #[serde(default)]
    pub rebooted: u64,
    /// It is off though its wish was that it runs.
    #[serde(default)]
    pub halted: Option<Halted>,
    /// It is shut down and started again for the node's own purposes, and that is not behind it.
    #[serde(default)]
    pub restart: bool,
}

/// That a machine went off by itself; a newer wish is not bound by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halted {
    /// The generation of the wish it ran under.
    pub generation: u64,
    /// Why.
    pub rest: Rest,
}

impl Wish {
    /// A wish that nothing was done for yet.
    pub fn new(spec: InstanceSpec, tickets: Vec<ImageTicket>) -> Self {
        let rebooted = spec.power.reboots;
        let (started, halted) = (Some(false), None);
        Self { spec, tickets, ending: false, started, rebooted, halted, restart: false }
    }

    /// What all of it comes to.
    pub fn wanted(&self) -> Wanted {
        let power = self.spec.power;
        match (&self.halted, power.wanted) {
            _ if self.ending => Wanted::Gone,
            (_, Power::Off) => Wanted::Off { rest: Rest::Wished, force: false },
            (_, Power::ForcedOff) => Wanted::Off { rest: Rest::Wished, force: true },
            (Some(halted), Power::On) if halted.generation >= self.spec.generation => {
                Wanted::Off { rest: halted.rest.clone(), force: false }
            }
            (_, Power::On) => Wanted::On { reboot: self.restart || power.reboots > self.rebooted },
        }
    }

    /// Every image that the machine needs for as long as it lives: its disk reads through to the
    /// first, and it is started again from the others when its process is lost.
    pub fn images(&self) -> impl Iterator<Item = &ImageRef> {
        let boot = &self.spec.boot;
        [&self.spec.root.image].into_iter().chain(&boot.kernel).chain(&boot.ramdisk)
    }
}

/// What is left of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The generation of the wish it ended with.
    pub generation: u64,
    /// How it ended.
    pub end: End,
    /// When.
    pub since: Timestamp,
}

/// A machine's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    instance: InstanceId,
    path: PathBuf,
}

/// A machine that was found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub folder: Folder,
    /// What is known of it.
    pub what: Remains,
    /// Its overlay is there; it may hold what its guest wrote.
    pub disk: bool,
}

/// What a directory says of its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// It is wanted, or was until its end was wished for.
    Wish(Box<Wish>),
    /// It has ended.
    Note(Note),
}

/// What a look at all directories gave.
#[derive(Debug, Default)]
pub struct Scan {
    /// The machines.
    pub kept: Vec<Kept>,
    /// Directories that make no sense, and why; they are left alone.
    pub broken: Vec<(PathBuf, String)>,
}

impl Folder {
    /// The directory of a machine below the instances' directory, which is made absolute.
    ///
    /// # Errors
    /// If there is no working directory to start from.
    pub fn of(instances: &Path, instance: &InstanceId) -> Result<Self, FolderError> {
        let path = std::path::absolute(instances.join(instance.as_str())).map_err(at(instances))?;
        Ok(Self { instance: instance.clone(), path })
    }

    /// Whose it is.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory with its wish in it.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn create(&self, wish: &Wish) -> Result<(), FolderError> {
        self.make()?;
        self.write_wish(wish)?;
        sync(self.parent())
    }

    /// Replaces the wish.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write_wish(&self, wish: &Wish) -> Result<(), FolderError> {
        self.write(WISH, wish)
    }

    /// Writes down how the machine ended, even if somebody has removed its directory.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write_note(&self, note: &Note) -> Result<(), FolderError> {
        self.make()?;
        self.write(NOTE, note)
    }

    /// Removes everything but the note.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn clear(&self) -> Result<(), FolderError> {
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(at(&self.path))?,
        };
        for entry in entries {
            let entry = entry.map_err(at(&self.path))?;
            if entry.file_name() != NOTE {
                std::fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            }
        }
        sync(&self.path)
    }

    /// Removes the directory.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn remove(&self) -> Result<(), FolderError> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&self.path)(error)),
            _ => sync(self.parent()),
        }
    }

    fn make(&self) -> Result<(), FolderError> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(at(&self.path)(error));
            }
            _ => {}
        }
        Ok(())
    }

    fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn write(&self, name: &str, content: &impl Serialize) -> Result<(), FolderError> {
        let (part, path) = (self.path.join(format!("{name}.part")), self.path.join(name));
        let bytes = serde_json::to_vec_pretty(content)
            .map_err(|source| FolderError::Content { path: path.clone(), source })?;
        let store = || {
            let mut options = File::options();
            let mut file =
                options.create(true).truncate(true).write(true).mode(0o600).open(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)
        };
        store().map_err(at(&path))?;
        sync(&self.path)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FolderError> {
        let path = self.path.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(content) => Ok(Some(content)),
                Err(source) => Err(FolderError::Content { path, source }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    fn has_disk(&self) -> Result<bool, FolderError> {
        let path = self.path.join(OVERLAY);
        path.try_exists().map_err(at(&path))
    }

    fn look(&self) -> Result<Option<Remains>, FolderError> {
        if let Some(note) = self.read(NOTE)? {
            return Ok(Some(Remains::Note(note)));
        }
        Ok(self.read(WISH)?.map(Remains::Wish))
    }
}

/// Finds all machines below the instances' directory, which is made if it is missing.
///
/// # Errors
/// If the directory itself cannot be read.
pub fn scan(instances: &Path) -> Result<Scan, FolderError> {
    DirBuilder::new().mode(0o700).recursive(true).create(instances).map_err(at(instances))?;
    let mut scan = Scan::default();
    for entry in std::fs::read_dir(instances).map_err(at(instances))? {
        let path = entry.map_err(at(instances))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Ok(instance) = name.parse() else {
            scan.broken.push((path, "not the name of an instance".to_owned()));
            continue;
        };
        let folder = Folder::of(instances, &instance)?;
        match folder.look().and_then(|what| Ok((what, folder.has_disk()?))) {
            Ok((Some(what), disk)) => scan.kept.push(Kept { folder, what, disk }),
            Ok((None, _)) => folder.remove()?,
            Err(error) => scan.broken.push((path, error.to_string())),
        }
    }
    Ok(scan)
}

/// What images the machines hold, for the image cache to keep when it opens.
pub fn holders(kept: &[Kept]) -> Holders {
    let mut holders = Holders::new();
    for Kept { folder, what, .. } in kept {
        if let Remains::Wish(wish) = what {
            for image in wish.images() {
                let of = holders.entry(image.sha256.clone()).or_default();
                of.insert(folder.instance.clone());
            }
        }
    }
    holders
}

fn sync(directory: &Path) -> Result<(), FolderError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(at(directory))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    /// A wish for the instance with this number, with images of so many zero digits.
    pub(crate) fn wish(number: u32) -> Wish {
        let image = |id: &str, digit: char| json!({ "image": id, "sha256": digit.to_string().repeat(64), "size": 4096 });
        let spec = json!({
            "instance": format!("i-{number:08x}"),
            "generation": 1,
            "account": "123456789012",
            "cpus": 1,
            "memory_mib": 64,
            "root": { "image": image("emi-00000001", 'a'), "size": 8192 },
            "boot": { "kernel": image("eki-00000001", 'b'), "ramdisk": image("eri-00000001", 'c') },
            "network": { "mac": "d0:0d:00:00:00:01", "address": "10.0.0.2" },
            "metadata": {
                "image": "emi-00000001", "manifest_path": "b/k", "kernel": null, "ramdisk": null,
                "ancestors": [], "product_codes": [], "reservation": "r-00000001",
                "launch_index": 0, "instance_type": "m1.small", "zone": "eucalyptus-1a",
                "region": "eucalyptus", "key": null, "security_groups": [], "launched": 0,
            },
        });
        let spec = serde_json::from_value(spec).unwrap();
        Wish::new(spec, Vec::new())
    }

    #[test]
    fn a_wish_is_kept_until_a_note_takes_its_place() {
        let root = tempfile::tempdir().unwrap();
        let instances = root.path().join("instances");
        assert!(scan(&instances).unwrap().kept.is_empty());

        let mut wish = wish(7);
        let folder = Folder::of(&instances, &wish.spec.instance).unwrap();
        folder.create(&wish).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join(WISH)), 0o600);

        wish.ending = true;
        folder.create(&wish).unwrap();
        let found = scan(&instances).unwrap().kept;
        let what = Remains::Wish(Box::new(wish));
        assert_eq!(found, [Kept { folder: folder.clone(), what, disk: false }]);
        let held = holders(&found);
        assert_eq!(held.len(), 3);
        assert!(held["a".repeat(64).as_str()].contains(folder.instance()));

        std::fs::write(folder.path().join("overlay.qcow2"), "x").unwrap();
        assert!(scan(&instances).unwrap().kept[0].disk);
        let end = End::Gone("x".to_owned());
        let note = Note { generation: 1, end, since: Timestamp::from_millis(1) };
        folder.write_note(&note).unwrap();
        assert_eq!(scan(&instances).unwrap().kept[0].what, Remains::Note(note.clone()));
        folder.clear().unwrap();
        folder.clear().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(scan(&instances).unwrap().kept[0].what, Remains::Note(note));

        folder.remove().unwrap();
        folder.remove().unwrap();
        assert!(scan(&instances).unwrap().kept.is_empty());
    }

    #[test]
    fn what_a_wish_comes_to() {
        let mut wish = wish(1);
        assert_eq!(wish.wanted(), Wanted::On { reboot: false });
        wish.spec.power.reboots = 2;
        assert_eq!(wish.wanted(), Wanted::On { reboot: true });
        wish.halted = Some(Halted { generation: 1, rest: Rest::ByGuest });
        assert_eq!(wish.wanted(), Wanted::Off { rest: Rest::ByGuest, force: false });
        wish.spec.generation = 2;
        assert_eq!(wish.wanted(), Wanted::On { reboot: true });
        wish.spec.power.wanted = Power::ForcedOff;
        assert_eq!(wish.wanted(), Wanted::Off { rest: Rest::Wished, force: true });
        wish.ending = true;
        assert_eq!(wish.wanted(), Wanted::Gone);
    }

    #[test]
    fn a_wish_of_an_older_agent_is_read() {
        let mut old = serde_json::to_value(wish(1)).unwrap();
        let fields = old.as_object_mut().unwrap();
        for name in ["started", "rebooted", "halted"] {
            fields.remove(name).unwrap();
        }
        fields["spec"].as_object_mut().unwrap().remove("power").unwrap();
        let read: Wish = serde_json::from_value(old).unwrap();
        assert_eq!(read.started, None);
        assert_eq!(read.spec.power, Default::default());
        assert_eq!(read.wanted(), Wanted::On { reboot: false });
    }

    #[test]
    fn what_was_never_answered_is_removed_and_what_makes_no_sense_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let directory = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let unanswered = directory("i-00000001");
        std::fs::write(unanswered.join("spec.json.part"), "{").unwrap();
        let broken = directory("i-00000002");
        std::fs::write(broken.join(WISH), "{").unwrap();
        let foreign = directory("lost+found");

        let mut found = scan(root.path()).unwrap();
        found.broken.sort();
        assert!(found.kept.is_empty());
        assert!(!unanswered.exists());
        assert_eq!(found.broken[0].0, broken);
        assert_eq!(found.broken[1].0, foreign);
        assert!(broken.exists() && foreign.exists());
    }
}
