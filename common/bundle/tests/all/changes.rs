//! No byte of a bundle can be another: of the parts none, and none of what is signed in the
//! manifest. What is refused is named.

use bundle::manifest::signed_bytes;
use bundle::parts::PartError;
use bundle::{Limits, Manifest, PlainSink, Signed, UnbundleError};
use sha1::{Digest, Sha1};

use crate::script::{CHUNK, chunked};
use crate::support::{Forged, archive, certificate, forge_compressed, golden};

/// Bundles of a few parts, compressed as by others and as by us, with noise and with zeros.
fn bundles() -> Vec<Forged> {
    let mut state = 3_u32;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let mixed: Vec<u8> = noise.take(900).chain(std::iter::repeat_n(0, 3 * CHUNK)).collect();
    let small = &mixed[..1200];
    let forge = |image: &[u8], size: usize, part_size: usize| {
        let tar = archive(image);
        let digest = Sha1::digest(&tar).into();
        forge_compressed(&chunked(&tar, size), image.len() as u64, digest, part_size)
    };
    vec![forge(small, 1 << 20, 400), forge(&mixed, CHUNK, 300)]
}

#[test]
fn any_byte_of_any_part_is_missed_by_its_name() {
    for forged in bundles() {
        let manifest = Manifest::parse(&forged.manifest, &Limits::default()).unwrap();
        assert!(manifest.parts.len() > 2);
        let mut bytes = 0_u8;
        for part in &manifest.parts {
            for at in 0..forged.shelf.parts[&part.filename].len() {
                let mut shelf = forged.shelf.clone();
                bytes = bytes.wrapping_add(1);
                shelf.parts.get_mut(&part.filename).unwrap()[at] ^= 1 << (bytes % 8);
                let mut sink = PlainSink(std::io::sink());
                let result =
                    bundle::unbundle(&manifest, &forged.key, &mut shelf, &mut sink, &mut |_| {});
                match result {
                    Err(UnbundleError::Part(PartError::Digest { part: named, .. })) => {
                        assert_eq!(named, part.filename, "byte {at}");
                    }
                    other => panic!("byte {at} of {}: {other:?}", part.filename),
                }
            }
        }
    }
}

#[test]
fn any_byte_that_is_signed_breaks_the_signature_or_the_manifest() {
    let certificates = [certificate("user-cert.pem"), certificate("cloud-cert.pem")];
    for name in ["1.3/opts/", "2.1/small/", "3.4/exact/"] {
        let folder = std::fs::read_dir(golden().join(name)).unwrap();
        let path = folder
            .map(|file| file.unwrap().path())
            .find(|path| path.to_string_lossy().ends_with(".manifest.xml"))
            .unwrap();
        let raw = std::fs::read(path).unwrap();
        let limits = Limits::default();
        let manifest = Manifest::parse(&raw, &limits).unwrap();
        assert_eq!(manifest.verify(&certificates), Signed::By(0), "{name}");
        let signed = signed_bytes(&raw, &limits).unwrap();
        let first = raw.windows(30).position(|bytes| signed.starts_with(bytes)).unwrap();
        let end = first + raw[first..].windows(8).position(|bytes| bytes == b"</image>").unwrap();
        let mut checked = 0;
        for at in first..end + 8 {
            for change in [1, 0x20, 0x80] {
                let mut edited = raw.clone();
                edited[at] ^= change;
                if let Ok(edited) = Manifest::parse(&edited, &limits) {
                    checked += 1;
                    assert_eq!(edited.verify(&certificates), Signed::No, "{name}, byte {at}");
                }
            }
        }
        assert!(checked > 100, "{name}: only {checked} were still manifests");
        // The signature itself: no digit of it can be another.
        let at = raw.windows(11).position(|bytes| bytes == b"<signature>").unwrap() + 11;
        for digit in at..at + 512 {
            let mut edited = raw.clone();
            edited[digit] = if edited[digit] == b'0' { b'1' } else { b'0' };
            let edited = Manifest::parse(&edited, &limits).unwrap();
            assert_eq!(edited.verify(&certificates), Signed::No, "{name}, digit {digit}");
        }
    }
}

#[test]
fn a_part_damaged_at_its_end_is_named_though_reading_was_ahead_of_it() {
    // Hundreds of parts lie between what is inflated and what is read from the source.
    let image: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(7919).to_be_bytes()).collect();
    let tar = archive(&image);
    let gzip = chunked(&tar, CHUNK);
    for part in [3, 100, 1000] {
        let mut forged = forge_compressed(&gzip, image.len() as u64, [0; 20], 1000);
        let name = format!("image.part.{part}");
        for byte in &mut forged.shelf.parts.get_mut(&name).unwrap()[900..] {
            *byte ^= 0x55;
        }
        let error = forged.unpack().unwrap_err();
        assert!(
            matches!(&error, UnbundleError::Part(PartError::Digest { part, .. }) if *part == name),
            "{name}: {error}"
        );
    }
}
