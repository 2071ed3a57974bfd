//! The program `node-agent`: reads its configuration, binds its listener, runs until it is stopped.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use node_agent::agent::user_mode;
use node_agent::config::Config;
use node_agent::server::{Server, StartError, purge_network};
use runtime::boot;
use runtime::clock::Clock;
use runtime::config::{Sources, load, print};
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::telemetry;
use thiserror::Error;

/// Runs instances on this host, as the clc wants them.
#[derive(Parser)]
#[command(name = "node-agent", version)]
struct Flags {
    /// Configuration file (TOML) [default: /etc/eucalypt/node-agent.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where messages of the clc are answered, ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How instances are connected: by taps, or by networks of QEMU's own, which need no rights
    #[arg(long, value_name = "tap|user")]
    network: Option<String>,
    /// Print the configuration and end
    #[arg(long)]
    print_config: bool,
    /// Remove the taps, rules and DHCP of this agent from the host and end; for when its instances
    /// have ended and it will not run here again
    #[arg(long)]
    purge_network: bool,
    /// What QEMU has this program do for a machine of `--network user`: carry standard input and
    /// output to a metadata socket
    #[arg(long, value_name = "SOCKET", hide = true)]
    carry_metadata: Option<PathBuf>,
}

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Key(#[from] PeerKeyError),
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(socket) = &flags.carry_metadata {
        return match user_mode::carry(socket, std::io::stdin(), std::io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            // Nobody listens just now, or the guest has gone; it sees the connection end.
            Err(_) => ExitCode::FAILURE,
        };
    }
    let address = flags.listen.iter().map(|address| ("internal_listen", address.to_string()));
    let network = flags.network.iter().map(|kind| ("network", kind.clone()));
    let sources = Sources {
        program: "node-agent",
        environment: "EUCALYPT_NODE__",
        file: flags.config.as_deref(),
        flags: address.chain(network).collect(),
    };
    let config: Config = match load(&sources) {
        Ok(config) => config,
        Err(error) => return say(&mut std::io::stderr(), &format!("node-agent: {error}"), 78),
    };
    if flags.print_config {
        return match print(&config) {
            Ok(text) => say(&mut std::io::stdout(), text.trim_end(), 0),
            Err(error) => say(&mut std::io::stderr(), &format!("node-agent: {error}"), 78),
        };
    }
    telemetry::start(&config.log, config.log_format);
    if flags.purge_network {
        let purged = boot::in_system(purge_network(config));
        return match purged.map_err(StartError::Listen).flatten() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => say(&mut std::io::stderr(), &format!("node-agent: {error}"), 71),
        };
    }
    boot::serve("node-agent", || start(config))
}

fn say(to: &mut dyn std::io::Write, text: &str, code: u8) -> ExitCode {
    // Nobody is left to be told that nobody listens.
    drop(writeln!(to, "{text}"));
    ExitCode::from(code)
}

async fn start(config: Config) -> Result<Server, Failure> {
    let key = PeerKey::read(&config.peer_key_file)?;
    let address = config.internal_listen;
    let listener = TcpListener::bind(address).map_err(|error| Failure::Bind(address, error))?;
    Ok(Server::start(config, listener, key, Clock::system()).await?)
}
