//! What is mounted where, as the kernel tells it, and which of it belongs into an image.
//!
//! Pure: the text of `/proc/self/mountinfo` comes in.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// File systems that lie on a disk of this machine.
const LOCAL: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "jfs", "reiserfs", "f2fs"];

/// File systems that hold nothing: the kernel makes up what is seen there.
const OF_THE_KERNEL: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Its type, as the kernel calls it.
    pub(crate) kind: String,
    /// What was mounted: mostly the path of a device, sometimes of one that does not exist.
    pub(crate) source: PathBuf,
    /// The device's numbers.
    pub(crate) device: (u32, u32),
}

/// Reads `/proc/self/mountinfo`; lines that are none are left out.
pub(crate) fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(words.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let point = unescaped(words.nth(1)?);
    // Optional words end in a lonely dash.
    let mut words = words.skip_while(|word| *word != b"-").skip(1);
    let kind = String::from_utf8_lossy(words.next()?).into_owned();
    let source = unescaped(words.next()?);
    Some(Mount { point, kind, source, device })
}

/// A word in which blanks, tabs, line breaks and backslashes are written `\ooo`.
fn unescaped(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let value = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match value.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// The file system that `path` is in. Of several at one place the last covers the others.
pub(crate) fn covering<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let over = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    over.max_by_key(|mount| mount.point.as_os_str().len())
}

/// Where below `volume` file systems are mounted that do not belong into its image: without `all`
/// those that lie on no disk of this machine, or are seen there a second time; and always what the
/// kernel makes up.
pub(crate) fn left_out(mounts: &[Mount], volume: &Path, all: bool) -> Vec<PathBuf> {
    let own = covering(mounts, volume).map(|mount| mount.device);
    let mut points: Vec<PathBuf> = Vec::new();
    for mount in mounts.iter().filter(|m| m.point != volume && m.point.starts_with(volume)) {
        let covers = covering(mounts, &mount.point) == Some(mount);
        // The subvolumes of a btrfs are one device; elsewhere that is a bind mount.
        let again = Some(mount.device) == own && mount.kind != "btrfs";
        let taken = match all {
            true => true,
            false => LOCAL.contains(&mount.kind.as_str()) && !again,
        };
        if covers && !(taken && !OF_THE_KERNEL.contains(&mount.kind.as_str())) {
            points.push(mount.point.clone());
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        23 22 0:5 / /dev rw shared:2 master:1 - devtmpfs dev rw\n\
        24 22 0:21 / /proc rw - proc proc rw\n\
        25 22 0:22 / /run rw - tmpfs tmpfs rw\n\
        26 22 254:1 / /home rw - xfs /dev/vdb rw\n\
        27 22 254:0 /var/a\\040b /srv/a\\040b\\134 rw - ext4 /dev/root rw\n\
        28 22 0:30 / /mnt/far rw - nfs4 far:/x rw\n\
        29 28 0:31 / /mnt/far rw - tmpfs t rw\n\
        nonsense\n";

    #[test]
    fn mounts_are_read_and_found() {
        let mounts = parse(TEXT);
        assert_eq!(mounts.len(), 8);
        assert_eq!(mounts[5].point, Path::new("/srv/a b\\"));
        assert_eq!(
            (mounts[0].source.as_path(), mounts[0].device),
            (Path::new("/dev/root"), (254, 0))
        );
        for (path, kind) in
            [("/", "ext4"), ("/homes", "ext4"), ("/home/a", "xfs"), ("/mnt/far/x", "tmpfs")]
        {
            assert_eq!(covering(&mounts, Path::new(path)).unwrap().kind, kind, "{path}");
        }
    }

    #[test]
    fn an_image_holds_what_lies_on_this_machines_disks() {
        let mounts = parse(TEXT);
        let left = |volume: &str, all| {
            let points = left_out(&mounts, Path::new(volume), all);
            points.iter().map(|point| point.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(left("/", false), ["/dev", "/proc", "/run", "/srv/a b\\", "/mnt/far"]);
        assert_eq!(left("/", true), ["/dev", "/proc"]);
        assert_eq!(left("/home", false), [""; 0]);
    }
}
