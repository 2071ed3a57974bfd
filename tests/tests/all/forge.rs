//! Bundles with any stream inside: properly encrypted and signed, so that only what is inside is
//! wrong with them.

use std::io::Write as _;

use bundle::cipher::Encryptor;
use bundle::manifest::write::{Draft, write};
use bundle::{Kind, Part, SymmetricKey};
use e2e::User;
use e2e::bundles::{Bundle, cloud_certificate, signer};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha1::{Digest as _, Sha1};

/// Makes a bundle of one part around a tar stream that is said to hold `size` bytes.
pub(crate) fn forge(user: &User, prefix: &str, tar: &[u8], size: u64) -> Bundle {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(tar).unwrap();
    let cloud = cloud_certificate(user);
    let key = SymmetricKey::generate().unwrap();
    let mut encryptor = Encryptor::new(Vec::new(), &key);
    encryptor.write_all(&gzip.finish().unwrap()).unwrap();
    let bytes = encryptor.finish().unwrap();
    let filename = format!("{prefix}.part.0");
    let digest = Sha1::digest(&bytes).into();
    let parts = [Part { index: 0, filename: filename.clone(), digest }];
    let sealed = key.seal(&cloud).unwrap();
    let draft = Draft {
        architecture: "x86_64",
        mappings: &[],
        product_codes: &[],
        kernel: None,
        ramdisk: None,
        name: prefix,
        user: &user.account,
        kind: Kind::Machine,
        ancestry: &[],
        digest: Sha1::digest(tar).into(),
        size,
        bundled_size: bytes.len() as u64,
        cloud: (&sealed.0, &sealed.1),
        user_keys: None,
        parts: &parts,
    };
    let manifest = write(&draft, Some(&signer(user))).unwrap();
    Bundle { prefix: prefix.to_owned(), parts: vec![(filename, bytes)], manifest }
}

/// One member of a tar stream; `kind` is `0` for a file, `1` and `2` for links.
pub(crate) fn member(name: &str, kind: u8, link: &str, bytes: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 512];
    let mut put = |at: usize, field: &[u8]| block[at..at + field.len()].copy_from_slice(field);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", bytes.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar  \0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut all = block.to_vec();
    all.extend_from_slice(bytes);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

/// A tar stream of these members.
pub(crate) fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut all = members.concat();
    all.resize((all.len() + 1024).next_multiple_of(10_240), 0);
    all
}
