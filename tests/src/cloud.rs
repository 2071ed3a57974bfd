//! A whole cloud: clc, walrus and nodes with simulated guests, below one temporary directory.
//!
//! Every cloud has a loopback address of its own, on which its listeners take ports that are free;
//! so a service that is started again finds its ports free as well, whatever else runs beside it.
//! The directory goes with the cloud, unless the test has failed: then it stays, and its name and
//! that of the log are told.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once};

use common::error::ApiError;
use common::wire::Message;
use common::wire::admin::{AddUser, Admin, ChangeSetting, EnableUser, GetCredentials};
use common::wire::node::Node;
use common::wire::walrus::Walrus;
use node_agent::config::DriverKind;
use node_agent::hypervisor::sim::{Sim, SimControl, SimMode};
use runtime::clock::Clock;
use runtime::envelope::PeerKey;
use runtime::peer::Peer;
use runtime::transport::Transport;
use tempfile::TempDir;

use crate::part::Part;
use crate::user::User;
use crate::wait;

/// What a cloud consists of.
#[derive(Debug, Clone)]
pub struct Shape {
    /// How many nodes there are.
    pub nodes: usize,
    /// Virtual processors of each; memory and disk are in proportion and never scarcer.
    pub cpus: u32,
    /// When guests run.
    pub guests: SimMode,
    /// The time of all services.
    pub clock: Clock,
    /// The largest object, in bytes.
    pub max_object_bytes: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            nodes: 1,
            cpus: 16,
            guests: SimMode::Automatic,
            clock: Clock::system(),
            max_object_bytes: 5 << 30,
        }
    }
}

/// One service of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The cloud controller.
    Clc,
    /// The keeper of objects and images.
    Walrus,
    /// A node, counted from 0.
    Node(usize),
}

/// Where the services listen.
#[derive(Debug, Clone)]
struct Addresses {
    api: SocketAddr,
    clc: SocketAddr,
    console: SocketAddr,
    s3: SocketAddr,
    walrus: SocketAddr,
    nodes: Vec<SocketAddr>,
}

/// A cloud that runs.
pub struct Cloud {
    shape: Shape,
    addresses: Addresses,
    key: PeerKey,
    clc: Option<Part>,
    walrus: Option<Part>,
    nodes: Vec<Option<Part>>,
    guests: Vec<SimControl>,
    actions: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
    /// Last, so that it goes when nothing runs in it any more.
    dir: Option<TempDir>,
}

impl Cloud {
    /// Raises a cloud and waits until images can be registered and instances be run.
    pub fn raise(shape: Shape) -> Self {
        start_log();
        let dir = tempfile::Builder::new().prefix("eucalypt-e2e-").tempdir().unwrap();
        let key = random_key(&dir.path().join("peer.key"));
        let bound = Bound::new(shape.nodes);
        let mut cloud = Self {
            addresses: bound.addresses(),
            key,
            clc: None,
            walrus: None,
            nodes: (0..shape.nodes).map(|_| None).collect(),
            guests: Vec::new(),
            actions: Arc::default(),
            dir: Some(dir),
            shape,
        };
        let Bound { api, clc, console, s3, walrus, nodes } = bound;
        for (number, listener) in nodes.into_iter().enumerate() {
            cloud.start_node(number, listener);
        }
        cloud.start_walrus((s3, walrus));
        cloud.start_clc(clc::server::Listeners { api, internal: clc, console });
        let undelivered = cloud.dir().join("clc/bundle-key.pem");
        wait::until("walrus has the cloud's key", || match undelivered.exists() {
            true => Err("its file is still there"),
            false => Ok(()),
        });
        cloud
    }

    /// The directory that everything lies below.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("it goes with the cloud").path()
    }

    /// Where a service keeps its data.
    pub fn data(&self, service: Service) -> PathBuf {
        self.dir().join(match service {
            Service::Clc => "clc".to_owned(),
            Service::Walrus => "walrus".to_owned(),
            Service::Node(number) => node_name(number),
        })
    }

    /// Where the EC2 API is.
    pub fn api(&self) -> SocketAddr {
        self.addresses.api
    }

    /// Where the web console is.
    pub fn console(&self) -> SocketAddr {
        self.addresses.console
    }

    /// All actions that the clc answers: what policies call their API, and their names.
    pub fn actions(&self) -> Vec<(&'static str, &'static str)> {
        self.actions.lock().unwrap().clone()
    }

    /// Where S3 is.
    pub fn s3(&self) -> SocketAddr {
        self.addresses.s3
    }

    /// The time of all services.
    pub fn clock(&self) -> &Clock {
        &self.shape.clock
    }

    /// The hand that moves a node's guests.
    pub fn guests(&self, node: usize) -> SimControl {
        self.guests[node].clone()
    }

    /// Stops a service, as SIGTERM does.
    pub fn stop(&mut self, service: Service) {
        let part = match service {
            Service::Clc => self.clc.take(),
            Service::Walrus => self.walrus.take(),
            Service::Node(number) => self.nodes[number].take(),
        };
        part.expect("it runs").stop();
    }

    /// Starts a service that was stopped, on its directory and ports.
    pub fn start(&mut self, service: Service) {
        let bind = |address: SocketAddr| TcpListener::bind(address).unwrap();
        let at = self.addresses.clone();
        match service {
            Service::Clc => self.start_clc(clc::server::Listeners {
                api: bind(at.api),
                internal: bind(at.clc),
                console: bind(at.console),
            }),
            Service::Walrus => self.start_walrus((bind(at.s3), bind(at.walrus))),
            Service::Node(number) => self.start_node(number, bind(at.nodes[number])),
        }
    }

    /// Stops these services, and then starts them in the same order.
    pub fn restart(&mut self, services: &[Service]) {
        services.iter().for_each(|service| self.stop(*service));
        services.iter().for_each(|service| self.start(*service));
    }

    fn start_clc(&mut self, listeners: clc::server::Listeners) {
        let at = &self.addresses;
        let nodes = at.nodes.iter().enumerate().map(|(number, address)| clc::config::Node {
            name: node_name(number),
            url: format!("http://{address}"),
            zone: "eucalyptus-1a".to_owned(),
        });
        let config = clc::config::Config {
            data_dir: self.data(Service::Clc),
            admin_dir: self.dir().join("admin"),
            public_host: at.api.ip().to_string(),
            peer_key_file: self.dir().join("peer.key"),
            walrus: clc::config::Walrus {
                url: format!("http://{}", at.walrus),
                public_url: format!("http://{}/services/Walrus", at.s3),
            },
            nodes: nodes.collect(),
            ..clc::config::Config::default()
        };
        let clock = self.clock().clone();
        let actions = Arc::clone(&self.actions);
        let start = async move || {
            let server = clc::server::Server::start(config, listeners, clock).await?;
            *actions.lock().unwrap() = server.actions().to_vec();
            Ok::<_, clc::server::StartError>(server)
        };
        self.clc = Some(Part::start("clc", start));
    }

    fn start_walrus(&mut self, listeners: (TcpListener, TcpListener)) {
        let config = walrus::config::Config {
            data_dir: self.data(Service::Walrus),
            max_object_bytes: self.shape.max_object_bytes,
            free_space_reserve_mb: 0,
            ..walrus::config::Config::default()
        };
        let (identity, key) = (Peer::there(self.transport(self.addresses.clc)), self.key.clone());
        let clock = self.clock().clone();
        let start = move || walrus::server::Server::start(config, listeners, identity, key, clock);
        self.walrus = Some(Part::start("walrus", start));
    }

    fn start_node(&mut self, number: usize, listener: TcpListener) {
        let config = node_agent::config::Config {
            name: node_name(number),
            data_dir: self.data(Service::Node(number)),
            driver: DriverKind::Sim,
            subnet: format!("10.{}.0.0/20", 111 + number).parse().unwrap(),
            cpus: self.shape.cpus,
            memory_mib: u64::from(self.shape.cpus) << 10,
            disk_mib: u64::from(self.shape.cpus) << 15,
            ..node_agent::config::Config::default()
        };
        let (key, clock) = (self.key.clone(), self.clock().clone());
        // A new one each time: the guests are adopted from the disk, as after a process' end.
        let sim = Sim::new(self.shape.guests);
        let control = sim.control();
        let start =
            move || node_agent::server::Server::start_played(config, listener, key, clock, sim);
        self.nodes[number] = Some(Part::start(&node_name(number), start));
        match self.guests.get_mut(number) {
            Some(before) => *before = control,
            None => self.guests.push(control),
        }
    }

    fn transport(&self, to: SocketAddr) -> Transport {
        Transport::new(&format!("http://{to}"), self.key.clone(), self.clock().clone())
    }

    /// Asks the clc what `clc admin` asks.
    ///
    /// # Errors
    /// What it refuses.
    pub fn ask_clc<M: Message<Service = Admin>>(&self, message: M) -> Result<M::Reply, ApiError> {
        ask(&Peer::there(self.transport(self.addresses.clc)), message)
    }

    /// Asks walrus what the clc asks it.
    ///
    /// # Errors
    /// What it refuses.
    pub fn ask_walrus<M: Message<Service = Walrus>>(
        &self,
        message: M,
    ) -> Result<M::Reply, ApiError> {
        ask(&Peer::there(self.transport(self.addresses.walrus)), message)
    }

    /// Asks a node what the clc asks it.
    ///
    /// # Errors
    /// What it refuses.
    pub fn ask_node<M: Message<Service = Node>>(
        &self,
        number: usize,
        message: M,
    ) -> Result<M::Reply, ApiError> {
        ask(&Peer::there(self.transport(self.addresses.nodes[number])), message)
    }

    /// The administrator, by the credentials that the first start wrote.
    pub fn administrator(&self) -> User {
        User::of(&self.dir().join("admin"))
    }

    /// Registers a user.
    pub fn add_user(&self, name: &str) -> User {
        let made = self.ask_clc(AddUser { name: name.to_owned() }).unwrap();
        let folder = self.dir().join("users").join(name);
        clc::identity::folder::write(&folder, &made.files).unwrap();
        User::of(&folder)
    }

    /// Makes a user new credentials, beside those that there are.
    pub fn renew(&self, name: &str) -> User {
        let files = self.ask_clc(GetCredentials { name: name.to_owned() }).unwrap();
        let folder = tempfile::tempdir_in(self.scratch("credentials")).unwrap().keep();
        clc::identity::folder::write(&folder, &files.files).unwrap();
        User::of(&folder)
    }

    /// Lets a user use the cloud, or nothing of it.
    pub fn enable(&self, name: &str, enabled: bool) {
        self.ask_clc(EnableUser { name: name.to_owned(), enabled }).unwrap();
    }

    /// Changes a setting.
    pub fn set(&self, name: &str, value: &str) {
        let change = ChangeSetting { name: name.to_owned(), value: value.to_owned() };
        self.ask_clc(change).unwrap();
    }

    /// Makes a directory for a test's own files.
    pub fn scratch(&self, name: &str) -> PathBuf {
        let path = self.dir().join("scratch").join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Waits until nothing unfinished lies anywhere: no half-received object, no half-unpacked or
    /// half-fetched image, and of ended instances only the note how they ended. For when no
    /// instance runs.
    pub fn assert_nothing_left(&self) {
        wait::until("nothing is left behind", || match self.leftovers() {
            left if left.is_empty() => Ok(()),
            left => Err(left),
        });
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let walrus = self.data(Service::Walrus);
        let mut left = files(&walrus.join("objects/staging"));
        left.extend(ending(&walrus.join("cache"), "partial"));
        left.extend(ending(&self.data(Service::Clc), "new"));
        for number in 0..self.nodes.len() {
            let node = self.data(Service::Node(number));
            left.extend(ending(&node.join("images"), "part"));
            let of_instances = files(&node.join("instances")).into_iter();
            left.extend(of_instances.filter(|file| !file.ends_with("note.json")));
        }
        left
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // Askers before those they ask.
        drop(self.clc.take());
        drop(self.walrus.take());
        self.nodes.clear();
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            let (kept, log) = (dir.keep(), log_path());
            let told = format!("the cloud is kept in {}, log {}\n", kept.display(), log.display());
            // Nobody can be told that nobody listens.
            drop(std::io::stderr().write_all(told.as_bytes()));
        }
    }
}

/// All files below a directory, however deep. What vanishes meanwhile is not there.
pub fn files(below: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![below.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn ending(below: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = files(below);
    found.retain(|file| file.extension().is_some_and(|own| own == extension));
    found
}

fn node_name(number: usize) -> String {
    format!("node{}", number + 1)
}

fn ask<M: Message>(peer: &Peer<M::Service>, message: M) -> Result<M::Reply, ApiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(peer.call(message))
}

/// Listeners on ports that were free, before anybody knows them.
struct Bound {
    api: TcpListener,
    clc: TcpListener,
    console: TcpListener,
    s3: TcpListener,
    walrus: TcpListener,
    nodes: Vec<TcpListener>,
}

impl Bound {
    fn new(nodes: usize) -> Self {
        let own = own_address();
        let bind = || TcpListener::bind((own, 0)).unwrap();
        Self {
            api: bind(),
            clc: bind(),
            console: bind(),
            s3: bind(),
            walrus: bind(),
            nodes: (0..nodes).map(|_| bind()).collect(),
        }
    }

    fn addresses(&self) -> Addresses {
        let of = |listener: &TcpListener| listener.local_addr().unwrap();
        Addresses {
            api: of(&self.api),
            clc: of(&self.clc),
            console: of(&self.console),
            s3: of(&self.s3),
            walrus: of(&self.walrus),
            nodes: self.nodes.iter().map(of).collect(),
        }
    }
}

/// A loopback address that no other cloud has.
fn own_address() -> Ipv4Addr {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed) & 0xff;
    let process = std::process::id() & 0xffff;
    Ipv4Addr::from(0x7f00_0000 | process << 8 | number)
}

fn random_key(path: &Path) -> PeerKey {
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
    let mut bytes = [0; 32];
    std::io::Read::read_exact(&mut fs::File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
    file.write_all(&bytes).unwrap();
    PeerKey::new(bytes)
}

/// The log of all clouds of this process: beside its program, so that it is found and replaced.
fn log_path() -> PathBuf {
    std::env::current_exe().unwrap().with_extension("log")
}

fn start_log() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let Ok(file) = fs::File::create(log_path()) else { return };
        let filter = tracing_subscriber::EnvFilter::new("info");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // Whoever logs already goes on logging.
        drop(log.with_thread_names(true).with_writer(Mutex::new(file)).try_init());
    });
}
