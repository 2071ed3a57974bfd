//! The records of multipart uploads and their parts.
//!
//! ```text
//!            parts come, in any order; each is a file of its own
//!               ┌──┐
//!   create ──▶ Open ──complete──▶ Sealed ──no object names it any more──▶ Over ──▶ gone
//!               └──────────────── abort ─────────────────────────────────▶ ┘
//!
//!   upload/ID         index/upload-by-key/BUCKET/KEY␀ID      while it is open
//!   part/ID/NNNNN     index/object-by-blob/BLOB/part:ID/NNNNN
//! ```
//! A sealed upload *is* the bytes of the objects that name it: nothing is copied and no row of a
//! part is written again when an upload is completed. The record of an upload changes with every
//! part that comes, so whoever commits on it as they saw it commits on all of its parts as well.

use common::s3::checksum::{Algorithm, Checksum};
use common::s3::objects::Attributes;
use common::s3::{BucketName, CannedAcl, ObjectKey, Owner};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{NoPrevious, Record};

use crate::blob::files::BlobId;

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Its id; ids sort by the time of their making.
    pub(crate) id: BlobId,
    /// Where the object will be.
    pub(crate) bucket: BucketName,
    /// The object's key.
    pub(crate) key: ObjectKey,
    /// Who began it, and will own the object.
    pub(crate) owner: Owner,
    /// Who may read the object.
    pub(crate) acl: CannedAcl,
    /// The checksum that was asked for when it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Wanted>,
    /// What is kept with the object.
    pub(crate) attributes: Attributes,
    /// When it was begun.
    pub(crate) begun: Timestamp,
    /// How many parts are there.
    pub(crate) parts: u32,
    /// Bytes in them.
    pub(crate) bytes: u64,
    /// How far it is.
    pub(crate) stage: Stage,
}

/// The checksum an upload was begun with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// How it is computed, of each part and of the whole.
    pub(crate) algorithm: Algorithm,
    /// Whether that of the object is to cover its bytes and not the parts' checksums.
    pub(crate) full_object: bool,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Parts may come.
    Open,
    /// It has become the bytes of an object.
    Sealed(Seal),
    /// Nobody wants it; it is being cleared away.
    Over,
}

/// Which parts an object consists of: stretches of consecutive numbers with parts of one size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seal {
    /// The stretches, in order.
    pub(crate) runs: Vec<Run>,
}

/// Parts with consecutive numbers and the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The number of the first.
    pub(crate) first: u32,
    /// How many there are.
    pub(crate) count: u32,
    /// Bytes in each.
    pub(crate) size: u64,
}

/// Where a part lies in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The part's number.
    pub(crate) number: u32,
    /// Its first byte's position in the object.
    pub(crate) start: u64,
    /// Its bytes.
    pub(crate) size: u64,
}

impl Seal {
    /// Adds the next part.
    pub(crate) fn push(&mut self, number: u32, size: u64) {
        match self.runs.last_mut() {
            Some(run) if run.size == size && run.first + run.count == number => run.count += 1,
            _ => self.runs.push(Run { first: number, count: 1, size }),
        }
    }

    /// Where the part of that number lies.
    pub(crate) fn part(&self, number: u32) -> Option<Place> {
        let mut start = 0;
        for run in &self.runs {
            if let Some(nth) = number.checked_sub(run.first).filter(|nth| *nth < run.count) {
                let start = start + u64::from(nth) * run.size;
                return Some(Place { number, start, size: run.size });
            }
            start += u64::from(run.count) * run.size;
        }
        None
    }

    /// The part that holds the byte at that position.
    pub(crate) fn part_at(&self, position: u64) -> Option<Place> {
        let mut start = 0;
        for run in &self.runs {
            let end = start + u64::from(run.count) * run.size;
            if position < end {
                let nth = (position - start) / run.size;
                let number = run.first + u32::try_from(nth).ok()?;
                return Some(Place { number, start: start + nth * run.size, size: run.size });
            }
            start = end;
        }
        None
    }
}

impl Record for Upload {
    const TABLE: &'static str = "upload";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// A part of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The upload.
    pub(crate) upload: BlobId,
    /// Its number.
    pub(crate) number: u32,
    /// Bytes in it.
    pub(crate) size: u64,
    /// The MD5 of its bytes, lower-case hex.
    pub(crate) etag: String,
    /// The file of its bytes; none if there are no bytes.
    pub(crate) blob: Option<BlobId>,
    /// The checksum of its bytes.
    pub(crate) checksum: Checksum,
    /// When it came.
    pub(crate) modified: Timestamp,
}

impl Record for Part {
    const TABLE: &'static str = "part";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        part_key(&self.upload, self.number)
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// The key of a part's record: parts of an upload sort by number.
pub(crate) fn part_key(upload: &BlobId, number: u32) -> String {
    format!("{upload}/{number:05}")
}

/// How a part is called where files are said to be named. No bucket's name holds a colon, so it
/// is never mistaken for an object.
pub(crate) fn part_holder(upload: &BlobId, number: u32) -> String {
    format!("part:{}", part_key(upload, number))
}

/// The beginning of an open upload's index rows: bucket, slash, key. What is below `\x02` is
/// written as two characters, so that the `\0` behind the key ends it and rows sort by key.
pub(crate) fn by_key(bucket: &BucketName, key: &str) -> String {
    format!("{bucket}/{}", key.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// The index row of an open upload.
pub(crate) fn by_key_row(bucket: &BucketName, key: &str, id: &str) -> String {
    format!("{}\0{id}", by_key(bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_number_and_by_position() {
        let mut seal = Seal::default();
        for (number, size) in [(1, 10), (2, 10), (3, 10), (7, 10), (8, 4), (9, 0)] {
            seal.push(number, size);
        }
        assert_eq!(seal.runs.len(), 4);
        let place = |number, start, size| Some(Place { number, start, size });
        for (number, expected) in [
            (0, None),
            (1, place(1, 0, 10)),
            (3, place(3, 20, 10)),
            (4, None),
            (7, place(7, 30, 10)),
            (8, place(8, 40, 4)),
            (9, place(9, 44, 0)),
            (10, None),
        ] {
            assert_eq!(seal.part(number), expected, "part {number}");
        }
        for (position, expected) in [(0, 1), (9, 1), (10, 2), (29, 3), (30, 7), (40, 8), (43, 8)] {
            assert_eq!(seal.part_at(position).unwrap().number, expected, "byte {position}");
        }
        assert_eq!(seal.part_at(44), None);
        assert_eq!(Seal::default().part_at(0), None);
    }

    #[test]
    fn rows_of_uploads_sort_as_keys_do() {
        let bucket: BucketName = "buck".parse().unwrap();
        let keys = ["a", "a\0", "a\0b", "a\u{1}", "a\u{1}\0", "a\u{2}", "a/", "ab", "ä"];
        let rows: Vec<_> = keys.iter().map(|key| by_key_row(&bucket, key, "00ff")).collect();
        assert!(rows.is_sorted(), "{rows:?}");
    }
}
