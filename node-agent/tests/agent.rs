//! The agent as the clc meets it, with played machines: it is asked over its listener, stopped,
//! started again, and knows what it knew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use common::error::ErrorCode;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::node::{
    Console, InstanceView, MachineState, Node, NodeReport, Report, Run, Terminate,
};
use common::wire::role::{
    Delivered, InstanceRole, ProfileSpec, RoleCredentials, RoleSpec, RoleView, SetInstanceRole,
};
use common::wire::walrus::{ImageTicket, Layout};
use node_agent::config::{Config, DriverKind};
use node_agent::hypervisor::sim::{Sim, SimMode};
use node_agent::server::{Server, StartError};
use runtime::clock::Clock;
use runtime::envelope::PeerKey;
use runtime::peer::Peer;
use runtime::transport::Transport;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const KEY: [u8; 32] = [7; 32];
const IMAGE: &[u8] = b"an image of a few bytes";

struct Node1 {
    server: Server,
    peer: Peer<Node>,
    sim: Sim,
}

async fn start(data: &Path) -> Result<Node1, StartError> {
    let config = Config {
        name: "node-1".to_owned(),
        data_dir: data.to_owned(),
        driver: DriverKind::Sim,
        cpus: 4,
        memory_mib: 1024,
        disk_mib: 4096,
        ..Config::default()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let sim = Sim::new(SimMode::Automatic);
    let (key, clock) = (PeerKey::new(KEY), Clock::system());
    let server =
        Server::start_played(config, listener, key.clone(), clock.clone(), sim.clone()).await?;
    let url = format!("http://{}", server.internal_address());
    Ok(Node1 { server, peer: Peer::there(Transport::new(&url, key, clock)), sim })
}

/// Serves the image to whoever comes.
async fn walrus() -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/image", listener.local_addr().unwrap());
    runtime::pool::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                IMAGE.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), IMAGE].concat()).await;
        }
    });
    url
}

fn run(number: u8, url: &str) -> Run {
    let sha256 = hex::encode(Sha256::digest(IMAGE));
    let image =
        |id: &str| serde_json::json!({ "image": id, "sha256": sha256, "size": IMAGE.len() });
    let spec = serde_json::json!({
        "instance": format!("i-0000000{number}"),
        "generation": 1,
        "account": "123456789012",
        "cpus": 1,
        "memory_mib": 64,
        "root": { "image": image("emi-00000001"), "size": 8192 },
        "boot": { "kernel": image("eki-00000001"), "ramdisk": null },
        "network": { "mac": format!("d0:0d:00:00:00:0{number}"), "address": format!("10.111.0.1{number}") },
        "metadata": {
            "image": "emi-00000001", "manifest_path": "b/k", "kernel": null, "ramdisk": null,
            "ancestors": [], "product_codes": [], "reservation": "r-00000001",
            "launch_index": 0, "instance_type": "m1.small", "zone": "eucalyptus-1a",
            "region": "eucalyptus", "key": null, "security_groups": [], "launched": 0,
        },
    });
    let expires = Timestamp::from_millis(i64::MAX);
    let size = u64::try_from(IMAGE.len()).unwrap();
    let ticket = ImageTicket { url: url.to_owned(), sha256, size, expires, layout: Layout::Bare };
    Run { spec: serde_json::from_value(spec).unwrap(), tickets: vec![ticket] }
}

/// Follows the reports, as the clc does, until one says what is waited for.
async fn until(peer: &Peer<Node>, what: &str, is: impl Fn(&NodeReport) -> bool) -> NodeReport {
    let mut ask = Report { session: String::new(), since: 0, wait_ms: 5_000 };
    for _ in 0..40 {
        let report = peer.call_patiently(ask, std::time::Duration::from_secs(6)).await.unwrap();
        if is(&report) {
            return report;
        }
        ask = Report { session: report.session, since: report.revision, wait_ms: 5_000 };
    }
    panic!("never: {what}");
}

fn view<'a>(report: &'a NodeReport, instance: &InstanceId) -> Option<&'a InstanceView> {
    report.instances.iter().find(|view| view.instance == *instance)
}

#[test]
fn the_agent_keeps_what_it_was_told() {
    runtime::boot::in_system(scenario()).unwrap();
}

async fn scenario() {
    let folder = tempfile::tempdir().unwrap();
    let url = walrus().await;
    let node = start(folder.path()).await.unwrap();
    assert!(matches!(start(folder.path()).await.err(), Some(StartError::Locked(_))));

    let (one, two) = (run(1, &url), run(2, &url));
    let (first, second) = (one.spec.instance.clone(), two.spec.instance.clone());
    let state = |report: &NodeReport, id: &InstanceId| view(report, id).map(|v| v.state);
    // Hearing a wish twice is hearing it once, even at the same time.
    let (a, b) = tokio::join!(node.peer.call(one.clone()), node.peer.call(one.clone()));
    a.and(b).unwrap();
    node.peer.call(two).await.unwrap();
    let both = |report: &NodeReport| {
        [&first, &second].iter().all(|id| state(report, id) == Some(MachineState::Running))
    };
    let report = until(&node.peer, "both run", both).await;
    assert_eq!((report.instances.len(), report.capacity.cpus), (2, 4));
    assert_eq!(report.hypervisor, "sim");

    let log = node.peer.call(Console { instance: first.clone() }).await.unwrap();
    assert!(!log.base64.is_empty());
    let unknown: InstanceId = "i-ffffffff".parse().unwrap();
    let error = node.peer.call(Console { instance: unknown.clone() }).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInstanceIdNotFound);
    node.peer.call(Terminate { instance: unknown }).await.unwrap();

    node.peer.call(Terminate { instance: second.clone() }).await.unwrap();
    until(&node.peer, "the second is gone", |r| state(r, &second) == Some(MachineState::Gone))
        .await;

    // What it is by its profile is kept as closely as all else, and shown without its secrets.
    let role = |revision, secret: &str| SetInstanceRole {
        instance: first.clone(),
        role: InstanceRole {
            revision,
            made_of: "x".to_owned(),
            profile: Some(ProfileSpec {
                arn: "arn".to_owned(),
                id: "AIPA1".to_owned(),
                updated: Timestamp::EPOCH,
                exists: true,
                role: Some(RoleSpec {
                    name: "reader".to_owned(),
                    credentials: Delivered::Given(RoleCredentials {
                        access_key: "ASIA1".to_owned(),
                        secret: secret.to_owned(),
                        token: "s3cr3t-t0k3n".to_owned(),
                        issued: Timestamp::EPOCH,
                        expires: Timestamp::from_secs(5),
                    }),
                }),
            }),
        },
    };
    node.peer.call(role(2, "s3cr3t-key")).await.unwrap();
    node.peer.call(role(1, "older")).await.unwrap();
    let known =
        RoleView { revision: 2, made_of: "x".to_owned(), until: Some(Timestamp::from_secs(5)) };
    let shown = until(&node.peer, "the role is known", |report| {
        view(report, &first).is_some_and(|view| view.role == known)
    })
    .await;
    assert!(!format!("{shown:?}").contains("s3cr3t"));
    let place = folder.path().join("instances").join(first.as_str());
    let kept = || std::fs::read_to_string(place.join("spec.json"));
    assert!(kept().unwrap().contains("s3cr3t-key") && !kept().unwrap().contains("older"));
    let mode = place.join("spec.json").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let unknown = SetInstanceRole { instance: "i-ffffffff".parse().unwrap(), ..role(1, "") };
    node.peer.call(unknown).await.unwrap();

    // Stopped while somebody waits for news, it answers and goes; machines go on.
    let last = until(&node.peer, "a report", |_| true).await;
    let ask = Report { session: last.session.clone(), since: last.revision, wait_ms: 60_000 };
    let peer = node.peer.clone();
    let waiting = runtime::pool::spawn(async move {
        let _ = peer.call_patiently(ask, std::time::Duration::from_secs(61)).await;
    });
    let begin = std::time::Instant::now();
    node.server.stop().await;
    waiting.await.unwrap();
    assert!(begin.elapsed() < std::time::Duration::from_secs(30), "it waited for no news");
    drop(node.sim);

    let node = start(folder.path()).await.unwrap();
    let report = until(&node.peer, "a report", |_| true).await;
    assert_ne!(report.session, last.session);
    assert_eq!(state(&report, &first), Some(MachineState::Running));
    assert_eq!(state(&report, &second), Some(MachineState::Gone));
    assert_eq!(view(&report, &first).unwrap().role, known);
    // A wish without it takes nothing away.
    node.peer.call(one).await.unwrap();
    assert!(kept().unwrap().contains("s3cr3t-key"));
    node.peer.call(Terminate { instance: first.clone() }).await.unwrap();
    until(&node.peer, "the first is gone", |r| state(r, &first) == Some(MachineState::Gone)).await;
    assert!(kept().is_err(), "it goes with the instance");
    node.server.stop().await;
}
