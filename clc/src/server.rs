//! The clc, put together: store, actors, reconcilers, listeners; started and stopped here.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::node::{Node, NodeReport};
use common::wire::walrus::Walrus;
use futures_util::future::BoxFuture;
use runtime::actor::ServiceActor;
use runtime::audit::{AuditLog, OpenError};
use runtime::boot::Running;
use runtime::clock::Clock;
use runtime::doors::{DoorError, Doors, Doorway};
use runtime::endpoint::Endpoint;
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::exchange::Exchange;
use runtime::front::QueryApi;
use runtime::host::Host;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::peer::{Answers, Peer};
use runtime::pool;
use runtime::reconcile::{self as driver, Reconciler, Waker};
use runtime::replay::Replays;
use runtime::roster::Roster;
use runtime::shutdown::Shutdown;
use runtime::transport::Transport;
use store::{Engine, StoreError};
use thiserror::Error;

use crate::admin::answers::{Administration, identity};
use crate::admin::paths::{self, Paths};
use crate::admin::registrar;
use crate::audit::Trail;
use crate::audit::host::Recorded;
use crate::cluster::{Cluster, Member, Poller, poll};
use crate::config::{Config, Unusable};
use crate::console::{self, Beats, ConsoleError, Desk, Kept, Pictured, Shown, first_password};
use crate::ec2::bundles::Bundles;
use crate::ec2::images::Images;
use crate::ec2::instances::Instances;
use crate::ec2::keys::Keys;
use crate::ec2::keys_ahead::KeysAhead;
use crate::ec2::tags::Tagger;
use crate::ec2::tokens::Tokens;
use crate::ec2::zones::Zones;
use crate::history::{Counted, Counts, History, Sampler, sample};
use crate::iam::Iam;
use crate::identity::credentials::Endpoints;
use crate::identity::directory::RecordedDirectory;
use crate::identity::first_start::{self, FirstStartError};
use crate::identity::guard::RecordedGuard;
use crate::identity::key_uses::{self, KeyUseWriter, KeyUses};
use crate::identity::keyring::RecordedKeyRing;
use crate::identity::stand_in::RecordedStandIn;
use crate::people::People;
use crate::people::deletion::Leavers;
use crate::people::gate::Gate;
use crate::people::mail_server::{MailServer, NoServer};
use crate::people::post::Post;
use crate::reconcile::Wakers;
use crate::reconcile::plain::PlainImages;
use crate::records::{Records, SeenState};
use crate::routes::{Actors, router};
use crate::schedule::ledger::{Demand, Ledger, REST, Seat};
use crate::schedule::scheduler::Scheduler;
use crate::services::services;
use crate::upgrade;

/// How often reconcilers look when nobody wakes them.
const PERIOD: Duration = Duration::from_secs(5);
/// How often old records are looked for.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);
/// How often it is looked whether there shall be a new secret for sessions.
const SECRETS_PERIOD: Duration = Duration::from_secs(600);
/// How long a start waits for nodes to answer, so that the first launch finds them.
const MEETING: Duration = Duration::from_secs(2);
/// The actors, by the names under which they are watched.
const MEMBERS: [&str; 8] =
    ["bundles", "images", "instances", "keys", "scheduler", "store", "tags", "zones"];

/// Why the clc could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration makes no sense.
    #[error("the configuration cannot be used: {0}")]
    Config(#[from] Unusable),
    /// The peer key cannot be used.
    #[error("{0}")]
    Key(#[from] PeerKeyError),
    /// The data directory cannot be used.
    #[error("cannot use the data directory {path}: {source}", path = path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be opened or read.
    #[error("cannot use the store: {0}")]
    Store(#[from] StoreError),
    /// The first start failed.
    #[error("{0}")]
    FirstStart(#[from] FirstStartError),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The public listeners cannot be opened.
    #[error(transparent)]
    Doors(#[from] DoorError),
    /// The authority's certificate cannot be read.
    #[error("tls_ca_file {path}: {source}", path = path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log of what was asked cannot be used.
    #[error(transparent)]
    Audit(#[from] OpenError),
    /// The memory of used signatures cannot be used.
    #[error("cannot use the used signatures in {path}: {source}", path = path.display())]
    Signatures {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The history for pictures cannot be used.
    #[error("cannot use the history in {path}: {source}", path = path.display())]
    History {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The console cannot be opened.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// Mails cannot be sent as it is configured.
    #[error("{0}")]
    Mail(#[from] NoServer),
    /// Something that never should happen happened while starting.
    #[error("{0}")]
    Broken(#[from] ApiError),
}

/// The sockets of a clc.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub api: TcpListener,
    /// Messages of other services.
    pub internal: TcpListener,
    /// The console.
    pub console: TcpListener,
}

impl Listeners {
    /// Binds where the configuration says.
    ///
    /// # Errors
    /// Names the address that cannot be had.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).map_err(|error| StartError::Listen(address, error))
        };
        Ok(Self {
            api: bind(config.listen)?,
            internal: bind(config.internal_listen)?,
            console: bind(config.console_listen)?,
        })
    }
}

/// A clc that runs.
pub struct Server {
    api: Doors,
    internal: Listening,
    console: Listening,
    admin_dir: PathBuf,
    roster: Roster,
    shutdown: Shutdown,
    loops: Vec<tokio::task::JoinHandle<()>>,
    store: Weak<dyn Engine>,
    actions: Vec<(&'static str, &'static str)>,
    log: AuditLog,
}

impl Server {
    /// Starts a clc on bound sockets. Must be called within [`runtime::boot::in_system`].
    ///
    /// # Errors
    /// Says what cannot be used.
    pub async fn start(
        config: Config,
        listeners: Listeners,
        clock: Clock,
    ) -> Result<Self, StartError> {
        config.check()?;
        let doorway = Doorway::build(listeners.api, config.tls()).await?;
        let endpoints = {
            let (config, (address, tls)) = (config.clone(), doorway.preferred());
            pool::block(move || endpoints(&config, address.port(), tls)).await??
        };
        let admin_dir = config.admin_dir();
        let (key, records, ledger, replays) = {
            let (config, endpoints, now) = (config.clone(), endpoints.clone(), clock.now());
            pool::block(move || prepare(&config, &endpoints, now)).await??
        };
        let mail_server = {
            let config = config.clone();
            pool::block(move || MailServer::new(&config.mail, &config.public_host())).await??
        };

        let log = {
            let (terms, clock) = (config.audit(), clock.clone());
            pool::block(move || AuditLog::open(terms, clock)).await??
        };
        let history = {
            let (path, most) = (config.data_dir.join("history"), config.history_accounts);
            let opened = {
                let path = path.clone();
                pool::block(move || History::open(&path, most)).await?
            };
            opened.map_err(|source| StartError::History { path, source })?
        };
        let shutdown = Shutdown::default();
        let roster = Roster::default();
        let metrics = Metrics::default();
        let wakers = Wakers::new(config.nodes.iter().map(|node| node.name.as_str()));
        let there = |url: &str| Transport::new(url, key.clone(), clock.clone());
        let walrus: Peer<Walrus> = Peer::there(there(&config.walrus.url));
        let cluster = Cluster::new(config.nodes.iter().map(|node| {
            let peer: Peer<Node> = Peer::there(there(&node.url));
            Member::new(node.name.clone(), node.zone.clone(), peer).at(&node.url)
        }));
        let (scheduler, rooms) = Scheduler::start(ledger, clock.clone());
        roster.enrol("scheduler", scheduler.clone());
        let rooms_seen = rooms.clone();
        let plain =
            PlainImages::new(walrus.clone(), wakers.clone(), clock.clone(), shutdown.clone());

        let parts = Parts {
            config: &config,
            endpoints: &endpoints,
            records: &records,
            clock: &clock,
            walrus: &walrus,
            cluster: &cluster,
            wakers: &wakers,
            scheduler: &scheduler,
            shutdown: &shutdown,
            roster: &roster,
        };
        let actors = parts.actors(rooms.clone(), &plain);
        let mut loops = parts.reconcilers(&plain);
        let people = parts.people(mail_server.is_some());
        loops.extend(parts.people_loops(&people, mail_server));
        parts.polls();
        let counts = Counts::default();
        loops.push(parts.sampler(&history, &counts, rooms.clone()));
        declare(&metrics, &cluster, &clock, rooms.clone());
        cluster.meet(MEETING).await;

        let directory = Arc::new(RecordedDirectory::new(records.clone()));
        let keys = Arc::new(RecordedKeyRing::new(Arc::clone(&directory), clock.clone()));
        let key_uses = KeyUses::new(clock.clone());
        loops.push(parts.key_uses(&key_uses));
        let iam = Iam {
            records: records.clone(),
            directory: Arc::clone(&directory),
            key_uses: key_uses.clone(),
            endpoints: endpoints.clone(),
            people: people.clone(),
            walrus: walrus.clone(),
            clock: clock.clone(),
        };
        let (identity_of, region) = (Arc::clone(&directory), config.region.clone());
        let guard = Arc::new(RecordedGuard { directory: identity_of, region });
        let paths = Paths {
            people: people.clone(),
            walrus: walrus.clone(),
            walrus_url: endpoints.walrus.clone(),
            cluster: cluster.clone(),
            scheduler: scheduler.clone(),
            rooms: rooms_seen,
            host: Host::new(env!("CARGO_PKG_VERSION"), &clock, config.data_dir.clone(), 0),
            seen: Default::default(),
        };
        let trail = Trail { log: log.clone(), walrus: walrus.clone() };
        let api = services(
            QueryApi::new(router(&actors), keys, guard, clock.clone(), common::ec2::VERSION),
            iam,
            &trail,
        )
        .serving(paths::service(paths))
        .audited(Arc::new(Counted { auditor: log.clone(), counts }))
        .remembering(Arc::new(replays))
        .witnessed(Arc::new(key_uses.clone()))
        .delegating("iam", Arc::new(RecordedStandIn { records: records.clone() }));
        let actions = api.actions();
        let administration = Administration {
            records: records.clone(),
            endpoints,
            clock: clock.clone(),
            wakers,
            walrus: walrus.clone(),
            people: people.clone(),
        };
        let answers = crate::admin::people::people(&people);
        let answers = registrar::people(answers, &people);
        let answers = registrar::beside(answers, &people, &walrus, &trail);
        let asked: Arc<dyn Answers> =
            Arc::new(Recorded::console(answers, &records, &log, clock.clone()));
        let api = Arc::new(api);
        let desk = Desk {
            api: Arc::clone(&api),
            asked: Arc::clone(&asked),
            people: people.clone(),
            directory: Arc::clone(&directory),
            log: log.clone(),
            admin_dir: admin_dir.clone(),
            shutdown: shutdown.clone(),
            beats: Beats::new(walrus.clone(), shutdown.clone()),
            pictured: Pictured {
                history,
                cluster: cluster.clone(),
                rooms,
                walrus: walrus.clone(),
                certificate: site_certificate(&config),
            },
            storage: Exchange::new(&config.walrus.url),
            kept: Kept::default(),
        };
        let desk = Arc::new(desk);
        let (told, followed) = ("Parts of pages that are being followed.", Arc::downgrade(&desk));
        metrics.gauge("eucalypt_clc_console_streams", told, move || {
            followed.upgrade().map_or(0, |desk| desk.streams() as u64)
        });
        let internal = Endpoint::new(key, clock.clone(), roster.clone(), metrics)
            .service(Arc::new(identity(&records, &key_uses, &shutdown)))
            .service(Arc::new(Recorded::new(administration.dispatcher(), &trail, clock)))
            .service(Arc::clone(&asked));
        let open = |listener: TcpListener, app| {
            let address = listener.local_addr().unwrap_or(config.listen);
            listen(listener, &Limits::default(), app)
                .map_err(|error| StartError::Listen(address, error))
        };
        let api = doorway.open(&Limits::default(), api, &shutdown)?;
        let internal = open(listeners.internal, Arc::new(internal))?;
        {
            let (people, admin_dir) = (people.clone(), admin_dir.clone());
            people.work(move |people| first_password::prepare(people, &admin_dir)).await?;
        }
        let console = console::open(listeners.console, shown(&config), desk).await?;
        if let Some(https) = api.tls_address() {
            tracing::info!(%https, "the API is served by https");
        }
        let (at, inside) = (api.address(), internal.address());
        tracing::info!(api = %at, internal = %inside, console = %console.address(), "clc is up");
        let store = Arc::downgrade(&records.engine);
        let watched = Weak::clone(&store);
        roster.heed("store", move || watched.upgrade().is_none_or(|store| store.is_usable()));
        Ok(Self { api, internal, console, admin_dir, roster, shutdown, loops, store, actions, log })
    }

    /// Where the API listens.
    pub fn api_address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Where the API listens by https, if it does.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.api.tls_address()
    }

    /// Where messages of other services are answered.
    pub fn internal_address(&self) -> SocketAddr {
        self.internal.address()
    }

    /// Where the console is, by https.
    pub fn console_address(&self) -> SocketAddr {
        self.console.address()
    }

    /// All actions that it answers: what policies call their API, and their names.
    pub fn actions(&self) -> &[(&'static str, &'static str)] {
        &self.actions
    }

    /// Where the administrator's credentials are.
    pub fn admin_dir(&self) -> &std::path::Path {
        &self.admin_dir
    }

    /// Takes nothing new, finishes what is under way, and gives the store back.
    pub async fn stop(self) {
        self.shutdown.raise();
        let console = self.console.stop();
        futures_util::future::join(self.api.stop(), console).await;
        self.internal.stop().await;
        self.log.close().await;
        for task in self.loops {
            // A loop that panicked has ended, too.
            drop(task.await);
        }
        for name in MEMBERS {
            self.roster.dismiss(name);
        }
        // Actors end when nobody knows them any more; whoever starts next on this directory must
        // find it free.
        let pause = Duration::from_millis(5);
        for _ in 0..400 {
            if self.store.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        tracing::warn!("somebody still holds the store");
    }
}

impl Running for Server {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    fn drain(self) -> BoxFuture<'static, ()> {
        Box::pin(self.stop())
    }
}

/// The URLs that users get: by https if there is https. Blocks.
fn endpoints(config: &Config, port: u16, tls: bool) -> Result<Endpoints, StartError> {
    let scheme = if tls { "https" } else { "http" };
    let ca = &config.tls_ca_file;
    let authority = (!ca.as_os_str().is_empty()).then(|| std::fs::read_to_string(ca));
    let authority = authority
        .transpose()
        .map_err(|source| StartError::Authority { path: ca.clone(), source })?;
    let host = config.public_host();
    let walrus = match config.walrus.public_url.as_str() {
        "" => format!("http://{host}:8774/services/Walrus"),
        url => url.trim_end_matches('/').to_owned(),
    };
    let (clc, region) = (format!("{scheme}://{host}:{port}"), config.region.clone());
    Ok(Endpoints { clc, walrus, region, authority, host })
}

/// By which certificate the console is opened: the site's, or one of its own.
fn shown(config: &Config) -> Shown {
    match config.tls_cert_file.as_os_str().is_empty() {
        true => Shown::Own(config.data_dir.join("console")),
        false => Shown::Site(config.tls_cert_file.clone(), config.tls_key_file.clone()),
    }
}

/// The site's certificate, if it has one.
fn site_certificate(config: &Config) -> Option<PathBuf> {
    let file = &config.tls_cert_file;
    (!file.as_os_str().is_empty()).then(|| file.clone())
}

/// Everything that waits for the disk before the first actor lives.
fn prepare(
    config: &Config,
    endpoints: &Endpoints,
    now: Timestamp,
) -> Result<(PeerKey, Records, Ledger, Replays), StartError> {
    let key = PeerKey::read(&config.peer_key_file)?;
    let dir = &config.data_dir;
    // The store holds secrets.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| StartError::DataDir { path: dir.clone(), source })?;
    let engine = store::open(&config.store())?;
    Records::schema().admit(&*engine)?;
    let records = Records::new(engine);
    records.begin_epoch()?;
    first_start::prepare(&records, dir, &config.admin_dir(), endpoints, now)?;
    upgrade::index_rows(&records)?;
    let ledger = restore(config, &records, now)?;
    let signatures = dir.join("signatures");
    let replays = Replays::open(&signatures, config.remembered_signatures, now)
        .map_err(|source| StartError::Signatures { path: signatures, source })?;
    Ok((key, records, ledger, replays))
}

/// The book of capacity as the records have it.
fn restore(config: &Config, records: &Records, now: Timestamp) -> Result<Ledger, StoreError> {
    let nodes = config.nodes.iter().map(|node| (node.name.clone(), node.zone.clone()));
    let mut ledger = Ledger::new(nodes);
    for seen in records.node_rules.all("") {
        ledger.close(&seen?.node, true);
    }
    for seen in records.instances.all("") {
        let it = seen?.record;
        if it.lives() {
            let demand = Demand { cpus: it.cpus, memory_mib: it.memory_mib, disk_mib: it.disk_mib };
            let off = it.seen == SeenState::Stopped;
            let demand = if off { demand.parked() } else { demand };
            ledger.restore(&it.node, it.id, Seat { demand, address: it.address });
        } else if now.since(it.since) < REST {
            ledger.rest(&it.node, it.address, it.since);
        }
    }
    Ok(ledger)
}

fn declare(
    metrics: &Metrics,
    cluster: &Cluster,
    clock: &Clock,
    rooms: tokio::sync::watch::Receiver<Arc<Vec<crate::schedule::ledger::Room>>>,
) {
    let (seen, now) = (cluster.clone(), clock.clone());
    metrics.gauge("eucalypt_clc_nodes_reachable", "Nodes that answered lately.", move || {
        let now = now.now();
        seen.members().filter(|member| member.sighting().is_reachable(now)).count() as u64
    });
    let seen = cluster.clone();
    metrics.gauge(
        "eucalypt_clc_bundle_tasks",
        "Instances being saved, as nodes tell.",
        move || {
            let reports = seen.members().filter_map(|member| member.sighting().report);
            let alive = |report: &NodeReport| {
                report.bundles.iter().filter(|view| !view.state.is_over()).count() as u64
            };
            reports.map(|report| alive(&report)).sum()
        },
    );
    let all = cluster.clone();
    metrics.gauge("eucalypt_clc_nodes", "Nodes that are configured.", move || {
        all.members().count() as u64
    });
    metrics.gauge("eucalypt_clc_free_cpus", "Virtual processors not promised.", move || {
        rooms.borrow().iter().map(|room| u64::from(room.free.cpus)).sum()
    });
}

/// What the actors and loops are made of.
struct Parts<'a> {
    config: &'a Config,
    endpoints: &'a Endpoints,
    records: &'a Records,
    clock: &'a Clock,
    walrus: &'a Peer<Walrus>,
    cluster: &'a Cluster,
    wakers: &'a Wakers,
    scheduler: &'a actix::Addr<Scheduler>,
    shutdown: &'a Shutdown,
    roster: &'a Roster,
}

impl Parts<'_> {
    fn actors(
        &self,
        rooms: tokio::sync::watch::Receiver<Arc<Vec<crate::schedule::ledger::Room>>>,
        plain: &PlainImages,
    ) -> Actors {
        let zones = self.config.zones();
        let images = ServiceActor::start(
            Arc::new(Images {
                records: self.records.clone(),
                walrus: self.walrus.clone(),
                plain: plain.clone(),
                clock: self.clock.clone(),
                wakers: self.wakers.clone(),
            }),
            64,
        );
        let instances = ServiceActor::start(
            Arc::new(Instances {
                records: self.records.clone(),
                clock: self.clock.clone(),
                scheduler: self.scheduler.clone(),
                cluster: self.cluster.clone(),
                wakers: self.wakers.clone(),
                zones,
                tokens: Tokens::default(),
            }),
            128,
        );
        let keys = ServiceActor::start(
            Arc::new(Keys {
                records: self.records.clone(),
                clock: self.clock.clone(),
                ahead: KeysAhead::start(self.shutdown),
            }),
            64,
        );
        let tags = ServiceActor::start(Arc::new(Tagger { records: self.records.clone() }), 64);
        let zones = ServiceActor::start(
            Arc::new(Zones {
                records: self.records.clone(),
                region: self.config.region.clone(),
                endpoints: self.endpoints.clone(),
                cluster: self.cluster.clone(),
                rooms,
                clock: self.clock.clone(),
            }),
            64,
        );
        let bundles = ServiceActor::start(
            Arc::new(Bundles {
                records: self.records.clone(),
                walrus: self.walrus.clone(),
                clock: self.clock.clone(),
                cluster: self.cluster.clone(),
                wakers: self.wakers.clone(),
            }),
            64,
        );
        self.roster.enrol("bundles", bundles.clone());
        self.roster.enrol("images", images.clone());
        self.roster.enrol("instances", instances.clone());
        self.roster.enrol("keys", keys.clone());
        self.roster.enrol("tags", tags.clone());
        self.roster.enrol("zones", zones.clone());
        Actors { bundles, images, instances, keys, tags, zones }
    }

    fn reconcilers(&self, plain: &PlainImages) -> Vec<tokio::task::JoinHandle<()>> {
        let run = |reconciler: Arc<dyn Reconciler>, waker: &Waker, period| {
            driver::run(reconciler, waker, period, self.clock, self.roster, self.shutdown)
        };
        let images = crate::reconcile::images::Images {
            records: self.records.clone(),
            plain: plain.clone(),
            walrus: self.walrus.clone(),
            wakers: self.wakers.clone(),
        };
        let imports = crate::reconcile::imports::Imports::new(
            self.records.clone(),
            self.walrus.clone(),
            self.clock.clone(),
            self.wakers.clone(),
        );
        let walrus = crate::reconcile::walrus::ForWalrus {
            records: self.records.clone(),
            walrus: self.walrus.clone(),
            bundle_key_file: first_start::bundle_key_file(&self.config.data_dir),
        };
        let sweep = crate::reconcile::sweep::Sweep {
            records: self.records.clone(),
            clock: self.clock.clone(),
        };
        let secrets = crate::identity::session_secrets::SessionSecrets {
            records: self.records.clone(),
            clock: self.clock.clone(),
        };
        let mut loops = vec![
            run(Arc::new(secrets), &Waker::new(), SECRETS_PERIOD),
            run(Arc::new(images), &self.wakers.images, PERIOD),
            run(Arc::new(imports), &self.wakers.imports, PERIOD),
            run(Arc::new(walrus), &self.wakers.walrus, PERIOD),
            run(Arc::new(sweep), &Waker::new(), SWEEP_PERIOD),
        ];
        for member in self.cluster.members() {
            let waker = self.wakers.nodes.get(&member.name).cloned().unwrap_or_default();
            let instances = crate::reconcile::instances::Instances {
                name: format!("instances on {}", member.name),
                member: Arc::clone(member),
                records: self.records.clone(),
                plain: plain.clone(),
                scheduler: self.scheduler.clone(),
                clock: self.clock.clone(),
                region: self.config.region.clone(),
                patience: Duration::from_secs(self.config.launch_patience_seconds),
                since: self.clock.now(),
                waker: waker.clone(),
            };
            loops.push(run(Arc::new(instances), &waker, PERIOD));
        }
        let members = self.cluster.members().map(|member| Some(Arc::clone(member)));
        for member in members.chain([None]) {
            let bundles = self.bundles(member);
            let waker = bundles.waker.clone();
            loops.push(run(Arc::new(bundles), &waker, PERIOD));
        }
        loops
    }

    /// Writes down when keys were used.
    fn key_uses(&self, uses: &KeyUses) -> tokio::task::JoinHandle<()> {
        let writer = KeyUseWriter { uses: uses.clone(), records: self.records.clone() };
        let (waker, period) = (Waker::new(), key_uses::PERIOD);
        driver::run(Arc::new(writer), &waker, period, self.clock, self.roster, self.shutdown)
    }

    /// Keeps the history for pictures and reports.
    fn sampler(
        &self,
        history: &History,
        counts: &Counts,
        rooms: tokio::sync::watch::Receiver<Arc<Vec<crate::schedule::ledger::Room>>>,
    ) -> tokio::task::JoinHandle<()> {
        let sampler = Sampler {
            history: history.clone(),
            records: self.records.clone(),
            cluster: self.cluster.clone(),
            rooms,
            walrus: self.walrus.clone(),
            counts: counts.clone(),
            clock: self.clock.clone(),
            report_days: self.config.report_days,
            last: std::sync::Mutex::default(),
        };
        let (waker, period) = (Waker::new(), sample::PERIOD);
        driver::run(Arc::new(sampler), &waker, period, self.clock, self.roster, self.shutdown)
    }

    fn people(&self, mails: bool) -> People {
        People {
            records: self.records.clone(),
            endpoints: self.endpoints.clone(),
            console: self.config.console(),
            zones: self.config.zones().into(),
            mails,
            clock: self.clock.clone(),
            post: Waker::new(),
            leaving: Waker::new(),
            wakers: self.wakers.clone(),
            gate: Arc::new(Gate::of_this_host()),
            throttle: Arc::default(),
        }
    }

    fn people_loops(
        &self,
        people: &People,
        server: Option<MailServer>,
    ) -> [tokio::task::JoinHandle<()>; 3] {
        let run = |reconciler: Arc<dyn Reconciler>, waker: &Waker| {
            driver::run(reconciler, waker, PERIOD, self.clock, self.roster, self.shutdown)
        };
        let post = Post { people: people.clone(), server };
        let leavers = Leavers { people: people.clone(), walrus: self.walrus.clone() };
        let (sweep, asleep) = (Arc::new(console::sweep(people.clone())), Waker::new());
        let (clock, roster, shutdown) = (self.clock, self.roster, self.shutdown);
        let sweep = driver::run(sweep, &asleep, console::SWEEP, clock, roster, shutdown);
        [run(Arc::new(post), &people.post), run(Arc::new(leavers), &people.leaving), sweep]
    }

    fn bundles(&self, member: Option<Arc<Member>>) -> crate::reconcile::bundles::Bundles {
        let name = member.as_ref().map(|member| member.name.as_str());
        let waker = name.and_then(|name| self.wakers.bundles.get(name)).cloned();
        crate::reconcile::bundles::Bundles {
            name: format!("bundles {}", name.map_or("of no node".into(), |it| format!("on {it}"))),
            member,
            cluster: self.cluster.clone(),
            records: self.records.clone(),
            walrus: self.walrus.clone(),
            clock: self.clock.clone(),
            since: self.clock.now(),
            wakers: self.wakers.clone(),
            waker: waker.unwrap_or_default(),
        }
    }

    fn polls(&self) {
        for member in self.cluster.members() {
            let poller = Poller {
                scheduler: self.scheduler.clone(),
                wakers: [&self.wakers.nodes, &self.wakers.bundles]
                    .map(|wakers| wakers.get(&member.name).cloned().unwrap_or_default()),
                clock: self.clock.clone(),
                shutdown: self.shutdown.clone(),
            };
            poll(Arc::clone(member), poller);
        }
    }
}
