//! Listens for the questions of instances: one socket per instance.
//!
//! On a tap it is one that is bound to it: it hears that tap alone, so the instance is known
//! before a byte was read; the caller's address must be the instance's beside it. A machine in
//! QEMU's own network has a socket in its directory, which nobody but its QEMU is told of. Each
//! instance has its own small share of connections and requests, so none can keep the others from
//! being answered.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::InstanceSpec;
use runtime::clock::Clock;
use runtime::pool;
use runtime::shutdown::Shutdown;
use rustix::fs::{Mode, OFlags};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::talk::{Guest, lock, talk};
use super::token::Tokens;
use crate::network::METADATA_ADDRESS;

const CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);

/// The name of a machine's own socket, in its directory.
pub const SOCKET: &str = "metadata.sock";

/// Why an instance cannot be told who it is.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Something else on this host has port 80 on all addresses.
    #[error(
        "169.254.169.254:80 on {tap} is taken: another program on this host listens on port 80 of all addresses"
    )]
    Taken {
        /// The tap.
        tap: String,
    },
    /// The socket cannot be had.
    #[error("metadata cannot be served at {place}: {why}")]
    Socket {
        /// Where.
        place: String,
        /// What the system said.
        why: std::io::Error,
    },
}

/// The listeners of all instances of this node. Clones are the same.
#[derive(Clone)]
pub struct Metadata(Arc<Shared>);

struct Shared {
    clock: Clock,
    tokens: Tokens,
    listeners: Mutex<BTreeMap<InstanceId, Listener>>,
}

struct Listener {
    place: Place,
    guest: Arc<Guest>,
    stop: Shutdown,
    task: JoinHandle<()>,
}

/// Where an instance asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tap { name: String, address: Ipv4Addr },
    Directory(PathBuf),
}

/// A socket that is bound, before anybody listens.
enum Bound {
    Tap(std::net::TcpListener),
    Directory(std::os::unix::net::UnixListener),
}

/// A listening socket.
enum Ear {
    Tap(TcpListener),
    Directory(UnixListener),
}

/// A connection that was taken.
enum Mouth {
    Tap(TcpStream),
    Directory(UnixStream),
}

impl Metadata {
    /// No listener yet.
    pub fn new(clock: Clock, tokens: Tokens) -> Self {
        Self(Arc::new(Shared { clock, tokens, listeners: Mutex::default() }))
    }

    /// Answers an instance on its tap from now on; one that is answered already is answered what
    /// the wish says now. The tap and 169.254.169.254 must be there.
    ///
    /// # Errors
    /// If the socket cannot be had.
    pub fn listen(&self, tap: &str, spec: &InstanceSpec) -> Result<(), ListenError> {
        let place = Place::Tap { name: tap.to_owned(), address: spec.network.address };
        self.listen_at(place, spec)
    }

    /// Answers an instance on a socket of its own, [`SOCKET`] in its directory, from now on.
    ///
    /// # Errors
    /// If the socket cannot be had.
    pub fn listen_in(&self, directory: &Path, spec: &InstanceSpec) -> Result<(), ListenError> {
        self.listen_at(Place::Directory(directory.to_owned()), spec)
    }

    fn listen_at(&self, place: Place, spec: &InstanceSpec) -> Result<(), ListenError> {
        let mut listeners = lock(&self.0.listeners);
        if let Some(listener) = listeners.get(&spec.instance)
            && listener.place == place
            && !listener.task.is_finished()
        {
            listener.guest.learn(spec);
            return Ok(());
        }
        if let Some(old) = listeners.remove(&spec.instance) {
            old.end();
        }
        let bound = Bound::open(&place).map_err(|why| match &place {
            Place::Tap { name, .. } if why.kind() == std::io::ErrorKind::AddrInUse => {
                ListenError::Taken { tap: name.clone() }
            }
            Place::Tap { name, .. } => {
                ListenError::Socket { place: format!("169.254.169.254:80 on {name}"), why }
            }
            Place::Directory(path) => {
                ListenError::Socket { place: path.join(SOCKET).display().to_string(), why }
            }
        })?;
        let address = match &place {
            Place::Tap { address, .. } => Some(*address),
            Place::Directory(_) => None,
        };
        let (tokens, clock) = (self.0.tokens.clone(), self.0.clock.clone());
        let guest = Arc::new(Guest::new(spec, address, tokens, clock));
        let stop = Shutdown::default();
        let task = pool::spawn(accept(bound, Arc::clone(&guest), stop.clone()));
        listeners.insert(spec.instance.clone(), Listener { place, guest, stop, task });
        Ok(())
    }

    /// Lets an instance that is answered know what the wish says now.
    pub fn refresh(&self, spec: &InstanceSpec) {
        if let Some(listener) = lock(&self.0.listeners).get(&spec.instance) {
            listener.guest.learn(spec);
        }
    }

    /// Answers an instance no more.
    pub fn close(&self, instance: &InstanceId) {
        if let Some(listener) = lock(&self.0.listeners).remove(instance) {
            listener.end();
        }
    }

    /// Answers nobody any more.
    pub fn close_all(&self) {
        for (_, listener) in std::mem::take(&mut *lock(&self.0.listeners)) {
            listener.end();
        }
    }

    /// When each instance was first answered something by this agent.
    pub fn first_answers(&self) -> BTreeMap<InstanceId, Option<Timestamp>> {
        let listeners = lock(&self.0.listeners);
        listeners.iter().map(|(id, listener)| (id.clone(), *lock(&listener.guest.first))).collect()
    }
}

impl Listener {
    fn end(self) {
        self.stop.raise();
        self.task.abort();
    }
}

impl Bound {
    fn open(place: &Place) -> std::io::Result<Self> {
        Ok(match place {
            Place::Tap { name, .. } => Self::Tap(bind_tap(name, METADATA_ADDRESS)?),
            Place::Directory(path) => Self::Directory(bind_in(path)?),
        })
    }

    /// Must be called within a runtime.
    fn listen(self) -> std::io::Result<Ear> {
        Ok(match self {
            Self::Tap(socket) => Ear::Tap(TcpListener::from_std(socket)?),
            Self::Directory(socket) => Ear::Directory(UnixListener::from_std(socket)?),
        })
    }
}

impl Ear {
    async fn next(&self, guest: &Guest) -> std::io::Result<Option<Mouth>> {
        match self {
            Self::Tap(listener) => {
                let (stream, peer) = listener.accept().await?;
                if Some(peer.ip()) == guest.address.map(Into::into) {
                    return Ok(Some(Mouth::Tap(stream)));
                }
                let instance = &guest.instance;
                tracing::warn!(%instance, %peer, "refusing a foreign address on its tap");
                Ok(None)
            }
            Self::Directory(listener) => Ok(Some(Mouth::Directory(listener.accept().await?.0))),
        }
    }
}

/// A listening socket that hears one interface alone.
fn bind_tap(tap: &str, address: Ipv4Addr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // First the interface: an address that every tap's listener has is free on this one.
    socket.bind_device(Some(tap.as_bytes()))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::V4(SocketAddrV4::new(address, 80)).into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

/// A listening socket in a directory, in place of one that an earlier agent has left.
fn bind_in(directory: &Path) -> std::io::Result<std::os::unix::net::UnixListener> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty())?;
    // Through the descriptor, because a socket's path may have 108 bytes only.
    let path = format!("/proc/self/fd/{}/{SOCKET}", opened.as_raw_fd());
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = std::os::unix::net::UnixListener::bind(path)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

async fn accept(bound: Bound, guest: Arc<Guest>, stop: Shutdown) {
    let ear = match bound.listen() {
        Ok(ear) => ear,
        Err(error) => {
            tracing::error!(instance = %guest.instance, %error, "metadata cannot be served");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = ear.next(&guest) => accepted,
            () = stop.raised() => return,
        };
        let mouth = match accepted {
            Ok(Some(mouth)) => mouth,
            Ok(None) => continue,
            Err(error) => {
                // A connection that broke before it was taken, or no descriptors for a while.
                tracing::debug!(instance = %guest.instance, %error, "a metadata connection broke");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&guest.connections).try_acquire_owned() else { continue };
        let (guest, stop) = (Arc::clone(&guest), stop.clone());
        pool::spawn(async move {
            let talk = timeout(CONNECTION_TIMEOUT, converse(mouth, guest));
            tokio::select! { _ = talk => {}, () = stop.raised() => {} }
            drop(permit);
        });
    }
}

async fn converse(mouth: Mouth, guest: Arc<Guest>) {
    match mouth {
        Mouth::Tap(stream) => {
            drop(stream.set_nodelay(true));
            let Ok(socket) = SockRef::from(&stream).try_clone() else { return };
            talk(stream, guest, Some(socket)).await;
        }
        Mouth::Directory(stream) => talk(stream, guest, None).await,
    }
}
