//! Wires the node agent together: what is there, the network, the images, the machines, the
//! listener.
//!
//! Order matters at start: a lock keeps a second agent away from the same machines; what is on
//! disk is read before the network and the images are brought to it, so that neither takes
//! anything away that a living machine uses; the listener comes last. Before all of it stands the
//! question whether the host can do what it shall: everything that is missing is said at once.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor as _, Addr};
use common::error::ApiError;
use common::wire::bundling::{BundleState, BundleView};
use common::wire::host::LookAtNode;
use common::wire::node::{Capacity, MachineState, NodeReport, Software};
use futures_util::future::BoxFuture;
use runtime::boot::Running;
use runtime::clock::Clock;
use runtime::endpoint::Endpoint;
use runtime::envelope::PeerKey;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::pool;
use runtime::roster::Roster;
use runtime::shutdown::Shutdown;
use rustix::fs::{FlockOperation, flock};
use thiserror::Error;
use tokio::sync::{Semaphore, watch};

use crate::agent::adopt::{self, AdoptError};
use crate::agent::agent::Agent;
use crate::agent::capacity::{self, CapacityError};
use crate::agent::plugs::{Plugs, Unplugged};
use crate::agent::report::Board;
use crate::agent::user_mode::UserMode;
use crate::bundling::bundles::{Bundles, Pause};
use crate::bundling::notes::{self, Note, NoteError};
use crate::bundling::room::Room;
use crate::bundling::send::Post;
use crate::bundling::work::Tools;
use crate::config::{Config, DriverKind, NetworkKind, Unusable};
use crate::hypervisor::driver::Driver;
use crate::hypervisor::error::DriverError;
use crate::hypervisor::qemu::probe::{Programs, probe};
use crate::hypervisor::qemu::qemu::Qemu;
use crate::hypervisor::sim::{Sim, SimMode};
use crate::image::fetch::Http;
use crate::image::images::{Images, ImagesConfig};
use crate::image::table::ImageError;
use crate::metadata::serve::Metadata;
use crate::metadata::token::Tokens;
use crate::network::executor::{Host, HostError};
use crate::network::names::Names;
use crate::network::network::{Network, NetworkError, NetworkSettings, Stop};
use crate::network::tools;
use crate::network::wanted::Outbound;
use crate::routes;
use crate::vm::effects::Hands;
use crate::vm::folder::{Remains, Scan, holders};
use crate::vm::vm::{Vm, VmHandle};
use crate::vm::wiring::Wiring;

/// How long the agent before may take to let go of its directory.
const HANDOVER: Duration = Duration::from_secs(2);

/// Why the node agent cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// The host lacks something; each thing is named.
    #[error("{0}")]
    Missing(String),
    /// A file or directory of the data directory cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another agent has this data directory.
    #[error("another node-agent uses {0}")]
    Locked(PathBuf),
    /// Guests shall reach the outside, and there is none.
    #[error("masquerade is set, but this host has no default route: name the uplink")]
    NoUplink,
    /// What the host can hold is unknown.
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    /// What is on disk or alive cannot be found out.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The hypervisor cannot be used.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The host's network cannot be seen.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The host's network cannot be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What is known of bundle tasks cannot be read.
    #[error(transparent)]
    Notes(#[from] NoteError),
    /// The image cache cannot be opened.
    #[error(transparent)]
    Images(#[from] ImageError),
    /// The listener cannot be used.
    #[error("the listener cannot be used: {0}")]
    Listen(#[source] std::io::Error),
    /// Something of our own failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// The node agent, running.
pub struct Server {
    internal: Listening,
    network: Option<Addr<Network>>,
    bundles: Addr<Bundles>,
    metadata: Metadata,
    roster: Roster,
    shutdown: Shutdown,
    /// Held as long as the agent lives.
    lock: File,
}

impl Server {
    /// Starts the agent on a bound listener with the driver that the configuration names. Must be
    /// called within an actix system.
    ///
    /// # Errors
    /// What is wrong with the configuration, the host, the data directory or the listener.
    pub async fn start(
        config: Config,
        internal: TcpListener,
        peer_key: PeerKey,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let config = config.check()?;
        let (lock, capacity) = open(&config).await?;
        let base = Base { config, lock, capacity, internal, peer_key, clock };
        match base.config.driver {
            DriverKind::Sim => {
                let plugging = played(&base.config)?;
                base.raise(Arc::new(Sim::new(SimMode::Automatic)), plugging).await
            }
            DriverKind::Qemu => {
                let (plugging, driver) = host(&base.config).await?;
                base.raise(driver, plugging).await
            }
        }
    }

    /// Starts the agent with played machines that somebody else moves.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_played(
        config: Config,
        internal: TcpListener,
        peer_key: PeerKey,
        clock: Clock,
        driver: Sim,
    ) -> Result<Self, StartError> {
        let config = config.check()?;
        let (lock, capacity) = open(&config).await?;
        let base = Base { config, lock, capacity, internal, peer_key, clock };
        let plugging = played(&base.config)?;
        base.raise(Arc::new(driver), plugging).await
    }

    /// Where messages are answered.
    pub fn internal_address(&self) -> SocketAddr {
        self.internal.address()
    }

    /// Answers nobody any more. Machines run on, with their taps; a host without machines is left
    /// as it was found.
    pub async fn stop(self) {
        self.shutdown.raise();
        self.internal.stop().await;
        // A guest that is held for a copy would wait for the next agent.
        if self.bundles.send(Pause).await.is_err() {
            tracing::warn!("the bundle tasks have ended before");
        }
        self.metadata.close_all();
        if let Some(network) = &self.network
            && let Ok(Err(error)) = network.send(Stop { purge: false }).await
        {
            tracing::warn!(%error, "the network was not left as it should be");
        }
        drop(self.lock);
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
        // Futures of actors stay on their thread; this one only talks to them.
        Box::pin(self.stop())
    }
}

/// What is certain before anything runs.
struct Base {
    config: Config,
    lock: File,
    capacity: Capacity,
    internal: TcpListener,
    peer_key: PeerKey,
    clock: Clock,
}

impl Base {
    async fn raise(
        self,
        driver: Arc<dyn Driver>,
        plugging: Plugging,
    ) -> Result<Server, StartError> {
        let Self { config, lock, capacity, internal, peer_key, clock } = self;
        let instances = config.data_dir.join("instances");
        let scan = adopt::look(&instances).await?;
        let alive = adopt::living(Arc::clone(&driver), &instances, &scan).await?;

        let (shutdown, roster, metrics) =
            (Shutdown::default(), Roster::default(), Metrics::default());
        let metadata = Metadata::new(clock.clone(), Tokens::new(&random()?));
        let (network, wiring) = wire(&config, plugging, &scan, &metadata).await?;
        let images = ImagesConfig {
            directory: config.data_dir.join("images"),
            limit: config.image_cache_mb << 20,
        };
        let fetch = Arc::new(Http::default());
        let images = Images::open(images, holders(&scan.kept), fetch, clock.clone()).await?;
        let report = NodeReport {
            name: config.name.clone(),
            session: session()?,
            revision: 1,
            hypervisor: driver.name().to_owned(),
            capacity,
            subnet: config.subnet.0,
            instances: Vec::new(),
            bundles: Vec::new(),
            software: Software {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                architecture: std::env::consts::ARCH.to_owned(),
                started: Some(clock.now()),
            },
        };
        let board = Board::new(report, shutdown.clone());
        let grace = Duration::from_secs(config.shutdown_grace_seconds);
        let hands = Arc::new(Hands { driver, images, wiring, clock: clock.clone(), grace });
        let found: Vec<_> = scan
            .kept
            .into_iter()
            .map(|kept| {
                let living = alive.contains(kept.folder.path());
                Vm::adopt(kept, living, Arc::clone(&hands))
            })
            .collect();
        let adopted = found.len();
        let tools = Tools {
            driver: Arc::clone(&hands.driver),
            instances: instances.clone(),
            images: config.data_dir.join("images"),
            notes: config.data_dir.join("bundles"),
            clock: clock.clone(),
            post: Post::new(clock.clone()),
            turns: Arc::new(Semaphore::new(config.bundles_at_once)),
            room: Room::new(config.free_space_reserve_mb << 20),
            sent: metrics.counter(
                "eucalypt_node_bundle_sent_bytes_total",
                "Bytes of bundles that were stored",
            ),
        };
        let bundles = raise_bundles(tools, &found, &board, &metrics).await?;
        let told = (board.clone(), bundles.clone());
        let agent = Agent::start(instances, hands, metadata.clone(), told, found);
        roster.enrol("agent", agent.clone());
        roster.enrol("bundles", bundles.clone());
        if let Some(network) = &network {
            roster.enrol("network", network.clone());
        }
        declare(&metrics, &roster, &board, &metadata);
        let host = {
            let (dir, reserve) = (config.data_dir.clone(), config.free_space_reserve_mb << 20);
            let (preparing, bundling) = (board.clone(), board.clone());
            runtime::host::Host::new(env!("CARGO_PKG_VERSION"), &clock, dir, reserve)
                .queue("preparing", move || preparing.count(MachineState::Preparing))
                .queue("bundling", move || bundling.bundling())
        };
        let answers = routes::dispatcher(&agent, &bundles, board.clone())
            .with(move |_: LookAtNode| host.clone().look());
        let endpoint =
            Endpoint::new(peer_key, clock, roster.clone(), metrics).service(Arc::new(answers));
        let internal =
            listen(internal, &Limits::default(), Arc::new(endpoint)).map_err(StartError::Listen)?;
        tracing::info!(
            node = config.name, hypervisor = board.now().hypervisor, adopted,
            internal = %internal.address(), "node-agent is up"
        );
        Ok(Server { internal, network, bundles, metadata, roster, shutdown, lock })
    }
}

/// The bundle tasks that were found, and what is shown of them.
async fn raise_bundles(
    tools: Tools,
    found: &[VmHandle],
    board: &Board,
    metrics: &Metrics,
) -> Result<Addr<Bundles>, StartError> {
    let directory = tools.notes.clone();
    let (notes, broken) = pool::block(move || notes::scan(&directory)).await??;
    for path in broken {
        tracing::error!(path = %path.display(), "this is left alone: it is no task of ours");
    }
    let machine = |note: &Note| {
        let spec = &note.wish.as_ref()?.spec;
        found.iter().find(|vm| *vm.instance() == spec.instance).cloned()
    };
    let notes = notes.into_iter().map(|note| (machine(&note), note));
    let (views, mut shown) = watch::channel(Vec::new());
    let notes = notes.map(|(vm, note)| (note, vm)).collect();
    let bundles = Bundles::new(tools, notes, views).start();
    let of = |wanted: fn(&BundleState) -> bool| {
        let shown = shown.clone();
        move || {
            let views: &Vec<BundleView> = &shown.borrow();
            let many = views.iter().filter(|view| wanted(&view.state)).count();
            u64::try_from(many).unwrap_or(u64::MAX)
        }
    };
    metrics.gauge(
        "eucalypt_node_bundling",
        "Instances being bundled, or waiting for it",
        of(|state| !state.is_over()),
    );
    metrics.gauge(
        "eucalypt_node_bundles_failed",
        "Failed bundle tasks that the clc has not taken note of",
        of(|state| matches!(state, BundleState::Failed { .. })),
    );
    let board = board.clone();
    pool::spawn(async move {
        while shown.changed().await.is_ok() {
            let views = shown.borrow_and_update().clone();
            board.show_bundles(views);
        }
    });
    Ok(bundles)
}

/// What tells this agent from others on the host. Two agents of one name are two agents: neither
/// may take the other's taps away.
fn identity(config: &Config) -> Result<String, StartError> {
    let data_dir = std::path::absolute(&config.data_dir)
        .map_err(|source| StartError::Files { path: config.data_dir.clone(), source })?;
    Ok(format!("{} {}", config.name, data_dir.display()))
}

async fn settings(config: &Config, tools: &tools::Tools) -> Result<NetworkSettings, StartError> {
    let uplink = match config.uplink.as_str() {
        "" if config.masquerade => {
            let host = Host::new(tools);
            pool::block(move || host.default_uplink()).await??.ok_or(StartError::NoUplink)?
        }
        named => named.to_owned(),
    };
    let outbound = match (config.masquerade, uplink.is_empty()) {
        (true, _) => Outbound::Masquerade(uplink),
        (false, true) => Outbound::None,
        (false, false) => Outbound::Routed(uplink),
    };
    Ok(NetworkSettings {
        identity: identity(config)?,
        subnet: config.subnet.0,
        outbound,
        dns: config.dns.clone(),
        run_directory: config.run_dir.clone(),
    })
}

/// Removes whatever an agent of this configuration has set up on the host's network: taps, rules,
/// DHCP. Machines that still run lose their network until the agent starts again.
///
/// # Errors
/// If the agent runs, or the host refuses.
pub async fn purge_network(config: Config) -> Result<(), StartError> {
    let config = config.check()?;
    if config.network == NetworkKind::User {
        // Such networks are part of their machines' processes.
        return Ok(());
    }
    // Held to the end: an agent that starts meanwhile would set up again what is removed here.
    let (_lock, _) = open(&config).await?;
    let tools = pool::block(tools::Tools::find).await?;
    let tools = tools.map_err(|missing| StartError::Missing(missing.to_string()))?;
    let network = Network::start(settings(&config, &tools).await?, &tools, BTreeMap::new()).await?;
    let purged = network.send(Stop { purge: true }).await;
    purged.map_err(|gone| ApiError::internal("the network's actor ended", gone))??;
    Ok(())
}

/// The network of the machines that were found, and how others are joined to it.
async fn wire(
    config: &Config,
    plugging: Plugging,
    scan: &Scan,
    metadata: &Metadata,
) -> Result<(Option<Addr<Network>>, Arc<dyn Wiring>), StartError> {
    let tools = match plugging {
        Plugging::Taps(tools) => tools,
        Plugging::User(program) => {
            let wiring = UserMode {
                instances: config.data_dir.join("instances"),
                metadata: metadata.clone(),
                program,
                subnet: config.subnet.0,
                ssh_ports: config.ssh_ports,
                outside: config.masquerade,
            };
            return Ok((None, Arc::new(wiring)));
        }
        Plugging::Nothing => {
            return Ok((None, Arc::new(Unplugged(Names::new(&identity(config)?)))));
        }
    };
    let settings = settings(config, &tools).await?;
    let known: BTreeMap<_, _> = scan
        .kept
        .iter()
        .filter_map(|kept| match &kept.what {
            Remains::Wish(wish) => Some((wish.spec.instance.clone(), wish.spec.network.clone())),
            Remains::Note(_) => None,
        })
        .collect();
    let network = Network::start(settings, &tools, known).await?;
    let plugs = Plugs { network: network.clone(), metadata: metadata.clone() };
    Ok((Some(network), Arc::new(plugs)))
}

/// What machines' cards are plugged into.
enum Plugging {
    /// Routed taps, made with these.
    Taps(tools::Tools),
    /// Networks that QEMU plays; it is told of this program.
    User(PathBuf),
    /// Nothing: machines are played.
    Nothing,
}

/// What the cards of played machines are plugged into. With networks of QEMU's own there is a
/// metadata socket in the directory of each, as for real ones.
fn played(config: &Config) -> Result<Plugging, StartError> {
    match config.network {
        NetworkKind::Tap => Ok(Plugging::Nothing),
        NetworkKind::User => user_mode().map_err(StartError::Missing),
    }
}

/// Networks that QEMU plays.
fn user_mode() -> Result<Plugging, String> {
    let program = std::env::current_exe();
    program.map(Plugging::User).map_err(|why| format!("this program cannot be found: {why}"))
}

/// What this host runs real machines with.
async fn host(config: &Config) -> Result<(Plugging, Arc<dyn Driver>), StartError> {
    let plugging = match config.network {
        NetworkKind::Tap => match pool::block(tools::Tools::find).await? {
            Ok(tools) => Ok(Plugging::Taps(tools)),
            Err(missing) => Err(format!(
                "{missing}; or start with --network user, for which none of this is needed"
            )),
        },
        NetworkKind::User => user_mode(),
    };
    let programs = Programs::default();
    match (plugging, probe(&programs, &config.data_dir).await) {
        (Ok(plugging), Ok(found)) => {
            let network = match &plugging {
                Plugging::User(_) => "networks of QEMU's own: they do not reach each other",
                Plugging::Taps(_) | Plugging::Nothing => "routed taps",
            };
            tracing::info!("instances run by {found}; they are connected by {network}");
            Ok((plugging, Arc::new(Qemu::new(programs, &found))))
        }
        (Err(missing), Ok(_)) => Err(StartError::Missing(missing)),
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(missing), Err(error)) => Err(StartError::Missing(format!("{missing}; {error}"))),
    }
}

/// As [`take`], when the agent before has let go: a program that it was just starting has its files
/// until it runs.
async fn open(config: &Config) -> Result<(File, Capacity), StartError> {
    let until = Instant::now() + HANDOVER;
    loop {
        match take(config).await {
            Err(StartError::Locked(_)) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            taken => return taken,
        }
    }
}

/// Makes the data directory, keeps others away from it, and looks what the host can hold.
async fn take(config: &Config) -> Result<(File, Capacity), StartError> {
    let config = config.clone();
    let opened = pool::block(move || {
        let dir = config.data_dir.as_path();
        let at = |source| StartError::Files { path: dir.to_owned(), source };
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at)?;
        }
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(at)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StartError::Locked(dir.to_owned())),
            Err(error) => return Err(StartError::Files { path, source: error.into() }),
        }
        Ok((lock, capacity::capacity(&config)?))
    });
    opened.await?
}

/// A name for this life of the agent.
fn session() -> Result<String, ApiError> {
    Ok(hex::encode(random::<16>()?))
}

fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| ApiError::internal("the host gives no random numbers", error))?;
    Ok(bytes)
}

fn declare(metrics: &Metrics, roster: &Roster, board: &Board, metadata: &Metadata) {
    let of = |state| {
        let board = board.clone();
        move || board.count(state)
    };
    let (preparing, running) = (MachineState::Preparing, MachineState::Running);
    metrics.gauge("eucalypt_node_preparing", "Instances being prepared", of(preparing));
    metrics.gauge("eucalypt_node_running", "Instances that run", of(running));
    metrics.gauge(
        "eucalypt_node_stopped",
        "Instances that are off and keep their disks",
        of(MachineState::Stopped),
    );
    metrics.gauge(
        "eucalypt_node_failed",
        "Failed instances of the last hour",
        of(MachineState::Failed),
    );
    let shown = board.clone();
    roster.show("report", move || shown.now());
    let asked = metadata.clone();
    roster.show("first metadata answers", move || asked.first_answers());
}
