//! What must hold for every input, whoever made it. Each target takes any bytes and panics if
//! something does not; the fuzzer looks for such bytes, and the tests of the bundle crate replay
//! the corpus.

use std::collections::HashSet;
use std::io::{self, Cursor, Read, Write};
use std::sync::atomic::AtomicU64;

use bundle::bounded::{LimitExceeded, gunzip};
use bundle::cipher::{BUFFER, Decryptor, Encryptor};
use bundle::image::Filled;
use bundle::inflate::inflate;
use bundle::manifest::write::{Draft, write};
use bundle::parts::{PartError, PartReader};
use bundle::tar::{Archive, Member};
use bundle::{Kind, Limits, Manifest, Part, Sink, SymmetricKey, UnbundleError};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::script;

/// Panics if something does not hold for the input.
pub(crate) type Target = fn(&[u8]);

/// Every target with its name, which is that of its corpus.
pub(crate) const TARGETS: [(&str, Target); 6] = [
    ("manifest", manifest),
    ("parts", parts),
    ("archive", archive),
    ("gzip", gzip),
    ("chunks", chunks),
    ("bundle", bundle),
];

/// More than any input of the corpus inflates to.
const LIMIT: u64 = 2 << 20;

fn key() -> SymmetricKey {
    SymmetricKey::new([1; 16], [2; 16])
}

/// A manifest that is read is valid, bounded, and the same when it is read again.
pub(crate) fn manifest(data: &[u8]) {
    let limits = Limits { manifest_bytes: 1 << 20, parts: 100, depth: 8, image_bytes: 1 << 40 };
    let Ok(read) = Manifest::parse(data, &limits) else { return };
    assert!(data.len() <= limits.manifest_bytes);
    assert!(read.parts.len() <= limits.parts && read.size <= limits.image_bytes);
    assert!(read.bundled_size.is_multiple_of(16));
    let mut names = HashSet::new();
    for (index, part) in read.parts.iter().enumerate() {
        assert_eq!(part.index, index);
        let name = part.filename.as_str();
        assert!(!name.is_empty() && name != "." && name != ".." && names.insert(name));
        assert!(!name.contains('/') && !name.chars().any(char::is_control));
    }
    assert!(read.digest.is_none_or(|digest| digest != [0; 20]));
    assert!(!read.architecture.is_empty() && !read.name.is_empty() && !read.user.is_empty());
    let signed = bundle::manifest::signed_bytes(data, &limits).expect("it was read before");
    // Blanks may stand before the last bracket.
    let end = signed.strip_suffix(b">").map_or(&[][..], <[u8]>::trim_ascii_end);
    assert!(signed.starts_with(b"<machine_configuration") && end.ends_with(b"</image"));
    assert!(matches!(read.verify(&[]), bundle::Signed::No | bundle::Signed::Unsigned));
    for name in ["image", "vmlinuz.manifest.xml"] {
        let _ = (read.kind(name), read.kernel(), read.ramdisk());
    }
    assert_eq!(Manifest::parse(data, &limits).as_ref(), Ok(&read));
}

/// Cuts `sealed` into parts of `size` bytes and lists them in a manifest.
fn cut(sealed: &[u8], size: usize, image: u64, digest: [u8; 20]) -> (Manifest, Vec<Vec<u8>>) {
    let mut pieces: Vec<Vec<u8>> = sealed.chunks(size.max(1)).map(<[u8]>::to_vec).collect();
    if pieces.is_empty() {
        pieces.push(Vec::new());
    }
    let part = |(index, bytes): (usize, &Vec<u8>)| Part {
        index,
        filename: format!("image.part.{index}"),
        digest: Sha1::digest(bytes).into(),
    };
    let parts: Vec<Part> = pieces.iter().enumerate().map(part).collect();
    let draft = Draft {
        architecture: "x86_64",
        mappings: &[],
        product_codes: &[],
        kernel: None,
        ramdisk: None,
        name: "image",
        user: "000000000001",
        kind: Kind::Machine,
        ancestry: &[],
        digest,
        size: image,
        bundled_size: (sealed.len() as u64).next_multiple_of(16).max(16),
        cloud: (b"key", b"iv"),
        user_keys: None,
        parts: &parts,
    };
    let raw = write(&draft, None).expect("nothing in it cannot be written");
    let manifest = Manifest::parse(&raw, &Limits::default()).expect("what is written can be read");
    (manifest, pieces)
}

fn shelf(pieces: Vec<Vec<u8>>) -> impl FnMut(usize, &Part) -> io::Result<Box<dyn Read + Send>> {
    move |index, _| {
        let bytes = pieces.get(index).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>)
    }
}

/// The first bytes say how large the parts are and which byte of which part is changed after its
/// digest was taken; the rest is the ciphertext.
pub(crate) fn parts(data: &[u8]) {
    let Some(([size, part, at, change], sealed)) = data.split_first_chunk() else { return };
    if sealed.len() > 1 << 16 {
        return;
    }
    // Long enough to fill the buffer of the cipher, now and then.
    let sealed = if change % 16 == 15 { sealed.repeat(1 + BUFFER / 1024) } else { sealed.to_vec() };
    let size = (usize::from(*size) + 1) * if sealed.len() > 4096 { 256 } else { 1 };
    let (manifest, mut pieces) = cut(&sealed, size, 0, [0; 20]);
    let mut damaged = None;
    if *change > 0 && !sealed.is_empty() {
        let index = usize::from(*part) % pieces.len();
        let at = usize::from(*at) % pieces[index].len();
        pieces[index][at] ^= change;
        damaged = Some(manifest.parts[index].filename.clone());
    }
    let progress = AtomicU64::new(0);
    let mut source = shelf(pieces);
    let mut decryptor = Decryptor::new(PartReader::new(&manifest, &mut source, &progress), &key());
    let mut plain = Vec::new();
    let read = decryptor.read_to_end(&mut plain);
    assert!(plain.len() <= sealed.len());
    let Some(damaged) = damaged else {
        if read.is_ok() {
            let mut encryptor = Encryptor::new(Vec::new(), &key());
            encryptor.write_all(&plain).expect("a vector takes it");
            assert!(encryptor.finish().expect("a vector takes it") == sealed);
        }
        return;
    };
    let error = read.expect_err("a damaged part");
    let named =
        |error: &PartError| matches!(error, PartError::Digest { part, .. } if *part == damaged);
    assert!(error.get_ref().and_then(|inner| inner.downcast_ref()).is_some_and(named));
    assert!(decryptor.into_inner().finish_part().is_err_and(|error| named(&error)));
}

/// Counts what it takes.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 = self.0.checked_add(bytes.len() as u64).expect("no image is that large");
        Ok(())
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        assert!(length > 0);
        self.0 = self.0.checked_add(length).expect("no image is that large");
        Ok(())
    }
}

/// A member that is read gives as many bytes as it announces, in blocks of any size the same.
pub(crate) fn archive(data: &[u8]) {
    let mut results = Vec::new();
    for buffer in [1 << 16, 7] {
        let input = io::BufReader::with_capacity(buffer, data);
        let Ok(member) = Member::open(input) else {
            results.push(None);
            continue;
        };
        let (name, size) = (member.name().to_vec(), member.size());
        assert!(!name.is_empty() && !name.starts_with(b"/"));
        assert!(!name.split(|byte| *byte == b'/').any(|step| step == b".."));
        let mut count = Count::default();
        let copied = member.copy_to(&mut count);
        if copied.is_ok() {
            assert_eq!(count.0, size);
        }
        assert!(count.0 <= size);
        results.push(Some((name, size, copied.map(drop).map_err(|error| error.to_string()))));
    }
    assert_eq!(results[0], results[1]);
}

/// What came of inflating: the bytes, or that it failed, and whether at the limit.
fn outcome(result: io::Result<()>, bytes: Vec<u8>) -> Result<Vec<u8>, bool> {
    result
        .map(|()| bytes)
        .map_err(|error| error.get_ref().is_some_and(|inner| inner.is::<LimitExceeded>()))
}

/// Every reader gives the same answer: the plain one of the library, ours on one thread, and ours
/// with workers. Only what is no valid stream may pass the workers and not the others, if it passes
/// the library that the workers use.
pub(crate) fn gzip(data: &[u8]) {
    let runs: [(u64, &[(usize, usize)]); 2] =
        [(LIMIT, &[(0, 1 << 16), (2, 1 << 16)]), (100_000, &[(3, 1000)])];
    for (limit, readers) in runs {
        let mut plain = Vec::new();
        let read = gunzip(data, limit).read_to_end(&mut plain).map(drop);
        let plain = outcome(read, plain);
        for (threads, buffer) in readers {
            let mut ours = Vec::new();
            let input = io::BufReader::with_capacity(*buffer, data);
            let read = inflate(input, limit, *threads, &mut |bytes| {
                ours.extend_from_slice(bytes);
                Ok(())
            });
            assert!(ours.len() as u64 <= limit);
            let ours = outcome(read, ours);
            let lenient = *threads > 0 && plain == Err(false) && passes_libdeflate(data, limit);
            assert!(
                plain == ours || lenient,
                "{threads} threads, {limit}: {}",
                differ(&plain, &ours)
            );
        }
    }
}

/// Whether libdeflate inflates the first member, checksum and length included.
fn passes_libdeflate(data: &[u8], limit: u64) -> bool {
    let room = usize::try_from(limit).expect("the limits here are small");
    let mut out = vec![0; room];
    libdeflater::Decompressor::new().gzip_decompress(data, &mut out).is_ok()
}

fn differ(plain: &Result<Vec<u8>, bool>, ours: &Result<Vec<u8>, bool>) -> String {
    match (plain, ours) {
        (Ok(plain), Ok(ours)) => {
            let at = plain.iter().zip(ours).position(|(plain, ours)| plain != ours);
            format!("{} and {} bytes, first other at {at:?}", plain.len(), ours.len())
        }
        (plain, ours) => format!("{:?} and {:?}", plain.is_ok(), ours.is_ok()),
    }
}

/// As [`gzip`], for what [`script::stream`] makes of the input.
pub(crate) fn chunks(data: &[u8]) {
    gzip(&script::stream(data));
}

/// The whole way. The first bytes say how the image is compressed, cut and damaged, the rest is
/// the image: it comes back as it was, or the part that is damaged is named.
pub(crate) fn bundle(data: &[u8]) {
    let Some(([how, size, part, at], image)) = data.split_first_chunk() else { return };
    let image = image.repeat(1 + usize::from(how >> 4) * 40);
    let mut tar = Vec::new();
    let archive = Archive::new(image.as_slice(), "image", image.len() as u64);
    Filled::new(archive).read_to_end(&mut tar).expect("it has the length announced");
    let digest = match how % 4 {
        0 => [0; 20],
        1 => Sha1::digest(b"").into(),
        _ => Sha1::digest(&tar).into(),
    };
    let mut encryptor = Encryptor::new(Vec::new(), &key());
    let packed = script::chunked(&tar, script::CHUNK);
    encryptor.write_all(&packed).expect("a vector takes it");
    let sealed = encryptor.finish().expect("a vector takes it");
    let (manifest, mut pieces) =
        cut(&sealed, (usize::from(*size) + 1) * 64, image.len() as u64, digest);
    let damaged = usize::from(*part) % pieces.len();
    let change = how & 4 > 0;
    if change {
        let at = usize::from(*at) * pieces[damaged].len() / 256;
        pieces[damaged][at] ^= 1 << (at % 8);
    }
    let mut sink = bundle::PlainSink(Vec::new());
    let result = bundle::unbundle(&manifest, &key(), &mut shelf(pieces), &mut sink, &mut |_| {});
    match result {
        Err(UnbundleError::Part(PartError::Digest { part, .. })) if change => {
            assert_eq!(part, manifest.parts[damaged].filename);
        }
        Ok(unbundled) if !change => {
            assert!(sink.0 == image);
            assert_eq!(unbundled.sha256_raw, <[u8; 32]>::from(Sha256::digest(&image)));
        }
        other => panic!("change: {change}, {other:?}"),
    }
}
