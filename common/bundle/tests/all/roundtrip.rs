//! What we bundle reads back, with our own reader and with the programs that everybody has.

use std::fs;
use std::io::Cursor;
use std::process::{Command, Stdio};

use crate::support::{Shelf, certificate, golden, private};
use bundle::{
    BundleError, BundleOptions, Bundled, DigestMatch, Kind, Limits, Manifest, Mapping, PlainSink,
    Recipient, Recipients, Signed,
};

fn pack(image: &[u8], options: &BundleOptions) -> (Bundled, Shelf) {
    let mut shelf = Shelf::default();
    let (cloud, user) = (certificate("cloud-cert.pem"), certificate("user-cert.pem"));
    let signer = private("user-pk.pem");
    let recipients = Recipients { cloud: &cloud, user: Some(&user), signer: Some(&signer) };
    let mut progress = 0;
    let bundled =
        bundle::bundle(image, image.len() as u64, options, &recipients, &mut shelf, &mut |bytes| {
            progress = bytes
        })
        .unwrap();
    assert!(progress >= image.len() as u64);
    (bundled, shelf)
}

/// Bytes that compress to about half.
fn image(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [first, second, ..] = state.to_be_bytes();
        bytes.extend_from_slice(&[first, 0, second, 1, 1]);
    }
    bytes.truncate(length);
    bytes
}

fn options() -> BundleOptions {
    BundleOptions::new("ein \"Bild\" & <mehr> 日本.img", "x86_64", "000000000001")
}

#[test]
fn a_bundle_reads_back_and_says_what_it_was_told() {
    let mut options = options();
    options.kernel = Some("eki-12345678".to_owned());
    options.ramdisk = Some("eri-12345678".to_owned());
    options.product_codes = vec!["A&B".to_owned(), "C".to_owned()];
    options.ancestry = vec!["emi-1".to_owned(), "emi-2".to_owned()];
    options.mappings = vec![Mapping { virtual_name: "ami".to_owned(), device: "sda1".to_owned() }];
    options.part_size = 100_000;
    for length in [0, 1, 512, 1_000_000, 5_000_001] {
        let image = image(length);
        let (bundled, mut shelf) = pack(&image, &options);
        let manifest = Manifest::parse(&bundled.manifest, &Limits::default()).unwrap();
        assert_eq!(manifest.verify(&[certificate("user-cert.pem")]), Signed::By(0));
        assert_eq!(manifest.verify(&[certificate("cloud-cert.pem")]), Signed::No);
        assert_eq!(manifest.name, options.prefix);
        assert_eq!(manifest.kernel(), Some("eki-12345678"));
        assert_eq!(manifest.ramdisk(), Some("eri-12345678"));
        assert_eq!(manifest.product_codes, options.product_codes);
        assert_eq!(manifest.ancestry, options.ancestry);
        assert_eq!(manifest.block_device_mapping, options.mappings);
        assert_eq!(manifest.kind(&bundled.manifest_name), Kind::Machine);
        assert_eq!(manifest.parts, bundled.parts);
        assert_eq!(manifest.digest, Some(bundled.digest));
        assert!(shelf.parts.values().all(|part| (1..=100_000).contains(&part.len())));
        for (recipient, pem) in
            [(Recipient::Cloud, "cloud-pk8.pem"), (Recipient::User, "user-pk8.pem")]
        {
            let key = manifest.symmetric_key(recipient, &private(pem)).unwrap();
            let mut sink = PlainSink(Vec::new());
            let unbundled =
                bundle::unbundle(&manifest, &key, &mut shelf, &mut sink, &mut |_| {}).unwrap();
            assert_eq!(unbundled.digest, DigestMatch::Tar);
            assert!(sink.0 == image, "{length} bytes");
        }
    }
}

#[test]
fn kernels_and_ramdisks_say_so_twice() {
    for (kind, words) in
        [(Kind::Kernel, "<kernel_id>true</kernel_id>"), (Kind::Ramdisk, "<ramdisk_id>true<")]
    {
        let mut options = BundleOptions::new("boot", "x86_64", "1");
        options.kind = kind;
        let (bundled, _) = pack(b"boot", &options);
        assert!(String::from_utf8_lossy(&bundled.manifest).contains(words));
        let manifest = Manifest::parse(&bundled.manifest, &Limits::default()).unwrap();
        assert_eq!((manifest.image_type, manifest.kind("any")), (kind, kind));
        assert_eq!((manifest.kernel(), manifest.ramdisk()), (None, None));
    }
}

#[test]
fn the_tar_stream_is_that_of_the_last_old_tool() {
    let image = fs::read(golden().join("images/small-3MiB.img")).unwrap();
    let (bundled, _) = pack(&image, &BundleOptions::new("small-3MiB.img", "x86_64", "1"));
    let theirs = fs::read(golden().join("3.4/small/small-3MiB.img.manifest.xml")).unwrap();
    let theirs = Manifest::parse(&theirs, &Limits::default()).unwrap();
    assert_eq!(Some(bundled.digest), theirs.digest);
}

#[test]
fn a_bundle_without_user_keys_is_for_the_cloud_alone() {
    let cloud = certificate("cloud-cert.pem");
    let recipients = Recipients { cloud: &cloud, user: None, signer: None };
    let mut shelf = Shelf::default();
    let bundled = bundle::bundle(
        Cursor::new(b"image"),
        5,
        &BundleOptions::new("image", "i386", "1"),
        &recipients,
        &mut shelf,
        &mut |_| {},
    )
    .unwrap();
    let manifest = Manifest::parse(&bundled.manifest, &Limits::default()).unwrap();
    assert!(manifest.unsigned && manifest.user_encrypted_key.is_none());
    assert!(manifest.any_symmetric_key(&private("user-pk.pem")).is_err());
    assert!(manifest.any_symmetric_key(&private("cloud-pk.pem")).is_ok());
}

#[test]
fn an_image_of_another_size_is_not_bundled() {
    let cloud = certificate("cloud-cert.pem");
    let recipients = Recipients { cloud: &cloud, user: None, signer: None };
    for announced in [4, 6] {
        let result = bundle::bundle(
            Cursor::new(b"image"),
            announced,
            &BundleOptions::new("image", "i386", "1"),
            &recipients,
            &mut Shelf::default(),
            &mut |_| {},
        );
        assert!(matches!(result, Err(BundleError::Size { announced: said }) if said == announced));
    }
}

#[test]
fn options_that_would_not_read_back_are_refused() {
    let cloud = certificate("cloud-cert.pem");
    let recipients = Recipients { cloud: &cloud, user: None, signer: None };
    let edits: [fn(&mut BundleOptions); 8] = [
        |options| options.prefix = "../image".to_owned(),
        |options| options.prefix = String::new(),
        |options| options.prefix = "a\nb".to_owned(),
        |options| options.user = "me".to_owned(),
        |options| options.architecture = String::new(),
        |options| options.kernel = Some("eki\u{0}".to_owned()),
        |options| options.part_size = 0,
        |options| options.compression = 10,
    ];
    for edit in edits {
        let mut options = BundleOptions::new("image", "x86_64", "1");
        edit(&mut options);
        let mut shelf = Shelf::default();
        let result =
            bundle::bundle(Cursor::new(b""), 0, &options, &recipients, &mut shelf, &mut |_| {});
        assert!(result.is_err(), "{options:?}");
    }
}

/// The recipe that needs no tool of ours: `cat | openssl | gunzip | tar`.
#[test]
fn a_bundle_unpacks_with_openssl_gunzip_and_tar() {
    let image = image(3_000_000);
    let mut options = BundleOptions::new("image with spaces.img", "x86_64", "000000000001");
    options.part_size = 300_000;
    let (bundled, shelf) = pack(&image, &options);
    let manifest = Manifest::parse(&bundled.manifest, &Limits::default()).unwrap();
    let key = manifest.symmetric_key(Recipient::User, &private("user-pk.pem")).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let joined = directory.path().join("joined");
    let bytes: Vec<u8> =
        manifest.parts.iter().flat_map(|part| shelf.parts[&part.filename].clone()).collect();
    fs::write(&joined, bytes).unwrap();
    let mut openssl = Command::new("openssl")
        .args(["enc", "-d", "-aes-128-cbc", "-K", &hex::encode(key.key())])
        .args(["-iv", &hex::encode(key.iv())])
        .arg("-in")
        .arg(&joined)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut gunzip = Command::new("gunzip")
        .stdin(openssl.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let tar = Command::new("tar")
        .args(["xO", "--", "image with spaces.img"])
        .stdin(gunzip.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(openssl.wait().unwrap().success() && gunzip.wait().unwrap().success());
    assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
    assert!(tar.stdout == image);
}
