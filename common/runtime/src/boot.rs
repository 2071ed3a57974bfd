//! The only way up: an actix system beside the pool, signals, exit codes.
//!
//! Exit codes are those of sysexits: 0 after a stop that was asked for, 70 when an actor or the store died, 78
//! when the configuration or the host cannot be used.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::pool;
use crate::roster::Roster;
use crate::shutdown::Shutdown;

/// How long a stop may take.
const DRAIN: Duration = Duration::from_secs(9);

/// A service that runs.
pub trait Running {
    /// Its members, whose death is the process'.
    fn roster(&self) -> &Roster;
    /// What stops it.
    fn shutdown(&self) -> &Shutdown;
    /// Takes nothing new, finishes what is under way.
    fn drain(self) -> BoxFuture<'static, ()>;
}

/// Runs a future inside an actix system; its actors live on this thread, their work in the pool.
///
/// # Errors
/// If the threads cannot be made.
pub fn in_system<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    pool::start()?;
    Ok(actix::System::new().block_on(work))
}

/// Starts a service and runs it until SIGTERM, SIGINT or the death of an actor.
pub fn serve<R, F, E>(program: &str, start: impl FnOnce() -> F) -> ExitCode
where
    R: Running,
    F: Future<Output = Result<R, E>>,
    E: std::fmt::Display,
{
    let served = in_system(async {
        let running = match start().await {
            Ok(running) => running,
            Err(error) => {
                tracing::error!("{program} cannot start: {error}");
                return ExitCode::from(78);
            }
        };
        running.roster().watch(running.shutdown());
        until_stopped(program, running).await
    });
    served.unwrap_or_else(|error| {
        tracing::error!("{program} cannot start: {error}");
        ExitCode::from(71)
    })
}

async fn until_stopped<R: Running>(program: &str, running: R) -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        tracing::error!("{program} cannot listen for signals");
        return ExitCode::from(71);
    };
    let shutdown = running.shutdown().clone();
    tokio::select! {
        _ = terminate.recv() => tracing::info!("{program} stops: SIGTERM"),
        _ = interrupt.recv() => tracing::info!("{program} stops: SIGINT"),
        () = shutdown.raised() => {}
    }
    let roster = running.roster().clone();
    shutdown.raise();
    if tokio::time::timeout(DRAIN, running.drain()).await.is_err() {
        tracing::warn!("{program} did not drain in time");
    }
    match roster.dead() {
        Some(_) => ExitCode::from(70),
        None => ExitCode::SUCCESS,
    }
}
