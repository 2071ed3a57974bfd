//! The cloud controller's program: `clc` serves, `clc admin …` administers the one that runs here,
//! `clc store …` takes the records of one that does not run elsewhere.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clc::admin::command::{self, Command};
use clc::config::Config;
use clc::server::{Listeners, Server};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Sources, load, print};
use runtime::{boot, telemetry};
use store::StoreCommand;

/// The cloud controller of Eucalypt
#[derive(Debug, Parser)]
#[command(name = "clc", version)]
struct Arguments {
    /// The configuration file [default: /etc/eucalypt/clc.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the API listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Print the configuration as it would be used, and stop
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Administer the clc that runs on this host
    #[command(subcommand)]
    Admin(Command),
    /// Export, import or check the records; the clc must be stopped
    #[command(subcommand)]
    Store(StoreCommand),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match configured(&arguments) {
        Ok(config) => config,
        Err(error) => return failed(&error.to_string(), 78),
    };
    if arguments.print_config {
        return match print(&config) {
            Ok(text) => said(&text),
            Err(error) => failed(&error.to_string(), 78),
        };
    }
    match arguments.task {
        None => {}
        Some(Task::Admin(command)) => return administer(command, &config),
        Some(Task::Store(command)) => {
            return match command.run(&config.store()) {
                Ok(done) => said(&format!("{done}\n")),
                Err(error) => failed(&error.to_string(), 1),
            };
        }
    }
    telemetry::start(&config.log, config.log_format);
    boot::serve("clc", || async move {
        let listeners = Listeners::bind(&config)?;
        Server::start(config, listeners, Clock::system()).await
    })
}

fn configured(arguments: &Arguments) -> Result<Config, ConfigError> {
    let listen = arguments.listen.map(|address| ("listen", address.to_string()));
    load(&Sources {
        program: "clc",
        environment: "EUCALYPT_CLC__",
        file: arguments.config.as_deref(),
        flags: listen.into_iter().collect(),
    })
}

fn administer(command: Command, config: &Config) -> ExitCode {
    let mut out = io::stdout();
    match boot::in_system(command::run(command, config, &mut out)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&error.to_string(), 1),
        Err(error) => failed(&error.to_string(), 71),
    }
}

fn said(text: &str) -> ExitCode {
    match io::Write::write_all(&mut io::stdout(), text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn failed(why: &str, code: u8) -> ExitCode {
    // If even that cannot be said, the exit code still does.
    drop(io::Write::write_all(&mut io::stderr(), format!("clc: {why}\n").as_bytes()));
    ExitCode::from(code)
}
