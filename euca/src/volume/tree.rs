//! The files of a volume, one by one, in the order in which an image is filled with them.
//!
//! A directory comes before what is in it, and once more, as left, after that; names of a directory
//! come in their order. A file with several names comes once, then as links to its first name.
//! Sockets have no use without the program that listens, and stay away. What vanishes while it is
//! looked at was not there. What an image has in place of the volume's own comes with it
//! ([`Extra`]).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, lgetxattr, llistxattr, major, minor, open};
use rustix::io::Errno;

use super::choice::{Above, Choice, Verdict};
use crate::disk::next_data;

/// The attributes that mean the same in another file system.
const SPACES: &[&[u8]] =
    &[b"user.", b"trusted.", b"security.", b"system.posix_acl_access", b"system.posix_acl_default"];

/// How often a file is looked at that is another one each time it is opened.
const TRIES: usize = 8;

/// Extended attributes: names and values.
pub(crate) type Attributes = Vec<(OsString, Vec<u8>)>;

/// Something that is made in the image.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Where, relative to the image's root; empty for the root.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) what: What,
    pub(crate) owner: Owner,
    /// Extended attributes.
    pub(crate) attributes: Attributes,
}

/// Who may do what with a file, and when it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The lower twelve bits of the mode.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds and nanoseconds of the time of the last change.
    pub(crate) changed: (i64, i64),
}

/// The kinds of things that are in a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Directory,
    /// A file with the content of this one, of which `data` bytes are no hole. What is found at
    /// `source` is only this one if it has that device and number.
    File {
        source: PathBuf,
        own: (u64, u64),
        length: u64,
        data: u64,
    },
    /// A file with this content.
    Text(Vec<u8>),
    /// A link to what these bytes name.
    Symlink(Vec<u8>),
    Fifo,
    /// A device of characters, by its numbers.
    Characters(u32, u32),
    /// A device of blocks, by its numbers.
    Blocks(u32, u32),
    /// Another name of what came under this path before.
    Again(PathBuf),
}

/// Is shown the entries.
pub(crate) trait Visitor {
    /// What stops it.
    type Error: From<TreeError>;

    /// There is this; of a directory, what is in it follows. False if it is a file that is gone by
    /// now, or another: what comes later is no link to it then.
    fn visit(&mut self, entry: &Entry) -> Result<bool, Self::Error>;

    /// This directory is complete.
    fn leave(&mut self, directory: &Entry) -> Result<(), Self::Error>;
}

/// Something that stops the walk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    /// It fails.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What the image is to have there cannot be put into what is no directory.
    #[error("the image cannot have /{}: {} is no directory", extra.display(), path.display())]
    NoDirectory {
        /// What should be there.
        extra: PathBuf,
        /// What is no directory.
        path: PathBuf,
    },
}

/// Something that the image has in place of what the volume has there.
#[derive(Debug, Clone)]
pub(crate) struct Extra {
    /// Where, relative to the image's root.
    pub(crate) path: PathBuf,
    pub(crate) what: What,
    /// Permissions; it belongs to root.
    pub(crate) mode: u32,
}

/// A volume, and what of it belongs into an image.
pub(crate) struct Tree<'a> {
    /// The volume's root.
    pub(crate) root: &'a Path,
    pub(crate) choice: &'a Choice,
    /// In place of the volume's own; sorted by path.
    pub(crate) extras: &'a [Extra],
    /// Directories of this machine that never belong into the image, by device and number.
    pub(crate) never: &'a [(u64, u64)],
    /// When the extras were made, seconds since 1970.
    pub(crate) now: i64,
}

impl Tree<'_> {
    /// Shows all entries.
    pub(crate) fn walk<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let mut walk = Walk { tree: self, links: HashMap::new(), visitor };
        let metadata = self.metadata(Path::new(""))?;
        match metadata {
            Some(metadata) if metadata.is_dir() => {
                walk.directory(Path::new(""), &metadata, Above::Plain)
            }
            _ => Err(self.fail(Path::new(""), io::ErrorKind::NotADirectory.into()).into()),
        }
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, TreeError> {
        found(fs::symlink_metadata(self.root.join(path))).map_err(|error| self.fail(path, error))
    }

    fn fail(&self, path: &Path, source: io::Error) -> TreeError {
        TreeError::Read { path: self.root.join(path), source }
    }
}

struct Walk<'a, V> {
    tree: &'a Tree<'a>,
    /// The first name of each file that has several.
    links: HashMap<(u64, u64), PathBuf>,
    visitor: &'a mut V,
}

impl<V: Visitor> Walk<'_, V> {
    fn directory(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        above: Above,
    ) -> Result<(), V::Error> {
        let Some(attributes) = self.attributes(path)? else { return Ok(()) };
        let what = What::Directory;
        let entry = Entry { path: path.to_owned(), what, owner: owner(metadata), attributes };
        self.visitor.visit(&entry)?;
        let mut names = self.names(path)?;
        let extras = self.tree.extras.iter().filter_map(|extra| {
            let mut rest = extra.path.strip_prefix(path).ok()?.components();
            Some(rest.next()?.as_os_str().to_owned())
        });
        names.extend(extras);
        names.sort();
        names.dedup();
        for name in names {
            self.entry(&path.join(name), above)?;
        }
        self.visitor.leave(&entry)
    }

    /// The names in a directory of the volume; none if it is gone, or never was there.
    fn names(&self, path: &Path) -> Result<Vec<OsString>, TreeError> {
        let list = || -> io::Result<Vec<OsString>> {
            let Some(list) = found(fs::read_dir(self.tree.root.join(path)))? else {
                return Ok(Vec::new());
            };
            list.map(|entry| Ok(entry?.file_name())).collect()
        };
        list().map_err(|error| self.tree.fail(path, error))
    }

    fn entry(&mut self, path: &Path, above: Above) -> Result<(), V::Error> {
        if let Some(extra) = self.tree.extras.iter().find(|extra| extra.path == path) {
            return self.extra(extra, above);
        }
        let on_the_way = self.tree.extras.iter().any(|extra| extra.path.starts_with(path));
        let (verdict, below) = self.tree.choice.verdict(path, above);
        let metadata = match verdict {
            Verdict::Leave if !on_the_way => return Ok(()),
            Verdict::Take if !on_the_way && self.tree.choice.untouched(path, below) => {
                return self.untouched(path, below);
            }
            _ => self.tree.metadata(path)?,
        };
        let Some(metadata) = metadata else {
            return match on_the_way {
                true => {
                    let (path, what) = (path.to_owned(), What::Directory);
                    self.extra(&Extra { path, what, mode: 0o755 }, below)
                }
                false => Ok(()),
            };
        };
        if metadata.is_dir() {
            let own = (metadata.dev(), metadata.ino());
            return match self.tree.never.contains(&own) {
                true => Ok(()),
                false => self.directory(path, &metadata, below),
            };
        }
        if let Some(extra) = self.tree.extras.iter().find(|extra| extra.path.starts_with(path)) {
            let (extra, path) = (extra.path.clone(), self.tree.root.join(path));
            return Err(TreeError::NoDirectory { extra, path }.into());
        }
        match verdict {
            Verdict::Take => self.leaf(path, metadata),
            Verdict::Through | Verdict::Leave => Ok(()),
        }
    }

    /// Shows the place of something that is mounted there and not asked for anything.
    fn untouched(&mut self, path: &Path, below: Above) -> Result<(), V::Error> {
        // What is below it is known by the directory that it is in.
        let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let is_file = || -> Result<bool, Errno> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let parent = open(self.tree.root.join(parent), flags, Mode::empty())?;
            for entry in Dir::new(parent)? {
                let entry = entry?;
                if name.is_some_and(|name| name.as_bytes() == entry.file_name().to_bytes()) {
                    return Ok(entry.file_type() == FileType::RegularFile);
                }
            }
            Ok(false)
        };
        let is_file = is_file().map_err(|errno| self.tree.fail(parent, errno.into()))?;
        let (what, mode) = match is_file {
            true => (What::Text(Vec::new()), 0o644),
            false => (What::Directory, 0o755),
        };
        self.extra(&Extra { path: path.to_owned(), what, mode }, below)
    }

    fn leaf(&mut self, path: &Path, metadata: Metadata) -> Result<(), V::Error> {
        let mut metadata = metadata;
        for _ in 0..TRIES {
            if self.shown(path, &metadata)? {
                return Ok(());
            }
            // What replaces a file in one go is there when the file is gone.
            match self.tree.metadata(path)? {
                Some(other) if !other.is_dir() => metadata = other,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Shows something that is no directory; false if it was gone.
    fn shown(&mut self, path: &Path, metadata: &Metadata) -> Result<bool, V::Error> {
        let own = (metadata.dev(), metadata.ino());
        let again = self.links.get(&own).filter(|_| metadata.nlink() > 1).cloned();
        let (what, attributes) = match again {
            // A new file may have got the number of one that was removed.
            Some(first) if self.is_still(&first, own)? => {
                (Some(What::Again(first)), Some(Vec::new()))
            }
            _ => {
                let what = what(&self.tree.root.join(path), metadata);
                let what = what.map_err(|error| self.tree.fail(path, error))?;
                (what, self.attributes(path)?)
            }
        };
        let (Some(what), Some(attributes)) = (what, attributes) else { return Ok(true) };
        let entry = Entry { path: path.to_owned(), what, owner: owner(metadata), attributes };
        let there = self.visitor.visit(&entry)?;
        if there && metadata.nlink() > 1 && !matches!(entry.what, What::Again(_)) {
            self.links.insert(own, entry.path);
        }
        Ok(there)
    }

    /// Whether the file at `path` is the one with this device and number.
    fn is_still(&self, path: &Path, own: (u64, u64)) -> Result<bool, TreeError> {
        let found = self.tree.metadata(path)?;
        Ok(found.is_some_and(|found| (found.dev(), found.ino()) == own))
    }

    fn extra(&mut self, extra: &Extra, above: Above) -> Result<(), V::Error> {
        let owner = Owner { mode: extra.mode, uid: 0, gid: 0, changed: (self.tree.now, 0) };
        let (path, what) = (extra.path.clone(), extra.what.clone());
        let entry = Entry { path, what, owner, attributes: Vec::new() };
        self.visitor.visit(&entry)?;
        if entry.what != What::Directory {
            return Ok(());
        }
        let inside =
            |other: &&Extra| other.path != extra.path && other.path.starts_with(&extra.path);
        let mut names: Vec<PathBuf> = self
            .tree
            .extras
            .iter()
            .filter(inside)
            .map(|e| e.path.iter().take(extra.path.iter().count() + 1).collect())
            .collect();
        names.dedup();
        for path in names {
            self.entry(&path, above)?;
        }
        self.visitor.leave(&entry)
    }

    /// The extended attributes of a file; `None` if it is gone.
    fn attributes(&self, path: &Path) -> Result<Option<Attributes>, TreeError> {
        let whole = self.tree.root.join(path);
        let fail = |errno: Errno| self.tree.fail(path, errno.into());
        let list = match grown(|buffer| llistxattr(&whole, buffer)) {
            Ok(list) => list,
            Err(Errno::NOTSUP) => return Ok(Some(Vec::new())),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(fail(errno)),
        };
        let mut found = Vec::new();
        for name in list.split(|byte| *byte == 0) {
            // xfs shows the lists of who may do what a second time, in a form of its own.
            let twice = name.starts_with(b"trusted.SGI_ACL_");
            if twice || !SPACES.iter().any(|space| name.starts_with(space)) {
                continue;
            }
            let name = OsString::from_vec(name.to_vec());
            match grown(|buffer| lgetxattr(&whole, &name, buffer)) {
                Ok(value) => found.push((name, value)),
                Err(Errno::NODATA) => {}
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(fail(errno)),
            }
        }
        Ok(Some(found))
    }
}

/// Reads what fits into 64 KiB, which is the most that the kernel gives.
fn grown(read: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; 64 << 10];
    let length = read(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn owner(metadata: &Metadata) -> Owner {
    Owner {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// What something that is no directory is; `None` if it is nothing for an image.
fn what(path: &Path, metadata: &Metadata) -> io::Result<Option<What>> {
    let kind = metadata.file_type();
    let (first, second) = (major(metadata.rdev()), minor(metadata.rdev()));
    Ok(if kind.is_symlink() {
        found(fs::read_link(path))?
            .map(|target| What::Symlink(target.as_os_str().as_bytes().into()))
    } else if kind.is_fifo() {
        Some(What::Fifo)
    } else if kind.is_char_device() {
        Some(What::Characters(first, second))
    } else if kind.is_block_device() {
        Some(What::Blocks(first, second))
    } else if kind.is_file() {
        let (length, allocated) = (metadata.len(), metadata.blocks().saturating_mul(512));
        let own = (metadata.dev(), metadata.ino());
        let data = if allocated >= length { Some(length) } else { data_in(path, own, length)? };
        data.map(|data| What::File { source: path.to_owned(), own, length, data })
    } else {
        None
    })
}

/// How many bytes of a sparse file are no hole; `None` if it is gone.
fn data_in(path: &Path, own: (u64, u64), length: u64) -> io::Result<Option<u64>> {
    let Some(file) = open_file(path, own)? else { return Ok(None) };
    let mut data = 0;
    let mut at = 0;
    while at < length {
        let Some((begin, end)) = next_data(&file, at)? else { break };
        let end = end.min(length).max(begin);
        data += end - begin;
        at = end;
    }
    Ok(Some(data))
}

/// Opens the file with this device and number; `None` if it is not at `path` any more.
pub(crate) fn open_file(path: &Path, own: (u64, u64)) -> io::Result<Option<fs::File>> {
    // A pipe that took its place would be waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match open(path, OFlags::RDONLY | flags, Mode::empty()) {
        Ok(file) => fs::File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let found = file.metadata()?;
    let same = found.is_file() && (found.dev(), found.ino()) == own;
    Ok(same.then_some(file))
}

/// What was found, or that there is nothing.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::{FileExt, symlink};

    use super::*;

    /// Writes down what it is shown.
    #[derive(Default)]
    struct Seen(Vec<String>);

    /// Has a file changed just before it is shown, and again, so long as it is told to.
    struct Changing<'a> {
        seen: Vec<String>,
        change: &'a mut dyn FnMut(&Path),
    }

    impl Visitor for Changing<'_> {
        type Error = TreeError;

        fn visit(&mut self, entry: &Entry) -> Result<bool, TreeError> {
            let told = match &entry.what {
                What::File { source, own, .. } => {
                    (self.change)(&entry.path);
                    match open_file(source, *own).unwrap() {
                        Some(file) => io::read_to_string(file).unwrap(),
                        None => return Ok(false),
                    }
                }
                What::Again(first) => format!("again {}", first.display()),
                What::Fifo => "pipe".to_owned(),
                _ => return Ok(true),
            };
            self.seen.push(format!("{}: {told}", entry.path.display()));
            Ok(true)
        }

        fn leave(&mut self, _: &Entry) -> Result<(), TreeError> {
            Ok(())
        }
    }

    #[test]
    fn what_is_changed_meanwhile_is_what_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for name in ["a", "gone", "new", "pipe", "x"] {
            fs::write(root.join(name), name).unwrap();
        }
        fs::hard_link(root.join("gone"), root.join("left")).unwrap();
        fs::hard_link(root.join("left"), root.join("left2")).unwrap();
        fs::hard_link(root.join("a"), root.join("b")).unwrap();
        fs::hard_link(root.join("a"), root.join("z")).unwrap();
        let mut times = 0;
        let mut change = |path: &Path| match path.to_str() {
            Some("gone") => fs::remove_file(root.join("gone")).unwrap(),
            Some("new") if times == 0 => {
                times = 1;
                fs::write(root.join("other"), "newer").unwrap();
                fs::rename(root.join("other"), root.join("new")).unwrap();
            }
            Some("pipe") => {
                fs::remove_file(root.join("pipe")).unwrap();
                rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), 0o600.into()).unwrap();
            }
            // Its first name is another file by now, and might have its number.
            Some("x") => fs::remove_file(root.join("a")).unwrap(),
            _ => {}
        };
        let choice = Choice::default();
        let tree = Tree { root, choice: &choice, extras: &[], never: &[], now: 7 };
        let mut changing = Changing { seen: Vec::new(), change: &mut change };
        tree.walk(&mut changing).unwrap();
        let seen = ["a: a", "b: again a", "left: gone", "left2: again left", "new: newer"];
        assert_eq!(changing.seen, [&seen[..], &["pipe: pipe", "x: x", "z: a"]].concat());
    }

    #[test]
    fn what_cannot_be_put_in_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        symlink("elsewhere", dir.path().join("boot")).unwrap();
        let menu = What::Text(Vec::new());
        let extras = [Extra { path: "boot/grub/menu.lst".into(), what: menu, mode: 0o644 }];
        let mut without = Choice::default();
        without.exclude(b"/boot");
        for choice in [Choice::default(), without] {
            let (root, choice) = (dir.path(), &choice);
            let tree = Tree { root, choice, extras: &extras, never: &[], now: 7 };
            let error = tree.walk(&mut Seen::default()).unwrap_err().to_string();
            assert!(error.starts_with("the image cannot have /boot/grub/menu.lst: "), "{error}");
        }
    }

    impl Visitor for Seen {
        type Error = TreeError;

        fn visit(&mut self, entry: &Entry) -> Result<bool, TreeError> {
            let what = match &entry.what {
                What::File { length, data, .. } => format!("file {length} {data}"),
                What::Text(text) => format!("text {}", text.len()),
                What::Again(first) => format!("again {}", first.display()),
                What::Symlink(target) => format!("to {}", String::from_utf8_lossy(target)),
                other => format!("{other:?}"),
            };
            self.0.push(format!("{}: {what}", entry.path.display()));
            Ok(true)
        }

        fn leave(&mut self, directory: &Entry) -> Result<(), TreeError> {
            self.0.push(format!("{}.", directory.path.display()));
            Ok(())
        }
    }

    #[test]
    fn a_tree_is_shown_in_order_with_what_takes_its_places() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for name in ["a", "a/deep", "dev", "etc", "far", "mine", "proc", "tmp"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        fs::write(root.join("a/one"), "one").unwrap();
        fs::hard_link(root.join("a/one"), root.join("z")).unwrap();
        fs::write(root.join("a/x.o"), "").unwrap();
        fs::write(root.join("etc/fstab"), "old").unwrap();
        fs::write(root.join("mine/image"), "").unwrap();
        fs::write(root.join("proc/1"), "").unwrap();
        fs::write(root.join("tmp/t"), "").unwrap();
        symlink("../nowhere", root.join("a/to")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("a/pipe"), 0o600.into()).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("a/socket")).unwrap();
        let sparse = File::create(root.join("a/sparse")).unwrap();
        sparse.set_len(8 << 20).unwrap();
        sparse.write_all_at(&[1; 4096], 4 << 20).unwrap();

        let mut choice = Choice::new(true);
        choice.exclude(b"*.o");
        fs::write(root.join("far/f"), "").unwrap();
        fs::write(root.join("far-file"), "content").unwrap();
        choice.empty(Path::new("far"), true);
        choice.empty(Path::new("far-file"), true);
        let extra = |path: &str, what| Extra { path: path.into(), what, mode: 0o644 };
        let extras = [
            extra("boot/grub/menu.lst", What::Text(b"menu".to_vec())),
            extra("dev/null", What::Characters(1, 3)),
            extra("etc/fstab", What::Text(b"new one".to_vec())),
        ];
        let mine = fs::metadata(root.join("mine")).unwrap();
        let never = [(mine.dev(), mine.ino())];
        let tree = Tree { root, choice: &choice, extras: &extras, never: &never, now: 7 };
        let mut seen = Seen::default();
        tree.walk(&mut seen).unwrap();
        assert_eq!(
            seen.0,
            [
                ": Directory",
                "a: Directory",
                "a/deep: Directory",
                "a/deep.",
                "a/one: file 3 3",
                "a/pipe: Fifo",
                "a/sparse: file 8388608 4096",
                "a/to: to ../nowhere",
                "a.",
                "boot: Directory",
                "boot/grub: Directory",
                "boot/grub/menu.lst: text 4",
                "boot/grub.",
                "boot.",
                "dev: Directory",
                "dev/null: Characters(1, 3)",
                "dev.",
                "etc: Directory",
                "etc/fstab: text 7",
                "etc.",
                "far: Directory",
                "far.",
                "far-file: text 0",
                "proc: Directory",
                "proc.",
                "tmp: Directory",
                "tmp.",
                "z: again a/one",
                ".",
            ]
        );
        let gone = Tree { root: &root.join("gone"), ..tree };
        assert!(gone.walk(&mut Seen::default()).is_err());
    }
}
