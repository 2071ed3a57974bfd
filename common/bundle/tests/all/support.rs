//! What the tests of bundles share: the golden keys, parts in memory, and bundles forged from any
//! tar stream.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

use bundle::cipher::Encryptor;
use bundle::image::Filled;
use bundle::manifest::signed_bytes;
use bundle::manifest::write::{Draft, write};
use bundle::tar::Archive;
use bundle::{
    Certificate, Kind, Limits, Manifest, Part, PartSink, PlainSink, PrivateKey, SymmetricKey,
    UnbundleError, Unbundled,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha1::{Digest, Sha1};

/// The directory of bundles made by the old tools.
pub(crate) fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/golden")
}

pub(crate) fn pem(name: &str) -> Vec<u8> {
    std::fs::read(golden().join("keys").join(name)).unwrap()
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&pem(name)).unwrap()
}

pub(crate) fn private(name: &str) -> PrivateKey {
    PrivateKey::from_pem(&pem(name)).unwrap()
}

/// Parts in memory, by name.
#[derive(Default, Clone)]
pub(crate) struct Shelf {
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    open: String,
}

impl PartSink for Shelf {
    fn begin(&mut self, _: usize, filename: &str) -> io::Result<()> {
        filename.clone_into(&mut self.open);
        self.parts.insert(filename.to_owned(), Vec::new());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.parts.get_mut(&self.open).unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, part: &Part, length: u64) -> io::Result<()> {
        assert_eq!(self.parts[&part.filename].len() as u64, length);
        Ok(())
    }
}

impl bundle::PartSource for Shelf {
    fn open(&mut self, _: usize, part: &Part) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.parts.get(&part.filename).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}

/// A bundle in memory.
pub(crate) struct Forged {
    pub(crate) manifest: Vec<u8>,
    pub(crate) shelf: Shelf,
    pub(crate) key: SymmetricKey,
}

/// The tar archive of an image.
pub(crate) fn archive(image: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    let archive = Archive::new(image, "image", image.len() as u64);
    Filled::new(archive).read_to_end(&mut tar).unwrap();
    tar
}

/// The same bundle, its manifest signed with `key`.
pub(crate) fn signed_by(mut forged: Forged, key: &PrivateKey) -> Forged {
    let signed = signed_bytes(&forged.manifest, &Limits::default()).unwrap();
    let signature = key.sign(&Sha1::digest(signed).into()).unwrap();
    let text = String::from_utf8(forged.manifest).unwrap();
    assert!(text.contains(">UNSIGNED<"));
    forged.manifest = text.replace("UNSIGNED", &hex::encode(signature)).into_bytes();
    forged
}

/// Compresses, encrypts and cuts `tar` as if it held an image of `size` bytes.
pub(crate) fn forge(tar: &[u8], size: u64, digest: [u8; 20]) -> Forged {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
    gzip.write_all(tar).unwrap();
    forge_compressed(&gzip.finish().unwrap(), size, digest, 1000)
}

pub(crate) fn forge_compressed(
    gzip: &[u8],
    size: u64,
    digest: [u8; 20],
    part_size: usize,
) -> Forged {
    let key = SymmetricKey::new([1; 16], [2; 16]);
    let mut encryptor = Encryptor::new(Vec::new(), &key);
    encryptor.write_all(gzip).unwrap();
    forge_sealed(&encryptor.finish().unwrap(), key, size, digest, part_size)
}

pub(crate) fn forge_sealed(
    sealed: &[u8],
    key: SymmetricKey,
    size: u64,
    digest: [u8; 20],
    part_size: usize,
) -> Forged {
    let mut shelf = Shelf::default();
    let mut parts = Vec::new();
    for (index, bytes) in sealed.chunks(part_size).enumerate() {
        let filename = format!("image.part.{index}");
        let digest = Sha1::digest(bytes).into();
        shelf.parts.insert(filename.clone(), bytes.to_vec());
        parts.push(Part { index, filename, digest });
    }
    let (cloud_key, cloud_iv) = key.seal(&certificate("cloud-cert.pem")).unwrap();
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
        size,
        bundled_size: sealed.len() as u64,
        cloud: (&cloud_key, &cloud_iv),
        user_keys: None,
        parts: &parts,
    };
    Forged { manifest: write(&draft, None).unwrap(), shelf, key }
}

impl Forged {
    pub(crate) fn unpack(&mut self) -> Result<(Unbundled, Vec<u8>), UnbundleError> {
        let manifest = Manifest::parse(&self.manifest, &Limits::default()).unwrap();
        let mut sink = PlainSink(Vec::new());
        bundle::unbundle(&manifest, &self.key, &mut self.shelf, &mut sink, &mut |_| {})
            .map(|unbundled| (unbundled, sink.0))
    }

    /// The same bundle with `from` replaced by `to` in its manifest.
    pub(crate) fn edited(mut self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.manifest).unwrap();
        assert!(text.contains(from), "{from}");
        self.manifest = text.replace(from, to).into_bytes();
        self
    }
}
