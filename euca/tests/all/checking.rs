//! `euca-check-bundle` tells every fault there is, here and in a bucket.

use std::fs;
use std::sync::Arc;

use crate::buckets::{Objects, answer, error, server};
use crate::program::{Called, call, golden, names};
use crate::server::Server;

const NAME: &str = "small-3MiB.img";

struct Bundle {
    dir: tempfile::TempDir,
    server: Server,
    objects: Objects,
}

impl Bundle {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in names(&golden("3.4/exact")) {
            fs::copy(golden("3.4/exact").join(&name), dir.path().join(&name)).unwrap();
        }
        let (server, objects) = server();
        Self { dir, server, objects }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    /// Checks it here and in a bucket, which must tell the same; with these keys of the golden ones.
    fn check(&self, keys: &[(&str, &str)]) -> Called {
        let manifest = format!("{NAME}.manifest.xml");
        {
            let mut objects = self.objects.lock().unwrap();
            objects.clear();
            objects.insert("/b".into(), Vec::new());
            for name in names(self.dir.path()) {
                objects
                    .insert(format!("/b/{name}"), fs::read(self.dir.path().join(&name)).unwrap());
            }
        }
        let keys: Vec<(String, String)> = keys
            .iter()
            .map(|(option, name)| {
                let file = golden("keys").join(name);
                ((*option).to_owned(), file.to_str().unwrap().to_owned())
            })
            .collect();
        let keys: Vec<&str> = keys.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
        let url = format!("{}/services/Walrus", self.server.url);
        let check = |which: &[&str]| {
            call(&[&["euca-check-bundle"], which, &keys].concat(), &[("S3_URL", &url)])
        };
        let here = self.dir.path().join(&manifest);
        let here = check(&["-m", here.to_str().unwrap()]);
        let there = check(&["-b", "b", "-p", NAME]);
        let plain = |called: &Called| {
            let lines = called.out.lines().map(|line| match line.contains("\tmissing\t") {
                true => line.rsplit_once('\t').unwrap().0,
                false => line,
            });
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((here.status, plain(&here)), (there.status, plain(&there)), "{}", there.err);
        here
    }
}

const ALL: &[(&str, &str)] = &[("-k", "user-pk.pem"), ("-c", "user-cert.pem")];

#[test]
fn a_bundle_that_is_right() {
    let bundle = Bundle::new();
    let told = bundle.check(ALL);
    assert_eq!((told.status, told.err.as_str()), (0, ""), "{}", told.out);
    let cert = golden("keys/user-cert.pem");
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(lines[0].starts_with(&format!("BUNDLE\t{NAME}\tmachine\tx86_64\t")), "{}", lines[0]);
    assert_eq!(lines[1], format!("SIGNATURE\t1\tvalid\t{}", cert.display()));
    assert_eq!(lines[2], "KEY\tvalid\tuser");
    assert!(lines[3].starts_with("PARTS\tvalid\t3\t"), "{}", lines[3]);
    assert!(lines[4].starts_with("IMAGE\tvalid\t"), "{}", lines[4]);

    let told = bundle.check(&[("-k", "cloud-pk.pem"), ("-c", "user-cert.pem")]);
    assert!(told.status == 0 && told.out.contains("KEY\tvalid\tcloud\n"), "{}", told.out);
    let told = bundle.check(&[]);
    assert!(told.out.contains("SIGNATURE\t1\tunchecked\tno certificate\n"), "{}", told.out);
    assert!(told.out.contains("IMAGE\tunchecked\tno key\n") && told.status == 0, "{}", told.out);
}

#[test]
fn every_fault_is_told() {
    let bundle = Bundle::new();
    bundle.change(&format!("{NAME}.part.00"), |bytes| bytes[5] ^= 1);
    fs::remove_file(bundle.dir.path().join(format!("{NAME}.part.01"))).unwrap();
    for keys in [&[][..], ALL] {
        let told = bundle.check(keys);
        assert_eq!(told.status, 1);
        assert!(told.out.contains(&format!("PART\t{NAME}.part.00\tdamaged\tits SHA-1 is ")));
        assert!(told.out.contains(&format!("PART\t{NAME}.part.01\tmissing\t")), "{}", told.out);
        assert!(!told.out.contains("part.02") && !told.out.contains("PARTS"), "{}", told.out);
        assert!(told.out.contains("IMAGE\tunchecked\t"), "{}", told.out);
        assert_eq!(told.err, "euca-check-bundle: error: the bundle has 2 faults\n");
    }
}

#[test]
fn a_stranger_and_a_changed_manifest() {
    let bundle = Bundle::new();
    let told = bundle.check(&[("-k", "user-pk.pem"), ("-c", "cloud-cert.pem")]);
    assert!(told.out.contains("SIGNATURE\t1\tinvalid\t") && told.status == 1, "{}", told.out);
    assert!(told.out.contains("IMAGE\tvalid\t"), "{}", told.out);

    let manifest = format!("{NAME}.manifest.xml");
    let edit = |from: &str, to: &str| {
        bundle.change(&manifest, |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        });
    };
    edit("x86_64", "i386");
    let told = bundle.check(ALL);
    assert!(told.out.contains("SIGNATURE\t1\tinvalid\tby none of"), "{}", told.out);
    edit("i386", "x86_64");
    assert_eq!(bundle.check(ALL).status, 0);

    edit("<size>3", "<size>4");
    let told = bundle.check(ALL);
    assert!(told.out.contains("IMAGE\tinvalid\tthe image has 3"), "{}", told.out);
    assert!(told.out.contains("PARTS\tvalid\t"), "{}", told.out);
}

#[test]
fn a_failure_that_passes_is_no_fault_of_the_bundle() {
    let objects = Objects::default();
    for name in names(&golden("3.4/exact")) {
        let bytes = fs::read(golden("3.4/exact").join(&name)).unwrap();
        objects.lock().unwrap().insert(format!("/b/{name}"), bytes);
    }
    let own = Arc::clone(&objects);
    let mut busy = true;
    let server = Server::start(move |_, seen| match seen.path.ends_with(".part.01") {
        true if std::mem::take(&mut busy) => error(429, "TooBusy"),
        _ => answer(&own, seen),
    });
    let url = format!("{}/services/Walrus", server.url);
    let key = golden("keys/user-pk.pem");
    let arguments = ["euca-check-bundle", "-b", "b", "-p", NAME, "-k", key.to_str().unwrap()];
    let told = call(&arguments, &[("S3_URL", &url)]);
    assert_eq!((told.status, told.out.as_str()), (1, ""));
    assert!(told.err.contains("TooBusy"), "{}", told.err);
    let told = call(&arguments, &[("S3_URL", &url)]);
    assert!(told.status == 0 && told.out.contains("IMAGE\tvalid\t"), "{}", told.out);
}
