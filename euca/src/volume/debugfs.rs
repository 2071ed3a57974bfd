//! Fills an ext file system through the tool of its makers, without mounting anything.
//!
//! `mke2fs -d` copies whole directories as they stand: it cannot leave anything out, nor put another
//! fstab into their place, without a second copy of the tree. `debugfs`, of the same package and the
//! same code, takes one command a line and so does all that; each entry becomes a few lines:
//!
//! ```text
//! cd "/etc"
//! write "/etc/hosts" "hosts"
//! sif "./hosts" mode 0100644
//! ```
//!
//! A line ends where the file says so: names with line breaks are made under another name and
//! linked to their own at the end, by a command line each; so are symbolic links to, and attributes
//! of, such names.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::JoinHandle;

use rustix::pipe::fcntl_setpipe_size;

use super::tools::{self, ToolError};
use super::tree::{Entry, TreeError, Visitor, What, open_file};

/// The longest line that debugfs reads, with room for its end.
const LINE: usize = 8000;
/// Bytes of commands that may be on their way.
const PIPE: usize = 16 << 10;
/// How many files are kept open: more than there are commands on their way to debugfs and in its
/// and our buffers, of which each file has several, of thirty bytes or more each.
const OPENED: usize = 400;
/// How many complaints are kept.
const COMPLAINTS: usize = 4;

/// Why a file system cannot be filled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FillError {
    /// The volume cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The tool cannot be run, or complains.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Something cannot be said to the tool, or not written.
    #[error("{} cannot be written: {why}", path.display())]
    Entry {
        /// Where in the image.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// A file system on its way.
pub(crate) struct Debugfs<'a> {
    /// What debugfs is told to open.
    image: String,
    /// A directory for what commands read.
    scratch: &'a Path,
    child: Child,
    input: BufWriter<ChildStdin>,
    errors: JoinHandle<Vec<String>>,
    /// The directory that names are relative to.
    directory: Option<PathBuf>,
    /// How many names each file has, by its first.
    names: HashMap<PathBuf, u32>,
    /// Contents in files of the scratch directory.
    texts: HashMap<Vec<u8>, PathBuf>,
    /// Paths as debugfs knows them, and the names that their ends are to have; deepest last.
    renamed: Vec<(PathBuf, Vec<u8>)>,
    /// Commands that are not for this debugfs, but for one each, because of the breaks in them.
    later: Vec<Vec<u8>>,
    /// Whether what is said now goes there.
    apart: bool,
    /// First names of what is made there.
    made_later: HashSet<PathBuf>,
    /// Files that debugfs has perhaps not read yet.
    opened: VecDeque<File>,
    /// Is told how many bytes of files are on their way.
    progress: &'a dyn Fn(u64),
    done: u64,
}

impl<'a> Debugfs<'a> {
    /// Opens the file system in the file at `image`, `start` bytes after its beginning.
    pub(crate) fn open(
        image: &Path,
        start: u64,
        scratch: &'a Path,
        progress: &'a dyn Fn(u64),
    ) -> Result<Self, FillError> {
        let image = tools::place(image, start);
        let fail = |source| ToolError::Start { tool: "debugfs", source };
        let mut command = tools::command("debugfs");
        command.args(["-w", "-f", "-", &image]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(fail)?;
        let (Some(input), Some(errors)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(fail(io::ErrorKind::BrokenPipe.into()).into());
        };
        fcntl_setpipe_size(&input, PIPE).map_err(|errno| fail(errno.into()))?;
        let errors = std::thread::spawn(move || complaints(BufReader::new(errors)));
        Ok(Self {
            image,
            scratch,
            child,
            input: BufWriter::new(input),
            errors,
            directory: None,
            names: HashMap::new(),
            texts: HashMap::new(),
            renamed: Vec::new(),
            later: Vec::new(),
            apart: false,
            made_later: HashSet::new(),
            opened: VecDeque::new(),
            progress,
            done: 0,
        })
    }

    /// Writes all that is still to be written, and gives the names that need a line of their own.
    pub(crate) fn finish(mut self) -> Result<(), FillError> {
        let several = std::mem::take(&mut self.names);
        for (path, count) in several.into_iter().filter(|(_, count)| *count > 1) {
            let name = self.absolute(&path);
            self.apart = self.made_later.contains(&path);
            self.say(&path, &[b"sif", &name, b"links_count", count.to_string().as_bytes()])?;
        }
        let Self { image, child, input, errors, renamed, later, .. } = self;
        // Its end is the end of the file system's making.
        let flushed = input.into_inner().map(drop);
        ended("debugfs", child, errors)?;
        flushed
            .map_err(|error| ToolError::Start { tool: "debugfs", source: error.into_error() })?;
        for line in &later {
            alone(&image, line)?;
        }
        for (path, name) in renamed.iter().rev() {
            let old = rooted(path);
            let new = rooted(&path.with_file_name(OsStr::from_bytes(name)));
            for words in link(&old, &new, &new) {
                alone(&image, &line(path, &words)?)?;
            }
            alone(&image, &line(path, &[b"unlink", &old])?)?;
        }
        Ok(())
    }

    /// Sends one command.
    fn say(&mut self, path: &Path, words: &[&[u8]]) -> Result<(), FillError> {
        let mut line = line(path, words)?;
        if self.apart {
            self.later.push(line);
            return Ok(());
        }
        if broken(&line) {
            let why = "a path with a line break in it".to_owned();
            return Err(FillError::Entry { path: path.to_owned(), why });
        }
        line.push(b'\n');
        // If it has ended, it says why.
        self.input
            .write_all(&line)
            .map_err(|source| FillError::from(ToolError::Start { tool: "debugfs", source }))
    }

    /// A path as debugfs knows it: without the line breaks that some names have.
    fn known(&self, path: &Path) -> PathBuf {
        path.iter().map(|name| PathBuf::from(plain(name))).collect()
    }

    fn absolute(&self, path: &Path) -> Vec<u8> {
        rooted(&self.known(path))
    }

    /// Goes to the directory that `path` is in; gives the last name, as debugfs will know it.
    fn go(&mut self, path: &Path) -> Result<Vec<u8>, FillError> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if self.directory.as_deref() != Some(parent) {
            let name = self.absolute(parent);
            self.say(path, &[b"cd", &name])?;
            self.directory = Some(parent.to_owned());
        }
        let name = path.file_name().unwrap_or_default();
        let known = plain(name);
        if known != name {
            self.renamed.push((self.known(path), name.as_bytes().to_vec()));
        }
        Ok(known.as_bytes().to_vec())
    }

    /// The path of a file with this content, for commands that read files.
    fn text(&mut self, bytes: &[u8]) -> io::Result<PathBuf> {
        if let Some(path) = self.texts.get(bytes) {
            return Ok(path.clone());
        }
        let path = self.scratch.join(format!("text-{}", self.texts.len()));
        fs::write(&path, bytes)?;
        self.texts.insert(bytes.to_vec(), path.clone());
        Ok(path)
    }

    /// Has a file written with the content of this one.
    ///
    /// It is opened here and named by its number: what is removed or moved before debugfs comes to
    /// it is there all the same, and what was put in its place is not taken for it.
    fn write(&mut self, entry: &Entry, file: File, name: &[u8]) -> Result<(), FillError> {
        let number = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        self.say(&entry.path, &[b"write", number.as_bytes(), name])?;
        self.opened.push_back(file);
        if self.opened.len() > OPENED {
            self.opened.pop_front();
        }
        Ok(())
    }

    fn device(&mut self, entry: &Entry, name: &[u8], words: [&[u8]; 3]) -> Result<(), FillError> {
        self.say(&entry.path, &[b"mknod", name, words[0], words[1], words[2]])
    }

    /// Makes what is called `name` in the directory that debugfs is in; `here` tells it where a
    /// command would take the name for something else.
    fn make_entry(
        &mut self,
        entry: &Entry,
        name: &[u8],
        here: &[u8],
        file: Option<File>,
    ) -> Result<(), FillError> {
        let path = &entry.path;
        if let Some(file) = file {
            self.write(entry, file, name)?;
        }
        let kind = match &entry.what {
            What::Directory => {
                self.say(path, &[b"mkdir", name])?;
                0o04_0000
            }
            What::File { data, .. } => {
                self.done += data;
                (self.progress)(self.done);
                0o10_0000
            }
            What::Text(_) => 0o10_0000,
            What::Symlink(target) => {
                self.say(path, &[b"symlink", name, target])?;
                0o12_0000
            }
            What::Fifo => {
                self.say(path, &[b"mknod", name, b"p"])?;
                0o01_0000
            }
            What::Characters(major, minor) | What::Blocks(major, minor) => {
                let characters = matches!(entry.what, What::Characters(..));
                let (letter, kind) = if characters { (b"c", 0o02_0000) } else { (b"b", 0o06_0000) };
                let (major, minor) = (major.to_string(), minor.to_string());
                self.device(entry, name, [letter, major.as_bytes(), minor.as_bytes()])?;
                kind
            }
            What::Again(first) => {
                let old = self.absolute(first);
                *self.names.entry(first.clone()).or_insert(1) += 1;
                return link(&old, name, here).iter().try_for_each(|words| self.say(path, words));
            }
        };
        self.inode(entry, here, kind)
    }

    fn inode(&mut self, entry: &Entry, name: &[u8], kind: u32) -> Result<(), FillError> {
        let owner = entry.owner;
        let (seconds, nanoseconds) = owner.changed;
        // 34 bits of seconds: the upper ones stand beside the nanoseconds.
        let low = seconds & 0xffff_ffff;
        let epoch = (seconds + 0x8000_0000) >> 32 & 3;
        let fields = [
            ("mode", format!("0{:o}", kind | owner.mode)),
            ("uid", owner.uid.to_string()),
            ("gid", owner.gid.to_string()),
            ("mtime", format!("@0x{low:x}")),
            ("mtime_extra", format!("0x{:x}", nanoseconds << 2 | epoch)),
        ];
        for (field, value) in fields {
            self.say(&entry.path, &[b"sif", name, field.as_bytes(), value.as_bytes()])?;
        }
        for (attribute, value) in &entry.attributes {
            let fail = |error: io::Error| FillError::Entry {
                path: entry.path.clone(),
                why: error.to_string(),
            };
            let file = self.text(value).map_err(fail)?;
            let file = file.as_os_str().as_bytes();
            let (before, whole) = (self.apart, self.absolute(&entry.path));
            self.apart |= broken(attribute.as_bytes());
            let name = if self.apart { whole.as_slice() } else { name };
            self.say(&entry.path, &[b"ea_set", b"-f", file, name, attribute.as_bytes()])?;
            self.apart = before;
        }
        Ok(())
    }
}

impl Visitor for Debugfs<'_> {
    type Error = FillError;

    fn visit(&mut self, entry: &Entry) -> Result<bool, FillError> {
        if entry.path.as_os_str().is_empty() {
            return self.inode(entry, b"/", 0o04_0000).map(|()| true);
        }
        let fail = |error: io::Error| FillError::Entry {
            path: entry.path.clone(),
            why: error.to_string(),
        };
        let file = match &entry.what {
            What::File { source, own, .. } => match open_file(source, *own).map_err(fail)? {
                Some(file) => Some(file),
                None => return Ok(false),
            },
            What::Text(bytes) => Some(self.text(bytes).and_then(File::open).map_err(fail)?),
            _ => None,
        };
        let name = self.go(&entry.path)?;
        // Whatever it is called, it is no option and no number.
        let here = [b"./", name.as_slice()].concat();
        self.apart = match &entry.what {
            What::Symlink(target) => broken(target),
            What::Again(first) => self.made_later.contains(first),
            _ => false,
        };
        let (name, here) = match self.apart {
            true => (self.absolute(&entry.path), self.absolute(&entry.path)),
            false => (name, here),
        };
        let done = self.make_entry(entry, &name, &here, file);
        if std::mem::take(&mut self.apart) && !matches!(entry.what, What::Again(_)) {
            self.made_later.insert(entry.path.clone());
        }
        done.map(|()| true)
    }

    fn leave(&mut self, _: &Entry) -> Result<(), FillError> {
        Ok(())
    }
}

/// Whether there are line breaks in it.
pub(crate) fn broken(bytes: &[u8]) -> bool {
    bytes.contains(&b'\n') || bytes.contains(&b'\r')
}

/// A name without line breaks.
fn plain(name: &OsStr) -> OsString {
    let bytes = name.as_bytes();
    if !broken(bytes) {
        return name.to_owned();
    }
    // A short one that no other name of the directory is likely to be.
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    OsString::from_vec(format!(".line-break-{sum:016x}").into_bytes())
}

fn rooted(path: &Path) -> Vec<u8> {
    [b"/", path.as_os_str().as_bytes()].concat()
}

/// The commands that make `name`, whose directory `here` tells beyond doubt, another name of `old`.
///
/// `ln` does not extend a directory whose blocks are full; what makes an inode does. So one is made
/// under the new name, and taken away again: its place in the directory stays.
fn link<'a>(old: &'a [u8], name: &'a [u8], here: &'a [u8]) -> [Vec<&'a [u8]>; 3] {
    [vec![b"symlink", name, b"x"], vec![b"rm", here], vec![b"ln", old, name]]
}

/// Has one command run by a debugfs of its own.
fn alone(image: &str, line: &[u8]) -> Result<(), ToolError> {
    let fail = |source| ToolError::Start { tool: "debugfs", source };
    let mut command = tools::command("debugfs");
    command.args(["-w", "-R"]).arg(OsStr::from_bytes(line)).arg(image);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(fail)?;
    let told = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe.into()).map_err(fail)?;
    let errors = std::thread::spawn(move || complaints(BufReader::new(told)));
    ended("debugfs", child, errors)
}

/// A command line: each word but the first and plain ones in quotes, in which a quote is two.
fn line(path: &Path, words: &[&[u8]]) -> Result<Vec<u8>, FillError> {
    let mut line = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if at == 0 {
            line.extend_from_slice(word);
            continue;
        }
        line.extend_from_slice(b" \"");
        for byte in *word {
            line.push(*byte);
            if *byte == b'"' {
                line.push(b'"');
            }
        }
        line.push(b'"');
    }
    match line.len() > LINE {
        true => Err(FillError::Entry {
            path: path.to_owned(),
            why: "its path is too long for debugfs".to_owned(),
        }),
        false => Ok(line),
    }
}

/// What a tool complains of: whatever it writes but its name and version.
fn complaints(errors: impl BufRead) -> Vec<String> {
    let lines = errors.split(b'\n').map_while(Result::ok);
    let mut kept = Vec::new();
    // All of it is read, or the tool would wait.
    for line in lines {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if !line.is_empty() && !line.starts_with("debugfs 1.") && kept.len() < COMPLAINTS {
            kept.push(line);
        }
    }
    kept
}

/// Waits for the tool's end; whatever it complains of is a failure, since its status says little.
fn ended(
    tool: &'static str,
    mut child: Child,
    errors: JoinHandle<Vec<String>>,
) -> Result<(), ToolError> {
    let status = child.wait().map_err(|source| ToolError::Start { tool, source })?;
    let told = errors.join().unwrap_or_default();
    match status.success() && told.is_empty() {
        true => Ok(()),
        false => Err(ToolError::Failed { tool, status, told: told.join("; ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_quotes() {
        let line = line(Path::new(""), &[b"write", b"/a b/\"c\"", b"-x"]).unwrap();
        assert_eq!(line, b"write \"/a b/\"\"c\"\"\" \"-x\"");
        assert!(super::line(Path::new(""), &[b"write", &[b'a'; LINE]]).is_err());
    }

    #[test]
    fn only_complaints_are_kept() {
        let told = b"debugfs 1.47.0 (5-Feb-2023)\n\nwrite: No such file\nx\nx\nx\nx\n";
        let kept = complaints(&told[..]);
        assert_eq!((kept.len(), kept[0].as_str()), (COMPLAINTS, "write: No such file"));
    }
}
