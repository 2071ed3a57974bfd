//! Bundles of chunks that inflate on their own, as we make them, read back; and what only claims
//! to be one costs no more than any other bundle.

use std::io;
use std::time::{Duration, Instant};

use bundle::{DigestMatch, Limits, Manifest, Sink, Unbundled};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::script::{CHUNK, chunked};
use crate::support::{Forged, archive, forge_compressed};

fn text(length: usize) -> Vec<u8> {
    let mut state = 11_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(next().map(|byte| b'a' + byte % 7));
    }
    bytes.truncate(length);
    bytes
}

fn forged(tar: &[u8], gzip: &[u8], size: usize) -> Forged {
    forge_compressed(gzip, size as u64, Sha1::digest(tar).into(), 100_000)
}

/// Keeps what it is given, and how much of it was said to be a hole.
#[derive(Default)]
struct Watched {
    bytes: Vec<u8>,
    holes: usize,
}

impl Sink for Watched {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.holes += length;
        self.bytes.resize(self.bytes.len() + length, 0);
        Ok(())
    }
}

fn unpack(mut forged: Forged) -> (Unbundled, Watched) {
    let manifest = Manifest::parse(&forged.manifest, &Limits::default()).unwrap();
    let mut sink = Watched::default();
    let unbundled =
        bundle::unbundle(&manifest, &forged.key, &mut forged.shelf, &mut sink, &mut |_| {})
            .unwrap();
    (unbundled, sink)
}

#[test]
fn every_length_and_every_size_of_chunks_reads_back() {
    // Also such as are too small or too large to be taken for one.
    for size in [100_000, CHUNK, 1 << 20, 4 << 20, 1000, 8 << 20] {
        // The archive begins with a header of 512 bytes and is padded to 10 240.
        for length in [0, 1, size - 512, size, 2 * size + 512, 2 * size + 12_345] {
            let image = text(length.min(9 << 20));
            let tar = archive(&image);
            let (unbundled, sink) = unpack(forged(&tar, &chunked(&tar, size), image.len()));
            assert!(sink.bytes == image, "{length} bytes in chunks of {size}");
            assert_eq!(unbundled.digest, DigestMatch::Tar);
            assert_eq!(unbundled.sha256_raw, <[u8; 32]>::from(Sha256::digest(&image)));
        }
    }
}

#[test]
fn zeros_arrive_as_holes() {
    let mut image = text(300_000);
    image.resize(40 << 20, 0);
    image.extend_from_slice(&text(300_000));
    let tar = archive(&image);
    let (_, sink) = unpack(forged(&tar, &chunked(&tar, 1 << 20), image.len()));
    assert!(sink.bytes == image);
    assert!(sink.holes >= 38 << 20, "{} bytes were holes", sink.holes);
}

#[test]
fn extracting_checks_the_same() {
    let image = text(3 << 20);
    let tar = archive(&image);
    let mut forged = forged(&tar, &chunked(&tar, 1 << 20), image.len());
    let extract = |forged: &mut Forged| {
        let manifest = Manifest::parse(&forged.manifest, &Limits::default()).unwrap();
        let mut sink = Watched::default();
        let (key, shelf) = (&forged.key, &mut forged.shelf);
        bundle::extract(&manifest, key, shelf, &mut sink, &mut |_| {}).map(|done| (done, sink))
    };
    let (done, sink) = extract(&mut forged).unwrap();
    assert!(sink.bytes == image);
    assert_eq!((done.size, done.digest), (3 << 20, DigestMatch::Tar));
    assert_eq!(done.sha1_tar, <[u8; 20]>::from(Sha1::digest(&tar)));
    forged.shelf.parts.get_mut("image.part.3").unwrap()[99] ^= 4;
    let error = extract(&mut forged).err().unwrap();
    assert!(error.to_string().contains("part image.part.3 is damaged"), "{error}");
    forged = forged.edited("<size>3145728<", "<size>3145727<");
    assert!(extract(&mut forged).is_err());
}

#[test]
fn false_claims_are_seen_through_and_cost_nothing() {
    let began = Instant::now();
    let image: Vec<u8> = [0, 0, 0xff, 0xff].repeat(4 << 20);
    let tar = archive(&image);
    let stored = |size: u32| {
        let mut gzip = vec![0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3];
        gzip.extend(format!("EU{size}\0").into_bytes());
        for (number, block) in tar.chunks(65_535).enumerate() {
            let last = u8::from((number + 1) * 65_535 >= tar.len());
            let length = u16::try_from(block.len()).unwrap();
            gzip.push(last);
            gzip.extend(length.to_le_bytes());
            gzip.extend((!length).to_le_bytes());
            gzip.extend(block);
        }
        let whole = chunked(&tar, 1 << 20);
        gzip.extend(&whole[whole.len() - 8..]);
        gzip
    };
    // Millions of marks where no chunk ends, with every size that may be claimed.
    for size in [0, 1, 64 << 10, 1 << 20, 4 << 20, u32::MAX] {
        let (_, sink) = unpack(forged(&tar, &stored(size), image.len()));
        assert!(sink.bytes == image, "{size}");
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
