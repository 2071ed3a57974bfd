//! A cloud controller on real sockets, with a walrus and nodes that do as the test says.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clc::config::{self, Config};
use clc::server::{Listeners, Server};
use common::action::Action;
use common::audit::{Event, Piece, Place};
use common::dialect::{query, xml};
use common::error::{ApiError, ErrorCode};
use common::id::{ImageKind, InstanceId};
use common::s3::INSIDE;
use common::sign::{Credentials, QueryMac, sign_ec2_v2, write_query};
use common::time::Timestamp;
use common::wire::Service;
use common::wire::admin::{Admin, CredentialFiles};
use common::wire::audit::{LookRecords, VerifyRecords};
use common::wire::estate::{EndBuckets, EstateLeft, GiveBuckets};
use common::wire::identity::Identity;
use common::wire::node::{
    Adjust, Capacity, Console, ConsoleLog, InstanceView, MachineState, Node, NodeReport, Report,
    Run, SetMetadataOptions, Software, Subnet, Terminate,
};
use common::wire::people::People;
use common::wire::role::{InstanceRole, RoleView, SetInstanceRole};
use common::wire::spec::{MetadataOptions, Power};
use common::wire::upkeep::{DescribeUnpacking, Unpacking};
use common::wire::walrus::{
    BundleRef, CacheView, CheckBundle, CheckedBundle, DescribeCache, ForgetImage, ImageTicket,
    InstallBundleKey, Layout, SetCacheLimit, Walrus, WantImage, WantedImage,
};
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::endpoint::Endpoint;
use runtime::envelope::PeerKey;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::peer::Peer;
use runtime::roster::Roster;
use runtime::transport::Transport;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::cached::{self, Cached};
use super::console_storage::StubS3;
use super::importing::{self, Imports};
use super::quotas::{self, Quotas};
use super::saving::{self, NodeBundles, StoredBundles};

const KEY: [u8; 32] = [7; 32];

/// What an action was refused with: code and message.
pub(crate) type Refused = (String, String);

/// Someone with an access key.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) account: String,
    /// The session token, of credentials for a while.
    pub(crate) token: Option<String>,
}

impl User {
    /// Whoever a text of an eucarc is for.
    pub(crate) fn of(eucarc: &str) -> Self {
        let value = |name: &str| {
            let start = format!("export {name}='");
            let line = eucarc.lines().find_map(|line| line.strip_prefix(&start));
            line.unwrap_or_else(|| panic!("{name} in {eucarc}")).trim_end_matches('\'').to_owned()
        };
        Self {
            access_key: value("EC2_ACCESS_KEY"),
            secret: value("EC2_SECRET_KEY"),
            account: value("EC2_USER_ID"),
            token: None,
        }
    }

    pub(crate) fn from_files(files: &CredentialFiles) -> Self {
        Self::of(&files.files.iter().find(|file| file.name == "eucarc").unwrap().text)
    }
}

/// What the walrus of a test knows.
#[derive(Default)]
pub(crate) struct WalrusState {
    pub(crate) bundles: BTreeMap<String, Result<CheckedBundle, ApiError>>,
    pub(crate) wanted: BTreeMap<String, WantedImage>,
    pub(crate) key: Option<InstallBundleKey>,
    pub(crate) limit: u64,
    pub(crate) quotas: Quotas,
    pub(crate) traffic: crate::told::Asked,
    /// How many buckets every account has.
    pub(crate) buckets: u64,
    pub(crate) forgotten: Vec<String>,
    pub(crate) checks: Vec<CheckBundle>,
    /// What it says of images that are being unpacked.
    pub(crate) under_way: Vec<Unpacking>,
    /// What lies in its cache.
    pub(crate) cached: Cached,
    pub(crate) saved: StoredBundles,
    pub(crate) imports: Imports,
    /// What was asked of S3, the newest first.
    pub(crate) asked: Vec<(u64, Event)>,
    /// Whether it says nothing of that.
    pub(crate) silent: bool,
}

/// A walrus that answers what the test put there.
pub(crate) struct StubWalrus {
    pub(crate) state: Arc<Mutex<WalrusState>>,
    changed: watch::Sender<u64>,
    pub(crate) s3: Arc<StubS3>,
    listening: Listening,
}

impl StubWalrus {
    fn start(clock: &Clock) -> Self {
        let state: Arc<Mutex<WalrusState>> = Arc::default();
        let changed = watch::Sender::new(0u64);
        let with = |state: &Arc<Mutex<WalrusState>>| Arc::clone(state);
        let (check, want, install, forget, limit, cache) =
            (with(&state), with(&state), with(&state), with(&state), with(&state), with(&state));
        let (waits, under_way) = (changed.clone(), with(&state));
        let dispatcher = Dispatcher::<Walrus>::new();
        let dispatcher = cached::answer_on(dispatcher, &state.lock().unwrap().cached)
            .with(move |ask: CheckBundle| {
                let mut state = check.lock().unwrap();
                let found = state.bundles.get(&ask.location).cloned();
                state.checks.push(ask);
                async move {
                    found.unwrap_or_else(|| {
                        Err(ApiError::new(ErrorCode::InvalidManifest, "there is no such manifest"))
                    })
                }
            })
            .with(move |ask: WantImage| {
                let (state, mut changed) = (Arc::clone(&want), waits.subscribe());
                async move {
                    let find = || {
                        let state = state.lock().unwrap();
                        state.wanted.get(&ask.bundle.location).cloned().unwrap()
                    };
                    let wait = Duration::from_millis(ask.wait_ms);
                    let done = tokio::time::timeout(wait, async {
                        while matches!(find(), WantedImage::Unpacking { .. }) {
                            changed.changed().await.unwrap();
                        }
                    });
                    drop(done.await);
                    Ok(find())
                }
            })
            .with(move |ask: InstallBundleKey| {
                install.lock().unwrap().key = Some(ask);
                async { Ok(()) }
            })
            .with(move |ask: ForgetImage| {
                forget.lock().unwrap().forgotten.push(ask.bundle.location);
                async { Ok(()) }
            })
            .with(move |ask: SetCacheLimit| {
                limit.lock().unwrap().limit = ask.megabytes << 20;
                async { Ok(()) }
            })
            .with(move |_: DescribeUnpacking| {
                let all = under_way.lock().unwrap().under_way.clone();
                async move { Ok(all) }
            })
            .with(move |_: DescribeCache| {
                let limit = cache.lock().unwrap().limit;
                async move { Ok(CacheView { limit, ..CacheView::default() }) }
            });
        let (asked, sound) = (with(&state), with(&state));
        let told = |state: &Mutex<WalrusState>| match state.lock().unwrap() {
            state if state.silent => {
                Err(ApiError::new(ErrorCode::Unavailable, "there is no walrus"))
            }
            state => Ok(state.asked.clone()),
        };
        let dispatcher = dispatcher
            .with(move |ask: LookRecords| {
                let all = told(&asked);
                let below = |n: u64| match ask.places[0] {
                    Place::Top => true,
                    Place::Below(place) => n < place,
                    Place::End => false,
                };
                let piece = all.map(|mut records| {
                    records.retain(|(n, it)| below(*n) && ask.filter.admits(it));
                    let more = records.len() > ask.most;
                    records.truncate(ask.most);
                    let last = records.last().filter(|_| more).map(|(n, _)| Place::Below(*n));
                    Piece { records, next: last.unwrap_or(Place::End) }
                });
                async move { piece.map(|piece| [piece, Piece::default()]) }
            })
            .with(move |_: VerifyRecords| {
                let told = told(&sound).map(|_| Vec::new());
                async move { told }
            });
        let dispatcher = quotas::answer(dispatcher, &state);
        let (given, ended) = (with(&state), with(&state));
        let left = |buckets| EstateLeft { buckets, objects: 0 };
        let dispatcher = dispatcher
            .with(move |ask: GiveBuckets| {
                let mut state = given.lock().unwrap();
                let mut buckets = state.buckets;
                if !ask.rehearsal {
                    buckets = buckets.saturating_sub(1);
                    state.buckets = buckets;
                }
                async move { Ok(left(buckets)) }
            })
            .with(move |_: EndBuckets| {
                let mut state = ended.lock().unwrap();
                state.buckets = state.buckets.saturating_sub(1);
                let buckets = state.buckets;
                async move { Ok(left(buckets)) }
            });
        let dispatcher = saving::store(dispatcher, &state, clock);
        let dispatcher = importing::answer(dispatcher, &state, &changed);
        let dispatcher = crate::told::of_walrus(dispatcher, &state.lock().unwrap().traffic);
        let s3 = Arc::<StubS3>::default();
        let listening = serve_with(endpoint(dispatcher, clock).app(INSIDE, Arc::clone(&s3) as _));
        Self { state, changed, s3, listening }
    }

    /// Puts a bundle there that is whole, or being unpacked.
    pub(crate) fn bundle(&self, location: &str, kind: ImageKind, size: u64, whole: bool) {
        let manifest_sha256 = manifest_sha256(location);
        let bundle = BundleRef { location: location.into(), manifest_sha256 };
        let checked = CheckedBundle {
            bundle,
            kind,
            architecture: "x86_64".into(),
            kernel_id: None,
            ramdisk_id: None,
            name: "image".into(),
            size,
            block_device_mapping: vec![("root".into(), "/dev/sda1".into())],
            product_codes: Vec::new(),
            ancestors: Vec::new(),
            windows: false,
        };
        self.state.lock().unwrap().bundles.insert(location.into(), Ok(checked));
        self.becomes(location, if whole { self.ready(location, size) } else { unpacking() });
    }

    /// Makes a manifest name a kernel.
    pub(crate) fn names_kernel(&self, location: &str, kernel: &str) {
        let mut state = self.state.lock().unwrap();
        let Some(Ok(checked)) = state.bundles.get_mut(location) else { panic!("{location}") };
        checked.kernel_id = Some(kernel.into());
    }

    /// Makes a manifest map devices.
    pub(crate) fn maps(&self, location: &str, mapping: &[(&str, &str)]) {
        let mut state = self.state.lock().unwrap();
        let Some(Ok(checked)) = state.bundles.get_mut(location) else { panic!("{location}") };
        let own = |(name, device): &(&str, &str)| ((*name).to_owned(), (*device).to_owned());
        checked.block_device_mapping = mapping.iter().map(own).collect();
    }

    pub(crate) fn ready(&self, location: &str, size: u64) -> WantedImage {
        WantedImage::Ready(ImageTicket {
            url: format!("http://walrus/{location}"),
            sha256: format!("{:064x}", location.len() as u64 * 1000 + size),
            size,
            expires: Timestamp::from_secs(4_000_000_000),
            layout: if location.ends_with("whole") { Layout::Disk } else { Layout::Bare },
        })
    }

    pub(crate) fn stir(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Says how the unpacking of a bundle stands.
    pub(crate) fn becomes(&self, location: &str, wanted: WantedImage) {
        self.state.lock().unwrap().wanted.insert(location.into(), wanted);
        self.changed.send_modify(|n| *n += 1);
    }
}

/// The digest of the manifest that the walrus of a test has there.
pub(crate) fn manifest_sha256(location: &str) -> String {
    let hex: String = location.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex:0>64}")
}

pub(crate) fn unpacking() -> WantedImage {
    WantedImage::Unpacking { done: 0, total: 1 }
}

/// What the node of a test knows.
#[derive(Default)]
pub(crate) struct NodeState {
    pub(crate) views: BTreeMap<InstanceId, InstanceView>,
    pub(crate) runs: Vec<Run>,
    pub(crate) ended: Vec<InstanceId>,
    pub(crate) adjusted: Vec<Adjust>,
    /// What it was told of metadata options, in order.
    pub(crate) options: Vec<MetadataOptions>,
    /// What it was told of roles, in order, and with which instance.
    pub(crate) roles: Vec<(InstanceId, InstanceRole)>,
    pub(crate) session: u32,
    /// Whether what is run runs at once.
    pub(crate) quick: bool,
    /// What `Run` is refused with.
    pub(crate) refuse: Option<ApiError>,
    /// Whether it answers nothing.
    pub(crate) away: bool,
    /// What its instances wrote on their consoles, in base64; a word, if the test says nothing.
    pub(crate) wrote: Option<String>,
    pub(crate) saved: NodeBundles,
}

impl NodeState {
    pub(crate) fn here(&self) -> Result<(), ApiError> {
        if !self.away {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::Unavailable, "The service cannot be reached"))
    }
}

/// A node that does as the test says.
pub(crate) struct StubNode {
    pub(crate) name: String,
    pub(crate) state: Arc<Mutex<NodeState>>,
    revision: watch::Sender<u64>,
    listening: Listening,
}

impl StubNode {
    fn start(name: &str, number: u8, cpus: u32, clock: &Clock) -> Self {
        let state = NodeState { quick: true, session: 1, ..NodeState::default() };
        let (state, revision) = (Arc::new(Mutex::new(state)), watch::Sender::new(1u64));
        let dispatcher = Self::dispatcher(name, number, cpus, &state, &revision);
        let dispatcher = crate::told::of_node(saving::save(dispatcher, &state, &revision));
        Self { name: name.into(), state, revision, listening: serve(dispatcher, clock) }
    }

    fn dispatcher(
        name: &str,
        number: u8,
        cpus: u32,
        state: &Arc<Mutex<NodeState>>,
        revision: &watch::Sender<u64>,
    ) -> Dispatcher<Node> {
        let (run, end, console, report) =
            (Arc::clone(state), Arc::clone(state), Arc::clone(state), Arc::clone(state));
        let (ran, ended, told) = (revision.clone(), revision.clone(), revision.clone());
        let (adjust, adjusted) = (Arc::clone(state), revision.clone());
        let (options, set) = (Arc::clone(state), revision.clone());
        let (roles, given) = (Arc::clone(state), revision.clone());
        let name = name.to_owned();
        Dispatcher::new()
            .with(move |ask: Run| {
                let mut state = run.lock().unwrap();
                let refused = state.here().err().or_else(|| state.refuse.clone());
                if refused.is_none() {
                    let machine =
                        if state.quick { MachineState::Running } else { MachineState::Preparing };
                    let generation = ask.spec.generation;
                    let role = ask.spec.metadata.role.view();
                    let seen =
                        InstanceView { generation, role, ..view(&ask.spec.instance, machine) };
                    state.views.insert(ask.spec.instance.clone(), seen);
                    state.runs.push(ask);
                    ran.send_modify(|n| *n += 1);
                }
                async move { refused.map_or(Ok(()), Err) }
            })
            .with(move |ask: Adjust| {
                let mut state = adjust.lock().unwrap();
                let here = state.here();
                let quick = state.quick;
                let known = match state.views.get_mut(&ask.instance) {
                    // A wish that is told twice is done once.
                    Some(view) if here.is_ok() && ask.generation <= view.generation => Ok(()),
                    Some(view) if here.is_ok() => {
                        view.generation = ask.generation;
                        view.state = match ask.power.wanted {
                            Power::On => view.state,
                            _ if quick => MachineState::Stopped,
                            _ => MachineState::Halting,
                        };
                        Ok(())
                    }
                    Some(_) => here,
                    None => Err(ApiError::new(ErrorCode::InvalidInstanceIdNotFound, "unknown")),
                };
                state.adjusted.push(ask);
                adjusted.send_modify(|n| *n += 1);
                async { known }
            })
            .with(move |ask: Terminate| {
                let mut state = end.lock().unwrap();
                let here = state.here();
                if here.is_ok() && state.views.contains_key(&ask.instance) {
                    let gone = view(&ask.instance, MachineState::Gone);
                    state.views.insert(ask.instance.clone(), gone);
                }
                state.ended.push(ask.instance);
                ended.send_modify(|n| *n += 1);
                async { here }
            })
            .with(move |ask: SetMetadataOptions| {
                let mut state = options.lock().unwrap();
                let here = state.here();
                if here.is_ok()
                    && let Some(view) = state.views.get_mut(&ask.instance)
                {
                    view.options = ask.options.revision;
                    state.options.push(ask.options);
                    set.send_modify(|n| *n += 1);
                }
                async { here }
            })
            .with(move |ask: SetInstanceRole| {
                let mut state = roles.lock().unwrap();
                let here = state.here();
                if here.is_ok()
                    && let Some(view) = state.views.get_mut(&ask.instance)
                {
                    view.role = ask.role.view();
                    state.roles.push((ask.instance, ask.role));
                    given.send_modify(|n| *n += 1);
                }
                async { here }
            })
            .with(move |ask: Console| {
                let state = console.lock().unwrap();
                let (here, known) = (state.here(), state.views.contains_key(&ask.instance));
                let base64 = state.wrote.clone().unwrap_or_else(|| "aGVsbG8=".to_owned());
                async move {
                    here?;
                    if !known {
                        return Err(ApiError::new(ErrorCode::InvalidInstanceIdNotFound, "unknown"));
                    }
                    Ok(ConsoleLog { base64, at: Timestamp::from_secs(5) })
                }
            })
            .with(move |ask: Report| {
                let (state, mut told) = (Arc::clone(&report), told.subscribe());
                let name = name.clone();
                async move {
                    let session = state.lock().unwrap().session.to_string();
                    let since = if ask.session == session { ask.since } else { 0 };
                    let wait = Duration::from_millis(ask.wait_ms);
                    drop(tokio::time::timeout(wait, told.wait_for(|n| *n > since)).await);
                    let state = state.lock().unwrap();
                    state.here()?;
                    let revision = *told.borrow();
                    Ok(NodeReport {
                        name,
                        session: state.session.to_string(),
                        revision,
                        hypervisor: "sim".into(),
                        capacity: Capacity {
                            cpus,
                            memory_mib: u64::from(cpus) * 1024,
                            disk_mib: u64::from(cpus) * 100_000,
                        },
                        subnet: Subnet { network: Ipv4Addr::new(10, number, 0, 0), prefix: 24 },
                        instances: state.views.values().cloned().collect(),
                        bundles: state.saved.views.values().cloned().collect(),
                        software: Software { version: "0.0.1".into(), ..Software::default() },
                    })
                }
            })
    }

    /// Changes what the node says, and lets it say so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut NodeState)) {
        change(&mut self.state.lock().unwrap());
        self.revision.send_modify(|n| *n += 1);
    }

    /// Makes an instance be seen in this state.
    pub(crate) fn sees(&self, instance: &InstanceId, machine: MachineState, reason: Option<&str>) {
        let reason = reason.map(str::to_owned);
        self.change(|state| {
            let known = state.views.get(instance).map_or(1, |view| view.generation);
            let seen = InstanceView { reason, generation: known, ..view(instance, machine) };
            state.views.insert(instance.clone(), seen);
        });
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        self.state.lock().unwrap().runs.clone()
    }
}

fn view(instance: &InstanceId, state: MachineState) -> InstanceView {
    let since = Timestamp::from_secs(1_800_000_000);
    InstanceView {
        instance: instance.clone(),
        generation: 1,
        state,
        reason: None,
        since,
        ran: false,
        broke: false,
        options: 0,
        role: RoleView::default(),
    }
}

fn endpoint<S: Service>(dispatcher: Dispatcher<S>, clock: &Clock) -> Endpoint {
    Endpoint::new(PeerKey::new(KEY), clock.clone(), Roster::default(), Metrics::default())
        .service(Arc::new(dispatcher))
}

fn serve<S: Service>(dispatcher: Dispatcher<S>, clock: &Clock) -> Listening {
    serve_with(endpoint(dispatcher, clock))
}

fn serve_with(endpoint: Endpoint) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = Limits { workers: 1, ..Limits::default() };
    listen(listener, &limits, Arc::new(endpoint)).unwrap()
}

/// A cloud of one clc and stubs.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) walrus: StubWalrus,
    pub(crate) nodes: Vec<StubNode>,
    pub(crate) admin: User,
    server: Option<Server>,
    pub(crate) dir: TempDir,
}

/// Runs a test in a cloud whose nodes have these many processors.
pub(crate) fn world<F: Future<Output = ()>>(cpus: &[u32], test: impl FnOnce(World) -> F) {
    world_at(Clock::system(), cpus, test);
}

/// Runs a test in a cloud with that clock.
pub(crate) fn world_at<F: Future<Output = ()>>(
    clock: Clock,
    cpus: &[u32],
    test: impl FnOnce(World) -> F,
) {
    world_with(clock, cpus, |_| (), test);
}

/// Runs a test in a cloud with that clock that is configured so.
pub(crate) fn world_with<F: Future<Output = ()>>(
    clock: Clock,
    cpus: &[u32],
    configure: impl FnOnce(&mut Config),
    test: impl FnOnce(World) -> F,
) {
    runtime::boot::in_system(async {
        let world = World::start(clock, cpus, configure).await;
        test(world).await;
    })
    .unwrap();
}

impl World {
    async fn start(clock: Clock, cpus: &[u32], configure: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("peer.key");
        fs::write(&key, KEY).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let walrus = StubWalrus::start(&clock);
        let names = ["a", "b", "c"].into_iter().zip(1..).zip(cpus);
        let nodes: Vec<_> =
            names.map(|((name, n), cpus)| StubNode::start(name, n, *cpus, &clock)).collect();
        let mut config = Config {
            data_dir: dir.path().join("clc"),
            public_host: "127.0.0.1".into(),
            peer_key_file: key,
            walrus: config::Walrus {
                url: format!("http://{}", walrus.listening.address()),
                public_url: String::new(),
            },
            nodes: nodes
                .iter()
                .map(|node| config::Node {
                    name: node.name.clone(),
                    url: format!("http://{}", node.listening.address()),
                    zone: "eucalyptus-1a".into(),
                })
                .collect(),
            ..Config::default()
        };
        configure(&mut config);
        let server = start(&config, &clock).await;
        let eucarc = fs::read_to_string(server.admin_dir().join("eucarc")).unwrap();
        let admin = User::of(&eucarc);
        Self { config, clock, walrus, nodes, admin, server: Some(server), dir }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Stops the clc.
    pub(crate) async fn stop(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    /// Stops the clc and starts it again.
    pub(crate) async fn restart(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        self.server = Some(start(&self.config, &self.clock).await);
    }

    /// Stops the clc and starts it again where its API was.
    pub(crate) async fn restart_at(&mut self, address: std::net::SocketAddr) {
        self.stop().await;
        let api = TcpListener::bind(address).unwrap();
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = Listeners { api, internal: bind(), console: bind() };
        let started = Server::start(self.config.clone(), listeners, self.clock.clone()).await;
        self.server = Some(started.unwrap());
    }

    fn transport(&self) -> Transport {
        let url = format!("http://{}", self.server().internal_address());
        Transport::new(&url, PeerKey::new(KEY), self.clock.clone())
    }

    pub(crate) fn identity(&self) -> Peer<Identity> {
        Peer::there(self.transport())
    }

    pub(crate) fn administration(&self) -> Peer<Admin> {
        Peer::there(self.transport())
    }

    pub(crate) fn people(&self) -> Peer<People> {
        Peer::there(self.transport())
    }

    /// Registers a user.
    pub(crate) async fn user(&self, name: &str) -> User {
        let ask = common::wire::admin::AddUser { name: name.into() };
        User::from_files(&self.administration().call(ask).await.unwrap())
    }

    /// Does an action as a user, and reads its answer.
    pub(crate) async fn call<A: Action>(
        &self,
        user: &User,
        action: &A,
    ) -> Result<A::Output, Refused> {
        let mut pairs = query::encode(action).unwrap();
        pairs.push(("Action".into(), A::NAME.into()));
        pairs.push(("Version".into(), "2016-11-15".into()));
        let answer = self.send(user, pairs).await?;
        Ok(xml::read_ec2_answer(&answer).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }

    /// Sends raw parameters and answers the XML.
    pub(crate) async fn raw(&self, user: &User, pairs: &[(&str, &str)]) -> Result<String, Refused> {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        self.send(user, pairs.iter().map(own).collect()).await
    }

    async fn send(&self, user: &User, mut pairs: Vec<(String, String)>) -> Result<String, Refused> {
        // Equal requests of one second would be one request, and done once.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        pairs.push(("Number".into(), NUMBER.fetch_add(1, Ordering::Relaxed).to_string()));
        self.send_as_is(user, pairs).await
    }

    /// Sends parameters with nothing that sets them apart from equal ones.
    pub(crate) async fn send_as_is(
        &self,
        user: &User,
        pairs: Vec<(String, String)>,
    ) -> Result<String, Refused> {
        self.send_to(user, "/services/Eucalyptus", pairs).await
    }

    /// Does an action of IAM's, and answers its XML.
    pub(crate) async fn iam(
        &self,
        user: &User,
        action: &str,
        pairs: &[(&str, &str)],
    ) -> Result<String, Refused> {
        // Equal requests of one second would be one request, and done once.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
        let all = [("Action", action), ("Version", "2010-05-08"), ("Number", number.as_str())];
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        self.send_to(user, "/services/Euare", all.iter().chain(pairs).map(own).collect()).await
    }

    /// Does an action of administration at one of its paths, and answers its XML.
    pub(crate) async fn administer(
        &self,
        user: &User,
        path: &str,
        action: &str,
        pairs: &[(&str, &str)],
    ) -> Result<String, Refused> {
        // Equal requests of one second would be one request, and done once.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
        let all = [("Action", action), ("Version", "eucalyptus"), ("Number", number.as_str())];
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        self.send_to(user, path, all.iter().chain(pairs).map(own).collect()).await
    }

    /// Does an action of STS's without parameters, and answers its XML.
    pub(crate) async fn sts(&self, user: &User, action: &str) -> Result<String, Refused> {
        let all = [("Action", action), ("Version", "2011-06-15")];
        let own = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
        self.send_to(user, "/services/Tokens", all.map(own).into()).await
    }

    async fn send_to(
        &self,
        user: &User,
        path: &str,
        mut pairs: Vec<(String, String)>,
    ) -> Result<String, Refused> {
        pairs.extend(user.token.iter().map(|token| ("SecurityToken".into(), token.clone())));
        let address = self.server().api_address();
        let host = address.to_string();
        let credentials = Credentials { access_key_id: &user.access_key, secret: &user.secret };
        let now = self.clock.now();
        let pairs =
            sign_ec2_v2(credentials, "POST", &host, path, &pairs, QueryMac::HmacSha256, now);
        let body = write_query(&pairs);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if head.starts_with("HTTP/1.1 200") {
            return Ok(body.to_owned());
        }
        let told = xml::read_error(body).unwrap_or_else(|| panic!("{answer}"));
        Err((told.code, told.message))
    }
}

async fn start(config: &Config, clock: &Clock) -> Server {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = Listeners { api: bind(), internal: bind(), console: bind() };
    Server::start(config.clone(), listeners, clock.clone()).await.unwrap()
}

/// Waits until a condition holds, and answers what it found.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    for _ in 0..3000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("in vain: {what}");
}

/// The texts of all elements of that name, in their order.
pub(crate) fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1);
    parts.map(|part| part.split(&close).next().unwrap().to_owned()).collect()
}

/// The code of a refusal.
pub(crate) fn code<T>(answer: Result<T, Refused>) -> String {
    answer.err().expect("it was answered, not refused").0
}
