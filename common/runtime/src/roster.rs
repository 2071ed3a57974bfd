//! Every actor and reconciler of a process by name: are they alive, and what do they say.
//!
//! A member that dies, an actor or the store, ends the process: restart belongs to systemd or
//! compose, truth is on disk, and the way up after a crash is the way up every morning. The roster
//! asks each for a pulse; one that is gone raises the shutdown with a message, and `/healthz` says
//! so meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::Actor;
use serde::Serialize;

use crate::http::Response;
use crate::pool;
use crate::shutdown::Shutdown;

const PULSE: Duration = Duration::from_secs(1);

type Alive = Box<dyn Fn() -> bool + Send + Sync>;
type Says = Box<dyn Fn() -> serde_json::Value + Send + Sync>;

#[derive(Default)]
struct Members {
    alive: BTreeMap<String, Alive>,
    says: BTreeMap<String, Says>,
    dead: Option<String>,
}

/// The members of a process. Clones are the same roster.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<Members>>);

impl Roster {
    fn members(&self) -> std::sync::MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches an actor.
    pub fn enrol<A: Actor>(&self, name: impl Into<String>, actor: actix::Addr<A>) {
        self.members().alive.insert(name.into(), Box::new(move || actor.connected()));
    }

    /// Watches something else that a process cannot go on without, by asking whether it lives.
    pub fn heed(&self, name: impl Into<String>, lives: impl Fn() -> bool + Send + Sync + 'static) {
        self.members().alive.insert(name.into(), Box::new(lives));
    }

    /// Forgets a member that has ended as it should.
    pub fn dismiss(&self, name: &str) {
        self.members().alive.remove(name);
    }

    /// Shows what something says of itself under `/debug`.
    pub fn show<T: Serialize>(
        &self,
        name: impl Into<String>,
        say: impl Fn() -> T + Send + Sync + 'static,
    ) {
        let says = move || serde_json::to_value(say()).unwrap_or_default();
        self.members().says.insert(name.into(), Box::new(says));
    }

    /// Looks at every member each second until the shutdown; a dead one raises it.
    pub fn watch(&self, shutdown: &Shutdown) {
        let (roster, shutdown) = (self.clone(), shutdown.clone());
        pool::spawn(async move {
            while !shutdown.is_raised() {
                if let Some(name) = roster.first_dead() {
                    tracing::error!(member = name, "a member is dead: ending the process");
                    roster.members().dead = Some(name);
                    shutdown.raise();
                    return;
                }
                let pause = tokio::time::sleep(PULSE);
                tokio::select! { () = pause => {}, () = shutdown.raised() => {} }
            }
        });
    }

    fn first_dead(&self) -> Option<String> {
        let members = self.members();
        members.alive.iter().find(|(_, alive)| !alive()).map(|(name, _)| name.clone())
    }

    /// The member whose death ends the process, if one died.
    pub fn dead(&self) -> Option<String> {
        self.members().dead.clone()
    }

    /// What `/healthz` answers.
    pub fn health(&self) -> Response {
        match self.first_dead() {
            None => Response::text(200, "text/plain", "ok\n"),
            Some(name) => Response::text(503, "text/plain", format!("{name}: dead\n")),
        }
    }

    /// What `/debug` answers: JSON.
    pub fn debug(&self) -> String {
        let members = self.members();
        let says: BTreeMap<_, _> = members.says.iter().map(|(name, say)| (name, say())).collect();
        let actors: Vec<_> = members.alive.keys().collect();
        serde_json::json!({ "actors": actors, "members": says }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_has_died_is_told_and_raises_the_shutdown() {
        let (roster, shutdown) = (Roster::default(), Shutdown::default());
        let lives = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&lives);
        roster.heed("store", move || asked.load(Ordering::SeqCst));
        assert_eq!(roster.health().status, 200);
        lives.store(false, Ordering::SeqCst);
        assert_eq!(roster.health().status, 503);
        roster.watch(&shutdown);
        shutdown.raised().await;
        assert_eq!(roster.dead().as_deref(), Some("store"));
        roster.dismiss("store");
        assert_eq!(roster.health().status, 200);
    }
}
