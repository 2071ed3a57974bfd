//! Which of the paths of a volume belong into its image.
//!
//! Patterns are read as paths of the image: `*` stands for anything within a name, `**` for
//! anything at all, `?` for one character. With a slash in front a pattern counts from the volume's
//! root, without one it fits at any depth. What is below something left out is left out with it; a
//! pattern that takes a path in wins over all that would leave it out.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What another machine has of its own, or makes anew: the directories stay, and are empty.
const OF_THE_MACHINE: &[&str] = &[
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

/// The patterns of one image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    out: Vec<Vec<u8>>,
    /// Paths, no patterns, whose content stays away.
    emptied: Vec<PathBuf>,
    back: Vec<Vec<u8>>,
}

impl Choice {
    /// What everybody leaves out, and with `filter` the secrets.
    pub(crate) fn new(filter: bool) -> Self {
        let secrets = if filter { OF_ITS_PEOPLE } else { &[] };
        let out = OF_THE_MACHINE.iter().chain(secrets).map(|p| anchored(p.as_bytes())).collect();
        Self { out, ..Self::default() }
    }

    /// Leaves out what a pattern fits.
    pub(crate) fn exclude(&mut self, pattern: &[u8]) {
        self.out.push(anchored(pattern));
    }

    /// Leaves out what is in the directory `path` of the volume, but not the directory.
    pub(crate) fn empty(&mut self, path: &Path) {
        self.emptied.push(path.to_owned());
    }

    /// Takes in what a pattern fits, whatever else is said of it.
    pub(crate) fn include(&mut self, pattern: &[u8]) {
        self.back.push(anchored(pattern));
    }

    /// What becomes of `path`, which is relative to the volume.
    pub(crate) fn verdict(&self, path: &Path) -> Verdict {
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() || upwards(bytes).any(|p| self.back.iter().any(|b| fits(b, p))) {
            return Verdict::Take;
        }
        let out = upwards(bytes).any(|path| self.out.iter().any(|pattern| fits(pattern, path)))
            || self.emptied.iter().any(|empty| path != empty && path.starts_with(empty));
        match out {
            false => Verdict::Take,
            true if self.back.iter().any(|pattern| leads_to(bytes, pattern)) => Verdict::Through,
            true => Verdict::Leave,
        }
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
            ("/x/*", "x/y", true),
            ("/x/*", "x/y/z", false),
            ("/x/**.pem", "x/y/z.pem", true),
            ("/x/**.pem", "x/z.pem", true),
            ("/x/**.pem", "y/z.pem", false),
            ("/a?c", "abc", true),
            ("/a?c", "a/c", false),
            ("/*/*/*/*/*/b", "a/a/a/a/a/a/a", false),
        ] {
            assert_eq!(
                fits(&anchored(pattern.as_bytes()), path.as_bytes()),
                fit,
                "{pattern} {path}"
            );
        }
        let hard =
            anchored(&b"/*a".repeat(60).into_iter().filter(|b| *b != b'/').collect::<Vec<_>>());
        assert!(!fits(&hard, &[b'a'; 200].map(|_| b'b')));
    }

    #[test]
    fn what_is_taken_in_wins() {
        use Verdict::{Leave, Take, Through};
        let mut choice = Choice::new(true);
        for pattern in ["/var/log", "*.o"] {
            choice.exclude(pattern.as_bytes());
        }
        choice.empty(Path::new("run/lock"));
        choice.empty(Path::new("srv/far"));
        for pattern in ["/var/log/keep/this", "/root/deploy.pem", "/mnt/**/x"] {
            choice.include(pattern.as_bytes());
        }
        for (path, verdict) in [
            ("", Take),
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
            assert_eq!(choice.verdict(Path::new(path)), verdict, "{path}");
        }
        assert_eq!(Choice::new(false).verdict(Path::new("root/a.pem")), Take);
    }
}
