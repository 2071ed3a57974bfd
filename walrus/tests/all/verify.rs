//! `walrus images verify`: what it says of good images and of spoiled ones, beside a walrus that
//! runs and without one.

use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use common::wire::walrus::{BundleRef, ForgetImage, ImageTicket, WantedImage};

use crate::forge::{Files, check, make, upload, want};
use crate::world::{ALICE, ROOT, Who, World, wait};

struct Verified {
    status: i32,
    out: Vec<String>,
    err: String,
}

impl Verified {
    /// What is said of an image.
    fn of(&self, id: &str) -> &str {
        let line = self.out.iter().find(|line| line.contains(id));
        line.unwrap_or_else(|| panic!("no line of {id}: {:?}", self.out))
    }
}

fn verify(world: &World, arguments: &[&str]) -> Verified {
    let mut command = world.command();
    command.env("EUCALYPT_WALRUS__INTERNAL_LISTEN", world.internal.to_string());
    let done = command.args(["images", "verify"]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Verified {
        status: done.status.code().unwrap(),
        out: text(&done.stdout).lines().map(str::to_owned).collect(),
        err: text(&done.stderr),
    }
}

fn ready(world: &World, bundle: &BundleRef) -> ImageTicket {
    match want(world, bundle) {
        WantedImage::Ready(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// Registers a bundle in a folder of its own, unpacked.
fn registered(world: &World, id: &str, account: &str, folder: &str) -> (Files, BundleRef) {
    let files = make("i", account, folder.repeat(20_000).as_bytes());
    let inside = Files {
        parts: files.parts.iter().map(|(n, b)| (format!("{folder}/{n}"), b.clone())).collect(),
        manifest: files.manifest.clone(),
    };
    let location = upload(world, Who::Root, "buck", &format!("{folder}/i"), &inside);
    let bundle = check(world, &location).unwrap().bundle;
    let ticket = ready(world, &bundle);
    world.register(id, &bundle, Some(&ticket.sha256));
    (inside, bundle)
}

/// Changes a byte of the plain image of a bundle.
fn spoil_plain(world: &World, bundle: &BundleRef) {
    let mut names = world.files("cache").into_iter();
    let name = names.rfind(|name| name.starts_with(&bundle.manifest_sha256)).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(world.data().join("cache").join(name));
    file.unwrap().write_all_at(b"?", 1000).unwrap();
}

#[test]
fn every_image_is_checked_again_and_what_is_wrong_is_named() {
    let mut world = World::program(|_| {});
    world.install_key();
    let ids: Vec<String> = (1..=7).map(|n| format!("emi-0000000{n}")).collect();
    let all: Vec<_> = ids
        .iter()
        .zip(["good", "part", "gone", "other", "plain", "lost", "alice"])
        .map(|(id, folder)| {
            let account = if folder == "alice" { ALICE } else { ROOT };
            registered(&world, id, account, folder)
        })
        .collect();
    let begun = Instant::now();
    let good = verify(&world, &[]);
    assert_eq!(good.status, 0, "{:?} {}", good.out, good.err);
    // A walrus that runs is asked at once: nobody waits for it to let go of its store.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(good.out.len(), 7);
    assert_eq!(good.of(&ids[0]), format!("IMAGE\t{}\tbuck/good/i.manifest.xml\tok", ids[0]));
    assert_eq!(good.err, "7 images verified, 0 wrong\n");

    let flip = |at: usize, part: usize| {
        let (name, bytes) = &all[at].0.parts[part];
        let mut bytes = bytes.clone();
        bytes[77] ^= 1;
        world.put(Who::Root, &format!("/buck/{name}"), &bytes);
    };
    flip(1, 0);
    flip(1, 2);
    world.call(Who::Root, "DELETE", &format!("/buck/{}", all[2].0.parts[1].0), &[], b"");
    let other = make("i", ROOT, b"something else");
    world.put(Who::Root, "/buck/other/i.manifest.xml", &other.manifest);
    spoil_plain(&world, &all[4].1);
    world.call(Who::Root, "DELETE", "/buck/lost/i.manifest.xml", &[], b"");
    let look = |world: &World| {
        let bad = verify(world, &[]);
        assert_eq!((bad.status, bad.out.len()), (1, 7), "{:?} {}", bad.out, bad.err);
        assert_eq!(bad.err, "7 images verified, 5 wrong\n");
        let table = [
            (1, "\twrong\tpart i.part.0 is damaged: its SHA-1 is "),
            (1, "; part i.part.2 is damaged: its SHA-1 is "),
            (2, "\twrong\tpart i.part.1 is not in the bucket buck"),
            (
                3,
                "\twrong\tthe manifest buck/other/i.manifest.xml is not the one that was registered",
            ),
            (4, "\twrong\tthe plain image in the cache: it is damaged: its SHA-256 is "),
            (5, "\twrong\tthe manifest buck/lost/i.manifest.xml is no longer there"),
        ];
        for (at, text) in table {
            assert!(bad.of(&ids[at]).contains(text), "{}", bad.of(&ids[at]));
        }
        for at in [0, 6] {
            assert!(bad.of(&ids[at]).ends_with("\tok"), "{}", bad.of(&ids[at]));
        }
    };
    look(&world);
    // Only one of them.
    let one = verify(&world, &[&ids[0]]);
    assert_eq!((one.status, one.out.len()), (0, 1), "{:?} {}", one.out, one.err);
    let none = verify(&world, &["emi-0000000f"]);
    assert_eq!((none.status, none.out.len()), (2, 0));
    assert_eq!(none.err, "walrus: the image emi-0000000f is not registered\n");
    let files = |world: &World| [world.files("objects"), world.files("cache")];
    let before = files(&world);
    world.stop();
    look(&world);
    assert_eq!(files(&world), before, "nothing was touched");
    world.start();
    look(&world);

    // A plain image that no registered image needs is looked at, too.
    let stray = upload(
        &world,
        Who::Root,
        "buck",
        "stray",
        &make("stray", ROOT, b"a stray image, 1001 bytes long".repeat(40).as_slice()),
    );
    let stray = check(&world, &stray).unwrap().bundle;
    ready(&world, &stray);
    spoil_plain(&world, &stray);
    let bad = verify(&world, &[]);
    assert!(bad.of(&stray.manifest_sha256).starts_with("CACHE\t"), "{:?}", bad.out);
    assert_eq!(bad.err, "7 images and 1 plain images of none verified, 6 wrong\n");
    world.ask(ForgetImage { bundle: stray }).unwrap();
    wait("it has gone", || verify(&world, &[]).out.len() == 7);
}

/// The row of a store that says which tables it has.
const SCHEMA: &str = "schema/tables";

#[test]
fn the_store_of_an_older_walrus_stays_its() {
    let mut world = World::program(|_| {});
    world.stop();
    let config = store::EngineConfig::sled(world.data().join("store"));
    let older = br#"{"bucket":1,"object":1,"setting":1}"#.to_vec();
    let engine = store::open(&config).unwrap();
    let put = vec![(SCHEMA.to_owned(), older.clone())];
    engine.commit(store::Commit { put, ..store::Commit::default() }).unwrap();
    drop(engine);
    let seen = verify(&world, &[]);
    assert_eq!((seen.status, seen.err.as_str()), (0, "0 images verified, 0 wrong\n"));
    let row = || store::open(&config).unwrap().get(SCHEMA).unwrap().unwrap().value;
    assert_eq!(row(), older, "an older walrus can still open it");
    // One that this program does not know is refused.
    let put = vec![(SCHEMA.to_owned(), br#"{"bucket":1,"strange":1}"#.to_vec())];
    let newer = store::Commit { put, ..store::Commit::default() };
    store::open(&config).unwrap().commit(newer).unwrap();
    let seen = verify(&world, &[]);
    assert_eq!(seen.status, 2);
    assert!(seen.err.contains("a newer version of this program"), "{}", seen.err);
}

#[test]
fn what_images_are_called_does_not_reach_the_terminal_raw() {
    let world = World::program(|_| {});
    world.install_key();
    world.put(Who::Root, "/buck", b"");
    let (_, mut bundle) = registered(&world, "emi-00000001", ROOT, "good");
    bundle.location = "buck/\x1b[2J\t\u{9b}i.manifest.xml".to_owned();
    world.register("emi-00000002", &bundle, None);
    let seen = verify(&world, &[]);
    assert_eq!(seen.status, 1, "{:?} {}", seen.out, seen.err);
    let line = seen.of("emi-00000002");
    assert!(line.contains(r"buck/\u{1b}[2J\t\u{9b}i.manifest.xml"), "{line}");
    assert!(!line.replace('\t', "").contains(char::is_control), "{line:?}");
}

#[test]
fn what_cannot_be_verified_is_not_called_wrong() {
    let world = World::program(|_| {});
    let mut command = world.command();
    command.env("EUCALYPT_WALRUS__CLC__URL", "http://127.0.0.1:1");
    command.env("EUCALYPT_WALRUS__INTERNAL_LISTEN", world.internal.to_string());
    let done = command.args(["images", "verify"]).output().unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{err}");
    assert!(err.contains("http://127.0.0.1:1 cannot be reached"), "{err}");
    let mut command = world.command();
    command.env("EUCALYPT_WALRUS__DATA_DIR", world.data().join("nowhere"));
    let done = command.args(["images", "verify"]).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(!world.data().join("nowhere").exists(), "nothing was made");
    std::fs::create_dir_all(world.data().join("empty/store")).unwrap();
    let mut command = world.command();
    command.env("EUCALYPT_WALRUS__DATA_DIR", world.data().join("empty"));
    let done = command.args(["images", "verify"]).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(world.files("empty").is_empty(), "nothing was made");
}
