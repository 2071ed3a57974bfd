//! The hosts that run instances: who they are, and what each last said.
//!
//! Each configured node is asked for its report again and again; the question waits on the node
//! until it has news, so news arrive at once and no arrow points upward. What was last seen is
//! read from a watch, by whoever wants to. Nothing here decides anything about instances.

mod poller;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::error::ApiError;
use common::id::{BundleTaskId, InstanceId};
use common::time::Timestamp;
use common::wire::bundling::BundleView;
use common::wire::node::{InstanceView, Node, NodeReport, Report};
use runtime::peer::Peer;
use tokio::sync::watch;

pub use poller::{Poller, poll};

use crate::schedule::ledger::LATELY;

/// What is known of a node.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    /// Its last report.
    pub report: Option<Arc<NodeReport>>,
    /// When it last answered.
    pub answered: Option<Timestamp>,
    /// Why the last question got no answer.
    pub problem: Option<String>,
}

impl Sighting {
    /// Whether it answered lately.
    pub fn is_reachable(&self, now: Timestamp) -> bool {
        self.answered.is_some_and(|at| now.since(at) <= LATELY)
    }

    /// What it last said of an instance.
    pub fn of(&self, instance: &InstanceId) -> Option<&InstanceView> {
        self.report.as_ref()?.instances.iter().find(|view| view.instance == *instance)
    }

    /// What it last said of a bundle task.
    pub fn of_task(&self, task: &BundleTaskId) -> Option<&BundleView> {
        self.report.as_ref()?.bundles.iter().find(|view| view.task == *task)
    }
}

/// A configured node.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: String,
    /// The node itself.
    pub peer: Peer<Node>,
    /// Where it answers; empty if it is in this process.
    pub url: String,
    seen: watch::Sender<Sighting>,
}

impl Member {
    /// A node that has not been seen yet.
    pub fn new(name: String, zone: String, peer: Peer<Node>) -> Self {
        let (url, seen) = (String::new(), watch::Sender::new(Sighting::default()));
        Self { name, zone, peer, url, seen }
    }

    /// The same, and where it answers.
    #[must_use]
    pub fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    /// What was last seen of it.
    pub fn sighting(&self) -> Sighting {
        self.seen.borrow().clone()
    }

    /// Asks it for its state right now, and keeps that.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn look(&self, now: Timestamp) -> Result<Sighting, ApiError> {
        let ask = Report { session: String::new(), since: 0, wait_ms: 0 };
        let report = self.peer.call(ask).await?;
        self.keep(report, now);
        Ok(self.sighting())
    }

    /// Waits until it has answered once, or could not be reached.
    pub async fn met(&self) {
        let mut seen = self.seen.subscribe();
        // The sender lives as long as `self`, so this ends only when the condition holds.
        drop(seen.wait_for(|s| s.answered.is_some() || s.problem.is_some()).await);
    }

    /// Keeps a report, unless a newer one came first. Says whether it brought news.
    fn keep(&self, report: NodeReport, now: Timestamp) -> bool {
        let mut news = false;
        self.seen.send_modify(|seen| {
            seen.answered = Some(now);
            news = seen.problem.take().is_some();
            let newer = seen.report.as_ref().is_none_or(|known| {
                known.session != report.session || known.revision < report.revision
            });
            if newer {
                seen.report = Some(Arc::new(report));
                news = true;
            }
        });
        news
    }

    fn miss(&self, problem: String) -> bool {
        let mut first = false;
        self.seen.send_modify(|seen| {
            first = seen.problem.is_none();
            seen.problem = Some(problem);
        });
        first
    }
}

/// All configured nodes, by name.
#[derive(Clone)]
pub struct Cluster(Arc<BTreeMap<String, Arc<Member>>>);

impl Cluster {
    /// A cluster of these nodes.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        let named = |member: Member| (member.name.clone(), Arc::new(member));
        Self(Arc::new(members.into_iter().map(named).collect()))
    }

    /// A node, if it is configured.
    pub fn member(&self, name: &str) -> Option<&Arc<Member>> {
        self.0.get(name)
    }

    /// All of them.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.0.values()
    }

    /// Waits, but not long, until each node has been met, so that the first launch after a start
    /// finds them.
    pub async fn meet(&self, at_most: Duration) {
        let all = futures_util::future::join_all(self.members().map(|member| member.met()));
        // Those that do not answer in time are met later.
        drop(tokio::time::timeout(at_most, all).await);
    }
}
