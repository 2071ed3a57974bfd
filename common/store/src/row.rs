//! How a row lies on a disk that may lie: revision, checksum, value.
//!
//! ```text
//!   8 bytes revision, big endian │ 8 bytes checksum │ value
//! ```
//! The checksum is the head of a SHA-256 over the key's length, key, revision and value, so a row
//! that has moved under another key is as damaged as one with a flipped bit.

use sha2::{Digest, Sha256};

use crate::engine::Rev;
use crate::error::StoreError;

const WORD: usize = 8;
const HEAD: usize = 2 * WORD;

/// Writes a row.
pub(crate) fn encode(key: &[u8], rev: Rev, value: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD + value.len());
    row.extend_from_slice(&rev.to_be_bytes());
    row.extend_from_slice(&checksum(key, rev, value));
    row.extend_from_slice(value);
    row
}

/// Reads a row's revision and value; [`StoreError::Damaged`] unless it is what was written.
pub(crate) fn decode<'r>(key: &[u8], row: &'r [u8]) -> Result<(Rev, &'r [u8]), StoreError> {
    let cut = || StoreError::damaged_row(key, format!("it is only {} bytes long", row.len()));
    let (rev, rest) = row.split_first_chunk::<WORD>().ok_or_else(cut)?;
    let (sum, value) = rest.split_first_chunk::<WORD>().ok_or_else(cut)?;
    let rev = Rev::from_be_bytes(*rev);
    if *sum != checksum(key, rev, value) {
        return Err(StoreError::damaged_row(key, "its checksum does not match"));
    }
    Ok((rev, value))
}

fn checksum(key: &[u8], rev: Rev, value: &[u8]) -> [u8; WORD] {
    let mut hash = Sha256::new();
    // The length keeps the border between key and value.
    hash.update(key.len().to_be_bytes());
    hash.update(key);
    hash.update(rev.to_be_bytes());
    hash.update(value);
    let mut head = [0; WORD];
    head.copy_from_slice(&hash.finalize()[..WORD]);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_noticed() {
        let row = encode(b"image/emi-1", 7, b"value");
        assert_eq!(decode(b"image/emi-1", &row).unwrap(), (7, b"value".as_slice()));
        for at in 0..row.len() {
            let mut flipped = row.clone();
            flipped[at] ^= 1;
            let error = decode(b"image/emi-1", &flipped).unwrap_err().to_string();
            assert_eq!(error, r#"row "image/emi-1" is damaged: its checksum does not match"#);
            assert!(decode(b"image/emi-1", &row[..at]).is_err(), "cut at {at}");
        }
        assert!(decode(b"image/emi-2", &row).is_err());
        assert_ne!(encode(b"ab", 1, b"c"), encode(b"a", 1, b"bc"));
    }
}
