//! Wires walrus together: what lasts, the actors, the two listeners.
//!
//! Order matters at start: the store is opened first, because its lock keeps a second walrus away
//! from the files; leftovers go before anybody can add to them; listeners come last.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use actix::Addr;
use common::error::ApiError;
use common::wire::host::LookAtWalrus;
use common::wire::identity::Identity;
use common::wire::told::TellWarnings;
use common::wire::walrus::{CacheView, DescribeTraffic};
use futures_util::future::BoxFuture;
use runtime::audit::{AuditLog, OpenError};
use runtime::auditor::Refusals;
use runtime::boot::Running;
use runtime::clock::Clock;
use runtime::doors::{DoorError, Doors, Doorway};
use runtime::endpoint::Endpoint;
use runtime::envelope::PeerKey;
use runtime::host::Host;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::peer::Peer;
use runtime::pool;
use runtime::roster::Roster;
use runtime::shutdown::Shutdown;
use store::{Engine, StoreError};
use thiserror::Error;

use crate::arrival::Arrivals;
use crate::audit;
use crate::blob::files::Files;
use crate::blob::pins::Pins;
use crate::blob::receive::Receiver;
use crate::blob::uploads::Uploads;
use crate::bundling;
use crate::bundling::door::BundleDoor;
use crate::bundling::store::BundleStore;
use crate::cache::actor::{Cache, Seen, Stop};
use crate::cache::disk::{Disk, Image};
use crate::cache::flights::Flights;
use crate::config::{Config, Unusable};
use crate::content::Content;
use crate::estate::door::EstateDoor;
use crate::identity::certified::Certified;
use crate::identity::copy::IdentityCopy;
use crate::identity::follow::Follower;
use crate::identity::key_ring::CopiedKeyRing;
use crate::identity::key_uses::KeyUses;
use crate::image::check::Checker;
use crate::image::door::Door;
use crate::image::key::KeyFile;
use crate::image::serve::Images;
use crate::image::ticket::{PATH, Tickets};
use crate::importing::door::ImportDoor;
use crate::parts::{OpenUploads, Shelves};
use crate::quota::answers;
use crate::quota::count::{self, Count};
use crate::records::{CACHE_LIMIT, Records};
use crate::s3::buckets::{Buckets, recall_leaving};
use crate::s3::delete_objects::{self, Removals};
use crate::s3::domains::Domains;
use crate::s3::front::{Front, Inside, LISTS};
use crate::s3::objects::Objects;
use crate::s3::permit::Doorkeeper;
use crate::s3::permits::Permits;
use crate::s3::service::S3Actor;
use crate::s3::tally::Tally;
use crate::s3::trace::Recorder;
use crate::sweep::Sweep;
use crate::usage::ledger::Totals;

/// The actors, by the names under which they are watched.
const MEMBERS: [&str; 6] = ["uploads", "image cache", "buckets", "objects", "removals", "store"];

/// Why walrus cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// The records cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or directory of the data directory cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The public listeners cannot be opened.
    #[error(transparent)]
    Doors(#[from] DoorError),
    /// The log of what was asked cannot be used.
    #[error(transparent)]
    Audit(#[from] OpenError),
    /// A listener cannot be used.
    #[error("the listener cannot be used: {0}")]
    Listen(#[source] io::Error),
    /// Something of our own failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Walrus, running.
pub struct Server {
    public: Doors,
    internal: Listening,
    cache: Addr<Cache>,
    roster: Roster,
    shutdown: Shutdown,
    store: Weak<dyn Engine>,
    teller: tokio::task::JoinHandle<()>,
    log: AuditLog,
}

/// What was found in the data directory.
struct Opened {
    content: Content,
    copy: Arc<IdentityCopy>,
    key: KeyFile,
    tickets: Tickets,
    disk: Arc<Disk>,
    images: Vec<(String, Image)>,
    limit: u64,
}

impl Server {
    /// Starts walrus on two bound listeners: the public one serves S3, the internal one messages
    /// and images. `identity` knows accounts and keys. Must be called within an actix system.
    ///
    /// # Errors
    /// What is wrong with the configuration, the data directory or a listener.
    pub async fn start(
        config: Config,
        (public, internal): (TcpListener, TcpListener),
        identity: Peer<Identity>,
        peer_key: PeerKey,
        clock: Clock,
    ) -> Result<Self, StartError> {
        config.check()?;
        let doorway = Doorway::build(public, config.tls()).await?;
        let opening = config.clone();
        let opened = pool::block(move || open(&opening)).await??;
        let log = {
            let (terms, clock) = (config.audit(), clock.clone());
            pool::block(move || AuditLog::open(terms, clock)).await??
        };
        let (shutdown, roster, metrics) =
            (Shutdown::default(), Roster::default(), Metrics::default());

        let Opened { content, copy, key, tickets, disk, images, limit } = opened;
        let store = content.records.held();
        let watched = Weak::clone(&store);
        roster.heed("store", move || watched.upgrade().is_none_or(|store| store.is_usable()));
        let uploads = Uploads::start(content.files.clone(), config.reserve());
        let (cache, seen) = Cache::start(disk, images, limit, config.unbundle_flights);
        declare(&metrics, &seen);
        declare_usage(&metrics, &content.records.ledger.totals);
        roster.enrol("uploads", uploads.clone());
        roster.enrol("image cache", cache.clone());
        roster.show("image cache", {
            let figures = seen.figures.clone();
            move || figures.borrow().clone()
        });

        let base_url = config.internal_url(internal.local_addr().map_err(StartError::Listen)?);
        let receiver = Receiver { files: content.files.clone(), uploads: uploads.clone() };
        let bundles = BundleDoor {
            content: content.clone(),
            tickets: tickets.clone(),
            base_url: base_url.clone(),
            clock: clock.clone(),
        };
        let bundle_store = Arc::new(BundleStore {
            content: content.clone(),
            receiver: receiver.clone(),
            tickets: tickets.clone(),
            key: key.clone(),
            clock: clock.clone(),
        });
        let imports = ImportDoor::new(
            content.clone(),
            Arc::clone(&bundle_store),
            seen.figures.clone(),
            shutdown.clone(),
        );
        declare_copy(&metrics, &copy, &clock);
        roster.show("identity", {
            let copy = Arc::downgrade(&copy);
            move || copy.upgrade().map(|copy| copy.state())
        });
        let follower = Follower {
            copy: Arc::clone(&copy),
            clc: identity.clone(),
            clock: clock.clone(),
            trust: config.identity_trust(),
            shutdown: shutdown.clone(),
        };
        pool::spawn(follower.run());
        let uses = Arc::new(KeyUses::default());
        let teller = Arc::clone(&uses).tell(identity.clone(), shutdown.clone());
        let teller = pool::spawn(teller);
        let keys = Arc::new(CopiedKeyRing::new(copy, identity, clock.clone()));
        let certified = Certified::Copied(Arc::clone(&keys));
        let checker = Checker { content: content.clone(), certified, key };
        let (flying, waiting) = (seen.figures.clone(), seen.figures.clone());
        let door = Door::new(
            checker,
            (cache.clone(), seen),
            (tickets.clone(), base_url),
            clock.clone(),
            config.reserve(),
        );
        let estates = EstateDoor { content: content.clone(), clock: clock.clone() };
        let tally = Tally::new(&metrics);
        let counted = tally.clone();
        let answers = door.dispatcher().with(move |ask: DescribeTraffic| {
            let traffic = counted.told(ask.accounts);
            async move { Ok(traffic) }
        });
        let host = {
            let (dir, reserve) = (config.data_dir.clone(), config.reserve());
            Host::new(env!("CARGO_PKG_VERSION"), &clock, dir, reserve)
                .queue("unpacking", move || flying.borrow().flights)
                .queue("unpacking-waits", move || waiting.borrow().queued)
                .certificate("https", config.tls_cert_file.clone())
        };
        let answers = answers.with(move |_: LookAtWalrus| host.clone().look());
        let answers = answers.with(|_: TellWarnings| async { Ok(runtime::warnings::recent()) });
        let answers = audit::answer_on(answers, &log);
        let answers = imports.answer_on(estates.answer_on(bundles.answer_on(answers)));
        let endpoint = Endpoint::new(peer_key, clock.clone(), roster.clone(), metrics.clone())
            .service(Arc::new(answers))
            .app(bundling::ticket::PATH, bundle_store)
            .app(PATH, Arc::new(Images { cache: cache.clone(), tickets, clock: clock.clone() }));

        let buckets = S3Actor::start(
            Buckets {
                records: content.records.clone(),
                shelves: content.shelves.clone(),
                clock: clock.clone(),
                region: config.region.clone(),
            },
            config.requests_at_once,
        );
        let objects = S3Actor::start(
            Objects {
                content: content.clone(),
                receiver,
                clock: clock.clone(),
                max_bytes: config.max_object_bytes,
                max_multipart_bytes: config.max_multipart_bytes,
                arrivals: Arrivals::new(content.clone(), &metrics),
            },
            config.requests_at_once,
        );
        let at_once = config.requests_at_once.min(delete_objects::AT_ONCE);
        let removals = S3Actor::start(Removals::new(content.clone()), at_once);
        roster.enrol("removals", removals.clone());
        roster.enrol("buckets", buckets.clone());
        roster.enrol("objects", objects.clone());
        let sweep_clock = clock.clone();
        let recorder = Recorder {
            log: log.clone(),
            data: config.audit_data_events,
            strangers: Refusals::default(),
        };
        let front = Front {
            recorder,
            domains: Domains::new(&config.domains),
            door: Doorkeeper { keys, uses, clock: clock.clone() },
            clock,
            buckets,
            objects,
            removals,
            lists: Mutex::new(Permits::new(LISTS)),
            tally,
        };
        let open = content.open.clone();
        metrics.gauge(
            "eucalypt_walrus_open_uploads",
            "Multipart uploads that are neither completed nor aborted",
            move || open.count(),
        );
        let count = Count {
            records: content.records.clone(),
            corrected: metrics.counter(
                "eucalypt_walrus_usage_corrected_total",
                "Rows of usage that were counted wrongly and put right",
            ),
        };
        pool::spawn(count.run(shutdown.clone()));
        let sweep = Sweep {
            content,
            uploads,
            clock: sweep_clock,
            oldest: config.oldest_upload(),
            removed: metrics.counter(
                "eucalypt_walrus_swept_files_total",
                "Files removed because no record named them",
            ),
        };
        pool::spawn(sweep.run(config.sweep_interval(), shutdown.clone()));

        let limits = Limits::default();
        let front = Arc::new(front);
        // Other services of the cloud find S3 here, whatever the public listeners are: signed as there.
        let endpoint = endpoint.app(common::s3::INSIDE, Arc::new(Inside(Arc::clone(&front))));
        let internal = listen(internal, &limits, Arc::new(endpoint)).map_err(StartError::Listen)?;
        let public = doorway.open(&limits, front, &shutdown)?;
        if let Some(https) = public.tls_address() {
            tracing::info!(%https, "S3 is served by https");
        }
        tracing::info!(s3 = %public.address(), internal = %internal.address(), "walrus is up");
        Ok(Self { public, internal, cache, roster, shutdown, store, teller, log })
    }

    /// Where S3 is served.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where S3 is served by https, if it is.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.public.tls_address()
    }

    /// Where messages and images are served.
    pub fn internal_address(&self) -> SocketAddr {
        self.internal.address()
    }

    /// Takes nothing new, finishes what is under way, ends unpackings, and gives the store back.
    pub async fn stop(self) {
        let Self { public, internal, cache, roster, shutdown, store, teller, log } = self;
        shutdown.raise();
        // Flights end first: whoever waits for one would hold the listeners up.
        let _ = cache.send(Stop).await;
        futures_util::future::join(public.stop(), internal.stop()).await;
        // Whoever was answered has a record by then.
        log.close().await;
        // A loop that panicked has ended, too.
        drop(teller.await);
        drop(cache);
        for name in MEMBERS {
            roster.dismiss(name);
        }
        // Actors end when nobody knows them any more, and the sweep at its next look; whoever
        // starts next on this directory must find it free.
        for _ in 0..400 {
            if store.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
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

/// Opens all that lasts.
fn open(config: &Config) -> Result<Opened, StartError> {
    let dir = config.data_dir.as_path();
    let at = |path: PathBuf| move |source: io::Error| StartError::Files { path, source };
    make_dir(dir).map_err(at(dir.to_path_buf()))?;
    let engine = store::open(&config.store())?;
    Records::schema().admit(&*engine)?;
    let copy = Arc::new(IdentityCopy::open(Arc::clone(&engine), config.identity_trust())?);
    let records = Records::new(engine).with_defaults(config.quota_defaults());
    answers::recall_defaults(&records)?;
    recall_leaving(&records).map_err(ApiError::from)?;
    count::prepare(&records).map_err(ApiError::from)?;
    let objects = dir.join("objects");
    let files = Arc::new(Files::open(&objects).map_err(at(objects))?);
    let cache = dir.join("cache");
    let disk = Arc::new(Disk::open(&cache).map_err(at(cache.clone()))?);
    let images = disk.load().map_err(at(cache))?;
    let key = KeyFile::open(dir).map_err(at(dir.to_path_buf()))?;
    let tickets = Tickets::open(dir, config.ticket_lifetime()).map_err(at(dir.to_path_buf()))?;
    let limit = match records.settings.get(CACHE_LIMIT)? {
        Some(setting) => setting.value,
        None => config.unbundle_cache_mb.saturating_mul(1 << 20),
    };
    let open = OpenUploads::default();
    let content = Content { shelves: Shelves { records, files, pins: Pins::default(), open } };
    content.count_open().map_err(ApiError::from)?;
    Ok(Opened { content, copy, key, tickets, disk, images, limit })
}

fn make_dir(dir: &Path) -> io::Result<()> {
    if fs::metadata(dir).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// The figures of what is kept for all accounts together.
fn declare_usage(metrics: &Metrics, totals: &Arc<Totals>) {
    type Figure = fn(&Totals) -> u64;
    let table: [(&'static str, &'static str, Figure); 5] = [
        ("eucalypt_walrus_stored_bytes", "Bytes of objects", |t| t.used().bytes),
        ("eucalypt_walrus_stored_objects", "Number of objects", |t| t.used().objects),
        ("eucalypt_walrus_buckets", "Number of buckets", |t| t.used().buckets),
        ("eucalypt_walrus_uploading_bytes", "Bytes of parts of open multipart uploads", |t| {
            t.used().uploading
        }),
        ("eucalypt_walrus_quota_refusals", "Requests refused because of a quota", Totals::refusals),
    ];
    for (name, help, read) in table {
        let totals = Arc::clone(totals);
        metrics.gauge(name, help, move || read(&totals));
    }
}

/// The figures of the copy of identity. They do not hold it, because it holds the store.
fn declare_copy(metrics: &Metrics, copy: &Arc<IdentityCopy>, clock: &Clock) {
    let state = |copy: &Weak<IdentityCopy>| copy.upgrade().map(|copy| copy.state());
    let (one, two, three) = (Arc::downgrade(copy), Arc::downgrade(copy), Arc::downgrade(copy));
    let clock = clock.clone();
    metrics.gauge(
        "eucalypt_walrus_identity_position",
        "How far the clc's feed of identity was copied",
        move || state(&one).map_or(0, |state| state.upto),
    );
    metrics.gauge(
        "eucalypt_walrus_identity_age_seconds",
        "How long ago the copy of identity was known to be current",
        move || {
            let current = state(&two).and_then(|state| state.current);
            current.map_or(0, |current| clock.now().since(current).as_secs())
        },
    );
    metrics.gauge(
        "eucalypt_walrus_identity_anew",
        "How often identity was copied anew since the start",
        move || state(&three).map_or(0, |state| state.anew),
    );
}

/// The figures of the image cache.
fn declare(metrics: &Metrics, seen: &Seen) {
    type Figure = fn(&CacheView) -> u64;
    let table: [(&'static str, &'static str, Figure); 10] = [
        ("eucalypt_walrus_cache_limit_bytes", "Space reserved for unbundling images", |v| v.limit),
        ("eucalypt_walrus_cache_used_bytes", "Plain images in the cache", |v| v.used),
        ("eucalypt_walrus_cache_reserved_bytes", "Images being unpacked", |v| v.reserved),
        ("eucalypt_walrus_cache_images", "Number of plain images in the cache", |v| v.images),
        ("eucalypt_walrus_cache_hits", "Wishes that found the image there", |v| v.hits),
        ("eucalypt_walrus_cache_misses", "Wishes that did not", |v| v.misses),
        ("eucalypt_walrus_cache_evictions", "Images removed to make room", |v| v.evictions),
        ("eucalypt_walrus_cache_flights", "Number of images being unpacked", |v| v.flights),
        ("eucalypt_walrus_cache_queued", "Images that wait to be unpacked", |v| v.queued),
        ("eucalypt_walrus_cache_pins", "Readers of plain images", |v| v.pins),
    ];
    for (name, help, read) in table {
        let figures = seen.figures.clone();
        metrics.gauge(name, help, move || read(&figures.borrow()));
    }
    type Way = fn(&Flights) -> u64;
    let table: [(&'static str, &'static str, Way); 3] = [
        (
            "eucalypt_walrus_unpacking_done_bytes",
            "Bytes of bundles read of the images being unpacked",
            |flights| flights.in_flight().0,
        ),
        (
            "eucalypt_walrus_unpacking_bytes",
            "Bytes of the bundles of the images being unpacked",
            |flights| flights.in_flight().1,
        ),
        (
            "eucalypt_walrus_unpacked_bytes",
            "Bytes of bundles read to unpack images since the start",
            Flights::read,
        ),
    ];
    for (name, help, read) in table {
        let flights = seen.flights.clone();
        metrics.gauge(name, help, move || read(&flights));
    }
}
