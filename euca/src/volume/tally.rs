//! Counts what will be made in an image before anything is: bytes, blocks, files.

use std::os::unix::ffi::OsStrExt;

use super::debugfs::broken;
use super::superblock::{Kind, Room};
use super::tree::{Entry, TreeError, Visitor, What};

/// What a new file needs of a file system, and what a file system needs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    kind: Kind,
    block: u64,
    /// Blocks for content, names, attributes and what leads to them.
    pub(crate) blocks: u64,
    /// Files, directories, links by name, devices.
    pub(crate) inodes: u64,
    /// Whether a name is made by a link.
    linked: bool,
    /// Bytes of files that are no hole.
    pub(crate) data: u64,
    /// Bytes of names in the directories that are not left yet.
    names: Vec<u64>,
}

impl Tally {
    /// Nothing yet, in blocks of `block` bytes.
    pub(crate) fn new(kind: Kind, block: u64) -> Self {
        let block = block.max(512);
        Self { kind, block, blocks: 0, inodes: 0, linked: false, data: 0, names: Vec::new() }
    }

    /// Whether there is room for all of it.
    pub(crate) fn fits(&self, room: &Room) -> bool {
        let needed = match self.kind {
            Kind::Ext2 | Kind::Ext3 | Kind::Ext4 => self.blocks,
            // Trees that grow: their nodes are half full at worst, and a little is kept back.
            Kind::Xfs | Kind::Btrfs => self.blocks.saturating_add(self.blocks / 32),
        };
        needed <= room.blocks && room.inodes.is_none_or(|inodes| self.numbers() <= inodes)
    }

    /// Inodes that are in use at some moment: making a link takes one for a while.
    pub(crate) fn numbers(&self) -> u64 {
        self.inodes + u64::from(self.linked)
    }

    /// Bytes that it needs.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.saturating_mul(self.block)
    }

    fn content(&mut self, data: u64) {
        self.data = self.data.saturating_add(data);
        let blocks = data.div_ceil(self.block);
        let leading = match self.kind {
            // A block leads to as many as numbers of four bytes stand in it, twelve stand outside.
            Kind::Ext2 | Kind::Ext3 if blocks > 12 => 1 + blocks / (self.block / 4),
            Kind::Ext2 | Kind::Ext3 => 0,
            // Four runs stand outside; longer files get pieces of 128 MiB at best.
            Kind::Ext4 => u64::from(data > 512 << 20),
            // A checksum of four bytes a block.
            Kind::Btrfs => blocks.div_ceil(self.block / 4),
            Kind::Xfs => 0,
        };
        self.blocks = self.blocks.saturating_add(blocks).saturating_add(leading);
    }

    fn attributes(&mut self, entry: &Entry) {
        let bytes: usize = entry.attributes.iter().map(|(n, v)| 20 + n.len() + v.len()).sum();
        // About so many stand in the inode.
        if bytes > 92 {
            self.blocks += 1 + (bytes as u64) / self.block;
        }
    }
}

impl Visitor for Tally {
    type Error = TreeError;

    fn visit(&mut self, entry: &Entry) -> Result<bool, TreeError> {
        if let Some(names) = self.names.last_mut() {
            let name = entry.path.file_name().unwrap_or_default().as_bytes();
            *names += 8 + (name.len() as u64).next_multiple_of(4);
            // Such a name takes the place of another that is made first, and leaves its own empty.
            if broken(name) {
                self.linked = true;
                *names += 8 + 28;
            }
        }
        match &entry.what {
            What::Directory => self.names.push(24),
            What::File { data, .. } => self.content(*data),
            What::Text(text) => self.content(text.len() as u64),
            What::Symlink(target) if target.len() > 59 => self.blocks += 1,
            What::Symlink(_) | What::Fifo | What::Characters(..) | What::Blocks(..) => {}
            What::Again(_) => {
                self.linked = true;
                return Ok(true);
            }
        }
        self.attributes(entry);
        self.inodes += 1;
        // Where inodes have no table of their own they need room, too.
        self.blocks += match self.kind {
            Kind::Ext2 | Kind::Ext3 | Kind::Ext4 => 0,
            Kind::Xfs | Kind::Btrfs => {
                u64::from(self.inodes.is_multiple_of((self.block / 512).max(1)))
            }
        };
        Ok(true)
    }

    fn leave(&mut self, _: &Entry) -> Result<(), TreeError> {
        let names = self.names.pop().unwrap_or_default();
        // No name spans two blocks, so the end of each may stay empty.
        self.blocks += names.div_ceil(self.block - self.block / 10).max(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tree::Owner;
    use super::*;

    fn entry(path: &str, what: What) -> Entry {
        let owner = Owner { mode: 0, uid: 0, gid: 0, changed: (0, 0) };
        Entry { path: PathBuf::from(path), what, owner, attributes: Vec::new() }
    }

    fn file(data: u64) -> Entry {
        entry("f", What::File { source: PathBuf::new(), own: (0, 0), length: 1 << 40, data })
    }

    #[test]
    fn blocks_and_files_are_counted() {
        for (kind, data, blocks) in [
            (Kind::Ext4, 0, 0),
            (Kind::Ext4, 1, 1),
            (Kind::Ext4, 1 << 20, 256),
            (Kind::Ext2, 12 * 4096, 12),
            (Kind::Ext3, 1 << 20, 257),
            (Kind::Xfs, 1 << 20, 256),
            (Kind::Btrfs, 1 << 20, 257),
        ] {
            let mut tally = Tally::new(kind, 4096);
            tally.visit(&file(data)).unwrap();
            assert_eq!((tally.blocks, tally.inodes, tally.data), (blocks, 1, data), "{kind:?}");
        }
        let mut tally = Tally::new(Kind::Ext4, 1024);
        tally.visit(&entry("", What::Directory)).unwrap();
        for _ in 0..1000 {
            tally.visit(&entry("d/name", What::Again("f".into()))).unwrap();
        }
        tally.visit(&entry("l", What::Symlink(vec![b'x'; 60]))).unwrap();
        let mut heavy = entry("h", What::Fifo);
        heavy.attributes.push(("user.x".into(), vec![0; 2000]));
        tally.visit(&heavy).unwrap();
        tally.leave(&entry("", What::Directory)).unwrap();
        // 12 bytes a name, and one block for the link's target and two for the attribute.
        assert_eq!((tally.blocks, tally.inodes), (12_000 / 922 + 1 + 1 + 2, 3));
        let room = |blocks, inodes| Room { block: 1024, blocks, inodes };
        // One inode more than there are in the end, for the making of links.
        assert!(tally.fits(&room(17, Some(4))) && tally.fits(&room(17, None)));
        assert!(!tally.fits(&room(16, None)) && !tally.fits(&room(17, Some(3))));
    }
}
