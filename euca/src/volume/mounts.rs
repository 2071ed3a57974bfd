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

/// File systems that keep what they hold in this machine's memory or in others of its own.
const AT_HAND: &[&str] = &["overlay", "ramfs", "tmpfs"];

/// File systems that are only ever read, and come from elsewhere.
const READ_ONLY: &[&str] = &["cramfs", "erofs", "iso9660", "squashfs", "udf"];

/// File systems on disks of this machine that the kernel does not tell by a disk's numbers.
const OF_DISKS: &[&str] = &["bcachefs", "zfs"];

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

/// A mounted file system that does not belong into an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Its type.
    pub(crate) kind: String,
    /// Whether somebody else may have to be asked for what is there: another machine, or a program
    /// that refuses, or never answers.
    pub(crate) far: bool,
    /// Whether it lies on a disk of this machine, though images do not hold its like.
    pub(crate) missed: bool,
}

/// Which file systems that are mounted below `volume` do not belong into its image: without `all`
/// those that lie on no disk of this machine, or are seen there a second time; and always what the
/// kernel makes up.
pub(crate) fn left_out(mounts: &[Mount], volume: &Path, all: bool) -> Vec<LeftOut> {
    let own = covering(mounts, volume).map(|mount| mount.device);
    let mut found = Vec::new();
    for mount in mounts.iter().filter(|m| m.point != volume && m.point.starts_with(volume)) {
        let kind = mount.kind.as_str();
        let covers = covering(mounts, &mount.point) == Some(mount);
        // The subvolumes of a btrfs are one device; elsewhere that is a bind mount.
        let again = Some(mount.device) == own && kind != "btrfs";
        let local = LOCAL.contains(&kind) && !again;
        let made_up = OF_THE_KERNEL.contains(&kind);
        if !covers || (all || local) && !made_up {
            continue;
        }
        let at_hand = LOCAL.contains(&kind) || AT_HAND.contains(&kind);
        let on_a_disk = mount.device.0 != 0 || OF_DISKS.contains(&kind);
        found.push(LeftOut {
            point: mount.point.clone(),
            kind: mount.kind.clone(),
            far: !at_hand && (!made_up || kind == "autofs"),
            missed: on_a_disk && !again && !made_up && !READ_ONLY.contains(&kind),
        });
    }
    found
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
        30 22 254:2 / /boot/efi rw - vfat /dev/vda1 rw\n\
        31 22 0:40 / /tank rw - zfs tank rw\n\
        32 22 0:41 / /far rw - fuse.sshfs far:/ rw\n\
        33 22 7:1 / /snap ro - squashfs /dev/loop1 ro\n\
        nonsense\n";

    #[test]
    fn mounts_are_read_and_found() {
        let mounts = parse(TEXT);
        assert_eq!(mounts.len(), 12);
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
            let found = left_out(&mounts, Path::new(volume), all);
            let marked = |one: &LeftOut| {
                let marks = [(one.far, "?"), (one.missed, "!")];
                let marks = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark);
                [one.point.to_str().unwrap()].into_iter().chain(marks).collect::<String>()
            };
            found.iter().map(marked).collect::<Vec<_>>()
        };
        let here = ["/dev", "/proc", "/run", "/srv/a b\\", "/mnt/far"];
        let more = ["/boot/efi?!", "/tank?!", "/far?", "/snap?"];
        assert_eq!(left("/", false), [&here[..], &more].concat());
        assert_eq!(left("/", true), ["/dev", "/proc"]);
        assert_eq!(left("/home", false), [""; 0]);
    }
}
