//! A walrus of its own for each test: temporary directory, port 0, three people and their keys. It
//! runs in the test's own process, or as a process of its own that can be killed.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::error::ApiError;
use common::sign::{Credentials, Headers, PayloadCheck, Request, sign_s3_v2, sign_s3_v4};
use common::time::Timestamp;
use common::wire::Message;
use common::wire::identity::{
    Certificates, FindCertificates, FollowIdentity, Identity, KeyUse, NoteKeyUse,
};
use common::wire::upkeep::{ListRegistered, Registered, RegisteredPage};
use common::wire::walrus::{BundleRef, InstallBundleKey, Walrus};
use runtime::boot::in_system;
use runtime::clock::Clock;
use runtime::config::print;
use runtime::dispatcher::Dispatcher;
use runtime::endpoint::Endpoint;
use runtime::envelope::PeerKey;
use runtime::listen::{Limits, listen};
use runtime::metrics::Metrics;
use runtime::peer::Peer;
use runtime::roster::Roster;
use runtime::transport::Transport;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot;
use walrus::config::Config;
use walrus::server::Server;

use crate::feed::Feed;
use crate::http::{Reply, Sent, send};

/// The administrator's account: that of the golden bundles.
pub(crate) const ROOT: &str = "000000000001";
pub(crate) const ALICE: &str = "111111111111";
pub(crate) const BOB: &str = "222222222222";
/// A certificate whose private half nobody has.
pub(crate) const NEWER: &str = include_str!("../data/newer-cert.pem");
/// What the services share.
const PEER_KEY: [u8; 32] = [7; 32];

/// The text of a golden key or certificate.
pub(crate) fn golden_key(name: &str) -> String {
    std::fs::read_to_string(golden().join("keys").join(name)).unwrap()
}

/// Where the golden bundles lie.
pub(crate) fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/golden")
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Root,
    Alice,
    Bob,
    /// A user of Alice's, who is not there before a test tells of him.
    Carol,
}

impl Who {
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::Nobody => "",
            Self::Root => ROOT,
            Self::Alice | Self::Carol => ALICE,
            Self::Bob => BOB,
        }
    }

    pub(crate) fn user(self) -> &'static str {
        if self == Self::Carol { "carol" } else { "admin" }
    }

    /// The name of the account.
    pub(crate) fn alias(self) -> String {
        let owner = if self == Self::Carol { Self::Alice } else { self };
        format!("{owner:?}").to_lowercase()
    }

    pub(crate) fn credentials(self) -> (String, String) {
        let of = match self {
            Self::Carol => "CAROL",
            other => other.account(),
        };
        (format!("AKI{of}"), format!("secret of {of}"))
    }
}

/// What a clc knows.
#[derive(Clone)]
struct Known {
    registered: Arc<Mutex<Vec<Registered>>>,
    uses: Arc<Mutex<Vec<KeyUse>>>,
    feed: Feed,
}

fn identity(known: &Known) -> Dispatcher<Identity> {
    let (registry, feed) = (Arc::clone(&known.registered), known.feed.clone());
    let uses = Arc::clone(&known.uses);
    Dispatcher::new()
        .with(move |asked: FollowIdentity| {
            let feed = feed.clone();
            async move { feed.follow(asked).await }
        })
        .with(move |asked: NoteKeyUse| {
            uses.lock().unwrap().extend(asked.uses);
            async { Ok(()) }
        })
        .with(|asked: FindCertificates| async move {
            let known = [ROOT, ALICE, BOB].contains(&asked.account.as_str());
            // Bob has no certificate of his own, and Alice a newer one than that she signs with.
            let pem = match asked.account.as_str() {
                ROOT => vec![golden_key("user-cert.pem")],
                ALICE => vec![NEWER.to_owned(), golden_key("user-cert.pem")],
                _ => Vec::new(),
            };
            Ok::<_, ApiError>(Certificates { known, pem })
        })
        .with(move |asked: ListRegistered| {
            let mut images = registry.lock().unwrap().clone();
            images.retain(|image| asked.after.as_ref().is_none_or(|after| image.id > *after));
            images.sort_by(|one, other| one.id.cmp(&other.id));
            // Pages are small, so that there are several.
            let more = images.len() > 2;
            images.truncate(2);
            async move { Ok(RegisteredPage { images, more, allow_unsigned: false }) }
        })
}

/// A clc on a socket, as far as walrus asks it: for a walrus that is a process of its own.
struct Clc {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clc {
    fn start(known: &Known, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (known, (stop, stopped)) = (known.clone(), oneshot::channel::<()>());
        let thread = std::thread::spawn(move || {
            in_system(async {
                let (clock, key) = (Clock::system(), PeerKey::new(PEER_KEY));
                let endpoint = Endpoint::new(key, clock, Roster::default(), Metrics::default())
                    .service(Arc::new(identity(&known)));
                let limits = Limits { workers: 1, ..Limits::default() };
                let listening = listen(listener, &limits, Arc::new(endpoint)).unwrap();
                drop(stopped.await);
                listening.stop().await;
            })
            .unwrap();
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Clc {
    fn end(&mut self) -> Option<std::thread::Result<()>> {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for Clc {
    fn drop(&mut self) {
        drop(self.end());
    }
}

/// How walrus runs.
enum Runs {
    Not,
    Here(oneshot::Sender<()>, JoinHandle<()>),
    Apart(Child),
}

/// A walrus that runs.
pub(crate) struct World {
    /// Removed at the end.
    _dir: TempDir,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    config: Config,
    known: Known,
    /// For a walrus that is a process of its own.
    clc: Option<Clc>,
    runs: Runs,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::raise(change, false)
    }

    /// A walrus that is a process of its own.
    pub(crate) fn program(change: impl FnOnce(&mut Config)) -> Self {
        Self::raise(change, true)
    }

    fn raise(change: impl FnOnce(&mut Config), apart: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: dir.path().join("walrus"),
            free_space_reserve_mb: 0,
            ..Config::default()
        };
        change(&mut config);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let known = Known { registered: Arc::default(), uses: Arc::default(), feed: Feed::new() };
        let clc = apart.then(|| Clc::start(&known, nowhere));
        if let Some(clc) = &clc {
            config.peer_key_file = dir.path().join("peer.key");
            config.clc.url = format!("http://{}", clc.address);
            (config.listen, config.internal_listen) = (nowhere, nowhere);
            let mut options = std::fs::OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            options.open(&config.peer_key_file).unwrap().write_all(&PEER_KEY).unwrap();
        }
        let mut world = Self {
            _dir: dir,
            public: nowhere,
            internal: nowhere,
            config,
            known,
            clc,
            runs: Runs::Not,
        };
        world.start();
        world
    }

    pub(crate) fn start(&mut self) {
        match self.clc {
            Some(_) => self.start_apart(),
            None => self.start_here(),
        }
    }

    /// The program with this world's configuration, and more of it by the environment.
    pub(crate) fn command(&self) -> Command {
        let file = self.data().with_extension("toml");
        std::fs::write(&file, print(&self.config).unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_walrus"));
        command.arg("--config").arg(file).stdin(Stdio::null());
        command
    }

    fn start_apart(&mut self) {
        let log = self.data().with_extension("log");
        let file = std::fs::File::create(&log).unwrap();
        let child = self.command().stdout(Stdio::null()).stderr(file).spawn().unwrap();
        self.runs = Runs::Apart(child);
        let mut found = None;
        wait("walrus is up", || {
            let text = std::fs::read_to_string(&log).unwrap();
            let line = text.lines().find(|line| line.contains("walrus is up"));
            let word = |line: &str, name: &str| {
                let rest = line.split_once(name)?.1;
                rest.split(' ').next()?.parse().ok()
            };
            found = line.and_then(|line| Some((word(line, "s3=")?, word(line, "internal=")?)));
            found.is_some()
        });
        (self.public, self.internal) = found.unwrap();
    }

    fn start_here(&mut self) {
        let bind = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listeners = (bind(), bind());
        self.public = listeners.0.local_addr().unwrap();
        self.internal = listeners.1.local_addr().unwrap();
        let config = self.config.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (up, is_up) = std::sync::mpsc::channel();
        let identity = Peer::here(Arc::new(identity(&self.known)));
        let thread = std::thread::spawn(move || {
            in_system(async {
                let key = PeerKey::new(PEER_KEY);
                let server = Server::start(config, listeners, identity, key, Clock::system()).await;
                let server = server.unwrap();
                up.send(()).unwrap();
                drop(stopped.await);
                server.stop().await;
            })
            .unwrap();
        });
        self.runs = Runs::Here(stop, thread);
        is_up.recv().expect("walrus starts");
    }

    /// Stops walrus and waits until it has let go of its files.
    pub(crate) fn stop(&mut self) {
        match std::mem::replace(&mut self.runs, Runs::Not) {
            Runs::Not => {}
            Runs::Here(stop, thread) => {
                drop(stop);
                thread.join().unwrap();
            }
            // A process gets no chance to tidy up.
            Runs::Apart(mut child) => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }

    /// Kills the process, wherever it is; [`World::stop`] waits for its end.
    pub(crate) fn kill(&self) {
        let Runs::Apart(child) = &self.runs else { panic!("it is no process of its own") };
        let killed = Command::new("kill").args(["-9", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Who there is.
    pub(crate) fn feed(&self) -> &Feed {
        &self.known.feed
    }

    /// The ids of the access keys of whose use the clc was told.
    pub(crate) fn used_keys(&self) -> Vec<String> {
        let mut used: Vec<_> =
            self.known.uses.lock().unwrap().iter().map(|one| one.id.clone()).collect();
        used.sort();
        used
    }

    /// Ends the clc of a walrus that is a process of its own.
    pub(crate) fn end_clc(&mut self) {
        drop(self.clc.as_mut().expect("it has one").end());
    }

    /// Starts it again where it was.
    pub(crate) fn start_clc(&mut self) {
        let address = self.clc.as_ref().expect("it has one").address;
        self.clc = Some(Clc::start(&self.known, address));
    }

    /// Notes an image with the clc.
    pub(crate) fn register(&self, id: &str, bundle: &BundleRef, sha256: Option<&str>) {
        self.known.registered.lock().unwrap().push(Registered {
            id: id.parse().unwrap(),
            account: ROOT.parse().unwrap(),
            bundle: bundle.clone(),
            sha256: sha256.map(str::to_owned),
            failed: None,
        });
    }

    pub(crate) fn data(&self) -> &Path {
        &self.config.data_dir
    }

    /// Sends the head of a request, signed.
    pub(crate) fn begin(
        &self,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Sent {
        let mut all: Vec<(String, String)> = vec![("host".into(), self.public.to_string())];
        all.extend(headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if who != Who::Nobody {
            let (id, secret) = who.credentials();
            let credentials = Credentials { access_key_id: &id, secret: &secret };
            let signed: Headers = all.iter().map(|(n, v)| (n, v)).collect();
            let request = Request::new(method, path, query, &signed);
            let added = sign_s3_v2(credentials, &request, Clock::system().now());
            all.extend(added.into_iter().map(|(n, v)| (n.to_owned(), v)));
        }
        send(self.public, method, target, &all)
    }

    /// A request signed by version 2.
    pub(crate) fn call(
        &self,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        if method == "PUT" || !body.is_empty() {
            headers.push(("content-length", &length));
        }
        let mut sent = self.begin(who, method, target, &headers);
        sent.write(body);
        sent.read()
    }

    pub(crate) fn get(&self, who: Who, target: &str) -> Reply {
        self.call(who, "GET", target, &[], b"")
    }

    pub(crate) fn put(&self, who: Who, target: &str, body: &[u8]) -> Reply {
        self.call(who, "PUT", target, &[], body)
    }

    /// A request signed by version 4, with the body's hash or with a given one.
    pub(crate) fn call_v4(
        &self,
        who: Who,
        (method, target): (&str, &str),
        body: &[u8],
        payload: Option<PayloadCheck>,
        now: Timestamp,
    ) -> Reply {
        let mut all: Vec<(String, String)> = vec![
            ("host".into(), self.public.to_string()),
            ("content-length".into(), body.len().to_string()),
        ];
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (id, secret) = who.credentials();
        let credentials = Credentials { access_key_id: &id, secret: &secret };
        let signed: Headers = all.iter().map(|(n, v)| (n, v)).collect();
        let request = Request::new(method, path, query, &signed);
        let payload = payload.unwrap_or_else(|| PayloadCheck::Sha256(Sha256::digest(body).into()));
        let added = sign_s3_v4(credentials, &request, "eucalyptus", payload, now).unwrap();
        all.extend(added.into_iter().map(|(n, v)| (n.to_owned(), v)));
        let mut sent = send(self.public, method, target, &all);
        sent.write(body);
        sent.read()
    }

    /// Asks walrus as the clc does.
    pub(crate) fn ask<M: Message<Service = Walrus>>(
        &self,
        message: M,
    ) -> Result<M::Reply, ApiError> {
        ask_at(self.internal, message)
    }

    /// Hands the golden cloud's key over, as the clc does at its start.
    pub(crate) fn install_key(&self) {
        self.ask(InstallBundleKey {
            certificate: golden_key("cloud-cert.pem"),
            private_key: golden_key("cloud-pk8.pem"),
        })
        .unwrap();
    }

    /// The files under a directory of the data directory, however deep.
    pub(crate) fn files(&self, below: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.data().join(below)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(entry.file_name().to_string_lossy().into_owned()),
                }
            }
        }
        found.sort();
        found
    }

    /// Waits until a directory of the data directory holds that many files.
    pub(crate) fn wait_for_files(&self, below: &str, count: usize) {
        wait(&format!("{count} files in {below}"), || self.files(below).len() == count);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Asks the walrus at an address as the clc does.
pub(crate) fn ask_at<M: Message<Service = Walrus>>(
    internal: SocketAddr,
    message: M,
) -> Result<M::Reply, ApiError> {
    let url = format!("http://{internal}");
    let transport = Transport::new(&url, PeerKey::new(PEER_KEY), Clock::system());
    let peer: Peer<Walrus> = Peer::there(transport);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(peer.call_patiently(message, Duration::from_secs(60)))
}

/// Waits for a condition.
pub(crate) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::yield_now();
    }
}
