//! Whether what lies on disk still is what was registered: the manifest, its signature, the digest
//! of every part, and the plain images of the cache.
//!
//! Read only, and in small steps (`common::wire::upkeep`): a walrus that runs answers them beside
//! its work, and `walrus images verify` answers them itself when it does not run.

use std::fs::File;
use std::io::{self, Read};

use bundle::Part;
use common::error::ApiError;
use common::wire::upkeep::{CachedImage, CheckParts, CheckedCached, CheckedParts};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::manifest::{Registered, registered};
use crate::cache::disk::Image;
use crate::cache::table::Key;
use crate::cache::unbundle::find_part;
use crate::content::Content;

/// How many bytes of parts are read for one question, at least one part.
const STEP: u64 = 64 << 20;

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

/// Reads some parts of a bundle and compares their digests. Blocks.
///
/// # Errors
/// Those of [`registered`]; if the store fails.
pub(crate) fn parts(content: &Content, ask: &CheckParts) -> Result<CheckedParts, ApiError> {
    let Registered { location, manifest } = registered(content, &ask.bundle)?;
    let total = manifest.parts.len() as u64;
    let (mut next, mut read, mut faults) = (ask.from.min(total), 0, Vec::new());
    let first = usize::try_from(next).unwrap_or(usize::MAX);
    for part in manifest.parts.iter().skip(first) {
        let name = &part.filename;
        match find_part(content, &location.bucket, location.prefix(), name)? {
            None => faults.push(format!("part {name} is not in the bucket {}", location.bucket)),
            Some(opened) => {
                read += opened.object.size;
                faults.extend(fault(part, &mut opened.bytes.read_from(0)));
            }
        }
        next += 1;
        if read >= STEP {
            break;
        }
    }
    Ok(CheckedParts { next, total, faults })
}

/// What is wrong with a part, if anything is.
fn fault(part: &Part, bytes: &mut dyn Read) -> Option<String> {
    let (name, mut sha1) = (&part.filename, Sha1::new());
    if let Err(error) = each_chunk(bytes, |chunk| sha1.update(chunk)) {
        return Some(format!("part {name} cannot be read: {error}"));
    }
    let (found, expected) = (hex::encode(sha1.finalize()), hex::encode(part.digest));
    (found != expected)
        .then(|| format!("part {name} is damaged: its SHA-1 is {found}, not {expected}"))
}

/// A plain image as it is told.
pub(crate) fn view(manifest_sha256: Key, image: Image) -> CachedImage {
    CachedImage { manifest_sha256, sha256: image.sha256, size: image.size }
}

/// Reads a plain image through and compares it with what its name says. Blocks.
pub(crate) fn plain(image: &Image) -> CheckedCached {
    let file = match File::open(&image.path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return CheckedCached::Absent,
        Err(error) => return CheckedCached::Wrong(format!("it cannot be opened: {error}")),
    };
    let (mut sha256, mut size) = (Sha256::new(), 0);
    let read = each_chunk(&mut &file, |chunk| {
        sha256.update(chunk);
        size += chunk.len() as u64;
    });
    if let Err(error) = read {
        return CheckedCached::Wrong(format!("it cannot be read: {error}"));
    }
    if size != image.size {
        let text = format!("it has {size} bytes, not {}", image.size);
        return CheckedCached::Wrong(text);
    }
    let found = hex::encode(sha256.finalize());
    if found != image.sha256 {
        let text = format!("it is damaged: its SHA-256 is {found}, not {}", image.sha256);
        return CheckedCached::Wrong(text);
    }
    CheckedCached::Whole
}

fn each_chunk(from: &mut dyn Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buf = vec![0; CHUNK];
    loop {
        match from.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(got) => each(&buf[..got]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
