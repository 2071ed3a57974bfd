//! Bundles for tests: true ones made by `bundle`, and forged ones with any stream inside.

use std::io::Write as _;

use bundle::cipher::Encryptor;
use bundle::manifest::write::{Draft, write};
use bundle::{
    BundleOptions, Certificate, Kind, Part, PartSink, PrivateKey, Recipients, SymmetricKey,
};
use common::error::ApiError;
use common::wire::walrus::{BundleRef, CheckBundle, CheckedBundle, WantImage, WantedImage};
use flate2::Compression;
use flate2::write::GzEncoder;
use percent::encode;
use sha1::{Digest as _, Sha1};

use crate::world::{ROOT, Who, World, golden_key};

/// Percent-encoding of keys for paths.
pub(crate) mod percent {
    pub(crate) fn encode(key: &str) -> String {
        common::sign::percent_encode_path(key)
    }
}

pub(crate) fn cloud() -> Certificate {
    Certificate::from_pem(golden_key("cloud-cert.pem").as_bytes()).unwrap()
}

pub(crate) fn signer() -> PrivateKey {
    PrivateKey::from_pem(golden_key("user-pk.pem").as_bytes()).unwrap()
}

/// Keeps parts in memory.
#[derive(Default)]
pub(crate) struct Parts(pub(crate) Vec<(String, Vec<u8>)>);

impl PartSink for Parts {
    fn begin(&mut self, _: usize, filename: &str) -> std::io::Result<()> {
        self.0.push((filename.to_owned(), Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, _: &Part, _: u64) -> std::io::Result<()> {
        Ok(())
    }
}

/// A bundle of files: names and bytes, the manifest last.
pub(crate) struct Files {
    pub(crate) parts: Vec<(String, Vec<u8>)>,
    pub(crate) manifest: Vec<u8>,
}

/// Makes a true bundle of an image in parts of 16 KiB, signed by the user's golden key.
pub(crate) fn make(prefix: &str, account: &str, image: &[u8]) -> Files {
    make_signed(prefix, account, image, Some(&signer()))
}

/// The same, signed by somebody else.
pub(crate) fn make_signed(
    prefix: &str,
    account: &str,
    image: &[u8],
    signer: Option<&PrivateKey>,
) -> Files {
    let mut options = BundleOptions::new(prefix, "x86_64", account);
    options.part_size = 16 << 10;
    // What is large is made of zeros.
    options.compression = u32::from(image.len() >= 1 << 20);
    let mut parts = Parts::default();
    let cloud = cloud();
    let recipients = Recipients { cloud: &cloud, user: None, signer };
    let size = image.len() as u64;
    let made = bundle::bundle(image, size, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    Files { parts: parts.0, manifest: made.manifest }
}

/// Makes a bundle of one part around any tar stream.
pub(crate) fn forge(tar: &[u8], size: u64, kind: Kind) -> Files {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(tar).unwrap();
    seal(&gzip.finish().unwrap(), Sha1::digest(tar).into(), size, kind)
}

/// Makes a bundle of one part around any stream.
pub(crate) fn seal(stream: &[u8], digest: [u8; 20], size: u64, kind: Kind) -> Files {
    let key = SymmetricKey::generate().unwrap();
    let mut encryptor = Encryptor::new(Vec::new(), &key);
    encryptor.write_all(stream).unwrap();
    let bytes = encryptor.finish().unwrap();
    let parts =
        [Part { index: 0, filename: "f.part.0".into(), digest: Sha1::digest(&bytes).into() }];
    let sealed = key.seal(&cloud()).unwrap();
    let draft = Draft {
        architecture: "x86_64",
        mappings: &[],
        product_codes: &[],
        kernel: None,
        ramdisk: None,
        name: "f",
        user: ROOT,
        kind,
        ancestry: &[],
        digest,
        size,
        bundled_size: bytes.len() as u64,
        cloud: (&sealed.0, &sealed.1),
        user_keys: None,
        parts: &parts,
    };
    let manifest = write(&draft, Some(&signer())).unwrap();
    Files { parts: vec![("f.part.0".into(), bytes)], manifest }
}

/// Uploads a bundle as `BUCKET/PREFIX.manifest.xml`; gives that location.
pub(crate) fn upload(world: &World, who: Who, bucket: &str, prefix: &str, files: &Files) -> String {
    world.put(who, &format!("/{bucket}"), b"");
    for (name, bytes) in &files.parts {
        let put = world.put(who, &format!("/{bucket}/{}", encode(name)), bytes);
        assert_eq!(put.status, 200);
    }
    let key = format!("{prefix}.manifest.xml");
    let put = world.put(who, &format!("/{bucket}/{}", encode(&key)), &files.manifest);
    assert_eq!(put.status, 200);
    format!("{bucket}/{key}")
}

/// Asks whether an administrator may register what lies there.
pub(crate) fn check(world: &World, location: &str) -> Result<CheckedBundle, ApiError> {
    check_as(world, location, ROOT, true)
}

pub(crate) fn check_as(
    world: &World,
    location: &str,
    account: &str,
    administrator: bool,
) -> Result<CheckedBundle, ApiError> {
    world.ask(CheckBundle {
        location: location.to_owned(),
        account: account.parse().unwrap(),
        administrator,
        allow_unsigned: false,
    })
}

/// Makes, uploads and checks a true bundle.
pub(crate) fn put_bundle(
    world: &World,
    who: Who,
    account: &str,
    bucket: &str,
    prefix: &str,
    image: &[u8],
) -> BundleRef {
    let location = upload(world, who, bucket, prefix, &make(prefix, account, image));
    check(world, &location).unwrap().bundle
}

/// Wants an image and waits for it.
pub(crate) fn want(world: &World, bundle: &BundleRef) -> WantedImage {
    loop {
        let wanted = world.ask(WantImage { bundle: bundle.clone(), wait_ms: 30_000 }).unwrap();
        if !matches!(wanted, WantedImage::Unpacking { .. }) {
            return wanted;
        }
    }
}

/// Why an image cannot be had.
pub(crate) fn failure(world: &World, bundle: &BundleRef) -> (String, bool) {
    match want(world, bundle) {
        WantedImage::Failed { reason, retryable } => (reason, retryable),
        other => panic!("{other:?}"),
    }
}
