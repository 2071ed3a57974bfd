//! What a clc needs before its first actor lives: the key, the store, what was there before; and what
//! can keep it from starting.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use common::error::ApiError;
use common::time::Timestamp;
use runtime::audit::OpenError;
use runtime::doors::DoorError;
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::replay::Replays;
use store::StoreError;
use thiserror::Error;

use crate::config::{Config, Unusable};
use crate::console::{ConsoleError, Shown, own_certificate};
use crate::identity::credentials::Endpoints;
use crate::identity::first_start::{self, FirstStartError};
use crate::people::mail_server::NoServer;
use crate::records::{Records, SeenState};
use crate::schedule::ledger::{Demand, Ledger, REST, Seat};
use crate::upgrade;

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

/// The URLs that users get: by https if there is https. Blocks.
pub(super) fn endpoints(config: &Config, port: u16, tls: bool) -> Result<Endpoints, StartError> {
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
pub(super) fn shown(config: &Config) -> Shown {
    match config.tls_cert_file.as_os_str().is_empty() {
        true => Shown::Own(config.data_dir.join("console")),
        false => Shown::Site(config.tls_cert_file.clone(), config.tls_key_file.clone()),
    }
}

/// The certificate that the clc shows, for what: the site's, or the console's own.
pub(super) fn certificate(config: &Config) -> (&'static str, PathBuf) {
    match shown(config) {
        Shown::Site(file, _) => ("https", file),
        Shown::Own(folder) => ("console", own_certificate(&folder)),
    }
}

/// Everything that waits for the disk before the first actor lives.
pub(super) fn prepare(
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
