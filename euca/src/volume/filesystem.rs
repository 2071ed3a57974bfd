//! Makes a file system in an image, called as its source is, and tells what there is room for.

use std::fs::File;
use std::path::Path;

use super::partition::Span;
use super::superblock::{Identity, Kind, Room, ext_room, uuid_text};
use super::tools::{self, ToolError};

/// Makes an ext file system in the file at `image`; with room for `inodes` files, if that is said.
pub(crate) fn make_ext(
    image: &Path,
    span: Span,
    identity: &Identity,
    inodes: Option<u64>,
) -> Result<Room, ToolError> {
    let uuid = uuid_text(&identity.uuid);
    let mut extended = "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0".to_owned();
    if span.start > 0 {
        extended.push_str(&format!(",offset={}", span.start));
    }
    let (image_name, blocks) = (image.display().to_string(), format!("{}k", span.length >> 10));
    let inodes = inodes.map(|inodes| inodes.to_string());
    let mut arguments = vec!["-q", "-F", "-t", identity.kind.name(), "-U", &uuid, "-E", &extended];
    if !identity.label.is_empty() {
        arguments.extend(["-L", &identity.label]);
    }
    if let Some(inodes) = &inodes {
        arguments.extend(["-N", inodes]);
    }
    arguments.extend([image_name.as_str(), &blocks]);
    tools::run("mke2fs", &arguments)?;
    let room = File::open(image).and_then(|mut file| ext_room(&mut file, span.start));
    room.map_err(|source| ToolError::Start { tool: "mke2fs", source })
}

/// Looks for faults in an ext file system that is not mounted.
pub(crate) fn check_ext(image: &Path, start: u64) -> Result<(), ToolError> {
    tools::run("e2fsck", &["-fn", &tools::place(image, start)]).map(drop)
}

/// Makes an xfs or a btrfs on a device. A btrfs gets a UUID of its own: with that of one which is
/// mounted the kernel would take both for one.
pub(crate) fn make_on_device(device: &str, identity: &Identity) -> Result<(), ToolError> {
    let uuid = format!("uuid={}", uuid_text(&identity.uuid));
    let (tool, mut arguments) = match identity.kind {
        Kind::Xfs => ("mkfs.xfs", vec!["-q", "-f", "-m", &uuid]),
        Kind::Btrfs => ("mkfs.btrfs", vec!["-q", "-f"]),
        Kind::Ext2 | Kind::Ext3 | Kind::Ext4 => {
            ("mke2fs", vec!["-q", "-F", "-t", identity.kind.name()])
        }
    };
    if !identity.label.is_empty() {
        arguments.extend(["-L", &identity.label]);
    }
    arguments.push(device);
    tools::run(tool, &arguments).map(drop)
}
