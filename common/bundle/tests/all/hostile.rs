//! Bundles that lie, are broken, or were made to hurt: each is refused, for the right reason.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::support::{Forged, certificate, forge, forge_compressed, forge_sealed, golden};
use bundle::image::Filled;
use bundle::parts::PartError;
use bundle::tar::{Archive, Member, TarError};
use bundle::{Limits, Manifest, ManifestError, Signed, SymmetricKey, UnbundleError};
use sha1::{Digest, Sha1};

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text.as_bytes(), &Limits::default())
}

fn archive(data: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    let archive = Archive::new(data, "image", data.len() as u64);
    Filled::new(archive).read_to_end(&mut tar).unwrap();
    tar
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 99_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A good bundle of 5000 bytes in six parts.
fn good() -> Forged {
    let image = noise(5000);
    let tar = archive(&image);
    let forged = forge(&tar, 5000, Sha1::digest(&tar).into());
    assert!(forged.shelf.parts.len() > 4);
    forged
}

fn small_manifest() -> String {
    String::from_utf8(good().manifest).unwrap()
}

/// A tar header with any type and name; the checksum is right.
fn header(name: &str, kind: u8, size: &[u8; 12]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..136].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar  \0");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn octal(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    field[..11].copy_from_slice(format!("{size:011o}").as_bytes());
    field
}

fn unpack_tar(tar: &[u8], size: u64) -> Result<Vec<u8>, UnbundleError> {
    forge(tar, size, [0; 20]).unpack().map(|(_, image)| image)
}

#[test]
fn the_good_bundle_is_good() {
    assert_eq!(good().unpack().unwrap().1, noise(5000));
}

#[test]
fn what_is_not_xml_is_refused() {
    for text in [
        "",
        " ",
        "no XML at all",
        "<",
        "<manifest",
        "<manifest>",
        "<manifest></image>",
        "<manifest/><manifest/>",
        "<manifest/>rest",
        "text<manifest/>",
        "<manifest>&#0;</manifest>",
        "<manifest>&</manifest>",
        "<html></html>",
        "{\"manifest\": 1}",
        "<![CDATA[x]]>",
        "&amp;",
        "<manifest><![CDATA[</manifest>",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    for raw in [&[0xff, 0xfe, 0x00][..], &[0; 1000], b"\x1f\x8b\x08\0\0"] {
        assert!(Manifest::parse(raw, &Limits::default()).is_err());
    }
}

#[test]
fn five_mebibytes_of_entities_are_refused_quickly() {
    let began = Instant::now();
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE manifest [<!ENTITY a \"ha\">");
    while bomb.len() < (5 << 20) - 100 {
        bomb.push_str("<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">");
    }
    bomb.push_str("]><manifest>&b;</manifest>");
    assert_eq!(parse(&bomb), Err(ManifestError::Doctype));

    let references = format!("<manifest>{}</manifest>", "&lol;".repeat(1_000_000));
    assert_eq!(parse(&references), Err(ManifestError::Entity("lol".to_owned())));
    let known = format!("<manifest>{}</manifest>", "&amp;".repeat(1_000_000));
    assert!(matches!(parse(&known), Err(ManifestError::Missing(_))));
    let deep = "<manifest>".repeat(500_000);
    assert_eq!(parse(&deep), Err(ManifestError::TooDeep { limit: 16 }));
    let attributes: String = (0..300_000).map(|n| format!(" a{n}=''")).collect();
    let wide = format!("<manifest><image><parts{attributes}/></image></manifest>");
    assert!(matches!(parse(&wide), Err(ManifestError::Field { field: "parts", .. })));
    let long = " ".repeat((5 << 20) + 1);
    assert_eq!(parse(&long), Err(ManifestError::TooLarge { limit: 5 << 20 }));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn part_names_are_plain() {
    let text = small_manifest();
    for name in
        ["../x", "..", ".", "", "/etc/passwd", "a/b", "&#47;etc", "a&#10;b", "x&#x2f;y", "a\u{7f}b"]
    {
        let edited = text.replace("<filename>image.part.1<", &format!("<filename>{name}<"));
        assert_eq!(parse(&edited), Err(ManifestError::PartName(1)), "{name}");
    }
    let edited = text.replace("<filename>image.part.1<", "<filename>image.part.0<");
    assert!(matches!(parse(&edited), Err(ManifestError::PartNameTwice(_))));
}

#[test]
fn numbers_and_counts_in_a_manifest_are_checked() {
    let text = small_manifest();
    let edits = [
        ("index=\"1\"", "index=\"0\""),
        ("index=\"1\"", "index=\"99999999999999999999\""),
        ("index=\"1\"", "index=\"-1\""),
        ("index=\"1\"", ""),
        ("count=\"", "count=\"9"),
        ("<size>5000<", "<size>-5000<"),
        ("<size>5000<", "<size>5e3<"),
        ("<size>5000<", "<size>99999999999999999999999<"),
        ("<size>5000<", "<size>1152921504606846976<"),
        ("<size>5000<", "<size><b>5</b>000<"),
        ("<size>5000</size>", ""),
        ("<size>5000</size>", "<size>5000</size><size>1</size>"),
        ("<bundled_size>", "<bundled_size>1"),
        ("<bundled_size>", "<bundled_size>+"),
        ("<type>machine<", "<type>toaster<"),
        ("algorithm=\"SHA1\"", "algorithm=\"CRC\""),
        ("AES-128-CBC", "ROT13"),
        (
            "<machine_configuration>",
            "<machine_configuration></machine_configuration><machine_configuration>",
        ),
        ("<image>", "<image></image><image>"),
        ("<architecture>x86_64</architecture>", ""),
    ];
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        let edited = text.replacen(from, to, 1);
        // A bundled size of another multiple of 16 is refused when the parts are read.
        if let Ok(manifest) = parse(&edited) {
            let parts = Forged { manifest: edited.into_bytes(), ..good() }.unpack();
            assert!(matches!(parts, Err(UnbundleError::Part(_))), "{from} {to} {manifest:?}");
        }
    }
}

#[test]
fn only_the_real_elements_are_signed_and_read() {
    let raw =
        std::fs::read_to_string(golden().join("2.1/small/small-3MiB.img.manifest.xml")).unwrap();
    let user = [certificate("user-cert.pem")];
    let decoy = "<image><name>evil</name></image><machine_configuration></machine_configuration>";
    let signed = [
        raw.clone(),
        raw.replace("<manifest>", &format!("<manifest><!-- {decoy} -->")),
        raw.replace("<manifest>", &format!("<manifest><note><![CDATA[{decoy}]]></note>")),
        raw.replace("<manifest>", &format!("<manifest><note>{decoy}</note>")),
        raw.replace("</manifest>", "\n <signature>00</signature>\n</manifest>\n"),
        raw.replace("<signature>", "<signature>not hexadecimal</signature><signature>"),
        raw.replace("<version>2007", "<!-- a comment -->\n  <version>2007"),
        format!("\u{feff}{raw}"),
    ];
    for text in signed {
        let manifest = parse(&text).unwrap();
        assert_eq!(manifest.name, "small-3MiB.img");
        assert_eq!(manifest.verify(&user), Signed::By(0), "{text}");
    }
    let unsigned = [
        raw.replace("<image>", "<image><!-- -->"),
        raw.replace("<image>", "<image >"),
        raw.replace("x86_64", "i386"),
        raw.replace("<signature>", "<signature>00"),
    ];
    for text in unsigned {
        assert_eq!(parse(&text).unwrap().verify(&user), Signed::No, "{text}");
    }
    let many = raw.replace("</manifest>", &"<signature>00</signature>".repeat(9));
    assert!(parse(&format!("{many}</manifest>")).is_err());
}

#[test]
fn a_lacking_part_is_named() {
    let mut forged = good();
    forged.shelf.parts.remove("image.part.2");
    let error = forged.unpack().unwrap_err();
    assert!(error.is_permanent());
    assert_eq!(error.to_string(), "part image.part.2 cannot be read");
}

#[test]
fn a_flipped_byte_is_an_error_that_names_its_part() {
    for (part, byte) in [(0, 0), (0, 5), (1, 500), (2, 999), (4, 0)] {
        let mut forged = good();
        let name = format!("image.part.{part}");
        forged.shelf.parts.get_mut(&name).unwrap()[byte] ^= 0x40;
        let error = forged.unpack().unwrap_err();
        let UnbundleError::Part(PartError::Digest { part, .. }) = error else {
            panic!("{part}: {error}");
        };
        assert_eq!(part, name);
    }
}

#[test]
fn a_truncated_or_longer_last_part_is_named() {
    for length in [16_usize, 1, 0] {
        let mut forged = good();
        let mut last = forged.shelf.parts.last_entry().unwrap();
        let name = last.key().clone();
        last.get_mut().truncate(length);
        let error = forged.unpack().unwrap_err();
        assert!(
            matches!(&error, UnbundleError::Part(PartError::Digest { part, .. }) if *part == name),
            "{error}"
        );
    }
    let mut forged = good();
    let mut last = forged.shelf.parts.last_entry().unwrap();
    last.get_mut().extend_from_slice(&[0; 16]);
    let error = forged.unpack().unwrap_err();
    assert!(matches!(error, UnbundleError::Part(PartError::TooLong { .. })), "{error}");
}

#[test]
fn an_endless_part_is_stopped() {
    let forged = good();
    let manifest = Manifest::parse(&forged.manifest, &Limits::default()).unwrap();
    let mut endless =
        |_: usize, _: &bundle::Part| Ok(Box::new(std::io::repeat(3)) as Box<dyn Read + Send>);
    let mut sink = bundle::PlainSink(std::io::sink());
    let result = bundle::unbundle(&manifest, &forged.key, &mut endless, &mut sink, &mut |_| {});
    assert!(matches!(result, Err(UnbundleError::Part(PartError::TooLong { .. }))));
}

#[test]
fn a_gzip_bomb_is_bounded() {
    // 256 MiB of zeros behind an image of 10 bytes: what follows the archive...
    let mut tar = archive(b"0123456789");
    tar.resize(256 << 20, 0);
    let error = unpack_tar(&tar, 10).unwrap_err();
    assert!(matches!(error, UnbundleError::TooLarge { .. }), "{error}");
    // ...and an image that is larger than the manifest says.
    let error = unpack_tar(&archive(&vec![0; 64 << 20]), 10).unwrap_err();
    assert!(matches!(error, UnbundleError::Size { expected: 10, .. }), "{error}");
}

#[test]
fn gzip_is_read_to_its_end_and_not_beyond() {
    use flate2::write::GzEncoder;
    use std::io::Write;
    let image = noise(3000);
    let tar = archive(&image);
    let pack = |bytes: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let unpack =
        |gzip: &[u8]| forge_compressed(gzip, 3000, [0; 20], 1000).unpack().map(|(_, image)| image);
    let (first, second) = tar.split_at(1234);
    assert_eq!(unpack(&[pack(first), pack(&[]), pack(second)].concat()).unwrap(), image);
    let whole = pack(&tar);
    let mut wrong_crc = whole.clone();
    let at = wrong_crc.len() - 8;
    wrong_crc[at] ^= 1;
    let mut wrong_length = whole.clone();
    wrong_length[at + 4] ^= 1;
    let cases = [
        wrong_crc,
        wrong_length,
        whole[..at].to_vec(),
        whole[..100].to_vec(),
        [whole.as_slice(), b"garbage"].concat(),
        [whole.as_slice(), &[0; 512]].concat(),
        Vec::new(),
    ];
    for (number, gzip) in cases.iter().enumerate() {
        let error = unpack(gzip).unwrap_err();
        let cut = matches!(error, UnbundleError::Tar(TarError::Truncated));
        assert!(matches!(error, UnbundleError::Gzip(_)) || cut, "{number}: {error}");
    }
}

#[test]
fn a_second_member_is_refused() {
    let one = archive(b"0123456789");
    let tar = [&one[..1024], &one].concat();
    let error = unpack_tar(&tar, 10).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::SecondMember)), "{error}");
    let mut trailing = one;
    trailing.extend_from_slice(b"x");
    let error = unpack_tar(&trailing, 10).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::Trailing)), "{error}");
}

#[test]
fn links_directories_and_devices_are_refused() {
    for kind in *b"123456DM" {
        let tar = [header("image", kind, &octal(0)), vec![0; 1024]].concat();
        let error = unpack_tar(&tar, 0).unwrap_err();
        assert!(matches!(error, UnbundleError::Tar(TarError::NotRegular(_))), "{error}");
    }
    let tar = [header("image/", 0, &octal(0)), vec![0; 1024]].concat();
    let error = unpack_tar(&tar, 0).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::NotRegular(_))), "{error}");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["/etc/shadow", "../image", "a/../../b", "..", ""] {
        let tar = [header(name, b'0', &octal(0)), vec![0; 1024]].concat();
        let error = unpack_tar(&tar, 0).unwrap_err();
        assert!(matches!(error, UnbundleError::Tar(TarError::Name)), "{name}: {error}");
    }
    // The same through a long name and a pax header in front of a harmless one.
    let mut long = header("././@LongLink", b'L', &octal(7));
    long.extend_from_slice(b"/absol\0");
    long.resize(1024, 0);
    let mut pax = header("pax", b'x', &octal(16));
    pax.extend_from_slice(b"16 path=../evil\n");
    pax.resize(1024, 0);
    for front in [long, pax] {
        let tar = [front, header("image", b'0', &octal(0)), vec![0; 1024]].concat();
        let error = unpack_tar(&tar, 0).unwrap_err();
        assert!(matches!(error, UnbundleError::Tar(TarError::Name)), "{error}");
    }
}

#[test]
fn pax_and_long_names_are_read() {
    let name = "n".repeat(300);
    let mut long = header("././@LongLink", b'L', &octal(301));
    long.extend_from_slice(name.as_bytes());
    long.resize(1024, 0);
    let mut pax = header("pax", b'x', &octal(10));
    pax.extend_from_slice(b"10 size=5\n");
    pax.resize(1024, 0);
    let data = [b"hello".as_slice(), &[0; 507 + 1024]].concat();
    let longer = [long, header("image", b'0', &octal(5)), data.clone()].concat();
    assert_eq!(unpack_tar(&longer, 5).unwrap(), b"hello");
    let sized = [pax, header("image", b'0', &octal(0)), data].concat();
    assert_eq!(unpack_tar(&sized, 5).unwrap(), b"hello");
}

#[test]
fn the_pax_forms_of_sparse_files_are_read() {
    let record = |text: &str| {
        let length = (text.len() + 3..).find(|n| n.to_string().len() + text.len() + 2 == *n);
        format!("{} {text}\n", length.unwrap())
    };
    let pax = |records: &[&str]| {
        let data: String = records.iter().map(|text| record(text)).collect();
        let mut tar = header("pax", b'x', &octal(data.len() as u64));
        tar.extend_from_slice(data.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
        tar
    };
    let mut expected = vec![0; 3000];
    expected[1024..1029].copy_from_slice(b"hello");
    let data = [b"hello".as_slice(), &[0; 507 + 1024]].concat();
    let form0 = [
        "GNU.sparse.size=3000",
        "GNU.sparse.numblocks=2",
        "GNU.sparse.offset=1024",
        "GNU.sparse.numbytes=5",
        "GNU.sparse.offset=3000",
        "GNU.sparse.numbytes=0",
    ];
    let form1 = ["GNU.sparse.size=3000", "GNU.sparse.map=1024,5,3000,0"];
    for records in [form0.as_slice(), &form1] {
        let tar = [pax(records), header("image", b'0', &octal(5)), data.clone()].concat();
        assert_eq!(unpack_tar(&tar, 3000).unwrap(), expected);
    }
    let form2 = ["GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=3000"];
    let mut map = b"2\n1024\n5\n3000\n0\n".to_vec();
    map.resize(512, 0);
    let tar = [pax(&form2), header("image", b'0', &octal(517)), map, data.clone()].concat();
    assert_eq!(unpack_tar(&tar, 3000).unwrap(), expected);
    let unknown = ["GNU.sparse.major=2", "GNU.sparse.minor=0", "GNU.sparse.realsize=3000"];
    let tar = [pax(&unknown), header("image", b'0', &octal(5)), data].concat();
    assert!(matches!(unpack_tar(&tar, 3000), Err(UnbundleError::Tar(TarError::Sparse))));
}

#[test]
fn damaged_or_cut_archives_are_refused() {
    let whole = archive(&noise(2000));
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    let error = unpack_tar(&flipped, 2000).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::Checksum)), "{error}");
    for length in [0, 511, 512, 2000, 2560, 3071] {
        let error = unpack_tar(&whole[..length], 2000).unwrap_err();
        assert!(matches!(error, UnbundleError::Tar(TarError::Truncated)), "{length}: {error}");
    }
    let error = unpack_tar(&[0; 10_240], 0).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::NoMember)), "{error}");
}

#[test]
fn a_header_of_eight_gibibytes_and_more_is_understood_and_not_believed() {
    let mut size = [0; 12];
    size[0] = 0x80;
    size[4..].copy_from_slice(&(9_u64 << 30).to_be_bytes());
    let tar = [header("image", b'0', &size), vec![0; 1024]].concat();
    let error = unpack_tar(&tar, 10).unwrap_err();
    assert!(
        matches!(error, UnbundleError::Size { expected: 10, found } if found == 9 << 30),
        "{error}"
    );
    let error = unpack_tar(&tar, 9 << 30).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::Truncated)), "{error}");
    size[1] = 1;
    let tar = [header("image", b'0', &size), vec![0; 1024]].concat();
    let error = unpack_tar(&tar, 10).unwrap_err();
    assert!(matches!(error, UnbundleError::Tar(TarError::Number("size"))), "{error}");
}

#[test]
fn a_key_that_is_not_the_bundles_key_is_refused() {
    let mut forged = good();
    forged.key = SymmetricKey::new([9; 16], [2; 16]);
    let error = forged.unpack().unwrap_err();
    assert!(matches!(error, UnbundleError::Gzip(_) | UnbundleError::Cipher(_)), "{error}");
}

#[test]
fn a_ciphertext_of_odd_length_or_without_padding_is_refused() {
    let key = SymmetricKey::new([1; 16], [2; 16]);
    // The manifest announces a multiple of 16 only if it is honest, so this one is edited.
    let forged = forge_sealed(&[7; 40], key.clone(), 0, [0; 20], 40);
    let error = forged.edited("<bundled_size>40<", "<bundled_size>48<").unpack().unwrap_err();
    assert!(
        matches!(error, UnbundleError::Part(PartError::TooShort { expected: 48, found: 40 })),
        "{error}"
    );
    let error = forge_sealed(&[7; 48], key, 0, [0; 20], 48).unpack().unwrap_err();
    assert!(matches!(error, UnbundleError::Cipher(_) | UnbundleError::Gzip(_)), "{error}");
}

#[test]
fn a_wrong_size_is_refused() {
    for size in ["4999", "5001", "0"] {
        let edited = good().edited("<size>5000<", &format!("<size>{size}<"));
        let error = { edited }.unpack().unwrap_err();
        assert!(matches!(error, UnbundleError::Size { found: 5000, .. }), "{error}");
    }
}

#[test]
fn the_image_digest_is_checked_in_all_its_forms() {
    use bundle::DigestMatch;
    let image = noise(5000);
    let tar = archive(&image);
    let forms: [([u8; 20], DigestMatch); 4] = [
        (Sha1::digest(&tar).into(), DigestMatch::Tar),
        (Sha1::digest(&image).into(), DigestMatch::Image),
        (Sha1::digest(b"").into(), DigestMatch::Absent),
        ([0; 20], DigestMatch::Absent),
    ];
    for (digest, expected) in forms {
        assert_eq!(forge(&tar, 5000, digest).unpack().unwrap().0.digest, expected);
    }
    let error = forge(&tar, 5000, [1; 20]).unpack().unwrap_err();
    assert!(matches!(error, UnbundleError::Digest { .. }), "{error}");
}

#[test]
fn an_error_of_the_sink_is_the_sinks() {
    struct Full;
    impl bundle::Sink for Full {
        fn data(&mut self, _: &[u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn hole(&mut self, _: u64) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut forged = good();
    let manifest = Manifest::parse(&forged.manifest, &Limits::default()).unwrap();
    let result =
        bundle::unbundle(&manifest, &forged.key, &mut forged.shelf, &mut Full, &mut |_| {});
    let error = result.unwrap_err();
    assert!(matches!(error, UnbundleError::Sink(_)) && !error.is_permanent());
}

#[test]
fn nothing_that_is_changed_makes_a_panic() {
    let mut state = 5_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    let manifest = small_manifest().into_bytes();
    for _ in 0..3000 {
        let mut raw = manifest.clone();
        for _ in 0..=random(3) {
            let at = random(raw.len());
            match random(3) {
                0 => raw[at] = b"<>&/\"=!-\0\xff 09"[random(13)],
                1 => drop(raw.drain(at..raw.len().min(at + random(40)))),
                _ => raw.extend_from_within(at..raw.len().min(at + 60)),
            }
        }
        drop(Manifest::parse(&raw, &Limits::default()));
    }
    // Headers of every type with random fields and a right checksum, random blocks behind them.
    for _ in 0..20_000 {
        let kind = b"0\x007SLKxg5"[random(9)];
        let mut block = header("image", kind, &octal(random(2000) as u64));
        for _ in 0..random(30) {
            block[random(512)] = [0, 0x80, 0xff, b'0', b'7', b' ', 1][random(7)];
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let rest = noise(random(4000));
        let tar = [block.clone(), rest, block, vec![0; 2048]].concat();
        let mut sink = bundle::PlainSink(std::io::sink());
        if let Ok(member) = Member::open(tar.as_slice())
            && member.size() < 1 << 20
        {
            drop(member.copy_to(&mut sink));
        }
    }
}
