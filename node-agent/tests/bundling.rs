//! The disks of played machines saved as bundles: asked for over the agent's listener, sent to a
//! store that breaks, refuses or stays silent as it is told, cancelled at every moment, and gone on
//! with by the next agent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bundle::{Limits, Manifest, Part, PlainSink, PrivateKey, Recipient, Signed};
use common::error::{ApiError, ErrorCode};
use common::id::{BundleTaskId, InstanceId};
use common::time::Timestamp;
use common::wire::bundling::{
    BundlePlace, BundleSpec, BundleState, BundleTicket, BundleView, CancelBundle, ForgetBundle,
    Quiesce, Rest, StartBundle,
};
use common::wire::node::{Adjust, MachineState, Node, NodeReport, Report, Run, Terminate};
use common::wire::spec::{Power, PowerSpec};
use common::wire::walrus::{ImageTicket, Layout};
use node_agent::config::{Config, DriverKind};
use node_agent::hypervisor::layer::COPY;
use node_agent::hypervisor::sim::{Sim, SimControl, SimMode, SimStep};
use node_agent::server::Server;
use runtime::clock::Clock;
use runtime::envelope::PeerKey;
use runtime::peer::Peer;
use runtime::transport::Transport;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];

/// Bytes of the disk: more than the image has.
const DISK: usize = 1 << 20;

fn image() -> Vec<u8> {
    (0..300_000_usize).map(|at| u8::try_from(at * at % 251).unwrap()).collect()
}

/// What the store does with the next pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Keeps,
    /// So many connections are lost before an answer.
    Breaks(u32),
    /// The ticket of the next piece has expired by walrus' clock.
    Expires,
    /// Pieces are neither answered nor kept; their connections are lost when the mood changes.
    Holds,
    /// Pieces are refused.
    Refuses,
}

/// Stands for walrus: keeps pieces by their names, and serves the image.
#[derive(Clone)]
struct Store(Arc<(Mutex<Kept>, Condvar)>, String);

struct Kept {
    mood: Mood,
    pieces: BTreeMap<String, Vec<u8>>,
    waiting: u32,
}

impl Store {
    fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept { mood: Mood::Keeps, pieces: BTreeMap::new(), waiting: 0 };
        let store = Self(Arc::new((Mutex::new(kept), Condvar::new())), url);
        let serving = store.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (store, stream) = (serving.clone(), stream.unwrap());
                std::thread::spawn(move || store.serve(stream));
            }
        });
        store
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.1)
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut read = BufReader::new(stream.try_clone().ok()?);
        let mut write = stream;
        loop {
            let (mut line, mut length) = (String::new(), 0);
            read.read_line(&mut line).ok().filter(|got| *got > 0)?;
            let path = line.split(' ').nth(1)?.to_owned();
            loop {
                let mut header = String::new();
                read.read_line(&mut header).ok()?;
                let header = header.to_ascii_lowercase();
                match header.trim_end().split_once(": ") {
                    Some(("content-length", value)) => length = value.parse().ok()?,
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; length];
            read.read_exact(&mut body).ok()?;
            let (status, answer) = match path.as_str() {
                "/image" => ("200 OK", image()),
                piece => self.take(piece, body)?,
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", answer.len());
            write.write_all(&[head.as_bytes(), &answer].concat()).ok()?;
        }
    }

    fn take(&self, path: &str, body: Vec<u8>) -> Option<(&'static str, Vec<u8>)> {
        let mut kept = self.0.0.lock().unwrap();
        kept.waiting += 1;
        self.0.1.notify_all();
        let held = kept.mood == Mood::Holds;
        kept = self.0.1.wait_while(kept, |kept| kept.mood == Mood::Holds).unwrap();
        kept.waiting -= 1;
        self.0.1.notify_all();
        if held {
            return None;
        }
        match kept.mood {
            Mood::Breaks(times) => {
                kept.mood = if times > 1 { Mood::Breaks(times - 1) } else { Mood::Keeps };
                None
            }
            Mood::Expires => {
                kept.mood = Mood::Keeps;
                let error = ApiError::new(ErrorCode::RequestExpired, "too late");
                Some(("400 Bad Request", serde_json::to_vec(&error).unwrap()))
            }
            Mood::Refuses => {
                let error = ApiError::new(ErrorCode::QuotaExceeded, "no room for that");
                Some(("403 Forbidden", serde_json::to_vec(&error).unwrap()))
            }
            _ => {
                kept.pieces.insert(path.to_owned(), body);
                Some(("200 OK", Vec::new()))
            }
        }
    }

    fn mood(&self, mood: Mood) {
        self.0.0.lock().unwrap().mood = mood;
        self.0.1.notify_all();
    }

    /// Waits until a piece waits for its answer.
    async fn until_waiting(&self) {
        self.until_waited(1).await;
    }

    /// Waits until that many pieces wait, or were waiting when their agent ended.
    async fn until_waited(&self, pieces: u32) {
        let store = self.0.clone();
        let waited = runtime::pool::block(move || {
            let kept = store.0.lock().unwrap();
            let patience = Duration::from_secs(20);
            let waited = store.1.wait_timeout_while(kept, patience, |kept| kept.waiting < pieces);
            !waited.unwrap().1.timed_out()
        });
        assert!(waited.await.unwrap(), "nothing came");
    }

    /// Waits until no piece waits any more.
    async fn until_idle(&self) {
        let store = self.0.clone();
        let waited = runtime::pool::block(move || {
            let kept = store.0.lock().unwrap();
            let patience = Duration::from_secs(20);
            let waited = store.1.wait_timeout_while(kept, patience, |kept| kept.waiting > 0);
            !waited.unwrap().1.timed_out()
        });
        assert!(waited.await.unwrap(), "a piece waits still");
    }

    fn is_empty(&self) -> bool {
        self.0.0.lock().unwrap().pieces.is_empty()
    }

    /// The image in the bundle that was stored, opened as its cloud opens it.
    fn opened(&self, ticket: &str) -> (Manifest, Vec<u8>) {
        let pieces = self.0.0.lock().unwrap().pieces.clone();
        let manifest = &pieces[&format!("{ticket}/manifest")];
        let manifest = Manifest::parse(manifest, &Limits::default()).unwrap();
        let private = PrivateKey::from_pem(golden("cloud-pk8.pem").as_bytes()).unwrap();
        let key = manifest.symmetric_key(Recipient::Cloud, &private).unwrap();
        let (ticket, mut image) = (ticket.to_owned(), Vec::new());
        let mut source =
            |index: usize, _: &Part| -> std::io::Result<Box<dyn std::io::Read + Send>> {
                let part = pieces[&format!("{ticket}/part/{index}")].clone();
                Ok(Box::new(std::io::Cursor::new(part)))
            };
        let mut sink = PlainSink(&mut image);
        bundle::unbundle(&manifest, &key, &mut source, &mut sink, &mut |_| {}).unwrap();
        (manifest, image)
    }
}

fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/golden/keys");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A host with an agent on it.
struct Host {
    folder: TempDir,
    store: Store,
    server: Option<Server>,
    peer: Option<Peer<Node>>,
    control: SimControl,
}

impl Host {
    async fn new() -> Self {
        let mut host = Self {
            folder: tempfile::tempdir().unwrap(),
            store: Store::open(),
            server: None,
            peer: None,
            control: Sim::default().control(),
        };
        host.start().await;
        host
    }

    async fn start(&mut self) {
        let config = Config {
            name: "node-1".to_owned(),
            data_dir: self.folder.path().to_owned(),
            driver: DriverKind::Sim,
            cpus: 4,
            memory_mib: 1024,
            disk_mib: 4096,
            free_space_reserve_mb: 0,
            shutdown_grace_seconds: 1,
            ..Config::default()
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let sim = Sim::new(SimMode::Automatic);
        self.control = sim.control();
        let (key, clock) = (PeerKey::new(KEY), Clock::system());
        let server = Server::start_played(config, listener, key.clone(), clock.clone(), sim).await;
        let server = server.unwrap();
        let url = format!("http://{}", server.internal_address());
        self.server = Some(server);
        self.peer = Some(Peer::there(Transport::new(&url, key, clock)));
    }

    async fn restart(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        self.start().await;
    }

    fn peer(&self) -> &Peer<Node> {
        self.peer.as_ref().unwrap()
    }

    /// Runs an instance whose guest has written something to its disk.
    async fn run(&self, number: u8) -> InstanceId {
        let run = self.wish(number);
        let instance = run.spec.instance.clone();
        self.peer().call(run).await.unwrap();
        self.until_is(&instance, MachineState::Running).await;
        self.control.write(&instance, 3, &[number; 8192]).unwrap();
        instance
    }

    /// The disk of that instance as a bundle must hold it.
    fn expected(number: u8) -> Vec<u8> {
        let mut disk = image();
        disk.resize(DISK, 0);
        disk[3 * 4096..5 * 4096].fill(number);
        disk
    }

    fn wish(&self, number: u8) -> Run {
        let sha256 = hex::encode(Sha256::digest(image()));
        let size = image().len();
        let image = |id: &str| serde_json::json!({ "image": id, "sha256": sha256, "size": size });
        let spec = serde_json::json!({
            "instance": format!("i-0000000{number}"),
            "generation": 1,
            "account": "123456789012",
            "cpus": 1,
            "memory_mib": 64,
            "root": { "image": image("emi-00000001"), "size": DISK },
            "boot": { "kernel": null, "ramdisk": null },
            "network": {
                "mac": format!("d0:0d:00:00:00:0{number}"), "address": format!("10.111.0.1{number}"),
            },
            "metadata": {
                "image": "emi-00000001", "manifest_path": "b/k", "kernel": null, "ramdisk": null,
                "ancestors": [], "product_codes": [], "reservation": "r-00000001",
                "launch_index": 0, "instance_type": "m1.small", "zone": "eucalyptus-1a",
                "region": "eucalyptus", "key": null, "security_groups": [], "launched": 0,
            },
        });
        let ticket = ImageTicket {
            url: self.store.url("/image"),
            sha256,
            size: size as u64,
            expires: Timestamp::from_millis(i64::MAX),
            layout: Layout::Bare,
        };
        Run { spec: serde_json::from_value(spec).unwrap(), tickets: vec![ticket] }
    }

    fn power(instance: &InstanceId, generation: u64, wanted: Power) -> Adjust {
        let power = PowerSpec { wanted, ..PowerSpec::default() };
        Adjust { instance: instance.clone(), generation, power }
    }

    fn start_bundle(&self, task: u8, instance: &InstanceId, quiesce: Quiesce) -> StartBundle {
        let bundle = BundleSpec {
            task: id(task),
            instance: instance.clone(),
            quiesce,
            account: "123456789012".parse().unwrap(),
            place: BundlePlace::new("buck".parse().unwrap(), "folder/saved").unwrap(),
            architecture: "x86_64".to_owned(),
            kernel: Some("eki-00000001".parse().unwrap()),
            ramdisk: None,
            mappings: vec![("ami".to_owned(), "sda1".to_owned())],
            product_codes: vec!["code".to_owned()],
            ancestry: vec!["emi-00000001".to_owned()],
            cloud_certificate: golden("cloud-cert.pem"),
            user_certificate: Some(golden("user-cert.pem")),
        };
        let url = self.store.url(&format!("/t{task}"));
        StartBundle {
            bundle,
            ticket: BundleTicket { url, expires: Timestamp::from_millis(i64::MAX) },
        }
    }

    async fn bundle(&self, task: u8, instance: &InstanceId, quiesce: Quiesce) {
        self.peer().call(self.start_bundle(task, instance, quiesce)).await.unwrap();
    }

    /// Follows the reports, as the clc does, until one says what is waited for.
    async fn until(&self, what: &str, is: impl Fn(&NodeReport) -> bool) -> NodeReport {
        let mut ask = Report { session: String::new(), since: 0, wait_ms: 5_000 };
        for _ in 0..60 {
            let report = self.peer().call_patiently(ask, Duration::from_secs(6)).await.unwrap();
            if is(&report) {
                return report;
            }
            ask = Report { session: report.session, since: report.revision, wait_ms: 5_000 };
        }
        panic!("never: {what}");
    }

    async fn until_is(&self, instance: &InstanceId, state: MachineState) {
        let is = |report: &NodeReport| {
            report.instances.iter().any(|view| view.instance == *instance && view.state == state)
        };
        self.until(&format!("{instance} is {state:?}"), is).await;
    }

    async fn until_task(
        &self,
        task: u8,
        what: &str,
        is: impl Fn(&BundleState) -> bool,
    ) -> BundleView {
        let of = |report: &NodeReport| {
            report.bundles.iter().find(|view| view.task == id(task) && is(&view.state)).cloned()
        };
        of(&self.until(what, |report| of(report).is_some()).await).unwrap()
    }

    async fn until_over(&self, task: u8) -> BundleView {
        self.until_task(task, "it ends", BundleState::is_over).await
    }

    async fn until_bundling(&self, task: u8) {
        let bundling = |state: &BundleState| matches!(state, BundleState::Bundling { .. });
        self.until_task(task, "it bundles", bundling).await;
    }

    /// Waits until a copy of its disk is there, or on its way.
    async fn until_copied(&self, instance: &InstanceId) {
        let copy = self.copy_of(instance);
        let looks = async {
            while !copy.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looks).await.unwrap();
    }

    fn copy_of(&self, instance: &InstanceId) -> PathBuf {
        self.folder.path().join("instances").join(instance.as_str()).join(COPY)
    }

    fn notes(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("bundles")).unwrap().count()
    }
}

fn id(task: u8) -> BundleTaskId {
    format!("bun-0000000{task}").parse().unwrap()
}

fn on_a_host<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    runtime::boot::in_system(test()).unwrap();
}

#[test]
fn a_disk_is_saved_as_it_was_while_its_guest_goes_on() {
    on_a_host(|| async {
        let host = Host::new().await;
        let instance = host.run(1).await;
        host.bundle(1, &instance, Quiesce::Live).await;
        host.bundle(1, &instance, Quiesce::Live).await;
        let over = host.until_over(1).await;
        assert_eq!((over.state, over.rest), (BundleState::Complete, Some(Rest::Paused)));
        let (manifest, disk) = host.store.opened("/t1");
        assert!(disk == Host::expected(1), "{} bytes", disk.len());
        assert_eq!((manifest.name.as_str(), manifest.user.as_str()), ("saved", "123456789012"));
        assert_eq!(manifest.kernel(), Some("eki-00000001"));
        assert_eq!(manifest.product_codes, ["code"]);
        assert_eq!(manifest.ancestry, ["emi-00000001"]);
        assert_eq!(manifest.block_device_mapping[0].device, "sda1");
        assert_eq!(manifest.verify(&[]), Signed::Unsigned);
        let user = PrivateKey::from_pem(golden("user-pk.pem").as_bytes()).unwrap();
        assert!(manifest.symmetric_key(Recipient::User, &user).is_ok());
        assert!(!host.copy_of(&instance).exists());

        // A wish that comes late changes nothing.
        host.bundle(1, &instance, Quiesce::Live).await;
        host.peer().call(CancelBundle { task: id(1) }).await.unwrap();
        assert_eq!(host.until_over(1).await.state, BundleState::Complete);
        host.peer().call(ForgetBundle { task: id(1) }).await.unwrap();
        host.peer().call(ForgetBundle { task: id(1) }).await.unwrap();
        host.until("it is forgotten", |report| report.bundles.is_empty()).await;
        assert_eq!(host.notes(), 0);

        // With an agent in the guest, and connections that break.
        host.control.agent(true);
        host.store.mood(Mood::Breaks(3));
        host.control.write(&instance, 3, &[9; 8192]).unwrap();
        host.bundle(2, &instance, Quiesce::Live).await;
        let over = host.until_over(2).await;
        assert_eq!((over.state, over.rest), (BundleState::Complete, Some(Rest::Flushed)));
        assert!(host.store.opened("/t2").1 == Host::expected(9));

        // With a clock that is behind walrus'.
        host.store.mood(Mood::Expires);
        host.bundle(3, &instance, Quiesce::Live).await;
        assert_eq!(host.until_over(3).await.state, BundleState::Complete);
    });
}

#[test]
fn a_machine_that_is_off_is_copied_as_it_lies_and_stays_off_meanwhile() {
    on_a_host(|| async {
        let host = Host::new().await;
        let instance = host.run(1).await;
        host.peer().call(Host::power(&instance, 2, Power::Off)).await.unwrap();
        host.until_is(&instance, MachineState::Stopped).await;
        host.control.hold_copies(true);
        host.bundle(1, &instance, Quiesce::Restart).await;
        host.until_copied(&instance).await;
        host.peer().call(Host::power(&instance, 3, Power::On)).await.unwrap();
        host.until_is(&instance, MachineState::Preparing).await;
        host.control.hold_copies(false);
        let over = host.until_over(1).await;
        assert_eq!((over.state, over.rest), (BundleState::Complete, Some(Rest::Off)));
        assert!(host.store.opened("/t1").1 == Host::expected(1));
        host.until_is(&instance, MachineState::Running).await;
    });
}

#[test]
fn a_guest_is_shut_down_for_it_and_started_again() {
    on_a_host(|| async {
        let host = Host::new().await;
        let instance = host.run(1).await;
        // One listens, the other must be switched off.
        let table = [(1, false, Rest::Restarted), (2, true, Rest::Interrupted)];
        for (task, deaf, told) in table {
            host.control.deaf(deaf);
            host.bundle(task, &instance, Quiesce::Restart).await;
            let over = host.until_over(task).await;
            assert_eq!((over.state, over.rest), (BundleState::Complete, Some(told)));
            assert!(host.store.opened(&format!("/t{task}")).1 == Host::expected(1));
            host.until_is(&instance, MachineState::Running).await;
        }
        assert_eq!(host.control.asked(), 2);
    });
}

#[test]
fn what_walrus_refuses_and_what_cannot_be_copied_fails_with_its_reason() {
    on_a_host(|| async {
        let host = Host::new().await;
        let instance = host.run(1).await;
        let failed = |view: BundleView| match view.state {
            BundleState::Failed { code, reason } => (code, reason),
            other => panic!("{other:?}"),
        };
        host.store.mood(Mood::Refuses);
        host.bundle(1, &instance, Quiesce::Live).await;
        let (code, reason) = failed(host.until_over(1).await);
        assert_eq!((code.as_str(), reason.as_str()), ("QuotaExceeded", "no room for that"));
        assert!(!host.copy_of(&instance).exists());

        host.store.mood(Mood::Keeps);
        host.control.fail_next(SimStep::Copy, "no luck");
        host.bundle(2, &instance, Quiesce::Live).await;
        let (code, reason) = failed(host.until_over(2).await);
        assert!(code == "InternalError" && reason.ends_with("no luck"), "{code}: {reason}");

        let unknown: InstanceId = "i-ffffffff".parse().unwrap();
        let error = host.peer().call(host.start_bundle(3, &unknown, Quiesce::Live)).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidInstanceIdNotFound);

        host.control.hold_copies(true);
        host.bundle(4, &instance, Quiesce::Live).await;
        host.until_bundling(4).await;
        let second = host.peer().call(host.start_bundle(5, &instance, Quiesce::Live)).await;
        assert_eq!(second.unwrap_err().code(), ErrorCode::BundlingInProgress);
        host.peer().call(Terminate { instance: instance.clone() }).await.unwrap();
        let (code, reason) = failed(host.until_over(4).await);
        assert_eq!(code, "InstanceTerminated");
        assert!(reason.contains("terminated"), "{reason}");
        host.until_is(&instance, MachineState::Gone).await;
        assert!(host.store.is_empty());
    });
}

#[test]
fn a_cancel_leaves_nothing_wherever_it_comes() {
    on_a_host(|| async {
        let host = Host::new().await;
        let instance = host.run(1).await;
        host.peer().call(CancelBundle { task: id(9) }).await.unwrap();
        assert_eq!(host.until_over(9).await.state, BundleState::Cancelled);
        host.bundle(9, &instance, Quiesce::Live).await;
        assert!(host.store.is_empty(), "it was cancelled before it was heard of");

        host.control.hold_copies(true);
        host.bundle(1, &instance, Quiesce::Live).await;
        host.until_copied(&instance).await;
        host.peer().call(CancelBundle { task: id(1) }).await.unwrap();
        assert_eq!(host.until_over(1).await.state, BundleState::Cancelled);
        host.control.hold_copies(false);

        host.store.mood(Mood::Holds);
        host.bundle(2, &instance, Quiesce::Live).await;
        host.store.until_waiting().await;
        assert!(host.copy_of(&instance).exists());
        host.peer().call(CancelBundle { task: id(2) }).await.unwrap();
        assert_eq!(host.until_over(2).await.state, BundleState::Cancelled);
        assert!(!host.copy_of(&instance).exists());

        // And the instance can be saved all the same.
        host.store.mood(Mood::Keeps);
        host.bundle(3, &instance, Quiesce::Live).await;
        assert_eq!(host.until_over(3).await.state, BundleState::Complete);
        host.until_is(&instance, MachineState::Running).await;
    });
}

#[test]
fn a_task_is_given_up_when_four_agents_have_ended_over_it() {
    on_a_host(|| async {
        let mut host = Host::new().await;
        let instance = host.run(1).await;
        for (task, agents) in [(1, 3), (2, 4)] {
            host.store.mood(Mood::Holds);
            host.bundle(task, &instance, Quiesce::Live).await;
            for agent in 1..=agents {
                host.store.until_waited(agent).await;
                host.restart().await;
            }
            if task == 1 {
                host.store.until_waited(4).await;
                host.store.mood(Mood::Keeps);
                assert_eq!(host.until_over(task).await.state, BundleState::Complete);
                host.store.until_idle().await;
            } else {
                let BundleState::Failed { reason, .. } = host.until_over(task).await.state else {
                    panic!("it was begun for a fifth time");
                };
                assert!(reason.contains("4 times"), "{reason}");
            }
        }
    });
}

#[test]
fn the_next_agent_goes_on_where_the_last_one_ended() {
    on_a_host(|| async {
        let mut host = Host::new().await;
        let instance = host.run(1).await;
        host.control.hold_copies(true);
        host.bundle(1, &instance, Quiesce::Live).await;
        host.until_copied(&instance).await;
        host.restart().await;
        let over = host.until_over(1).await;
        assert_eq!((over.state, over.rest), (BundleState::Complete, Some(Rest::Paused)));
        assert!(host.store.opened("/t1").1 == Host::expected(1));

        // With its copy there it is not copied again: the guest may write on.
        host.store.mood(Mood::Holds);
        host.bundle(2, &instance, Quiesce::Live).await;
        host.store.until_waiting().await;
        host.control.write(&instance, 3, &[7; 8192]).unwrap();
        host.restart().await;
        host.store.mood(Mood::Keeps);
        assert_eq!(host.until_over(2).await.state, BundleState::Complete);
        assert!(host.store.opened("/t2").1 == Host::expected(1));
        assert!(!host.copy_of(&instance).exists());

        // Ends are told until they are forgotten.
        host.restart().await;
        for task in [1, 2] {
            assert_eq!(host.until_over(task).await.state, BundleState::Complete);
            host.peer().call(ForgetBundle { task: id(task) }).await.unwrap();
        }
        host.until("all is forgotten", |report| report.bundles.is_empty()).await;
        assert_eq!(host.notes(), 0);
    });
}
