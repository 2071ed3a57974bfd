//! What the clc sees of this node: one report that is kept up to date, and waited for.

use std::time::Duration;

use common::error::ApiError;
use common::id::InstanceId;
use common::wire::bundling::BundleView;
use common::wire::node::{InstanceView, MachineState, NodeReport, Report};
use runtime::shutdown::Shutdown;
use tokio::sync::watch;

/// The longest that a caller may wait.
const LONGEST: Duration = Duration::from_secs(60);

/// The report. Clones are the same.
#[derive(Debug, Clone)]
pub struct Board {
    report: watch::Sender<NodeReport>,
    shutdown: Shutdown,
}

impl Board {
    /// A board that shows this report; its revision counts up from there.
    pub fn new(report: NodeReport, shutdown: Shutdown) -> Self {
        Self { report: watch::Sender::new(report), shutdown }
    }

    /// Shows what became of an instance.
    pub fn show(&self, view: InstanceView) {
        self.report.send_if_modified(|report| {
            let place = report.instances.binary_search_by(|v| v.instance.cmp(&view.instance));
            match place {
                Ok(at) if report.instances[at] == view => return false,
                Ok(at) => report.instances[at] = view,
                Err(at) => report.instances.insert(at, view),
            }
            report.revision += 1;
            true
        });
    }

    /// Shows an instance no more.
    pub fn forget(&self, instance: &InstanceId) {
        self.report.send_if_modified(|report| {
            let before = report.instances.len();
            report.instances.retain(|view| view.instance != *instance);
            let fewer = report.instances.len() < before;
            report.revision += u64::from(fewer);
            fewer
        });
    }

    /// Shows how the bundle tasks stand.
    pub fn show_bundles(&self, views: Vec<BundleView>) {
        self.report.send_if_modified(|report| {
            let news = report.bundles != views;
            report.bundles = views;
            report.revision += u64::from(news);
            news
        });
    }

    /// The report as it stands.
    pub fn now(&self) -> NodeReport {
        self.report.borrow().clone()
    }

    /// How many instances are in a state.
    pub fn count(&self, state: MachineState) -> u64 {
        let report = self.report.borrow();
        let many = report.instances.iter().filter(|view| view.state == state).count();
        u64::try_from(many).unwrap_or(u64::MAX)
    }

    /// How many instances are being bundled, or wait for it.
    pub fn bundling(&self) -> u64 {
        let report = self.report.borrow();
        let many = report.bundles.iter().filter(|view| !view.state.is_over()).count();
        u64::try_from(many).unwrap_or(u64::MAX)
    }

    /// The report as soon as it is news to the caller, when the caller has waited enough, or when
    /// the agent stops.
    ///
    /// # Errors
    /// None; the shape is that of a message's answer.
    pub async fn answer(&self, ask: Report) -> Result<NodeReport, ApiError> {
        let mut report = self.report.subscribe();
        let news = report.wait_for(|now| now.session != ask.session || now.revision > ask.since);
        let longest = Duration::from_millis(ask.wait_ms).min(LONGEST);
        tokio::select! {
            _ = news => {}
            () = tokio::time::sleep(longest) => {}
            () = self.shutdown.raised() => {}
        }
        Ok(self.now())
    }
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;
    use common::wire::node::{Capacity, Software, Subnet};
    use common::wire::role::RoleView;

    use super::*;

    fn board() -> Board {
        let report = NodeReport {
            name: "node-1".to_owned(),
            session: "s".to_owned(),
            revision: 1,
            hypervisor: "sim".to_owned(),
            capacity: Capacity { cpus: 1, memory_mib: 1, disk_mib: 1 },
            subnet: Subnet { network: [10, 0, 0, 0].into(), prefix: 24 },
            instances: vec![],
            bundles: vec![],
            software: Software::default(),
        };
        Board::new(report, Shutdown::default())
    }

    fn view(number: u8, state: MachineState) -> InstanceView {
        InstanceView {
            instance: format!("i-0000000{number}").parse().unwrap(),
            generation: 1,
            state,
            reason: None,
            since: Timestamp::from_millis(0),
            ran: false,
            broke: false,
            options: 0,
            role: RoleView::default(),
        }
    }

    fn ask(session: &str, since: u64, wait_ms: u64) -> Report {
        Report { session: session.to_owned(), since, wait_ms }
    }

    #[test]
    fn revisions_count_changes_and_nothing_else() {
        let board = board();
        board.show(view(2, MachineState::Preparing));
        board.show(view(1, MachineState::Running));
        board.show(view(1, MachineState::Running));
        board.show(view(2, MachineState::Running));
        let now = board.now();
        assert_eq!(now.revision, 4);
        assert_eq!(now.instances, [view(1, MachineState::Running), view(2, MachineState::Running)]);
        assert_eq!(board.count(MachineState::Running), 2);
        board.forget(&view(1, MachineState::Running).instance);
        board.forget(&view(1, MachineState::Running).instance);
        assert_eq!((board.now().revision, board.now().instances.len()), (5, 1));
    }

    #[tokio::test]
    async fn whoever_knows_all_waits_for_news() {
        let board = board();
        for (session, since, wait) in [("", 0, 60_000), ("s", 0, 60_000), ("other", 99, 60_000)] {
            assert_eq!(board.answer(ask(session, since, wait)).await.unwrap().revision, 1);
        }
        assert_eq!(board.answer(ask("s", 1, 10)).await.unwrap().revision, 1);
        let (answered, ()) = tokio::join!(board.answer(ask("s", 1, 60_000)), async {
            board.show(view(1, MachineState::Running));
        });
        assert_eq!(answered.unwrap().revision, 2);
    }

    #[tokio::test]
    async fn nobody_holds_up_a_stop() {
        let board = board();
        board.shutdown.raise();
        assert_eq!(board.answer(ask("s", 1, 60_000)).await.unwrap().revision, 1);
    }
}
