//! The clc, put together: store, actors, reconcilers, listeners; started and stopped here.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use common::wire::node::{Node, NodeReport};
use common::wire::walrus::Walrus;
use futures_util::future::BoxFuture;
use runtime::audit::AuditLog;
use runtime::boot::Running;
use runtime::clock::Clock;
use runtime::doors::{Doors, Doorway};
use runtime::endpoint::Endpoint;
use runtime::exchange::Exchange;
use runtime::front::QueryApi;
use runtime::host::Host;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::peer::{Answers, Peer};
use runtime::pool;
use runtime::roster::Roster;
use runtime::shutdown::Shutdown;
use runtime::transport::Transport;
use store::Engine;

use self::parts::Parts;
use self::prepare::{certificate, endpoints, prepare, shown};
use crate::admin::answers::{Administration, identity};
use crate::admin::paths::{self, Paths};
use crate::admin::registrar;
use crate::audit::Trail;
use crate::audit::host::Recorded;
use crate::cluster::{Cluster, Member};
use crate::config::Config;
use crate::console::{self, Beats, Desk, Kept, Pictured, first_password};
use crate::history::{Counted, Counts, History};
use crate::iam::Iam;
use crate::identity::directory::RecordedDirectory;
use crate::identity::guard::RecordedGuard;
use crate::identity::key_uses::KeyUses;
use crate::identity::keyring::RecordedKeyRing;
use crate::identity::stand_in::RecordedStandIn;
use crate::people::mail_server::MailServer;
use crate::reconcile::Wakers;
use crate::reconcile::plain::PlainImages;
use crate::routes::router;
use crate::schedule::scheduler::Scheduler;
use crate::services::services;

mod parts;
mod prepare;

pub use prepare::StartError;

/// How long a start waits for nodes to answer, so that the first launch finds them.
const MEETING: Duration = Duration::from_secs(2);
/// The actors, by the names under which they are watched.
const MEMBERS: [&str; 8] =
    ["bundles", "images", "instances", "keys", "scheduler", "store", "tags", "zones"];

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
        declare(&metrics, &cluster, &clock, rooms.clone());
        cluster.meet(MEETING).await;
        // What the nodes have is known by now: the first sample has it.
        loops.push(parts.sampler(&history, &counts, rooms.clone()));

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
        let shows = certificate(&config);
        let paths = paths::start(Paths {
            people: people.clone(),
            walrus: walrus.clone(),
            walrus_url: endpoints.walrus.clone(),
            cluster: cluster.clone(),
            scheduler: scheduler.clone(),
            rooms: rooms_seen,
            host: Host::new(env!("CARGO_PKG_VERSION"), &clock, config.data_dir.clone(), 0)
                .certificate(shows.0, shows.1.clone()),
            seen: Default::default(),
        });
        let trail = Trail { log: log.clone(), walrus: walrus.clone() };
        let api = services(
            QueryApi::new(router(&actors), keys, guard, clock.clone(), common::ec2::VERSION),
            iam,
            &trail,
        )
        .serving(paths::service(&paths))
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
            paths,
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
                certificate: shows.1,
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
