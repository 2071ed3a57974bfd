//! How a command asks the clc that runs on this host, and why it fails.

use std::io;
use std::path::PathBuf;

use common::error::ApiError;
use common::wire::Message;
use common::wire::admin::Admin;
use runtime::clock::Clock;
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::peer::Peer;
use runtime::transport::Transport;
use thiserror::Error;

use crate::config::Config;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The peer key cannot be used.
    #[error("{0}; clc admin runs as root or as the user of the clc")]
    Key(#[from] PeerKeyError),
    /// The clc refused.
    #[error("{0}")]
    Refused(String),
    /// The clc cannot be reached.
    #[error("the clc does not answer at {0}: is it running?")]
    Away(String),
    /// The directory holds credentials.
    #[error("{0} holds credentials already: name another directory with --dir")]
    Occupied(PathBuf),
    /// The name could not be a directory's.
    #[error("'{0}' cannot be the name of a directory: name one with --dir")]
    NoFolder(String),
    /// The credentials were made but not written.
    #[error(
        "the user exists, but the credentials could not be written to {0}; \
             make new ones with: clc admin get-credentials {1} --dir DIR"
    )]
    Unwritten(io::Error, String),
    /// What is to be changed is not written `NAME=VALUE`.
    #[error("'{0}' is not written NAME=VALUE")]
    NoAssignment(String),
    /// A file that is to be read cannot be.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// A file that is to be made is there.
    #[error("{0} is there already: name another file with --file")]
    Exists(PathBuf),
    /// A file cannot be made.
    #[error("cannot write {0}")]
    Unmade(io::Error),
    /// The log is not as it was written.
    #[error("the audit log is not as it was written")]
    Tampered,
    /// The answer could not be printed.
    #[error("cannot print the answer: {0}")]
    Print(#[from] io::Error),
}

/// The clc that runs on this host.
pub(super) struct Clc {
    peer: Peer<Admin>,
    url: String,
}

impl Clc {
    /// Finds it by the configuration.
    ///
    /// # Errors
    /// If the peer key cannot be used.
    pub(super) fn find(config: &Config) -> Result<Self, CommandError> {
        let key = PeerKey::read(&config.peer_key_file)?;
        let mut address = config.internal_listen;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let url = format!("http://{address}");
        Ok(Self { peer: Peer::there(Transport::new(&url, key, Clock::system())), url })
    }

    /// Asks it something.
    pub(super) async fn ask<M: Message<Service = Admin>>(
        &self,
        message: M,
    ) -> Result<M::Reply, CommandError> {
        self.peer.call(message).await.map_err(|error: ApiError| {
            let unreachable = error.text().contains("cannot be reached");
            if unreachable {
                return CommandError::Away(self.url.clone());
            }
            CommandError::Refused(error.text().to_owned())
        })
    }
}
