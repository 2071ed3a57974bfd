//! One service on a thread of its own, as it has a process of its own elsewhere.

use std::fmt::Display;
use std::thread::JoinHandle;

use runtime::boot::{Running, in_system};
use tokio::sync::oneshot;

/// A service that runs.
pub(crate) struct Part {
    name: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Part {
    /// Starts a service and waits until it is up.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn start<R, F, E>(name: &str, start: impl FnOnce() -> F + Send + 'static) -> Self
    where
        R: Running,
        F: Future<Output = Result<R, E>>,
        E: Display,
    {
        let (stop, stopped) = oneshot::channel();
        let (up, is_up) = std::sync::mpsc::channel();
        let own = name.to_owned();
        let body = move || {
            let served = in_system(async {
                let running = match start().await {
                    Ok(running) => running,
                    Err(error) => return up.send(Err(error.to_string())).unwrap(),
                };
                running.roster().watch(running.shutdown());
                let shutdown = running.shutdown().clone();
                up.send(Ok(())).unwrap();
                tokio::select! {
                    _ = stopped => running.drain().await,
                    () = shutdown.raised() => panic!("{own} has died: {:?}", running.roster().dead()),
                }
            });
            served.unwrap();
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body).unwrap();
        let part = Self { name: name.to_owned(), stop: Some(stop), thread: Some(thread) };
        match is_up.recv() {
            Ok(Ok(())) => part,
            Ok(Err(error)) => panic!("{name} does not start: {error}"),
            Err(_) => panic!("{name} died at its start"),
        }
    }

    /// Stops the service and waits until it has let go of everything.
    ///
    /// # Panics
    /// If it had died before.
    pub(crate) fn stop(mut self) {
        assert!(self.end(), "{} has died", self.name);
    }

    /// Whether the service ended in good order.
    fn end(&mut self) -> bool {
        drop(self.stop.take());
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let ended = self.end();
        assert!(ended || std::thread::panicking(), "{} has died", self.name);
    }
}
