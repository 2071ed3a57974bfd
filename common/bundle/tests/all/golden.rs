//! Every bundle that the old tools made reads back to its image, and says who signed it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::support::{certificate, golden, private};
use bundle::{
    DigestMatch, Kind, Limits, Manifest, Part, PlainSink, Recipient, Signed, SparseSink,
    UnbundleError,
};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The images by size, with their SHA-1.
fn image_digest(size: u64) -> String {
    let name = match size {
        0 => "empty.img",
        1 => "tiny-1B.img",
        1_234_567 => "odd size 日本語.img",
        3_145_728 => "small-3MiB.img",
        67_108_864 => "sparse-64MiB.img",
        other => panic!("no image has {other} bytes"),
    };
    let list = fs::read_to_string(golden().join("images.sha1")).unwrap();
    let line = list.lines().find(|line| line.ends_with(name)).unwrap();
    line[..40].to_owned()
}

/// All golden manifests: version, name of the bundle, path.
fn manifests() -> Vec<(String, String, PathBuf)> {
    let mut found = Vec::new();
    for version in ["1.3", "2.1", "3.4"] {
        for directory in fs::read_dir(golden().join(version)).unwrap() {
            let directory = directory.unwrap();
            let name = directory.file_name().into_string().unwrap();
            for file in fs::read_dir(directory.path()).unwrap() {
                let path = file.unwrap().path();
                if path.to_string_lossy().ends_with(".manifest.xml") {
                    found.push((version.to_owned(), name.clone(), path));
                }
            }
        }
    }
    assert_eq!(found.len(), 25);
    found
}

fn parse(path: &Path) -> (Vec<u8>, Manifest) {
    let raw = fs::read(path).unwrap();
    let manifest = Manifest::parse(&raw, &Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (raw, manifest)
}

fn parts(manifest: &Path) -> impl FnMut(usize, &Part) -> io::Result<Box<dyn Read + Send>> + Send {
    let directory = manifest.parent().unwrap().to_owned();
    move |_, part| {
        let file = File::open(directory.join(&part.filename))?;
        Ok(Box::new(file) as Box<dyn Read + Send>)
    }
}

#[test]
fn every_golden_bundle_reads_back_with_both_keys() {
    let user = private("user-pk.pem");
    let cloud = private("cloud-pk.pem");
    for (version, name, path) in manifests() {
        let (_, manifest) = parse(&path);
        let image = image_digest(manifest.size);
        let mut keys = vec![manifest.symmetric_key(Recipient::Cloud, &cloud).unwrap()];
        if name == "unsigned-nocert" {
            assert!(manifest.symmetric_key(Recipient::User, &user).is_err());
        } else {
            keys.push(manifest.symmetric_key(Recipient::User, &user).unwrap());
            assert_eq!(keys[0].key(), keys[1].key());
            assert_eq!(keys[0].iv(), keys[1].iv());
            keys.push(manifest.any_symmetric_key(&user).unwrap());
        }
        keys.push(manifest.any_symmetric_key(&cloud).unwrap());
        if name == "fixedkey-gzip" {
            assert_eq!(hex::encode(keys[0].key()), "000102030405060708090a0b0c0d0e0f");
        }
        let mut sink = PlainSink(Vec::new());
        let mut progress = 0;
        let unbundled =
            bundle::unbundle(&manifest, &keys[0], &mut parts(&path), &mut sink, &mut |bytes| {
                assert!(bytes >= progress);
                progress = bytes;
            })
            .unwrap_or_else(|error| panic!("{version}/{name}: {error}"));
        assert_eq!(progress, manifest.bundled_size);
        assert_eq!(unbundled.sha256_raw, <[u8; 32]>::from(Sha256::digest(&sink.0)));
        assert_eq!(hex::encode(Sha1::digest(&sink.0)), image, "{version}/{name}");
        // The oldest tool wrote the digest of nothing into all its manifests.
        let digest = if version == "1.3" { DigestMatch::Absent } else { DigestMatch::Tar };
        assert_eq!(unbundled.digest, digest, "{version}/{name}");
    }
}

#[test]
fn golden_signatures_verify_with_the_user_certificate() {
    let certificates = [certificate("cloud-cert.pem"), certificate("user-cert.pem")];
    for (version, name, path) in manifests() {
        let (raw, manifest) = parse(&path);
        if name.starts_with("unsigned") {
            assert!(manifest.unsigned);
            assert_eq!(manifest.verify(&certificates), Signed::Unsigned);
            continue;
        }
        assert_eq!(manifest.verify(&certificates), Signed::By(1), "{version}/{name}");
        assert_eq!(manifest.verify(&certificates[..1]), Signed::No, "{version}/{name}");
        let signed = bundle::manifest::signed_bytes(&raw, &Limits::default()).unwrap();
        assert!(signed.starts_with(b"<machine_configuration>") && signed.ends_with(b"</image>"));

        // One digit of the size: the document is as valid as before, the signature is not.
        let text = String::from_utf8(raw).unwrap();
        let size = format!("<size>{}</size>", manifest.size);
        let other = format!("<size>{}</size>", manifest.size + 1);
        let edited = text.replace(&size, &other).into_bytes();
        let edited = Manifest::parse(&edited, &Limits::default()).unwrap();
        assert_eq!(edited.verify(&certificates), Signed::No, "{version}/{name}");
    }
}

#[test]
fn golden_manifests_say_what_they_are() {
    for (version, name, path) in manifests() {
        let (_, manifest) = parse(&path);
        let file = path.file_name().unwrap().to_str().unwrap();
        let kind = match name.as_str() {
            "kernel" | "imagetype-kernel" => Kind::Kernel,
            "ramdisk" => Kind::Ramdisk,
            _ => Kind::Machine,
        };
        assert_eq!(manifest.kind(file), kind, "{version}/{name}");
        assert_eq!(manifest.user, "000000000001");
        assert_eq!(manifest.version, "2007-10-10");
        if name == "opts" {
            assert_eq!(manifest.architecture, "i386");
            assert_eq!(manifest.product_codes, ["CODE1", "CODE2"]);
            assert_eq!(manifest.kernel(), Some("eki-6FB512F5"));
            assert_eq!(manifest.ramdisk(), Some("eri-A9C013DE"));
            assert!(
                manifest
                    .block_device_mapping
                    .iter()
                    .any(|m| m.virtual_name == "ami" && m.device == "sda1")
            );
        }
        if name == "amp-prefix" {
            assert!(manifest.parts[0].filename.starts_with("a&b<c>.part.0"));
        }
        if name == "exact" {
            assert_eq!(hex::encode(manifest.parts[2].digest), image_digest(0));
        }
    }
}

#[test]
fn a_sparse_bundle_becomes_a_sparse_file() {
    use std::os::unix::fs::MetadataExt;
    let directory = tempfile::tempdir().unwrap();
    for version in ["1.3", "2.1", "3.4"] {
        let path = golden().join(version).join("sparse/sparse-64MiB.img.manifest.xml");
        let (_, manifest) = parse(&path);
        let key = manifest.symmetric_key(Recipient::Cloud, &private("cloud-pk8.pem")).unwrap();
        let target = directory.path().join(version);
        let mut sink = SparseSink::new(File::create_new(&target).unwrap());
        bundle::unbundle(&manifest, &key, &mut parts(&path), &mut sink, &mut |_| {}).unwrap();
        let file = sink.finish().unwrap().metadata().unwrap();
        assert_eq!(file.len(), manifest.size);
        assert!(file.blocks() * 512 < manifest.size / 2, "{} blocks", file.blocks());
        let digest = Sha1::digest(fs::read(&target).unwrap());
        assert_eq!(hex::encode(digest), image_digest(manifest.size), "{version}");
    }
}

#[test]
fn a_golden_bundle_does_not_open_with_the_wrong_key() {
    let path = golden().join("2.1/small/small-3MiB.img.manifest.xml");
    let (_, manifest) = parse(&path);
    let error = manifest.symmetric_key(Recipient::User, &private("cloud-pk.pem")).unwrap_err();
    assert_eq!(error, bundle::KeyError::Decrypt);
    let wrong = bundle::SymmetricKey::new([0; 16], [0; 16]);
    let mut sink = PlainSink(io::sink());
    let result = bundle::unbundle(&manifest, &wrong, &mut parts(&path), &mut sink, &mut |_| {});
    assert!(matches!(result, Err(UnbundleError::Gzip(_) | UnbundleError::Cipher(_))));
}
