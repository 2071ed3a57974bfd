//! A walrus of its own for each test: temporary directory, port 0, three people and their keys.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::error::ApiError;
use common::sign::{Credentials, Headers, PayloadCheck, Request, sign_s3_v2, sign_s3_v4};
use common::time::Timestamp;
use common::wire::Message;
use common::wire::identity::{Certificates, Credential, FindAccessKey, FindCertificates, Identity};
use common::wire::walrus::{InstallBundleKey, Walrus};
use runtime::boot::in_system;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::envelope::PeerKey;
use runtime::peer::Peer;
use runtime::transport::Transport;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot;
use walrus::config::Config;
use walrus::server::Server;

use crate::http::{Reply, Sent, send};

/// The administrator's account: that of the golden bundles.
pub(crate) const ROOT: &str = "000000000001";
pub(crate) const ALICE: &str = "111111111111";
pub(crate) const BOB: &str = "222222222222";

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
}

impl Who {
    fn account(self) -> &'static str {
        match self {
            Self::Nobody => "",
            Self::Root => ROOT,
            Self::Alice => ALICE,
            Self::Bob => BOB,
        }
    }

    pub(crate) fn credentials(self) -> (String, String) {
        (format!("AKI{}", self.account()), format!("secret of {}", self.account()))
    }
}

fn identity() -> Peer<Identity> {
    let dispatcher = Dispatcher::new()
        .with(|asked: FindAccessKey| async move {
            let found = [Who::Root, Who::Alice, Who::Bob]
                .into_iter()
                .find(|who| who.credentials().0 == asked.id);
            Ok::<_, ApiError>(found.map(|who| Credential {
                id: asked.id,
                secret: who.credentials().1,
                account: who.account().parse().unwrap(),
                alias: format!("{who:?}").to_lowercase(),
                user: "admin".into(),
                administrator: who == Who::Root,
            }))
        })
        .with(|asked: FindCertificates| async move {
            let known = [ROOT, ALICE, BOB].contains(&asked.account.as_str());
            // Bob has no certificate of his own.
            let has = known && asked.account != BOB;
            let pem = has.then(|| golden_key("user-cert.pem")).into_iter().collect();
            Ok::<_, ApiError>(Certificates { known, pem })
        });
    Peer::here(Arc::new(dispatcher))
}

/// A walrus that runs.
pub(crate) struct World {
    /// Removed at the end.
    _dir: TempDir,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    config: Config,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: dir.path().join("walrus"),
            free_space_reserve_mb: 0,
            ..Config::default()
        };
        change(&mut config);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self {
            _dir: dir,
            public: nowhere,
            internal: nowhere,
            config,
            stop: None,
            thread: None,
        };
        world.start();
        world
    }

    pub(crate) fn start(&mut self) {
        let bind = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listeners = (bind(), bind());
        self.public = listeners.0.local_addr().unwrap();
        self.internal = listeners.1.local_addr().unwrap();
        let config = self.config.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (up, is_up) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            in_system(async {
                let key = PeerKey::new([7; 32]);
                let server =
                    Server::start(config, listeners, identity(), key, Clock::system()).await;
                let server = server.unwrap();
                up.send(()).unwrap();
                drop(stopped.await);
                server.stop().await;
            })
            .unwrap();
        });
        (self.stop, self.thread) = (Some(stop), Some(thread));
        is_up.recv().expect("walrus starts");
    }

    /// Stops walrus and waits until it has let go of its files.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
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
        let url = format!("http://{}", self.internal);
        let transport = Transport::new(&url, PeerKey::new([7; 32]), Clock::system());
        let peer: Peer<Walrus> = Peer::there(transport);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(peer.call_patiently(message, Duration::from_secs(60)))
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

/// Waits for a condition.
pub(crate) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::yield_now();
    }
}
