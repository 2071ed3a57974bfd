//! The program `walrus`: reads its configuration, binds its listeners, runs until it is stopped.

use std::io::IsTerminal as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use runtime::boot;
use runtime::clock::Clock;
use runtime::config::{Sources, load, print};
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::peer::Peer;
use runtime::telemetry;
use runtime::transport::Transport;
use store::StoreCommand;
use thiserror::Error;
use walrus::audit::{self, AuditCommand};
use walrus::config::Config;
use walrus::server::{Server, StartError};
use walrus::verify::{Found, ImagesCommand};

/// Keeps buckets, objects and images: S3 on one listener, images for nodes on the other.
#[derive(Parser)]
#[command(name = "walrus", version)]
struct Flags {
    /// Configuration file (TOML) [default: /etc/eucalypt/walrus.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where S3 is served, ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Print the configuration and end
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Export, import or check the records; walrus must be stopped
    #[command(subcommand)]
    Store(StoreCommand),
    /// Check the log of what was asked of S3
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check the registered images
    #[command(subcommand)]
    Images(ImagesCommand),
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
    let sources = Sources {
        program: "walrus",
        environment: "EUCALYPT_WALRUS__",
        file: flags.config.as_deref(),
        flags: flags.listen.iter().map(|address| ("listen", address.to_string())).collect(),
    };
    let config: Config = match load(&sources) {
        Ok(config) => config,
        Err(error) => return say(&mut std::io::stderr(), &format!("walrus: {error}"), 78),
    };
    if flags.print_config {
        return match print(&config) {
            Ok(text) => say(&mut std::io::stdout(), text.trim_end(), 0),
            Err(error) => say(&mut std::io::stderr(), &format!("walrus: {error}"), 78),
        };
    }
    match flags.task {
        None => {}
        Some(Task::Store(command)) => {
            return match command.run(&config.store()) {
                Ok(done) => say(&mut std::io::stdout(), &done, 0),
                Err(error) => say(&mut std::io::stderr(), &format!("walrus: {error}"), 1),
            };
        }
        Some(Task::Audit(AuditCommand::Check)) => {
            let checked = audit::check(&config);
            let (told, code) = checked.unwrap_or_else(|error| (format!("walrus: {error}"), 2));
            return say(&mut std::io::stdout(), &told, code);
        }
        Some(Task::Images(command)) => return verify(&command, &config),
    }
    telemetry::start(&config.log, config.log_format);
    boot::serve("walrus", || start(config))
}

/// Ends with 0 if all is well, with 1 if something is wrong, with 2 if that could not be found out.
fn verify(command: &ImagesCommand, config: &Config) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let watcher: Option<&mut dyn std::io::Write> =
        if err.is_terminal() { Some(&mut err) } else { None };
    let failed =
        |why: &dyn std::fmt::Display| say(&mut std::io::stderr(), &format!("walrus: {why}"), 2);
    match boot::in_system(command.run(config, &mut out, watcher)) {
        Ok(Ok(Found { images, cached, wrong })) => {
            let cached = match cached {
                0 => String::new(),
                cached => format!(" and {cached} plain images of none"),
            };
            let text = format!("{images} images{cached} verified, {wrong} wrong");
            say(&mut std::io::stderr(), &text, u8::from(wrong > 0))
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn say(to: &mut dyn std::io::Write, text: &str, code: u8) -> ExitCode {
    // Nobody is left to be told that nobody listens.
    drop(writeln!(to, "{text}"));
    ExitCode::from(code)
}

async fn start(config: Config) -> Result<Server, Failure> {
    let bind = |address: SocketAddr| {
        TcpListener::bind(address).map_err(|error| Failure::Bind(address, error))
    };
    let key = PeerKey::read(&config.peer_key_file)?;
    let clock = Clock::system();
    let clc = Transport::new(&config.clc.url, key.clone(), clock.clone());
    let listeners = (bind(config.listen)?, bind(config.internal_listen)?);
    Ok(Server::start(config, listeners, Peer::there(clc), key, clock).await?)
}
