//! Which of the paths of a volume belong into its image.
//!
//! Patterns are read as paths of the image: `*` stands for anything within a name, `**` for
//! anything at all, `?` for one character. With a slash in front a pattern counts from the volume's
//! root, without one it fits at any depth. What is below something left out is left out with it; a
//! pattern that takes a path in wins over all that would leave it out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What another machine has of its own, or makes anew: most directories stay, and are empty.
const OF_THE_MACHINE: &[&str] = &[
    // What was left of an image whose making was interrupted.
    ".bundle-vol.*.partial",
    "/cdrom/*",
    "/dev/*",
    "/lost+found",
    "/media/*",
    "/mnt/*",
    "/proc/*",
    "/run/*",
    "/sys/*",
    "/tmp/*",
];

/// Secrets of whoever is logged in here, and what this machine has learnt about its own hardware.
const OF_ITS_PEOPLE: &[&str] = &[
    ".*_history",
    ".aws/credentials",
    ".euca/*",
    ".eucarc",
    ".ssh/authorized_keys*",
    ".ssh/id_*",
    "/etc/udev/rules.d/*persistent-net.rules",
    "/home/**.pem",
    "/home/**.priv",
    "/root/**.pem",
    "/root/**.priv",
    "/var/lib/dhclient/*",
    "/var/lib/dhcp/*",
    "eucarc",
];

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It belongs into the image.
    Take,
    /// Only the way through it does: something below belongs into the image.
    Through,
    /// It stays away, with all that is below.
    Leave,
}

/// What has been said of a directory counts for what is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Above {
    /// Nothing.
    Plain,
    /// A pattern takes it in.
    In,
    /// A pattern leaves it out.
    Out,
}

/// The patterns of one image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    out: Vec<Pattern>,
    /// Paths, no patterns, whose content stays away, and whether they are not even looked at.
    emptied: Vec<(PathBuf, bool)>,
    back: Vec<Pattern>,
}

impl Choice {
    /// What everybody leaves out, and with `filter` the secrets.
    pub(crate) fn new(filter: bool) -> Self {
        let secrets = if filter { OF_ITS_PEOPLE } else { &[] };
        let patterns = OF_THE_MACHINE.iter().chain(secrets);
        let out = patterns.map(|pattern| Pattern::new(pattern.as_bytes())).collect();
        Self { out, ..Self::default() }
    }

    /// Leaves out what a pattern fits.
    pub(crate) fn exclude(&mut self, pattern: &[u8]) {
        self.out.push(Pattern::new(pattern));
    }

    /// Leaves out what is in the directory `path` of the volume, but not the directory; which is
    /// not even to be looked at if it is `far`.
    pub(crate) fn empty(&mut self, path: &Path, far: bool) {
        self.emptied.push((path.to_owned(), far));
    }

    /// Takes in what a pattern fits, whatever else is said of it.
    pub(crate) fn include(&mut self, pattern: &[u8]) {
        self.back.push(Pattern::new(pattern));
    }

    fn is_emptied(&self, path: &Path) -> bool {
        self.emptied.iter().any(|(emptied, _)| emptied == path)
    }

    /// Whether nothing of what is at `path` is wanted, and it is better not looked at; `below` is
    /// what counts for all below it.
    pub(crate) fn untouched(&self, path: &Path, below: Above) -> bool {
        self.emptied.iter().any(|(emptied, far)| *far && emptied == path)
            && self.stays_empty(path, below)
    }

    /// Whether nothing below the directory `path` is taken in.
    fn stays_empty(&self, path: &Path, below: Above) -> bool {
        let bytes = path.as_os_str().as_bytes();
        below != Above::In && !self.back.iter().any(|pattern| leads_to(bytes, &pattern.text))
    }

    /// Whether the directory `path` is in the image, and what is in it is not because of what is
    /// mounted there.
    pub(crate) fn misses(&self, path: &Path) -> bool {
        let mut above = Above::Plain;
        for end in upwards(path.as_os_str().as_bytes()) {
            let (verdict, below) = self.verdict(Path::new(OsStr::from_bytes(end)), above);
            if verdict != Verdict::Take {
                return false;
            }
            above = below;
        }
        self.stays_empty(path, above)
    }

    /// What becomes of `path`, which is relative to the volume and not its root, and what counts
    /// for all below it; `above` is what counts for it.
    pub(crate) fn verdict(&self, path: &Path, above: Above) -> (Verdict, Above) {
        let bytes = path.as_os_str().as_bytes();
        if above == Above::In || self.back.iter().any(|pattern| pattern.fits(bytes)) {
            return (Verdict::Take, Above::In);
        }
        let out = above == Above::Out
            || self.out.iter().any(|pattern| pattern.fits(bytes))
            || path.parent().is_some_and(|parent| self.is_emptied(parent));
        match out {
            false => (Verdict::Take, Above::Plain),
            true if self.back.iter().any(|pattern| leads_to(bytes, &pattern.text)) => {
                (Verdict::Through, Above::Out)
            }
            true => (Verdict::Leave, Above::Out),
        }
    }
}

/// A pattern over whole relative paths.
#[derive(Debug, Clone)]
struct Pattern {
    text: Vec<u8>,
    /// How much at its beginning stands for itself.
    head: usize,
    /// Where at its end that begins which stands for itself.
    tail: usize,
}

impl Pattern {
    fn new(pattern: &[u8]) -> Self {
        let text = anchored(pattern);
        let wild = |byte: &u8| matches!(byte, b'*' | b'?');
        let head = text.iter().position(wild).unwrap_or(text.len());
        let tail = text.iter().rposition(wild).map_or(0, |at| at + 1);
        // The slash after two stars in front may be none.
        let tail = if tail == 2 && text.starts_with(b"**/") { 3 } else { tail };
        Self { text, head, tail }
    }

    fn fits(&self, path: &[u8]) -> bool {
        // Most are told apart by what stands for itself.
        path.starts_with(&self.text[..self.head])
            && path.ends_with(&self.text[self.tail..])
            && fits(&self.text, path)
    }
}

/// A pattern as one over whole relative paths.
fn anchored(pattern: &[u8]) -> Vec<u8> {
    let trimmed = pattern.strip_suffix(b"/").unwrap_or(pattern);
    match trimmed.strip_prefix(b"/") {
        Some(rest) => rest.to_vec(),
        // `**/` is also nothing at all.
        None => [b"**/", trimmed].concat(),
    }
}

/// A path and the directories it is in, without the root.
fn upwards(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.chain([path.len()]).map(|end| &path[..end])
}

/// Whether something that `pattern` fits may lie below the directory `path`.
fn leads_to(path: &[u8], pattern: &[u8]) -> bool {
    let wild = pattern.windows(2).position(|pair| pair == b"**").unwrap_or(pattern.len());
    let depth = path.split(|byte| *byte == b'/').count();
    let mut ends = pattern.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    match ends.nth(depth - 1) {
        Some((end, _)) if end < wild => fits(&pattern[..end], path),
        // From here on the pattern goes anywhere, if it gets here.
        _ => {
            wild < pattern.len() && {
                let head = &pattern[..wild];
                let head = head.strip_suffix(b"/").unwrap_or(head);
                head.is_empty() || upwards(path).any(|path| fits(head, path))
            }
        }
    }
}

/// Whether a pattern fits the whole of a path. Takes time in proportion to both lengths, whatever
/// they are.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    // The states of the pattern that the path so far may be in.
    let mut states = vec![false; pattern.len() + 1];
    reach(pattern, &mut states, 0);
    // Any directory is also none.
    if pattern.starts_with(b"**/") {
        reach(pattern, &mut states, 3);
    }
    for byte in path {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|at| states[*at]) {
            match pattern[at] {
                b'*' if any_depth(pattern, at) => reach(pattern, &mut next, at),
                b'*' if *byte != b'/' => reach(pattern, &mut next, at),
                b'?' if *byte != b'/' => reach(pattern, &mut next, at + 1),
                own if own == *byte && own != b'*' => reach(pattern, &mut next, at + 1),
                _ => {}
            }
        }
        states = next;
    }
    states[pattern.len()]
}

/// Whether the star at `at` belongs to two.
fn any_depth(pattern: &[u8], at: usize) -> bool {
    pattern.get(at + 1) == Some(&b'*') || at > 0 && pattern[at - 1] == b'*'
}

/// Marks a state, and those behind it that need no byte.
fn reach(pattern: &[u8], states: &mut [bool], at: usize) {
    if states[at] {
        return;
    }
    states[at] = true;
    if pattern.get(at) == Some(&b'*') {
        reach(pattern, states, at + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_paths() {
        for (pattern, path, fit) in [
            ("/a", "a", true),
            ("/a/", "a", true),
            ("/a", "b/a", false),
            ("a", "b/a", true),
            ("a", "b/ca", false),
            ("*.swp", "x/y/.z.swp", true),
            ("eucarc", "eucarc", true),
            ("eucarc", "an-eucarc", false),
            ("/a*a", "a", false),
            ("/x/*", "x/y", true),
            ("/x/*", "x/y/z", false),
            ("/x/**.pem", "x/y/z.pem", true),
            ("/x/**.pem", "x/z.pem", true),
            ("/x/**.pem", "y/z.pem", false),
            ("/a?c", "abc", true),
            ("/a?c", "a/c", false),
            ("/*/*/*/*/*/b", "a/a/a/a/a/a/a", false),
        ] {
            let found = Pattern::new(pattern.as_bytes()).fits(path.as_bytes());
            assert_eq!(found, fit, "{pattern} {path}");
        }
        let hard =
            anchored(&b"/*a".repeat(60).into_iter().filter(|b| *b != b'/').collect::<Vec<_>>());
        assert!(!fits(&hard, &[b'a'; 200].map(|_| b'b')));
    }

    /// What becomes of a path, from the root down to it.
    fn judged(choice: &Choice, path: &str) -> Verdict {
        let mut last = (Verdict::Take, Above::Plain);
        for path in upwards(path.as_bytes()) {
            last = choice.verdict(Path::new(std::str::from_utf8(path).unwrap()), last.1);
            if last.0 == Verdict::Leave {
                break;
            }
        }
        last.0
    }

    #[test]
    fn what_is_taken_in_wins() {
        use Verdict::{Leave, Take, Through};
        let mut choice = Choice::new(true);
        for pattern in ["/var/log", "*.o"] {
            choice.exclude(pattern.as_bytes());
        }
        choice.empty(Path::new("run/lock"), false);
        choice.empty(Path::new("srv/far"), true);
        choice.empty(Path::new("var/log/far"), true);
        choice.empty(Path::new("var/log/keep"), true);
        for pattern in ["/var/log/keep/this", "/root/deploy.pem", "/mnt/**/x"] {
            choice.include(pattern.as_bytes());
        }
        for (path, verdict) in [
            ("proc", Take),
            ("proc/1", Leave),
            ("dev/pts/0", Leave),
            ("home/a/dev/x", Take),
            ("var/log", Through),
            ("var/log/messages", Leave),
            ("var/log/keep", Through),
            ("var/log/keep/this", Take),
            ("var/log/keep/this/too", Take),
            ("var/log/keep/that", Leave),
            ("usr/src/a.o", Leave),
            ("srv/far", Take),
            ("srv/far/a", Leave),
            ("srv/farther", Take),
            ("root/.ssh/authorized_keys", Leave),
            ("root/.ssh", Take),
            ("root/a/b.pem", Leave),
            ("root/deploy.pem", Take),
            ("etc/ssl/certs/x.pem", Take),
            ("home/a/.bash_history", Leave),
            ("mnt/a/b", Through),
            ("mnt/a/x", Take),
            ("lost+found", Leave),
        ] {
            assert_eq!(judged(&choice, path), verdict, "{path}");
        }
        assert_eq!(judged(&Choice::new(false), "root/a.pem"), Take);
        for (path, untouched, misses) in [
            ("srv/far", true, true),
            ("srv/near", false, true),
            ("run/lock", false, false),
            ("var/log/far", true, false),
            ("var/log/keep", false, false),
        ] {
            let path = Path::new(path);
            assert_eq!(choice.untouched(path, Above::Plain), untouched, "{path:?}");
            assert_eq!(choice.misses(path), misses, "{path:?}");
        }
        assert!(!choice.untouched(Path::new("srv/far"), Above::In));
    }
}
