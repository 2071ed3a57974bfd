//! Sparse maps: which stretches of a file are stored, all others being zero.
//!
//! Four spellings of one thing: the old GNU header with its extension blocks, and GNU's pax forms
//! 0.0 (pairs of records), 0.1 (one list) and 1.0 (text in front of the data). The number of
//! extents is bounded, and so is the memory.

use super::TarError;
use super::header::{Block, number};

/// The most extents in a map: 16 MiB of memory, and ten times what a 10 GiB image of scattered
/// files has.
const EXTENTS: usize = 1 << 20;

/// A stretch of the file that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// The stored stretches of a file in the order in which they are stored.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Map(Vec<Extent>);

impl Map {
    pub(super) fn push(&mut self, offset: u64, length: u64) -> Result<(), TarError> {
        if self.0.len() == EXTENTS {
            return Err(TarError::Metadata);
        }
        self.0.push(Extent { offset, length });
        Ok(())
    }

    /// Checks that the stretches ascend, do not overlap, lie within `size` and add up to `stored`.
    pub(super) fn check(self, size: u64, stored: u64) -> Result<Vec<Extent>, TarError> {
        let mut position = 0_u64;
        let mut sum = 0_u64;
        for extent in &self.0 {
            if extent.offset < position {
                return Err(TarError::Sparse);
            }
            position = extent.offset.checked_add(extent.length).ok_or(TarError::Sparse)?;
            sum = sum.checked_add(extent.length).ok_or(TarError::Sparse)?;
        }
        if position > size || sum != stored {
            return Err(TarError::Sparse);
        }
        Ok(self.0)
    }

    /// Adds the entries of an old GNU header or extension block; an empty entry ends them.
    fn push_entries(&mut self, entries: &[u8]) -> Result<(), TarError> {
        for entry in entries.chunks_exact(24) {
            let (offset, length) = entry.split_at(12);
            if length[0] == 0 {
                break;
            }
            let offset = number(offset).ok_or(TarError::Sparse)?;
            self.push(offset, number(length).ok_or(TarError::Sparse)?)?;
        }
        Ok(())
    }

    /// Reads the entries of an old GNU header; gives the real size and whether a block follows.
    pub(super) fn push_header(&mut self, block: &Block) -> Result<(u64, bool), TarError> {
        self.push_entries(&block[386..482])?;
        let size = number(&block[483..495]).ok_or(TarError::Number("real size"))?;
        Ok((size, block[482] != 0))
    }

    /// Reads the entries of an extension block; gives whether another follows.
    pub(super) fn push_extension(&mut self, block: &Block) -> Result<bool, TarError> {
        self.push_entries(&block[..504])?;
        Ok(block[504] != 0)
    }

    /// Reads the list of pax form 0.1: offset, length, offset, length…
    pub(super) fn push_list(&mut self, list: &[u8]) -> Result<(), TarError> {
        let mut numbers = list.split(|&byte| byte == b',').map(decimal);
        while let Some(offset) = numbers.next() {
            let length = numbers.next().flatten().ok_or(TarError::Sparse)?;
            self.push(offset.ok_or(TarError::Sparse)?, length)?;
        }
        Ok(())
    }
}

/// Reads the map of pax form 1.0, lines of decimal numbers in blocks in front of the data: their
/// count, then offset and length for each.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// Numbers to come; none before the count is known.
    left: Option<u64>,
    offset: Option<u64>,
    pub(super) map: Map,
}

impl Lines {
    /// Takes a block; gives whether it was the last one.
    pub(super) fn push(&mut self, block: &Block) -> Result<bool, TarError> {
        for &byte in block {
            if self.left == Some(0) {
                break;
            }
            if byte != b'\n' {
                if self.line.len() == 20 {
                    return Err(TarError::Sparse);
                }
                self.line.push(byte);
                continue;
            }
            let number = decimal(&self.line).ok_or(TarError::Sparse)?;
            self.line.clear();
            match (self.left, self.offset.take()) {
                (None, _) => self.left = Some(number.checked_mul(2).ok_or(TarError::Sparse)?),
                (Some(left), None) => {
                    self.offset = Some(number);
                    self.left = Some(left - 1);
                }
                (Some(left), Some(offset)) => {
                    self.map.push(offset, number)?;
                    self.left = Some(left - 1);
                }
            }
        }
        Ok(self.left == Some(0))
    }
}

/// A number of decimal digits.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_describe_no_file_are_refused() {
        let check = |extents: &[(u64, u64)], size, stored| {
            let mut map = Map::default();
            for (offset, length) in extents {
                map.push(*offset, *length).unwrap();
            }
            map.check(size, stored).is_ok()
        };
        assert!(check(&[], 0, 0));
        assert!(check(&[], 10, 0));
        assert!(check(&[(0, 5), (5, 5), (10, 0)], 10, 10));
        assert!(!check(&[(0, 5), (4, 5)], 10, 10), "overlap");
        assert!(!check(&[(0, 11)], 10, 11), "beyond the end");
        assert!(!check(&[(0, 5)], 10, 6), "another sum");
        assert!(!check(&[(u64::MAX, 1)], u64::MAX, 1), "overflow");
    }

    #[test]
    fn lists_and_lines_mean_the_same() {
        let mut list = Map::default();
        list.push_list(b"0,512,4096,10").unwrap();
        let mut lines = Lines::default();
        let mut block = [0_u8; 512];
        let text = b"2\n0\n512\n4096\n10\n";
        block[..text.len()].copy_from_slice(text);
        assert!(lines.push(&block).unwrap());
        assert_eq!(lines.map, list);
        assert!(Map::default().push_list(b"0,512,4096").is_err());
        assert!(Lines::default().push(&[b'1'; 512]).is_err());
        assert!(Lines::default().push(&[b'\n'; 512]).is_err());
    }
}
