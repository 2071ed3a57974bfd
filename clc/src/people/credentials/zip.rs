//! A zip of a few small files, stored as they are, with their modes.
//!
//! Texts of some kilobytes need no compression, and a writer of three headers needs no library. The
//! format is PKWARE's APPNOTE 6.3: per file a local header and its bytes, then a directory of all of
//! them, then where that begins. Modes are written as Unix has them, so that unzip makes a private
//! key readable by its owner alone.

use common::error::ApiError;
use common::time::Timestamp;

/// A file of the zip.
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) text: String,
    /// Whether only its owner may read it.
    pub(super) secret: bool,
}

/// Version 2.0 of the format, as every program reads it.
const VERSION: u16 = 20;
/// Made on Unix: modes are meant.
const UNIX: u16 = 3 << 8;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// A regular file.
const REGULAR: u32 = 0o100_000;

/// Writes the zip.
pub(super) fn zipped(members: &[Member<'_>], now: Timestamp) -> Result<Vec<u8>, ApiError> {
    let (time, date) = dos_time(now);
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let at = size(out.len())?;
        let length = size(member.text.len())?;
        let name = u16::try_from(member.name.len()).map_err(too_large)?;
        let mut common = Vec::new();
        for field in [VERSION, UTF8, 0, time, date] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(member.text.as_bytes()), length, length] {
            common.extend(field.to_le_bytes());
        }
        for field in [name, 0] {
            common.extend(field.to_le_bytes());
        }
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(member.name.as_bytes());
        out.extend(member.text.as_bytes());

        directory.extend(b"PK\x01\x02");
        directory.extend((UNIX | VERSION).to_le_bytes());
        directory.extend(&common);
        // No comment, first disk, no internal attributes.
        directory.extend([0; 6]);
        let mode = REGULAR | if member.secret { 0o600 } else { 0o644 };
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let (at, length) = (size(out.len())?, size(directory.len())?);
    let count = u16::try_from(members.len()).map_err(too_large)?;
    out.extend(&directory);
    out.extend(b"PK\x05\x06");
    for field in [0, 0, count, count] {
        out.extend(field.to_le_bytes());
    }
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    Ok(out)
}

fn size(length: usize) -> Result<u32, ApiError> {
    u32::try_from(length).map_err(too_large)
}

fn too_large(error: std::num::TryFromIntError) -> ApiError {
    ApiError::internal("The credentials are too large for a zip", error)
}

/// CRC-32 of ISO-HDLC, bit by bit: the files are small.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// The time and date of a moment, UTC, as DOS wrote them: two seconds are one step, 1980 is the
/// first year.
fn dos_time(now: Timestamp) -> (u16, u16) {
    // 2026-11-23T10:04:56.000Z
    let text = now.iso();
    let field = |from: usize, to: usize| {
        text.get(from..to).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default()
    };
    let time = field(11, 13) << 11 | field(14, 16) << 5 | field(17, 19) / 2;
    let date = field(0, 4).clamp(1980, 2107) - 1980;
    (time, date << 9 | field(5, 7).max(1) << 5 | field(8, 10).max(1))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn times_are_those_of_dos() {
        let (time, date) = dos_time(Timestamp::parse_iso("2026-11-23T10:04:56Z").unwrap());
        assert_eq!((time >> 11, time >> 5 & 63, (time & 31) * 2), (10, 4, 56));
        assert_eq!((date >> 9, date >> 5 & 15, date & 31), (46, 11, 23));
        assert_eq!(dos_time(Timestamp::EPOCH).1, 1 << 5 | 1);
    }

    #[test]
    fn others_unpack_it() {
        let members = [
            Member { name: "key", text: "secret\n".into(), secret: true },
            Member { name: "cert", text: "あ\n".repeat(4000), secret: false },
            Member { name: "empty", text: String::new(), secret: false },
        ];
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("it.zip");
        std::fs::write(&file, zipped(&members, Timestamp::from_secs(1_800_000_000)).unwrap())
            .unwrap();
        // Python is there wherever the tests of clients run; its zip module checks the sums.
        let script = "import sys, zipfile, os\n\
                      z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n\
                      for i in z.infolist():\n\
                      \x20   p = z.extract(i, sys.argv[2]); os.chmod(p, i.external_attr >> 16)\n";
        let done = Command::new("python3").args(["-c", script]).arg(&file).arg(dir.path()).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        for member in &members {
            let path = dir.path().join(member.name);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), member.text);
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if member.secret { 0o600 } else { 0o644 });
        }
    }
}
