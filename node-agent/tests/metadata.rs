//! The metadata service as a machine of `--network user` meets it: HTTP over the socket in its
//! directory. What differs on taps is in `network.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use common::time::Timestamp;
use common::wire::role::{Delivered, InstanceRole, ProfileSpec, RoleCredentials, RoleSpec};
use common::wire::spec::{InstanceSpec, MetadataOptions};
use node_agent::metadata::serve::{ListenError, Metadata, SOCKET};
use node_agent::metadata::token::Tokens;
use runtime::clock::Clock;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn spec(number: u8) -> InstanceSpec {
    let image = json!({ "image": "emi-00000001", "sha256": "0".repeat(64), "size": 1 });
    serde_json::from_value(json!({
        "instance": format!("i-0000000{number}"), "generation": 1, "account": "123456789012",
        "cpus": 1, "memory_mib": 64, "root": { "image": image, "size": 8192 },
        // As an agent wrote it that knew no metadata options.
        "boot": { "kernel": image, "ramdisk": null },
        "network": { "mac": "d0:0d:00:00:00:01", "address": "169.254.64.2" },
        "metadata": {
            "image": "emi-00000001", "manifest_path": "b/k", "kernel": null, "ramdisk": null,
            "ancestors": [], "product_codes": [], "reservation": "r-00000001", "launch_index": 0,
            "instance_type": "m1.small", "zone": "eucalyptus-1a", "region": "eucalyptus",
            "key": null, "security_groups": [], "launched": 0,
        },
    }))
    .unwrap()
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}: "));
        self.head.lines().find(named).map(|line| &line[name.len() + 2..])
    }
}

fn ask(directory: &Path, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut stream = UnixStream::connect(directory.join(SOCKET)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 169.254.169.254\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{text}connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

const ID: &str = "/latest/meta-data/instance-id";
const TOKEN: &str = "/latest/api/token";
const TTL: &str = "X-aws-ec2-metadata-token-ttl-seconds";

#[test]
fn both_versions_of_the_protocol_are_spoken_as_the_options_say() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than a socket's path may be.
    let directory = folder.path().join("long".repeat(40));
    std::fs::create_dir(&directory).unwrap();
    let reach = folder.path().join("d");
    std::os::unix::fs::symlink(&directory, &reach).unwrap();
    let clock = Clock::manual(NOW);
    let metadata = Metadata::new(clock.clone(), Tokens::new(&[7; 64]));
    let mut spec = spec(1);
    metadata.listen_in(&directory, &spec).unwrap();
    metadata.listen_in(&directory, &spec).unwrap();
    let get = |token: Option<&str>| {
        let headers: Vec<_> =
            token.map(|token| ("X-aws-ec2-metadata-token", token)).into_iter().collect();
        ask(&reach, "GET", ID, &headers)
    };

    assert_eq!((get(None).status, &*get(None).body), (200, "i-00000001"));
    let given = ask(&reach, "PUT", TOKEN, &[(TTL, "60")]);
    assert_eq!((given.status, given.header("content-type")), (200, Some("text/plain")));
    assert_eq!(given.header(&TTL.to_ascii_lowercase()), Some("60"));
    let token = given.body;
    assert_eq!(get(Some(&token)).body, "i-00000001");
    assert_eq!(get(Some("nonsense")).status, 401);
    let head = ask(&reach, "HEAD", ID, &[]);
    assert_eq!((head.status, head.header("content-length"), &*head.body), (200, Some("10"), ""));
    for (headers, status) in [
        (&[][..], 400),
        (&[(TTL, "21601")], 400),
        (&[(TTL, "60"), ("x-FORWARDED-for", "10.0.0.1")], 403),
    ] {
        assert_eq!(ask(&reach, "PUT", TOKEN, headers).status, status, "{headers:?}");
    }
    let odd = ask(&reach, "DELETE", ID, &[]);
    assert_eq!((odd.status, odd.header("allow")), (405, Some("GET, HEAD, PUT")));
    assert_eq!(ask(&reach, "GET", "/latest/user-data", &[]).status, 404);

    spec.metadata.options = MetadataOptions { tokens_required: true, ..spec.metadata.options };
    metadata.refresh(&spec);
    assert_eq!((get(None).status, get(Some(&token)).status), (401, 200));
    clock.advance(Duration::from_secs(60));
    assert_eq!(get(Some(&token)).status, 401, "it has grown old");

    spec.metadata.options = MetadataOptions { enabled: false, ..spec.metadata.options };
    metadata.refresh(&spec);
    assert_eq!((get(None).status, get(Some(&token)).status), (403, 403));
    assert_eq!(ask(&reach, "PUT", TOKEN, &[(TTL, "60")]).status, 403);

    metadata.close(&spec.instance);
    // A leftover of an agent that was killed is no obstacle to the next.
    let next = Metadata::new(clock, Tokens::new(&[8; 64]));
    spec.metadata.options = MetadataOptions::default();
    next.listen_in(&directory, &spec).unwrap();
    assert_eq!(
        (get(None).status, get(Some(&token)).status),
        (200, 401),
        "tokens end with their agent"
    );
    next.close_all();
}

#[test]
fn credentials_of_the_role_are_told_as_all_else_and_go_with_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = Metadata::new(Clock::manual(NOW), Tokens::new(&[7; 64]));
    let mut spec = spec(1);
    metadata.listen_in(folder.path(), &spec).unwrap();
    let all = "/latest/meta-data/iam/security-credentials/";
    let get = |path: &str, headers: &[(&str, &str)]| ask(folder.path(), "GET", path, headers);
    for path in [all, "/latest/meta-data/iam/", "/latest/meta-data/iam/info"] {
        assert_eq!(get(path, &[]).status, 404, "{path}");
    }
    let given = |secret: &str| RoleCredentials {
        access_key: "ASIA1".into(),
        secret: secret.into(),
        token: "t".into(),
        issued: NOW,
        expires: NOW.plus(Duration::from_secs(21_600)),
    };
    let mut role = |revision, secret: Option<&str>| {
        let profile = secret.map(|secret| ProfileSpec {
            arn: "arn:aws:iam::123456789012:instance-profile/web".into(),
            id: "AIPA1".into(),
            updated: NOW,
            exists: true,
            role: Some(RoleSpec {
                name: "reader".into(),
                credentials: Delivered::Given(given(secret)),
            }),
        });
        spec.metadata.role = InstanceRole { revision, made_of: "x".into(), profile };
        metadata.refresh(&spec);
        spec.clone()
    };
    role(1, Some("first"));
    assert_eq!(get(all, &[]).body, "reader");
    assert_eq!(get(all.trim_end_matches('/'), &[]).body, "reader");
    let told = |headers: &[(&str, &str)]| -> serde_json::Value {
        let reply = get(&format!("{all}reader"), headers);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain")));
        serde_json::from_str(&reply.body).unwrap()
    };
    assert_eq!(told(&[])["SecretAccessKey"], "first");
    assert_eq!(told(&[])["Expiration"], "2027-01-15T14:00:00Z");
    let info = get("/2021-03-23/meta-data/iam/info", &[]);
    let info: serde_json::Value = serde_json::from_str(&info.body).unwrap();
    assert_eq!((&info["Code"], &info["InstanceProfileId"]), (&json!("Success"), &json!("AIPA1")));
    assert_eq!(get(&format!("{all}other"), &[]).status, 404);
    role(1, Some("second"));
    assert_eq!(told(&[])["SecretAccessKey"], "second");

    // Where a token must be shown, here too.
    let mut strict = role(1, Some("third"));
    strict.metadata.options.tokens_required = true;
    metadata.refresh(&strict);
    assert_eq!(get(&format!("{all}reader"), &[]).status, 401);
    let token = ask(folder.path(), "PUT", TOKEN, &[(TTL, "60")]).body;
    assert_eq!(told(&[("X-aws-ec2-metadata-token", &token)])["SecretAccessKey"], "third");
    role(2, None);
    assert_eq!(get(all, &[]).status, 404);
    metadata.close_all();
}

#[test]
fn an_instance_has_its_own_socket_tokens_and_share() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = Metadata::new(Clock::system(), Tokens::new(&[7; 64]));
    let places = [1, 2].map(|number| {
        let place = folder.path().join(number.to_string());
        std::fs::create_dir(&place).unwrap();
        metadata.listen_in(&place, &spec(number)).unwrap();
        place
    });
    let token = ask(&places[0], "PUT", TOKEN, &[(TTL, "60")]).body;
    let with = [("X-aws-ec2-metadata-token", &*token)];
    assert_eq!(ask(&places[0], "GET", ID, &with).body, "i-00000001");
    assert_eq!(ask(&places[1], "GET", ID, &with).status, 401);
    assert_eq!(ask(&places[1], "GET", ID, &[]).body, "i-00000002");

    // One that asks without end is told to wait, and its neighbour does not notice.
    let refused = (0..2000).map(|_| ask(&places[0], "GET", ID, &[])).find(|r| r.status != 200);
    let refused = refused.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(ask(&places[1], "GET", ID, &[]).status, 200);
    assert!(metadata.first_answers().values().all(Option::is_some));

    let nowhere = metadata.listen_in(&folder.path().join("absent"), &spec(3));
    assert!(matches!(nowhere, Err(ListenError::Socket { .. })));
    metadata.close_all();
}
