//! Plugs machines in without any rights: each gets a network of its own, which its QEMU plays.
//!
//! A machine's way to the metadata service is a socket in its directory. QEMU starts this program
//! anew for each connection of its guest to 169.254.169.254:80, tells it of that socket and of no
//! other, and it carries bytes both ways ([`carry`]). So who asks is known by the way it came, as
//! with a tap.
//!
//! What these networks cannot do: instances do not reach each other, and nobody outside reaches
//! them but for their port 22, at a port of 127.0.0.1; nor do packets have hops to be limited.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use common::id::InstanceId;
use common::wire::node::Subnet;
use common::wire::spec::InstanceSpec;
use futures_util::future::{BoxFuture, FutureExt as _};
use runtime::pool;

use crate::hypervisor::driver::{Card, UserCard};
use crate::metadata::serve::{Metadata, SOCKET};
use crate::vm::folder::Folder;
use crate::vm::wiring::{Wiring, WiringError};

/// The option of this program by which QEMU has it carry a connection.
pub const OPTION: &str = "--carry-metadata";

/// Networks that QEMU plays, with the metadata service in each.
pub struct UserMode {
    /// The directory in which machines have theirs.
    pub instances: PathBuf,
    /// Answers on their sockets.
    pub metadata: Metadata,
    /// This program.
    pub program: PathBuf,
    /// Where their addresses come from.
    pub subnet: Subnet,
    /// The port of 127.0.0.1 that would lead to the subnet's own address.
    pub ssh_ports: u16,
    /// Whether guests reach the outside.
    pub outside: bool,
}

/// The port of 127.0.0.1 that leads to the port 22 of the instance with an address, counted from
/// the subnet's own; `None` if there is no such port.
pub fn ssh_port(first: u16, subnet: &Subnet, address: Ipv4Addr) -> Option<u16> {
    let number = u32::from(address).checked_sub(u32::from(subnet.network))?;
    u16::try_from(u32::from(first).checked_add(number)?).ok()
}

impl UserMode {
    fn card(&self, spec: &InstanceSpec) -> Result<Card, WiringError> {
        let address = spec.network.address;
        if !self.subnet.usable().any(|usable| usable == address) {
            return Err(WiringError(format!("the address {address} is none of this node's")));
        }
        let ssh = ssh_port(self.ssh_ports, &self.subnet, address)
            .ok_or_else(|| WiringError(format!("no port is left for the address {address}")))?;
        let metadata = vec![self.program.clone().into(), OPTION.into(), OsString::from(SOCKET)];
        let (gateway, outside) = (self.subnet.gateway(), self.outside);
        Ok(Card::User(UserCard { address, gateway, metadata, ssh, outside }))
    }
}

impl Wiring for UserMode {
    fn attach<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Card, WiringError>> {
        async move {
            let card = self.card(spec)?;
            let folder = Folder::of(&self.instances, &spec.instance).map_err(failed)?;
            let (metadata, wish) = (self.metadata.clone(), spec.clone());
            let listening = pool::block(move || metadata.listen_in(folder.path(), &wish));
            listening.await.map_err(failed)?.map_err(failed)?;
            if let Card::User(UserCard { ssh, .. }) = &card {
                let instance = &spec.instance;
                tracing::info!(%instance, port = ssh, "its port 22 is reached at 127.0.0.1");
            }
            Ok(card)
        }
        .boxed()
    }

    fn detach<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), WiringError>> {
        // The socket goes with the directory.
        self.metadata.close(instance);
        std::future::ready(Ok(())).boxed()
    }
}

fn failed(error: impl std::fmt::Display) -> WiringError {
    WiringError(error.to_string())
}

/// Carries one connection between standard input and output and a machine's metadata socket.
/// Blocks until either side has said all it has to say.
///
/// # Errors
/// If nobody listens on the socket.
pub fn carry(
    socket: &Path,
    mut from: impl Read + Send + 'static,
    mut to: impl Write,
) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    let mut asking = stream.try_clone()?;
    // It is not waited for: when everything was answered, nobody needs what is asked.
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if asking.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
        drop(asking.shutdown(Shutdown::Write));
    });
    let mut buffer = [0; 16 << 10];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn ports_count_with_addresses() {
        let subnet = Subnet { network: [169, 254, 64, 0].into(), prefix: 20 };
        for (first, address, expected) in [
            (20_000, [169, 254, 64, 2], Some(20_002)),
            (20_000, [169, 254, 79, 254], Some(24_094)),
            (65_000, [169, 254, 79, 254], None),
            (20_000, [169, 254, 63, 255], None),
        ] {
            assert_eq!(ssh_port(first, &subnet, address.into()), expected, "{address:?}");
        }
    }

    #[test]
    fn bytes_are_carried_both_ways_until_all_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            stream.read_to_string(&mut asked).unwrap();
            stream.write_all(format!("heard {asked}").as_bytes()).unwrap();
        });
        let mut said = Vec::new();
        carry(&path, &b"a question"[..], &mut said).unwrap();
        assert_eq!(said, b"heard a question");
        answering.join().unwrap();
        assert!(carry(&path, &b""[..], &mut said).is_err());
    }
}
