//! Asking one node for its report, for ever.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use common::wire::node::{NodeReport, Report};
use runtime::clock::Clock;
use runtime::pool;
use runtime::reconcile::Waker;
use runtime::shutdown::Shutdown;

use super::Member;
use crate::schedule::scheduler::{Saw, Scheduler};

/// How long a question waits on the node for news. Well below the time after which a silent node
/// counts as unreachable.
const WAIT: Duration = Duration::from_secs(8);

/// How soon a node that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a poller tells its news to.
#[derive(Clone)]
pub struct Poller {
    /// Keeps the book of capacity.
    pub scheduler: Addr<Scheduler>,
    /// Of those who look after the node's instances and bundle tasks.
    pub wakers: [Waker; 2],
    /// Tells the time.
    pub clock: Clock,
    /// Ends the asking.
    pub shutdown: Shutdown,
}

/// Asks a node until the shutdown.
pub fn poll(member: Arc<Member>, poller: Poller) {
    pool::spawn(async move {
        let shutdown = poller.shutdown.clone();
        let (mut session, mut since) = (String::new(), 0);
        while !shutdown.is_raised() {
            let ask = Report {
                session: session.clone(),
                since,
                wait_ms: u64::try_from(WAIT.as_millis()).unwrap_or(u64::MAX),
            };
            let began = poller.clock.now();
            let answer = tokio::select! {
                answer = member.peer.call_patiently(ask, WAIT) => answer,
                () = shutdown.raised() => return,
            };
            let named = answer.map_err(|error| error.to_string()).and_then(|r| check(&member, r));
            let idle = match named {
                Ok(report) => {
                    let stale = report.session == session && report.revision <= since;
                    (session, since) = (report.session.clone(), report.revision);
                    poller.keep(&member, report).await;
                    // A node that answers at once without news would be asked without end.
                    stale && poller.clock.now().since(began) < PAUSE
                }
                Err(problem) => {
                    poller.miss(&member, problem);
                    (session, since) = (String::new(), 0);
                    true
                }
            };
            if idle {
                let pause = tokio::time::sleep(PAUSE);
                tokio::select! { () = pause => {}, () = shutdown.raised() => return }
            }
        }
    });
}

/// A node that calls itself otherwise is another one: two lines of the configuration are crossed.
fn check(member: &Member, report: NodeReport) -> Result<NodeReport, String> {
    if report.name == member.name {
        return Ok(report);
    }
    Err(format!("the node configured as '{}' calls itself '{}'", member.name, report.name))
}

impl Poller {
    async fn keep(&self, member: &Member, report: NodeReport) {
        let saw =
            Saw { node: member.name.clone(), capacity: report.capacity, subnet: report.subnet };
        // A scheduler that is gone ends the process.
        let _ = self.scheduler.send(saw).await;
        let first = member.sighting().answered.is_none();
        let returned = member.sighting().problem.is_some();
        let hypervisor = report.hypervisor.clone();
        if member.keep(report, self.clock.now()) {
            self.wakers.iter().for_each(Waker::wake);
        }
        if first || returned {
            tracing::info!(node = member.name, hypervisor, "the node answers");
        }
    }

    fn miss(&self, member: &Member, problem: String) {
        if member.miss(problem.clone()) {
            tracing::warn!(node = member.name, problem, "the node does not answer");
            self.wakers.iter().for_each(Waker::wake);
        }
    }
}
