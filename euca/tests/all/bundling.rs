//! Bundling and unbundling on this machine: round trips, other tools' bundles, and failures that
//! leave nothing.

use std::fs;
use std::path::Path;

use crate::program::{Called, call, golden, names};

fn keys() -> Vec<(&'static str, String)> {
    let file = |name: &str| golden("keys").join(name).to_str().unwrap().to_owned();
    vec![
        ("EC2_CERT", file("user-cert.pem")),
        ("EC2_PRIVATE_KEY", file("user-pk.pem")),
        ("EUCALYPTUS_CERT", file("cloud-cert.pem")),
        ("EC2_USER_ID", "0000-0000-0001".to_owned()),
    ]
}

fn with_keys(arguments: &[&str]) -> Called {
    let keys = keys();
    let variables: Vec<(&str, &str)> = keys.iter().map(|(n, v)| (*n, v.as_str())).collect();
    call(arguments, &variables)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bytes that do not compress much, with a hole in them.
fn image(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut bytes: Vec<u8> = (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    let hole = length / 3..length / 2;
    bytes[hole].fill(0);
    bytes
}

#[test]
fn a_bundle_reads_back_for_the_user_and_for_the_cloud() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("disk image é.img");
    fs::write(&file, image(300_000)).unwrap();
    let (bundles, back) = (dir.path().join("bundles"), dir.path().join("back"));
    fs::create_dir(&bundles).unwrap();
    fs::create_dir(&back).unwrap();
    let arguments = [
        "euca-bundle-image",
        "-i",
        path(&file),
        "-d",
        path(&bundles),
        "-p",
        "my prefix",
        "--part-size",
        "100000",
        "-B",
        "ami=sda1,root=/dev/sda1",
        "--productcodes",
        "A,B",
        "--kernel",
        "eki-12345678",
        "-r",
        "i386",
    ];
    let made = with_keys(&arguments);
    let manifest = bundles.join("my prefix.manifest.xml");
    assert_eq!((made.status, made.err.as_str()), (0, ""));
    assert_eq!(made.out, format!("Wrote manifest {}\n", manifest.display()));
    let there = names(&bundles);
    assert_eq!(there[0], "my prefix.manifest.xml");
    assert!(there.contains(&"my prefix.part.2".to_owned()), "{there:?}");
    let xml = fs::read_to_string(&manifest).unwrap();
    for expected in [
        "<user>000000000001</user>",
        "<architecture>i386</architecture>",
        "<mapping><virtual>ami</virtual><device>sda1</device></mapping>",
        "<product_code>B</product_code>",
        "<kernel_id>eki-12345678</kernel_id>",
    ] {
        assert!(xml.contains(expected), "{expected}: {xml}");
    }
    for key in ["user-pk.pem", "cloud-pk.pem"] {
        let key = golden("keys").join(key);
        let arguments =
            ["euca-unbundle", "-m", path(&manifest), "-d", path(&back), "-k", path(&key)];
        let read = with_keys(&arguments);
        let result = back.join("my prefix");
        assert_eq!(
            (read.status, read.out),
            (0, format!("Wrote {}\n", result.display())),
            "{}",
            read.err
        );
        assert!(fs::read(&result).unwrap() == image(300_000));
        fs::remove_file(result).unwrap();
    }
}

#[test]
fn without_a_destination_there_is_a_new_directory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vmlinuz");
    fs::write(&file, b"kernel").unwrap();
    let mut variables = keys();
    variables.retain(|(name, _)| !matches!(*name, "EC2_CERT" | "EC2_PRIVATE_KEY"));
    variables.push(("TMPDIR", path(dir.path()).to_owned()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let made = call(&["euca-bundle-image", "-i", path(&file), "--kernel", "true"], &variables);
    assert_eq!(made.status, 0, "{}", made.err);
    let manifest = made.out.trim_end().strip_prefix("Wrote manifest ").unwrap();
    assert!(manifest.starts_with(&format!("{}/bundle-", dir.path().display())), "{manifest}");
    let xml = fs::read_to_string(manifest).unwrap();
    for expected in [
        "<type>kernel</type>",
        "<kernel_id>true</kernel_id>",
        "<signature>UNSIGNED</signature>",
        "<user_encrypted_iv></user_encrypted_iv>",
    ] {
        assert!(xml.contains(expected), "{expected}: {xml}");
    }
}

#[test]
fn the_same_key_makes_the_same_parts_from_a_file_of_the_same_size() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("image");
    fs::write(&file, image(50_000)).unwrap();
    let part = || {
        let arguments = [
            "euca-bundle-image",
            "-i",
            path(&file),
            "-d",
            path(dir.path()),
            "--enc-key",
            "000102030405060708090a0b0c0d0e0f",
            "--enc-iv",
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
            "--image-size",
            "50000",
        ];
        assert_eq!(with_keys(&arguments).status, 0);
        fs::read(dir.path().join("image.part.0")).unwrap()
    };
    assert!(part() == part());
}

#[test]
fn what_cannot_be_bundled_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("image");
    fs::write(&file, image(50_000)).unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let cloud = golden("keys").join("cloud-cert.pem");
    for (extra, status, told) in [
        (&["--image-size", "60000", "--part-size", "1000"][..], 1, "announced 60000 bytes"),
        (&["--image-size", "40000", "--part-size", "1000"], 1, "announced 40000 bytes"),
        (&["--max-image-size", "0"], 1, "more than the 0 MiB"),
        (&["-p", "a/b"], 1, "the prefix is not a plain file name"),
        (&["-u", "taro"], 1, "'taro' is not an account number"),
        (&["-c", path(&cloud)], 1, "do not belong together"),
        (&["-k", path(&cloud)], 1, "not an unencrypted RSA private key"),
        (&["--kernel", "true", "--ramdisk", "true"], 2, "different things"),
        (&["-B", "ami"], 2, "argument -B"),
        (&["-r", "sparc"], 2, "invalid value 'sparc'"),
        (&["--enc-key", "00", "--enc-iv", "00"], 2, "argument --enc-key"),
    ] {
        let mut arguments = vec!["euca-bundle-image", "-i", path(&file), "-d", path(&out)];
        arguments.extend(extra);
        let called = with_keys(&arguments);
        assert_eq!((called.status, called.out.as_str()), (status, ""), "{extra:?}: {}", called.err);
        assert!(called.err.contains(told), "{extra:?}: {}", called.err);
        assert_eq!(names(&out), [""; 0], "{extra:?}");
    }
}

#[test]
fn a_failure_leaves_an_older_bundle_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("image");
    fs::write(&file, image(50_000)).unwrap();
    let bundle = ["euca-bundle-image", "-i", path(&file), "-d", path(dir.path())];
    assert_eq!(with_keys(&bundle).status, 0);
    let before = (names(dir.path()), fs::read(dir.path().join("image.part.0")).unwrap());
    let failing: Vec<&str> = bundle.iter().copied().chain(["--image-size", "60000"]).collect();
    assert_eq!(with_keys(&failing).status, 1);
    assert_eq!((names(dir.path()), fs::read(dir.path().join("image.part.0")).unwrap()), before);
}

#[test]
fn an_image_larger_than_the_site_allows_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (file, ini) = (dir.path().join("image"), dir.path().join("site.ini"));
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let large = fs::File::create(&file).unwrap();
    large.set_len((10_240 << 20) + 1).unwrap();
    let bundle = ["euca-bundle-image", "-i", path(&file), "-d", path(&out)];
    let refused = with_keys(&bundle);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("more than the 10240 MiB"), "{}", refused.err);

    fs::write(&ini, "[global]\nmax-image-size = 1\n").unwrap();
    large.set_len((1 << 20) + 1).unwrap();
    let mut variables = keys();
    variables.push(("EUCA_CONFIG_PATH", path(&ini).to_owned()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert!(call(&bundle, &variables).err.contains("more than the 1 MiB"));
    let raised: Vec<&str> = bundle.iter().copied().chain(["--max-image-size", "2"]).collect();
    assert_eq!(call(&raised, &variables).status, 0);
}

#[test]
fn bundles_of_every_generation_are_unpacked() {
    let digests = fs::read_to_string(golden("images.sha1")).unwrap();
    for (bundle, name, image) in [
        ("1.3/small", "small-3MiB.img", "small-3MiB.img"),
        ("1.3/sparse", "sparse-64MiB.img", "sparse-64MiB.img"),
        ("2.1/small", "small-3MiB.img", "small-3MiB.img"),
        ("3.4/exact", "small-3MiB.img", "small-3MiB.img"),
        ("3.4/opts", "myprefix", "small-3MiB.img"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let manifest = golden(bundle).join(format!("{name}.manifest.xml"));
        let read = with_keys(&["euca-unbundle", "-m", path(&manifest), "-d", path(dir.path())]);
        assert_eq!(read.status, 0, "{bundle}: {}", read.err);
        assert_eq!(read.err.contains("warning"), bundle.starts_with("1.3"), "{}", read.err);
        let result = read.out.trim_end().strip_prefix("Wrote ").unwrap().to_owned();
        use sha1::Digest;
        let digest = hex::encode(sha1::Sha1::digest(fs::read(result).unwrap()));
        let listed = digests.lines().any(|l| l.starts_with(&digest) && l.ends_with(image));
        assert!(listed, "{bundle}: {digest}");
    }
}

#[test]
fn a_damaged_bundle_leaves_no_image() {
    let dir = tempfile::tempdir().unwrap();
    let source = golden("3.4/exact");
    for name in names(&source) {
        fs::copy(source.join(&name), dir.path().join(&name)).unwrap();
    }
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let part = dir.path().join("small-3MiB.img.part.01");
    let whole = fs::read(&part).unwrap();
    let manifest = dir.path().join("small-3MiB.img.manifest.xml");
    let unbundle = || with_keys(&["euca-unbundle", "-m", path(&manifest), "-d", path(&out)]);
    let mut flipped = whole.clone();
    flipped[1000] ^= 1;
    for damaged in [Some(flipped), Some(whole[..whole.len() - 16].to_vec()), None] {
        match damaged {
            Some(bytes) => fs::write(&part, bytes).unwrap(),
            None => fs::remove_file(&part).unwrap(),
        }
        let called = unbundle();
        assert_eq!((called.status, called.out.as_str()), (1, ""));
        assert!(called.err.contains("small-3MiB.img.part.01"), "{}", called.err);
        assert_eq!(names(&out), [""; 0]);
    }
    fs::write(&part, whole).unwrap();
    assert_eq!(unbundle().status, 0);
    let foreign = ["euca-unbundle", "-m", path(&part), "-d", path(&out)];
    assert_eq!(with_keys(&foreign).status, 1);
}
